import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FakeClock, kill, list, newthread, queue, sleep, wait } from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

Deno.test("Queue.get() gives what was put, in order, null and undefined too", async () => {
  const values = queue<unknown>();
  for (const value of [1, null, undefined, [2, null]]) {
    assertEquals(await values.put(value), [true, null]);
  }
  assertEquals([values.n, values.empty()], [4, false]);
  for (const value of [1, null, undefined, [2, null]]) {
    assertEquals(await values.get(), [value, null]);
  }
  assertEquals([values.n, values.empty()], [0, true]);
});

Deno.test("Queue.get() waits in line: who asked first is served first", async () => {
  const values = queue<number>();
  const threads = Array.from({ length: 3 }, () => newthread(() => values.get()));
  assertEquals([values.n, values.empty()], [-3, true]);
  for (const value of [1, 2, 3, 4]) await values.put(value);
  assertEquals(await wait(threads), [[1, null], [2, null], [3, null]]);
  assertEquals(values.try_get(), [4, null]);
  assertEquals(values.try_get()[1]?.code, "idle");
});

Deno.test("Queue.put() waits while the queue is full, in line, and is let in by get()", async () => {
  const values = queue<number>({ limit: 2, name: "few" });
  const events: string[] = [];
  for (let value = 1; value <= 4; value++) {
    newthread(async () => {
      await values.put(value);
      events.push(`put ${value}`);
    });
  }
  await turn();
  assertEquals(events, ["put 1", "put 2"]);
  assertEquals([values.n, values.waiting, values.limit], [2, 2, 2]);
  assert(list().some(({ state }) => state.startsWith("put into queue 'few', ")));
  assertEquals(values.try_put(5)[1]?.code, "exhausted");
  assertEquals(await values.get(), [1, null]);
  await turn();
  assertEquals(events, ["put 1", "put 2", "put 3"]);
  // There is room, but one who waits was first.
  assertEquals([values.n, values.waiting], [2, 1]);
  for (const value of [2, 3, 4]) assertEquals(values.try_get(), [value, null]);
  assertEquals(values.try_put(5), [true, null]);
});

Deno.test("Queue.get() and put() end by timeout and signal, and change nothing then", async () => {
  using clock = new FakeClock();
  const values = queue<number>({ limit: 1 });
  const getting = values.get({ timeout: 20 });
  await clock.tick(20);
  const [, late] = await getting;
  assertEquals([late?.code, late?.message], [
    "timeout",
    "Cannot get from a queue: not within 20 ms",
  ]);
  assertEquals(values.n, 0);
  await values.put(1);
  const putting = values.put(2, { timeout: 20 });
  await clock.tick(20);
  assertEquals((await putting)[1]?.code, "timeout");
  const abort = new AbortController();
  const aborted = values.put(3, { signal: abort.signal });
  abort.abort("enough");
  assertEquals((await aborted)[1]?.cause, "enough");
  assertEquals((await values.get({ signal: abort.signal }))[1]?.code, "cancelled");
  assertEquals((await values.put(4, { signal: abort.signal }))[1]?.code, "cancelled");
  assertEquals([values.n, values.waiting, values.try_get()], [1, 0, [1, null]]);
  assertEquals(values.empty(), true);
});

Deno.test("Queue.get() hands a value on when its thread is killed before it runs", async () => {
  const values = queue<number>();
  const [first, second, third] = [1, 2, 3].map(() => newthread(() => values.get()));
  values.put(10);
  values.put(20);
  kill(first!);
  assertEquals(await wait(second!), [20, null]);
  assertEquals(await wait(third!), [10, null]);
});

Deno.test("Queue.get() puts values back in their order when the killed were the last in line", () => {
  const values = queue<number>();
  const threads = [1, 2, 3].map(() => newthread(() => values.get()));
  for (const value of [1, 2, 3, 4]) values.put(value);
  assertEquals(values.n, 1);
  for (const index of [1, 0, 2]) kill(threads[index]!);
  assertEquals(values.n, 4);
  assertEquals([1, 2, 3, 4].map(() => values.try_get()[0]), [1, 2, 3, 4]);
});

Deno.test("Queue.get() gives a value back when a signal aborts between the handover and the run", async () => {
  const values = queue<number>();
  const abort = new AbortController();
  const getting = values.get({ signal: abort.signal });
  values.put(1);
  abort.abort();
  assertEquals((await getting)[1]?.code, "cancelled");
  assertEquals(values.try_get(), [1, null]);
});

Deno.test("Queue.put() of a killed thread puts nothing, and those behind it move up", async () => {
  const values = queue<number>({ limit: 1 });
  await values.put(0);
  const threads = [1, 2].map((value) => newthread(() => values.put(value)));
  kill(threads[0]!);
  assertEquals(values.waiting, 1);
  assertEquals([await values.get(), await values.get()], [[0, null], [2, null]]);
  assertEquals(values.empty(), true);
});

