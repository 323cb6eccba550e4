import { assertEquals } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import { BufferedStream, type Channel, pair } from "../../stream/mod.ts";

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

Deno.test("what is heard in the turn in which a receive came tells of no time", async () => {
  const reads: PromiseWithResolvers<number>[] = [];
  const channels: Channel[] = [];
  class Watched extends BufferedStream {
    protected override adopt(channel: Channel): void {
      channels.push(channel);
      super.adopt(channel);
    }
  }
  await using sock = new Watched({
    read: () => (reads[reads.length] = Promise.withResolvers<number>()).promise,
    write: (bytes) => Promise.resolve(bytes.length),
    end: () => Promise.resolve(),
    close: () => reads.at(-1)!.resolve(0),
    keeps_alive: false,
  });
  assertEquals((await sock.receive(1, { timeout: 1 }))[1]?.code, "timeout");
  // The read is still under way; a receive meets its answer before its own turn is over.
  reads[0]!.resolve(1);
  assertEquals((await sock.receive(1))[1], null);
  assertEquals(channels[0]!.incoming.heardSince, -Infinity);
});
