import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  event,
  FakeClock,
  kill,
  list,
  lock,
  newthread,
  semaphore,
  sleep,
  unwrap,
  wait,
} from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

Deno.test("Semaphore.acquire() lets so many pass, the others in line", async () => {
  using clock = new FakeClock();
  const two = semaphore(2, { name: "two" });
  const order: number[] = [];
  const threads = [1, 2, 3, 4, 5].map((n) =>
    newthread(async () => {
      using _permit = await unwrap(two.acquire());
      order.push(n);
      await sleep(10);
    })
  );
  await clock.tick(0);
  assertEquals([order, two.count], [[1, 2], -3]);
  assertEquals(list().filter(({ state }) => state.startsWith("acquire semaphore 'two'")).length, 3);
  await clock.tick(10);
  assertEquals(order, [1, 2, 3, 4]);
  await clock.tick(20);
  assertEquals(await wait(threads), threads.map(() => [undefined, null]));
  assertEquals([order, two.count], [[1, 2, 3, 4, 5], 2]);
});

Deno.test("Permit.release() gives one permit back, however often it is called", async () => {
  const one = semaphore(1);
  const permit = await unwrap(one.acquire());
  assertEquals(one.try_acquire()[1]?.code, "busy");
  for (let n = 0; n < 3; n++) permit.release();
  assertEquals(one.count, 1);
});

Deno.test("Semaphore.post() adds permits, to those in line first", async () => {
  const jobs = semaphore(0);
  const threads = [1, 2].map(() => newthread(async () => (await jobs.acquire())[1]));
  assertEquals(jobs.count, -2);
  jobs.post(3);
  assertEquals(jobs.count, 1);
  assertEquals(await wait(threads), [[null, null], [null, null]]);
});

Deno.test("Semaphore.acquire() gives up by timeout, signal or kill, and holds nothing", async () => {
  using clock = new FakeClock();
  const one = semaphore(1);
  const permit = await unwrap(one.acquire());
  const late = one.acquire({ timeout: 5 });
  await clock.tick(5);
  assertEquals((await late)[1]?.code, "timeout");
  const abort = new AbortController();
  const aborted = one.acquire({ signal: abort.signal });
  abort.abort();
  assertEquals((await aborted)[1]?.code, "cancelled");
  assertEquals((await one.acquire({ signal: abort.signal }))[1]?.code, "cancelled");
  const thread = newthread(() => one.acquire());
  assertEquals(one.count, -1);
  kill(thread);
  assertEquals(one.count, 0);
  permit.release();
  assertEquals(one.count, 1);
});

Deno.test("a permit that was handed to a killed thread goes to the next, at once", async () => {
  const one = semaphore(1);
  const permit = await unwrap(one.acquire());
  const [first, second, third] = [1, 2, 3].map(() => newthread(() => one.acquire()));
  permit.release();
  kill(first!);
  kill(second!);
  const [next] = await wait(third!);
  assertEquals(one.count, 0);
  const last = newthread(() => one.acquire());
  next!.release();
  kill(last);
  // Nobody is left, so that it is free without a turn in between.
  assertEquals(one.try_acquire()[1], null);
});

Deno.test("Semaphore.acquire() overtakes nobody whose permit is on its way", async () => {
  const two = semaphore(2);
  const permits = [await unwrap(two.acquire()), await unwrap(two.acquire())];
  const order: string[] = [];
  const ask = (name: string) =>
    newthread(async () => {
      await two.acquire();
      order.push(name);
    });
  const first = ask("first");
  for (const permit of permits) permit.release();
  assertEquals(two.count, 1);
  await wait([first, ask("second")]);
  assertEquals(order, ["first", "second"]);
});

Deno.test("a thread that is killed while it holds a permit gives it back", async () => {
  const one = semaphore(1);
  const thread = newthread(async () => {
    using _permit = await unwrap(one.acquire());
    await sleep(60_000);
  });
  await turn();
  assertEquals(one.count, 0);
  kill(thread);
  while (thread.state !== "ended") await turn();
  assertEquals(one.count, 1);
});

Deno.test("Semaphore starves no timer when its permit is always free", async () => {
  const one = semaphore(1);
  let fired = false;
  setTimeout(() => fired = true, 5);
  for (let rounds = 0; !fired; rounds++) {
    (await unwrap(one.acquire())).release();
    if (rounds > 5_000_000) throw new Error("the timer never came");
  }
  assertEquals(one.count, 1);
});

Deno.test("Lock.acquire() lets one thread at a time pass, and try_acquire() says busy", async () => {
  const turns = lock({ name: "device" });
  const held = await unwrap(turns.acquire());
  const waiting = newthread(() => turns.acquire());
  assertEquals([turns.locked, turns.waiting], [true, 1]);
  assert(waiting.state.startsWith("acquire lock 'device', "));
  const [, err] = turns.try_acquire();
  assertEquals([err?.code, err?.message], [
    "busy",
    "Cannot acquire lock 'device': someone holds it",
  ]);
  held.release();
  const [next] = await wait(waiting);
  assertEquals([turns.locked, turns.waiting], [true, 0]);
  next!.release();
  assertEquals(turns.locked, false);
});

Deno.test("EventFlag.wait() waits until it is set, and passes while it is", async () => {
  using clock = new FakeClock();
  const ready = event({ name: "ready" });
  const threads = [1, 2].map(() => newthread(() => ready.wait()));
  const late = newthread(() => ready.wait({ timeout: 10 }));
  assertEquals(ready.waiting, 3);
  assert(late.state.startsWith("wait for event 'ready', "));
  await clock.tick(10);
  assertEquals((await wait(late))[1]?.code, "timeout");
  const nameless = event().wait({ timeout: 5 });
  await clock.tick(5);
  assertEquals((await nameless)[1]?.message, "Cannot wait for an event: not within 5 ms");
  assertEquals(ready.waiting, 2);
  ready.set();
  ready.clear();
  assertEquals(await wait(threads), [[true, null], [true, null]]);
  assertEquals(ready.is_set, false);
  const killed = newthread(() => ready.wait());
  assertEquals(ready.waiting, 1);
  kill(killed);
  assertEquals(ready.waiting, 0);
  ready.set();
  assertEquals(ready.is_set, true);
  assertEquals(await ready.wait(), [true, null]);
  const abort = new AbortController();
  abort.abort();
  assertEquals((await ready.wait({ signal: abort.signal }))[1]?.code, "cancelled");
  assertEquals((await wait(killed))[1]?.code, "killed");
});

const misuses: [what: string, fn: () => unknown, words: string][] = [
  [
    "-1 permits",
    () => semaphore(-1),
    "semaphore: permits must be a whole number from 0 on: got -1",
  ],
  ["half a permit", () => semaphore(0.5), "got 0.5"],
  ["a post of nothing", () => semaphore(1).post(0), "post: permits must be a whole number from 1"],
];
for (const [what, fn, words] of misuses) {
  Deno.test(`semaphore() refuses ${what}`, () => {
    assertThrows(fn, RangeError, words);
  });
}
