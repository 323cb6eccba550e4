import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { pair } from "../../stream/mod.ts";
import {
  deadline,
  FakeClock,
  IoError,
  kill,
  list,
  newthread,
  on_error,
  type ReadResult,
  type Result,
  scope,
  self,
  shield,
  sleep,
  startloop,
  swop,
  ThreadKilled,
  wait,
  wait_any,
} from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

Deno.test("newthread() runs at once, to the first wait, with its arguments", async () => {
  const steps: string[] = [];
  const thread = newthread(
    async (a: string, b: number) => {
      steps.push(`${a}${b}`);
      await sleep(1);
      steps.push("after");
      return a.length + b;
    },
    "begin",
    1,
  );
  steps.push("starter");
  const [value, err] = await wait(thread);
  const typed: number | null = value;
  assertEquals([typed, err], [6, null]);
  assertEquals(steps, ["begin1", "starter", "after"]);
});

Deno.test("wait() gives the result of a finished thread again and again", async () => {
  const thread = newthread(() => "kept");
  await turn();
  assertEquals(await wait(thread), ["kept", null]);
  assertEquals(await wait(thread), ["kept", null]);
  assertEquals(await thread.done, ["kept", null]);
});

Deno.test("wait() of a list gives all results in order, each with its type", async () => {
  const results = await wait([
    newthread(() => 1),
    newthread(async () => (await sleep(2), "two")),
    newthread(() => {
      throw new Error("three");
    }),
  ]);
  const [first, second]: [Result<number>, Result<string>, unknown] = results;
  assertEquals([first, second], [[1, null], ["two", null]]);
  assertEquals(results[2][1]?.code, "failed");
  assertEquals(await wait(newthread(() => 1), newthread(() => "b")), [[1, null], ["b", null]]);
  assertEquals(await wait([]), []);
});

Deno.test("wait() does not wrap what has the shape of a result, in types and at run time", async () => {
  const err = new IoError("eof", "x");
  const good = await wait(newthread((): Result<number> => [5, null]));
  const value: number | null = good[0];
  assertEquals(value, 5);
  assertEquals(await wait(newthread((): Result<number> => [null, err])), [null, err]);
  const ended = await wait(newthread((): ReadResult<string> => [null, null]));
  const line: string | null = ended[0];
  assertEquals([line, ended[1]], [null, null]);
  const list = await wait(newthread(() => [1, 2]));
  const numbers: number[] | null = list[0];
  assertEquals(numbers, [1, 2]);
  assertEquals(await wait(newthread(() => [1, err] as unknown)), [[1, err], null]);
});

Deno.test("wait() gives failed with what was thrown as the cause", async () => {
  const thrown = new Error("broken");
  const [value, err] = await wait(newthread(() => Promise.reject(thrown)));
  assertEquals([value, err?.code, err?.cause], [null, "failed", thrown]);
});

Deno.test("wait() with a timeout or signal leaves the thread running", async () => {
  using clock = new FakeClock();
  const slow = newthread(async () => (await sleep(100), "done"));
  const late = wait(slow, { timeout: 50 });
  const all = wait([slow, newthread(() => 1)], { timeout: 60 });
  const aborter = new AbortController();
  const aborted = wait(slow, { signal: aborter.signal });
  await clock.tick(60);
  aborter.abort();
  assertEquals((await late)[1]?.code, "timeout");
  assertEquals((await all).map(([, err]) => err?.code), ["timeout", undefined]);
  assertEquals((await aborted)[1]?.code, "cancelled");
  await clock.tick(40);
  assertEquals(await wait(slow), ["done", null]);
});

Deno.test("wait() and wait_any() refuse oneself, what is no thread, and nothing", async () => {
  const [message] = await wait(newthread(() => {
    try {
      wait(self());
    } catch (error) {
      return String(error);
    }
  }));
  assertEquals(message, "TypeError: wait: a thread cannot wait for itself");
  assertThrows(() => wait(null as never), TypeError, "wait wants a thread: got null");
  assertThrows(() => wait_any([]), RangeError, "at least one thread");
  assertThrows(() => wait_any(self() as never), TypeError, "wants a list of threads: got object");
  assertThrows(() => newthread("x" as never), TypeError, "newthread wants a function: got string");
});

