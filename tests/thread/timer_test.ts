import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  FakeClock,
  kill,
  list,
  newthread,
  on_error,
  scope,
  sleep,
  startloop,
  timer,
  wait,
} from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

/** When a function ran, by the clock's time. */
function noting(clock: FakeClock, ms = 0): { at: number[]; fn: () => Promise<void> } {
  const at: number[] = [];
  const fn = async () => {
    at.push(clock.now);
    if (ms > 0) await sleep(ms);
  };
  return { at, fn };
}

Deno.test("timer.timeout() runs its function once, with its arguments, at its time", async () => {
  using clock = new FakeClock();
  const calls: unknown[] = [];
  const late = timer.timeout(20, "a", 1, (word: string, n: number) => calls.push([word, n]));
  await clock.tick(19);
  assertEquals([calls, late.runs, late.active], [[], 0, true]);
  await clock.tick(1);
  assertEquals([calls, late.runs, late.active], [[["a", 1]], 1, false]);
  await clock.tick(100);
  assertEquals(late.runs, 1);
});

Deno.test("timer.loop() runs after the first time, then again and again", async () => {
  using clock = new FakeClock();
  const { at, fn } = noting(clock);
  using loop = timer.loop(5, 20, fn);
  await clock.tick(66);
  assertEquals(at, [5, 25, 45, 65]);
  loop.cancel();
  await clock.tick(100);
  assertEquals([at.length, loop.active], [4, false]);
});

Deno.test("timer.loop() with a repeat of 0 runs once, with a first of 0 at the next turn", async () => {
  using clock = new FakeClock();
  const [once, atOnce] = [noting(clock), noting(clock)];
  timer.loop(30, 0, once.fn);
  using ticks = timer.loop(0, 10, atOnce.fn);
  assertEquals(ticks.runs, 0);
  await clock.tick(100);
  assertEquals([once.at, atOnce.at.slice(0, 3)], [[30], [0, 10, 20]]);
});

Deno.test("timer.every() does not drift, however long its runs take", async () => {
  using clock = new FakeClock();
  const { at, fn } = noting(clock, 3);
  using every = timer.every(7.1, fn);
  await clock.tick(7_105);
  assertEquals([every.runs, every.missed], [1_000, 0]);
  for (const [run, moment] of at.entries()) assert(Math.abs(moment - 7.1 * (run + 1)) < 1e-9);
});

Deno.test("timer.every() leaves out what falls due while a run is under way, and counts it", async () => {
  using clock = new FakeClock();
  const { at, fn } = noting(clock, 25);
  using every = timer.every(10, fn);
  await clock.tick(100);
  assertEquals(at, [10, 40, 70, 100]);
  assertEquals([every.runs, every.missed], [4, 6]);
  every.cancel();
  await clock.tick(25);
});

Deno.test("Timer.overlap() begins each run at its time, a thread each", async () => {
  using clock = new FakeClock();
  const { at, fn } = noting(clock, 25);
  const every = timer.every(10, function together() {
    return fn();
  }).overlap();
  const running = () => list().filter(({ name }) => name === "together").length;
  await clock.tick(44);
  assertEquals([at, every.missed, running()], [[10, 20, 30, 40], 0, 3]);
  every.cancel();
  await clock.tick(25);
  assertEquals(running(), 0);
});

Deno.test("Timer.cancel() ends a timer at once, and lets a run under way end", async () => {
  using clock = new FakeClock();
  const never = timer.timeout(10, () => assert(false, "it ran"));
  never.cancel();
  never.cancel();
  // Nothing is left that a scope would wait for.
  await scope(() => timer.every(10, () => {}).cancel());
  let ended = false;
  const slow = timer.every(10, async () => {
    slow.cancel();
    await sleep(50);
    ended = true;
  });
  await clock.tick(59);
  assertEquals([slow.active, ended], [false, false]);
  await clock.tick(1);
  assertEquals([ended, slow.runs], [true, 1]);
  await clock.tick(1_000);
  assertEquals([slow.runs, never.runs], [1, 0]);
});

Deno.test("a timer goes on when its function throws, and on_error hears of it", async () => {
  using clock = new FakeClock();
  const told: string[] = [];
  const off = on_error((error, about) => told.push(`${about}: ${(error as Error).message}`));
  using every = timer.every(10, function check() {
    throw new Error(`broken ${every.runs}`);
  });
  await clock.tick(20);
  off();
  assertEquals(told, ["timer 'check': broken 1", "timer 'check': broken 2"]);
});

