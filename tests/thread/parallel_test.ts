import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  FakeClock,
  IoError,
  kill,
  list,
  newthread,
  parallel,
  type ReadResult,
  type Result,
  retry,
  sleep,
  unwrap,
  wait,
} from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

Deno.test("parallel.map() gives the results in the order of the items, so many at a time", async () => {
  using clock = new FakeClock();
  let now = 0;
  let most = 0;
  const mapping = parallel.map([30, 10, 20, 5, 1], async (ms, index) => {
    most = Math.max(most, ++now);
    await sleep(ms);
    now -= 1;
    return `${index}: ${ms}`;
  }, 2);
  // 30 beside 10, 20; then 5 and 1.
  await clock.tick(35);
  assertEquals(await mapping, [["0: 30", "1: 10", "2: 20", "3: 5", "4: 1"], null]);
  assertEquals([most, now], [2, 0]);
});

Deno.test("parallel.all() gives each result with its type, flat where it is a Result", async () => {
  const [all, err] = await parallel.all([
    () => 1,
    () => Promise.resolve("two"),
    (): Result<boolean> => [true, null],
    (): ReadResult<string> => [null, null],
  ]);
  assert(err === null);
  const typed: [number, string, boolean, string | null] = all!;
  assertEquals(typed, [1, "two", true, null]);
});

Deno.test("parallel gives an empty list for nothing to do", async () => {
  assertEquals(await parallel.all([]), [[], null]);
  assertEquals(await parallel.map([], () => 1, 3), [[], null]);
});

Deno.test("parallel.map() ends with the first failure: the others are killed, no more begin", async () => {
  using clock = new FakeClock();
  const events: string[] = [];
  const mapping = parallel.map([50, 10, 20, 30], async (ms) => {
    try {
      await sleep(ms);
    } finally {
      events.push(`${ms} at ${clock.now}`);
    }
    if (ms === 10) throw new Error("ten");
  }, 2);
  await clock.tick(10);
  const [, err] = await mapping;
  assertEquals([err?.code, (err?.cause as Error).message], ["failed", "ten"]);
  assertEquals(events, ["10 at 10", "50 at 10"]);
});

Deno.test("parallel.map() takes a failed Result for a failure", async () => {
  const gone = new IoError("refused", "Cannot connect");
  assertEquals(await parallel.map([1], (): Result<number> => [null, gone]), [null, gone]);
});

Deno.test("parallel.map(collect) runs all, each with a result of its own", async () => {
  const [results, err] = await parallel.map([1, 2, 3], (n): number => {
    if (n === 2) throw new Error("two");
    return n * 10;
  }, { on_error: "collect", limit: 1 });
  assert(err === null);
  assertEquals(results!.map(([value, err]) => value ?? err?.code), [10, "failed", 30]);
  const [both] = await parallel.all([() => 1, () => Promise.reject(new Error("no"))], {
    on_error: "collect",
  });
  assertEquals(both?.map(([, err]) => err?.code), [undefined, "failed"]);
});

Deno.test("parallel.map() takes items as their turn comes, and ends their generator", async () => {
  let taken = 0;
  let ended = false;
  function* items() {
    try {
      for (;;) yield ++taken;
    } finally {
      ended = true;
    }
  }
  const [, err] = await parallel.map(items(), async (n) => {
    await sleep(1);
    if (n === 5) throw new Error("enough");
  }, 2);
  assertEquals([err?.code, ended], ["failed", true]);
  assert(taken <= 7, `${taken} were taken`);
});

Deno.test("parallel.map() ends all by timeout, signal and kill of the caller", async () => {
  using clock = new FakeClock();
  let unwound = 0;
  const job = async () => {
    try {
      await sleep(60_000);
    } finally {
      unwound += 1;
    }
  };
  const timed = parallel.map([1, 2, 3], job, { timeout: 10, limit: 2 });
  await clock.tick(10);
  assertEquals([(await timed)[1]?.code, unwound], ["timeout", 2]);
  const abort = new AbortController();
  const aborted = parallel.all([job, job], { signal: abort.signal });
  abort.abort();
  assertEquals([(await aborted)[1]?.code, unwound], ["cancelled", 4]);
  const caller = newthread(() => parallel.map([1, 2, 3], job));
  await clock.tick(1);
  const before = list().length;
  kill(caller);
  while (caller.state !== "ended") await turn();
  assertEquals([(await wait(caller))[1]?.code, unwound, before - list().length], ["killed", 7, 5]);
});

Deno.test("parallel refuses a limit of 0, and what is no function", () => {
  const words = "parallel.map: limit must be a whole number from 1 on: got 0";
  assertThrows(() => parallel.map([1], () => 1, 0), RangeError, words);
  const text = "a" as unknown as () => number;
  assertThrows(() => parallel.map([1], text), TypeError, "parallel.map wants a function");
  assertThrows(() => parallel.all([text]), TypeError, "parallel.all wants a function");
});