Deno.test("wait_any() gives the first that ends, and the others run on", async () => {
  using clock = new FakeClock();
  const slow = newthread(async () => (await sleep(20), "slow"));
  const fast = newthread(async () => (await sleep(10), 1));
  const first = wait_any([slow, fast]);
  await clock.tick(10);
  const [found, err] = await first;
  assertEquals(err, null);
  assertEquals([found?.index, found?.thread === fast, found?.result], [1, true, [1, null]]);
  assertEquals((await wait_any([slow, fast]))[0]?.index, 1);
  const late = wait_any([slow], { timeout: 5 });
  await clock.tick(5);
  assertEquals((await late)[1]?.code, "timeout");
  await clock.tick(5);
  assertEquals(await wait(slow), ["slow", null]);
});

/** Every wait of this module, in a thread that is killed in the middle of it. */
const WAITS: Record<string, () => Promise<unknown>> = {
  "sleep()": () => sleep(60_000),
  "wait()": () => wait(newthread(() => sleep(40))),
  "wait() of a list": () => wait([newthread(() => sleep(40)), newthread(() => sleep(30))]),
  "wait_any()": () => wait_any([newthread(() => sleep(40))]),
  "scope()": () => scope(() => sleep(60_000)),
  "deadline()": () => deadline(60_000, () => sleep(60_000)),
  "startloop()": () => startloop(() => sleep(60_000)),
  "receive()": async () => {
    const [a, b] = pair();
    try {
      return await a.receive();
    } finally {
      await Promise.all([a.close(), b.close()]);
    }
  },
  "send()": async () => {
    const [a, b] = pair({ capacity: 1 });
    try {
      return await a.send("more than fits");
    } finally {
      a.close_immediately();
      await b.close();
    }
  },
  "shutdown()": async () => {
    const [a, b] = pair({ capacity: 1 });
    a.send("more than fits", { timeout: 0 });
    try {
      return await a.shutdown("send");
    } finally {
      a.close_immediately();
      await b.close();
    }
  },
  "shield() ending": () => shield(5, () => sleep(60_000)).then(() => sleep(60_000)),
};

for (const [name, start] of Object.entries(WAITS)) {
  Deno.test(`kill() reaches a thread in ${name}, and nothing stays behind`, async () => {
    await startloop(async () => {
      let thrown: unknown;
      const thread = newthread(async () => {
        try {
          await start();
        } catch (error) {
          thrown = error;
          throw error;
        }
      });
      await turn();
      assertEquals(kill(thread, "reason"), [true, null]);
      const [, err] = await wait(thread);
      assertEquals([err?.code, err?.cause], ["killed", "reason"]);
      assertStringIncludes(err!.message, "was killed: reason");
      const [, again] = kill(thread);
      assertEquals([again?.code, again?.reason], ["gone", "killed"]);
      while (thread.state !== "ended") await turn();
      assert(thrown instanceof ThreadKilled);
      assertEquals((thrown as ThreadKilled).reason, "reason");
    });
  });
}

Deno.test("kill() says gone, with the reason, of a thread that has ended", async () => {
  const returned = newthread(() => 1);
  const threw = newthread(() => {
    throw new Error("x");
  });
  await wait([returned, threw]);
  assertEquals(kill(returned)[1]?.reason, "returned");
  assertEquals(kill(threw)[1]?.reason, "threw");
  assertThrows(() => kill(self()), TypeError, "the root thread cannot be killed");
});

Deno.test("a killed thread throws at its next wait, also after one that is not ours", async () => {
  const events: string[] = [];
  const foreign = Promise.withResolvers<void>();
  const thread = newthread(async () => {
    const { signal } = self();
    signal.addEventListener("abort", () => events.push("signal"));
    await foreign.promise;
    events.push("woken");
    assertThrows(() => newthread(() => 1), ThreadKilled);
    await sleep(0);
    events.push("never");
  });
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  assertEquals(thread.state, "unwinding");
  foreign.resolve();
  while (thread.state !== "ended") await turn();
  assertEquals(events, ["signal", "woken"]);
});

