import { assertEquals, assertThrows } from "@std/assert";
import * as thread from "../../thread/mod.ts";
import { FakeClock, kill, newthread, sleep, sleeper, spawn, wait } from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

Deno.test("Sleeper.wakeup() ends the sleep with its values, later, and once", async () => {
  const bed = sleeper<[string, number]>();
  let woken: unknown;
  const sleeping = newthread(async () => {
    woken = await bed.sleep(60_000);
  });
  assertEquals(bed.sleeping, true);
  assertEquals(bed.wakeup("up", 6), [true, null]);
  assertEquals([woken, bed.sleeping], [undefined, false]);
  assertEquals(bed.wakeup("again", 7)[1]?.code, "idle");
  await wait(sleeping);
  assertEquals(woken, [["up", 6], null]);
});

Deno.test("Sleeper.sleep() is busy for a second thread, and times out", async () => {
  using clock = new FakeClock();
  const bed = sleeper();
  const first = bed.sleep(100);
  assertEquals((await bed.sleep(100))[1]?.code, "busy");
  await clock.tick(99);
  assertEquals(bed.sleeping, true);
  await clock.tick(1);
  assertEquals((await first)[1]?.code, "timeout");
  assertEquals((await bed.sleep(0))[1]?.code, "timeout");
  assertEquals(bed.sleeping, false);
});

Deno.test("Sleeper.sleep() without a time ends by wakeup, signal or kill only", async () => {
  using clock = new FakeClock();
  const bed = sleeper();
  const abort = new AbortController();
  const sleeping = bed.sleep(undefined, { signal: abort.signal });
  await clock.tick(1_000_000);
  abort.abort();
  assertEquals((await sleeping)[1]?.code, "cancelled");
  const killed = newthread(() => bed.sleep());
  kill(killed);
  assertEquals([bed.sleeping, bed.wakeup()[1]?.code], [false, "idle"]);
  assertEquals((await wait(killed))[1]?.code, "killed");
  assertThrows(() => bed.sleep(-1), RangeError, "sleep: ms must be 0 (no limit) or more");
});

Deno.test("sleepers that wake each other starve no timer", async () => {
  const [mine, yours] = [sleeper(), sleeper()];
  const other = newthread(async () => {
    for (;;) {
      await yours.sleep();
      mine.wakeup();
    }
  });
  let fired = false;
  setTimeout(() => fired = true, 5);
  for (let rounds = 0; !fired; rounds++) {
    const sleeping = mine.sleep();
    // The other may have been let wait, so that it is not in bed yet.
    while (yours.wakeup()[1] !== null) await thread.yield();
    await sleeping;
    if (rounds > 5_000_000) throw new Error("the timer never came");
  }
  kill(other);
});

Deno.test("spawn() begins when the caller waits, in the order of the calls", async () => {
  const events: string[] = [];
  const threads = ["a", "b"].map((name) =>
    spawn(async function job(word: string) {
      events.push(word);
      await sleep(1);
      return word.length;
    }, name)
  );
  events.push("caller");
  assertEquals(threads.map(({ name }) => name), ["job", "job"]);
  assertEquals(await wait(threads), [[1, null], [1, null]]);
  assertEquals(events, ["caller", "a", "b"]);
});

Deno.test("spawn() never begins a thread that was killed before", async () => {
  let ran = false;
  const never = spawn(() => ran = true);
  kill(never);
  assertEquals((await wait(never))[1]?.code, "killed");
  while (never.state !== "ended") await turn();
  assertEquals(ran, false);
  assertThrows(() => spawn(5 as unknown as () => void), TypeError, "spawn wants a function");
});

Deno.test("spawn() gives what the function threw as failed", async () => {
  const [, err] = await wait(spawn(() => {
    throw new Error("broken");
  }));
  assertEquals([err?.code, (err?.cause as Error).message], ["failed", "broken"]);
});

Deno.test("yield() lets the others run", async () => {
  const events: string[] = [];
  spawn(() => events.push("other"));
  assertEquals(await thread.yield(), [true, null]);
  assertEquals(events, ["other"]);
});