Deno.test("Queue's calls throw in a killed thread, whether they had to wait or not", async () => {
  const values = queue<number>({ limit: 2 });
  await values.put(1);
  const caught: string[] = [];
  const thread = newthread(async () => {
    try {
      await sleep(60_000);
    } finally {
      for (const call of [() => values.get(), () => values.put(2)]) {
        await call().catch((error) => caught.push(error.name));
      }
      // This never waits, so that a killed thread can still hand over what it has.
      values.try_put(3);
    }
  });
  kill(thread);
  while (thread.state !== "ended") await turn();
  assertEquals(caught, ["ThreadKilled", "ThreadKilled"]);
  assertEquals([values.try_get(), values.try_get()], [[1, null], [3, null]]);
});

Deno.test("Queue.signal() wakes all that wait, with a value that is stored nowhere", async () => {
  const values = queue<string>();
  assertEquals(values.signal("nobody"), 0);
  const threads = [1, 2].map(() => newthread(() => values.get()));
  assertEquals(values.signal("all"), 2);
  assertEquals(await wait(threads), [["all", null], ["all", null]]);
  assertEquals(values.n, 0);
});

Deno.test("Queue.reset() empties it, gives what was there, and wakes who waits", async () => {
  const values = queue<number>({ limit: 2 });
  const getting = values.get();
  assertEquals(values.reset(), []);
  assertEquals((await getting)[1]?.code, "reset");
  for (const value of [1, 2]) await values.put(value);
  const putting = values.put(3);
  assertEquals(values.reset(), [1, 2]);
  assertEquals((await putting)[1]?.code, "reset");
  assertEquals([values.n, values.waiting], [0, 0]);
  await values.put(4);
  assertEquals(await values.get(), [4, null]);
});

Deno.test("Queue.consume() throws what get() gives as an error, and takes nothing after a break", async () => {
  const values = queue<number>();
  for (const value of [1, 2, 3]) await values.put(value);
  for await (const value of values) if (value === 2) break;
  assertEquals(values.n, 1);
  const seen: number[] = [];
  await assertRejects(
    async () => {
      for await (const value of values.consume({ timeout: 1 })) seen.push(value);
    },
    Error,
    "Cannot get from a queue: not within 1 ms",
  );
  assertEquals(seen, [3]);
});

Deno.test("Queue keeps order over many values, however far it is ahead", async () => {
  const values = queue<number>();
  let put = 0;
  let got = 0;
  for (const ahead of [5_000, 10, 3_000, 0]) {
    while (put < got + ahead) await values.put(put++);
    while (got < put) assertEquals(values.try_get(), [got++, null]);
  }
  assertEquals(got, put);
});

Deno.test("two threads that only talk to each other starve no timer", async () => {
  const [there, back] = [queue<number>(), queue<number>()];
  const echo = newthread(async () => {
    for await (const value of there) await back.put(value);
  });
  let fired = false;
  setTimeout(() => fired = true, 5);
  for (let rounds = 0; !fired; rounds++) {
    await there.put(rounds);
    await back.get();
    if (rounds > 5_000_000) throw new Error("the timer never came");
  }
  kill(echo);
});

Deno.test("a thread that puts and gets by itself starves no timer", async () => {
  const values = queue<number>({ limit: 1 });
  let fired = false;
  setTimeout(() => fired = true, 5);
  for (let rounds = 0; !fired; rounds++) {
    await values.put(rounds);
    assertEquals((await values.get())[0], rounds);
    if (rounds > 5_000_000) throw new Error("the timer never came");
  }
});

const misuses: [what: string, fn: () => unknown, error: ErrorConstructor, words: string][] = [
  ["a limit of 0", () => queue({ limit: 0 }), RangeError, "limit must be a whole number from 1 on"],
  ["a limit of 1.5", () => queue({ limit: 1.5 }), RangeError, "got 1.5"],
  ["a limit of text", () => queue({ limit: "2" as unknown as number }), TypeError, "got string"],
  ["a timeout of -1", () => queue().get({ timeout: -1 }), RangeError, "timeout must be 0"],
  ["a timeout of NaN", () => queue().put(1, { timeout: NaN }), RangeError, "timeout must be 0"],
];
for (const [what, fn, error, words] of misuses) {
  Deno.test(`Queue refuses ${what}`, () => {
    assertThrows(fn, error, words);
  });
}

Deno.test("a queue that many wait in serves them in time that grows with their number only", async () => {
  const values = queue<number>();
  const COUNT = 100_000;
  let sum = 0;
  const threads = Array.from({ length: COUNT }, (_, index) =>
    newthread(async () => {
      const [value] = await values.get();
      assertEquals(value, index);
      sum += 1;
    }));
  for (let value = 0; value < COUNT; value++) await values.put(value);
  await wait(threads);
  assertEquals(sum, COUNT);
});