Deno.test("a killed thread that takes no heed is left behind after the grace, and reported", async () => {
  const reports: string[] = [];
  const off = on_error((error, about) => reports.push(`${about}: ${(error as IoError).code}`));
  try {
    let tries = 0;
    const result = await scope(async (s) => {
      newthread(async function stubborn() {
        for (;;) {
          try {
            tries += 1;
            await sleep(1_000);
          } catch {
            // It goes on, which must not freeze the program.
          }
        }
      });
      await sleep(1);
      s.close("enough");
      return "closed";
    }, { grace: 30 });
    assertEquals(result, ["closed", null]);
    assertEquals(reports, ["thread 'stubborn': timeout"]);
    assert(tries <= 200, `${tries} waits were begun`);
  } finally {
    off();
  }
});

Deno.test("shield() lets a killed thread wait for its farewell, and no longer than it may", async () => {
  const events: string[] = [];
  await startloop(async () => {
    const thread = newthread(async () => {
      try {
        await sleep(60_000);
      } finally {
        const [said] = await shield(1_000, async () => (await sleep(5), "farewell"));
        events.push(String(said));
        const [, err] = await shield(5, () => sleep(60_000));
        events.push(err!.code);
      }
    });
    kill(thread);
    await wait(thread);
  });
  assertEquals(events, ["farewell", "timeout"]);
});

Deno.test("scope() waits for all its threads, and gives what the function returned", async () => {
  const ended: number[] = [];
  const result = await scope((s) => {
    for (const ms of [8, 4]) newthread(async () => (await sleep(ms), ended.push(ms)));
    assertEquals(s.size, 3);
    return 7;
  });
  assertEquals(result, [7, null]);
  assertEquals(ended, [4, 8]);
});

Deno.test("scope() kills its threads when the function throws, at every depth", async () => {
  const ended: string[] = [];
  const nap = (name: string) =>
    newthread(async () => {
      try {
        await sleep(60_000);
      } finally {
        ended.push(name);
      }
    });
  const [, err] = await scope(async () => {
    nap("outer");
    newthread(() =>
      scope(() => {
        nap("inner");
        return sleep(60_000);
      })
    );
    await sleep(1);
    throw new Error("body");
  });
  assertEquals([err?.code, (err?.cause as Error).message], ["failed", "body"]);
  assertEquals(ended.sort(), ["inner", "outer"]);
});

Deno.test("deadline() bounds the whole, and gives what was returned in time", async () => {
  using clock = new FakeClock();
  const late = deadline(1_000, async () => {
    for (;;) await sleep(400);
  });
  const intime = deadline(1_000, async () => (await sleep(999), "in time"));
  await clock.tick(1_000);
  assertEquals((await late)[1]?.code, "timeout");
  assertEquals(await intime, ["in time", null]);
  assertThrows(
    () => deadline(-1, () => 1),
    RangeError,
    "deadline: ms must be 0 (no limit) or more",
  );
});

Deno.test("startloop() is kept when all its threads have ended, with what fn returned", async () => {
  let ended = false;
  const value = await startloop(() => {
    newthread(async () => {
      await sleep(3);
      newthread(async () => {
        await sleep(3);
        ended = true;
      });
    });
    return [1, null] as const;
  });
  assertEquals([value, ended], [[1, null], true]);
});

Deno.test("startloop() rejects with what fn threw, when its threads are dead", async () => {
  let unwound = false;
  const thrown = await assertRejects(() =>
    startloop(() => {
      newthread(async () => {
        try {
          await sleep(60_000);
        } finally {
          unwound = true;
        }
      });
      throw new RangeError("main");
    })
  );
  assertEquals([String(thrown), unwound], ["RangeError: main", true]);
});

Deno.test("startloop() rejects with killed when its killed main thread returns all the same", async () => {
  const err = await startloop(async () => {
    const main = self();
    queueMicrotask(() => kill(main, "enough"));
    await sleep(60_000).catch(() => {});
    return "back";
  }).catch((error) => error);
  assertEquals([err.code, err.cause], ["killed", "enough"]);
});

Deno.test("a loop that nobody awaits ends the program with status 1 when fn throws", async () => {
  const thread = new URL("../../thread/mod.ts", import.meta.url).href;
  const code = `import { startloop, newthread, sleep } from "${thread}";
    startloop(() => { newthread(() => sleep(60_000)); throw new Error("uncaught main"); });`;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", code], env: { NO_COLOR: "1" } });
  const { code: status, stderr } = await child.output();
  assertEquals(status, 1);
  assertStringIncludes(new TextDecoder().decode(stderr), "uncaught main");
});

