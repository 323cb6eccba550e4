import { assertEquals } from "@std/assert";
import { Link, root, Scope, Task } from "../../core/mod.ts";

class Named extends Link {
  constructor(readonly name: string) {
    super();
  }
}

/** The names in a ring, from the first to the last. */
function namesOf(head: Link): string[] {
  const names: string[] = [];
  for (let link = head.after; link !== head; link = link.after) names.push((link as Named).name);
  return names;
}

Deno.test("a ring keeps the order of who comes, whoever leaves in between", () => {
  const head = new Link();
  const links = ["a", "b", "c", "d"].map((name) => new Named(name));
  for (const link of links) head.append(link);
  assertEquals(namesOf(head), ["a", "b", "c", "d"]);
  links[1]!.unlink();
  links[1]!.unlink(); // it stands in none any more
  assertEquals(namesOf(head), ["a", "c", "d"]);
  head.append(links[1]!);
  for (const link of [links[0]!, links[3]!]) link.unlink();
  assertEquals(namesOf(head), ["c", "b"]);
});

Deno.test("onOutcome() calls whoever is left, in order, and nobody who is taken back meanwhile", () => {
  const task = new Task("watched", root.id, new Scope());
  const called: string[] = [];
  const forgets = ["a", "b", "c", "d"].map((name) =>
    task.onOutcome(() => {
      called.push(name);
      // As wait_any does: the first takes back one that has not been called.
      if (name === "a") forgets[2]!();
    })
  );
  forgets[1]!();
  task.settle([null, null]);
  assertEquals(called, ["a", "d"]);
});
