import { assertEquals } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import { pair } from "../../stream/mod.ts";

/** Counts the calls of a method while `fn` runs. */
async function calls<K extends string>(
  owner: Record<K, (...args: never[]) => unknown>,
  name: K,
  fn: () => Promise<void>,
): Promise<number> {
  const method = owner[name];
  let count = 0;
  owner[name] = function (this: unknown, ...args: never[]): unknown {
    count++;
    return method.apply(this, args);
  };
  try {
    await fn();
  } finally {
    owner[name] = method;
  }
  return count;
}

Deno.test("receive() that is met from the buffer asks for no thread and sets no timer", async () => {
  const [a, b] = pair();
  await a.send("a line\n".repeat(1_000));
  await b.peek(7_000);
  const met = async () => {
    for (let n = 0; n < 300; n++) {
      assertEquals(await b.receive("*l"), ["a line", null]);
      assertEquals((await b.receive(7))[0]?.length, 7);
    }
    for await (const line of b.lines({ max: 100 })) {
      if (line !== "a line" || b.pending === 0) break;
    }
  };
  const store = AsyncLocalStorage.prototype as unknown as Record<"getStore", () => unknown>;
  const timers = globalThis as unknown as Record<"setTimeout", () => unknown>;
  let armed = 0;
  const asked = await calls(store, "getStore", async () => {
    armed = await calls(timers, "setTimeout", met);
  });
  assertEquals([asked, armed], [0, 0]);
  assertEquals(b.pending, 0);
  // The count itself: a receive that waits asks once.
  const waited = await calls(store, "getStore", async () => {
    const waiting = b.receive();
    await a.send("late\n");
    assertEquals(await waiting, ["late", null]);
  });
  assertEquals(waited > 0, true);
  await Promise.all([a.close(), b.close()]);
});
