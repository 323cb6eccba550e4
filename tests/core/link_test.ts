import { assertEquals } from "@std/assert";
import { Link, Ring, root, Scope, Task } from "../../core/mod.ts";

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

Deno.test("Ring counts its members, and lets any of them leave while they are looked at", () => {
  const ring = new Ring<Named>();
  const links = ["a", "b", "c", "d"].map((name) => new Named(name));
  for (const link of links) ring.add(link);
  ring.delete(links[1]!);
  ring.delete(links[1]!); // it stands in none any more
  assertEquals([ring.size, [...ring].map(({ name }) => name)], [3, ["a", "c", "d"]]);
  const seen: string[] = [];
  for (const link of ring) {
    seen.push(link.name);
    for (const other of links) ring.delete(other);
  }
  assertEquals([seen, ring.size, [...ring]], [["a", "c", "d"], 0, []]);
});

Deno.test("watch() keeps the order of those who are left, whoever takes himself back", () => {
  for (const gone of [0, 1, 2]) {
    const task = new Task("watched", root.id, new Scope());
    const called: number[] = [];
    const watchings = [0, 1, 2].map((at) => task.watch(() => called.push(at)));
    task.unwatch(watchings[gone]!);
    task.unwatch(watchings[gone]!);
    watchings.push(task.watch(() => called.push(3)));
    task.settle([null, null]);
    assertEquals(called, [0, 1, 2, 3].filter((at) => at !== gone));
  }
});