Deno.test("a scope waits for its timers, and ends them when it is closed", async () => {
  using clock = new FakeClock();
  const { at, fn } = noting(clock);
  const waiting = newthread(() => scope(() => void timer.timeout(30, fn)));
  await clock.tick(29);
  assertEquals(waiting.state.startsWith("scope"), true);
  await clock.tick(1);
  assertEquals([await wait(waiting), at], [[undefined, null], [30]]);

  const closed = newthread(() =>
    scope(async (s) => {
      timer.every(10, fn);
      await sleep(25);
      s.close();
    })
  );
  await clock.tick(25);
  assertEquals(await wait(closed), [undefined, null]);
  await clock.tick(100);
  assertEquals(at, [30, 40, 50]);
});

Deno.test("a killed thread's scope takes its timers along, in the middle of a run too", async () => {
  using clock = new FakeClock();
  let unwound = 0;
  const thread = newthread(() =>
    scope(async () => {
      timer.every(10, async () => {
        try {
          await sleep(60_000);
        } finally {
          unwound += 1;
        }
      });
      await sleep(60_000);
    })
  );
  await clock.tick(15);
  kill(thread);
  while (thread.state !== "ended") await turn();
  assertEquals(unwound, 1);
});

Deno.test("Timer.unref() keeps no scope open: it ends with the others", async () => {
  using clock = new FakeClock();
  const { at, fn } = noting(clock, 5);
  const thread = newthread(() =>
    startloop(async () => {
      timer.every(10, fn).unref();
      timer.timeout(1_000, fn).unref().ref().unref();
      await sleep(28);
    })
  );
  await clock.tick(28);
  assertEquals([await wait(thread), at], [[undefined, null], [10, 20]]);

  // A run that is under way is waited for.
  const busy = newthread(() => scope(() => void timer.every(10, fn).unref().ref()));
  const last = newthread(() =>
    scope(async () => {
      timer.every(10, fn).unref();
      await sleep(11);
    })
  );
  await clock.tick(14);
  assertEquals(last.state.startsWith("scope"), true);
  await clock.tick(1);
  assertEquals(await wait(last), [undefined, null]);
  assertEquals(busy.state.startsWith("scope"), true);
  kill(busy);
  while (busy.state !== "ended") await turn();
});

Deno.test("list() shows a timer by its function's name", () => {
  using _clock = new FakeClock();
  const late = timer.timeout(10_000, function reminder() {});
  const row = list().find(({ name }) => name === "timer reminder");
  late.cancel();
  assertEquals(row?.state, "wait for its time, 0 ms");
});

Deno.test("an unref'd timer does not keep the program alive, one that is not does", async () => {
  const thread = new URL("../../thread/mod.ts", import.meta.url).href;
  for (const [call, printed] of [[".unref()", "end"], ["", "end,ran"]]) {
    const program = `import { timer } from ${JSON.stringify(thread)};
      const out = [];
      addEventListener("unload", () => console.log(String(out)));
      timer.timeout(200, () => out.push("ran"))${call};
      out.push("end");`;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", program],
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals(
      new TextDecoder().decode(stdout),
      `${printed}\n`,
      new TextDecoder().decode(stderr),
    );
  }
});

Deno.test("timer.every() with the real clock runs at real times", async () => {
  const at: number[] = [];
  const begun = performance.now();
  await startloop(() => {
    const every = timer.every(10, () => {
      at.push(performance.now() - begun);
      if (every.runs === 3) every.cancel();
    });
  });
  assertEquals(at.length, 3);
  for (const [index, moment] of at.entries()) assert(moment >= (index + 1) * 10, `${moment}`);
});

Deno.test("a timer cannot be made in a killed thread", async () => {
  let caught: unknown;
  const thread = newthread(async () => {
    try {
      await sleep(60_000);
    } finally {
      try {
        timer.timeout(1, () => {});
      } catch (error) {
        caught = error;
      }
    }
  });
  kill(thread);
  while (thread.state !== "ended") await turn();
  assertEquals((caught as Error).name, "ThreadKilled");
});

const misuses: [what: string, fn: () => unknown, error: ErrorConstructor, words: string][] = [
  ["a negative time", () => timer.timeout(-1, () => {}), RangeError, "timer.timeout: ms must be 0"],
  ["a time without end", () => timer.loop(Infinity, 1, () => {}), RangeError, "must be finite"],
  ["a repeat without end", () => timer.loop(1, Infinity, () => {}), RangeError, "repeat must be"],
  ["a period of 0", () => timer.every(0, () => {}), RangeError, "timer.every: ms must be above 0"],
  [
    "no function",
    () => timer.every(1, "a" as unknown as () => void),
    TypeError,
    "timer.every wants a function: got string",
  ],
];
for (const [what, fn, error, words] of misuses) {
  Deno.test(`timer refuses ${what}`, () => {
    assertThrows(fn, error, words);
  });
}