Deno.test("failures that nobody waits for are told once, when the loop ends", async () => {
  const told: string[] = [];
  const offs = [
    on_error(() => {
      throw new Error("a handler that fails");
    }),
    on_error((error, about) => told.push(`${about}: ${(error as Error).message}`)),
  ];
  const printed: string[] = [];
  const { error } = console;
  console.error = (line: string) => printed.push(line);
  try {
    await startloop(async () => {
      newthread(function lost() {
        throw new Error("unseen");
      });
      await wait(newthread(() => Promise.reject(new Error("seen"))));
      assertEquals(told, []);
    });
    assertEquals(told, ["thread 'lost': unseen"]);
    assertEquals(printed.length, 2);
  } finally {
    console.error = error;
    for (const off of offs) off();
  }
});

Deno.test("outside a loop a failure is told at once, unless somebody waits in the same turn", async () => {
  const told: string[] = [];
  const off = on_error((_, about) => told.push(about));
  newthread(function unseen() {
    throw new Error("x");
  });
  const seen = newthread(function seen() {
    throw new Error("x");
  });
  assertEquals((await wait(seen))[1]?.code, "failed");
  await turn();
  off();
  assertEquals(told, ["thread 'unseen'"]);
});

Deno.test("list() shows every thread with what it does, its age and its parent", async () => {
  using clock = new FakeClock();
  const [a, b] = pair({ name: "peer" });
  const reader = newthread(function reader() {
    newthread(function child() {
      return sleep(1_000);
    });
    return a.receive();
  });
  await clock.tick(312);
  const rows = list().filter((row) => ["reader", "child"].includes(row.name));
  assertEquals(rows.map(({ name, state, age }) => `${name}: ${state}, ${age}`), [
    "reader: receive peer:a, 312 ms, 312",
    "child: sleep, 312 ms, 312",
  ]);
  assertEquals(rows[1]?.parent, rows[0]?.id);
  kill(reader);
  await clock.tick(1_000);
  assertEquals(list().filter((row) => ["reader", "child"].includes(row.name)), []);
  assertEquals([self().name, self().state], ["root", "root"]);
  await Promise.all([a.close(), b.close()]);
});

Deno.test("swop() lets I/O and timers through while threads never wait otherwise", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const server = (async () => {
    const conn = await listener.accept();
    const buffer = new Uint8Array(16);
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) break;
      await conn.write(buffer.subarray(0, count));
    }
    conn.close();
  })();
  let swops = 0;
  let stop = false;
  const spinners = [1, 2, 3].map(() =>
    newthread(async () => {
      while (!stop) {
        await swop();
        swops += 1;
      }
    })
  );
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  for (let round = 0; round < 10; round++) {
    await conn.write(new Uint8Array([round]));
    await conn.read(new Uint8Array(16));
  }
  await turn();
  stop = true;
  await wait(spinners);
  conn.close();
  await server;
  listener.close();
  assert(swops > 1_000, `only ${swops} swops`);
});

Deno.test("sleep() is never early, wakes in order, and minds its signal", async () => {
  using clock = new FakeClock();
  const woken: string[] = [];
  for (const ms of [30, 10, 20, 10]) {
    newthread(async () => {
      await sleep(ms);
      woken.push(`${ms} at ${clock.now}`);
    });
  }
  await clock.tick(9);
  assertEquals(woken, []);
  await clock.tick(21);
  assertEquals(woken, ["10 at 10", "10 at 10", "20 at 20", "30 at 30"]);
  const aborter = new AbortController();
  const aborted = sleep(100, { signal: aborter.signal });
  aborter.abort("why");
  const [, err] = await aborted;
  assertEquals([err?.code, err?.cause], ["cancelled", "why"]);
  assertThrows(() => sleep(-1), RangeError, "sleep: ms must be 0 (no limit) or more");
  assertThrows(() => sleep("1" as never), TypeError, "sleep: ms must be a number");
  assertEquals(await sleep(0), [true, null]);
});

Deno.test("a real sleep is never early", async () => {
  for (const ms of [1, 3, 10, 17.5]) {
    const before = performance.now();
    await sleep(ms);
    const slept = performance.now() - before;
    assert(slept >= ms, `sleep(${ms}) took ${slept} ms`);
  }
});
