import { assert, assertEquals } from "@std/assert";
import { atTurnOver, current, root, runIn, Scope, Task } from "../../core/mod.ts";

Deno.test("atTurnOver() tells all of a turn the same time, in order, in nobody's thread", async () => {
  const told: [name: string, time: number][] = [];
  const tasks: Task[] = [];
  const late = (name: string) => ({
    turnOver(time: number) {
      told.push([name, time]);
      tasks.push(current());
    },
  });
  runIn(new Task("one that may be killed", root.id, new Scope()), () => {
    atTurnOver(late("first"));
    atTurnOver(late("second"));
  }, []);
  assertEquals(told, []);
  await null;
  assertEquals(told.map(([name]) => name), ["first", "second"]);
  assertEquals(told[0]![1], told[1]![1]);
  assert(tasks.every((task) => task === root));
});

Deno.test("atTurnOver() goes on with the others where one throws", async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const told: string[] = [];
  const hear = (event: ErrorEvent) => {
    event.preventDefault();
    resolve(event.error);
  };
  globalThis.addEventListener("error", hear);
  const fault = new Error("a source that throws");
  atTurnOver({
    turnOver() {
      throw fault;
    },
  });
  atTurnOver({ turnOver: () => void told.push("behind it") });
  assertEquals(await promise, fault);
  await null;
  assertEquals(told, ["behind it"]);
  globalThis.removeEventListener("error", hear);
});
