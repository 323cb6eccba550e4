import { assert, assertEquals, assertRejects } from "@std/assert";
import { pair } from "../../stream/mod.ts";
import { FakeClock, newthread, sleep, wait } from "../../thread/mod.ts";
import { random } from "../stream/promise.ts";

Deno.test("FakeClock wakes in the order of the moments, at exactly those, and first come first", async () => {
  using clock = new FakeClock();
  const next = random(1);
  const woken: [at: number, order: number][] = [];
  const wanted: [at: number, order: number][] = [];
  for (let order = 0; order < 2_000; order++) {
    const ms = 1 + Math.floor(next() * 500) + (next() < 0.2 ? 20_000 : 0);
    wanted.push([ms, order]);
    newthread(async () => {
      await sleep(ms);
      assertEquals(clock.now, ms);
      woken.push([ms, order]);
    });
  }
  await clock.tick(20_500);
  wanted.sort(([a, one], [b, other]) => a - b || one - other);
  assertEquals(woken, wanted);
});

Deno.test("FakeClock lets what it wakes begin new waits before time moves on", async () => {
  using clock = new FakeClock();
  const at: number[] = [];
  const thread = newthread(async () => {
    for (const ms of [10, 0.5, 0, 3]) {
      await sleep(ms);
      at.push(clock.now);
    }
  });
  await clock.tick(100);
  await wait(thread);
  assertEquals(at, [10, 10.5, 10.5, 13.5]);
  assertEquals(clock.now, 100);
});

Deno.test("FakeClock leaves alone what began before it, and gives real time back", async () => {
  const real = sleep(15);
  let over = false;
  real.then(() => over = true);
  {
    using clock = new FakeClock();
    await clock.tick(60_000);
    assertEquals(over, false, "a real sleep was ended by a fake tick");
  }
  const before = performance.now();
  await sleep(5);
  assert(performance.now() - before >= 5);
  await real;
});

Deno.test("FakeClock holds for receives of a stream that has waited in real time before", async () => {
  const [a, b] = pair();
  // Its deadline stands in the wheel of the real time now.
  assertEquals((await a.receive("*l", { timeout: 2 }))[1]?.code, "timeout");
  const real = b.receive("*l", { timeout: 10 });
  {
    using clock = new FakeClock();
    const fake = a.receive("*l", { timeout: 1_000 });
    let over = false;
    fake.then(() => over = true);
    await clock.tick(999);
    assertEquals(over, false);
    await clock.tick(1);
    assertEquals((await fake)[1]?.code, "timeout");
  }
  assertEquals((await real)[1]?.code, "timeout");
  await Promise.all([a.close(), b.close()]);
});

Deno.test("FakeClock.tick() refuses what is no time", async () => {
  using clock = new FakeClock();
  for (const ms of [-1, NaN, Infinity]) {
    await assertRejects(() => clock.tick(ms), RangeError, "tick: ms");
  }
  await assertRejects(() => clock.tick("1" as never), TypeError, "tick: ms");
  assertEquals(clock.now, 0);
  await clock.tick();
  assertEquals(clock.now, 1);
});