Deno.test("retry() tries until it succeeds, and waits longer each time, up to a limit", async () => {
  using clock = new FakeClock();
  const at: number[] = [];
  const trying = retry((attempt) => {
    at.push(clock.now);
    if (attempt < 6) throw new Error("not yet");
    return attempt;
  }, { attempts: 9, delay: 10, max_delay: 50, jitter: 0 });
  await clock.tick(170);
  assertEquals(await trying, [6, null]);
  assertEquals(at, [0, 10, 30, 70, 120, 170]);
});

Deno.test("retry() without a delay tries for ever, one try a turn", async () => {
  const [tries] = await retry((attempt): Result<number> => {
    return attempt < 2_000 ? [null, new IoError("refused", "no")] : [attempt, null];
  }, { attempts: Infinity, delay: 0, max_delay: Infinity });
  assertEquals(tries, 2_000);
});

Deno.test("retry() leaves a part of each pause to chance", async () => {
  using clock = new FakeClock();
  const pauses = new Set<number>();
  for (let n = 0; n < 50; n++) {
    const begun = clock.now;
    let second = 0;
    const trying = retry((attempt) => {
      if (attempt === 2) second = clock.now;
      if (attempt === 1) throw new Error("not yet");
    }, { delay: 100 });
    await clock.tick(100);
    await trying;
    const pause = second - begun;
    assert(pause >= 50 && pause <= 100, `${pause}`);
    pauses.add(pause);
  }
  assert(pauses.size > 40, `only ${pauses.size} different pauses`);
});

Deno.test("retry() gives the last error as it came, after the last attempt", async () => {
  const errors = [1, 2, 3].map((n) => new IoError("refused", `no ${n}`));
  const result = await retry((attempt): Result<number> => [null, errors[attempt - 1]!], {
    attempts: 3,
    delay: 0,
  });
  assertEquals(result[1], errors[2]!);
  const [, thrown] = await retry((): number => unwrap<Result<number>>([null, errors[0]!]), {
    attempts: 1,
  });
  assertEquals(thrown, errors[0]!);
});

Deno.test("retry() does not repeat what no further try mends, unless it is told to", async () => {
  for (const code of ["cancelled", "killed", "no_permission", "denied", "unsupported"] as const) {
    let tries = 0;
    const fail = (): Result<true> => {
      tries += 1;
      return [null, new IoError(code, "no")];
    };
    assertEquals((await retry(fail, { delay: 0 }))[1]?.code, code);
    assertEquals(tries, 1);
    await retry(fail, {
      delay: 0,
      attempts: 4,
      when: (err, attempt) => err.code === code && attempt < 3,
    });
    assertEquals(tries, 4);
  }
});

Deno.test("retry() ends by timeout, signal and kill, the try under way too", async () => {
  using clock = new FakeClock();
  let unwound = 0;
  const slow = async () => {
    try {
      await sleep(1_000);
    } finally {
      unwound += 1;
    }
  };
  const timed = retry(slow, { timeout: 50 });
  await clock.tick(50);
  assertEquals([(await timed)[1]?.code, unwound], ["timeout", 1]);
  const abort = new AbortController();
  const aborted = retry(slow, { signal: abort.signal });
  abort.abort();
  assertEquals([(await aborted)[1]?.code, unwound], ["cancelled", 2]);
  const caller = newthread(() => retry(slow));
  kill(caller);
  while (caller.state !== "ended") await turn();
  assertEquals(unwound, 3);
  // In the pause, too.
  const pausing = newthread(() =>
    retry(() => {
      throw new Error("no");
    }, { delay: 1_000_000 })
  );
  await clock.tick(1);
  kill(pausing);
  while (pausing.state !== "ended") await turn();
  assertEquals((await wait(pausing))[1]?.code, "killed");
});

const misuses: [options: Record<string, unknown>, words: string][] = [
  [{ attempts: 0 }, "retry: attempts must be a whole number from 1 on: got 0"],
  [{ delay: -1 }, "retry: delay must be from 0 to Infinity: got -1"],
  [{ factor: 0.5 }, "retry: factor must be from 1 to Infinity: got 0.5"],
  [{ jitter: 2 }, "retry: jitter must be from 0 to 1: got 2"],
  [{ max_delay: NaN }, "retry: max_delay must be from 0 to Infinity: got NaN"],
];
for (const [options, words] of misuses) {
  Deno.test(`retry() refuses ${JSON.stringify(options)}`, () => {
    assertThrows(() => retry(() => 1, options), RangeError, words);
  });
}
