/** What a scope makes of threads that throw, of its timeout and its signal. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  event,
  FakeClock,
  kill,
  newthread,
  on_error,
  scope,
  type ScopeOptions,
  sleep,
  wait,
} from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

/** Runs `fn`, and gives what it gave and what was told to `on_error`. */
async function hearing<T>(fn: () => Promise<T>): Promise<[result: T, told: string[]]> {
  const told: string[] = [];
  const off = on_error((error, about) => told.push(`${about}: ${(error as Error).message}`));
  try {
    const result = await fn();
    await turn();
    return [result, told];
  } finally {
    off();
  }
}

function fails(name: string, ms = 0): void {
  newthread(async () => {
    if (ms > 0) await sleep(ms);
    throw new Error(name);
  }).name = name;
}

Deno.test("scope(cancel) kills all others when one thread throws, and gives its failure", async () => {
  using clock = new FakeClock();
  const events: string[] = [];
  const waiting = hearing(() =>
    scope(async () => {
      newthread(async () => {
        try {
          await sleep(100);
        } finally {
          events.push("sibling unwound");
        }
      });
      fails("broken", 10);
      fails("later", 20);
      try {
        await sleep(1_000);
      } finally {
        events.push("body unwound");
      }
    }, { on_error: "cancel" })
  );
  await clock.tick(10);
  const [[value, err], told] = await waiting;
  assertEquals([value, err?.code, (err?.cause as Error).message], [null, "failed", "broken"]);
  assertEquals([events.sort(), told], [["body unwound", "sibling unwound"], []]);
});

Deno.test("scope(cancel) gives the failure of a thread that throws at once, the body over", async () => {
  const [[, err], told] = await hearing(() =>
    scope(() => fails("at once"), { on_error: "cancel" })
  );
  assertEquals([(err?.cause as Error).message, told], ["at once", []]);
});

Deno.test("scope(cancel) ends its function, too, when a thread throws at once", async () => {
  using _clock = new FakeClock();
  const [[, err], told] = await hearing(() =>
    scope(() => {
      fails("at once");
      newthread(() => {
        throw new Error("without a wait");
      });
      return sleep(60_000);
    }, { on_error: "cancel" })
  );
  assertEquals((err?.cause as Error).message, "without a wait");
  assertEquals(told, ["thread 'at once': at once"]);
});

Deno.test("scope(cancel) leaves failures to who waits for them", async () => {
  const [[value, err], told] = await hearing(() =>
    scope(async () => {
      const broken = newthread(() => {
        throw new Error("seen");
      });
      const [, failure] = await wait(broken);
      await turn();
      return failure?.code;
    }, { on_error: "cancel" })
  );
  assertEquals([value, err, told], ["failed", null, []]);
});

Deno.test("scope(collect) lets all run on, and gives one failure of all that threw", async () => {
  using clock = new FakeClock();
  let ran = false;
  const waiting = hearing(() =>
    scope(() => {
      fails("one", 10);
      fails("two");
      newthread(async () => {
        await sleep(50);
        ran = true;
      });
      throw new Error("the body");
    }, { on_error: "collect" })
  );
  await clock.tick(50);
  const [[, err], told] = await waiting;
  assertEquals([err?.code, ran, told], ["failed", true, []]);
  const causes = (err?.cause as AggregateError).errors.map((error: Error) => error.message);
  assertEquals(causes, ["the body", "two", "one"]);
  assertEquals(err?.message, "Threads of scope threw: 'scope', 'two', 'one'");
});

Deno.test("scope(collect) gives what its function returned when none threw", async () => {
  assertEquals(await scope(() => 7, { on_error: "collect" }), [7, null]);
});

Deno.test("scope() without on_error lets the others run on, and on_error() hears of it", async () => {
  const [[value, err], told] = await hearing(() =>
    scope(() => {
      fails("unseen");
      return "value";
    })
  );
  assertEquals([value, err, told], ["value", null, ["thread 'unseen': unseen"]]);
});

Deno.test("scope() bounds the whole by its timeout and its signal", async () => {
  using clock = new FakeClock();
  const timed = scope(() => sleep(1_000), { timeout: 30 });
  const abort = new AbortController();
  const aborted = scope(() => sleep(1_000), { signal: abort.signal });
  await clock.tick(30);
  assertEquals((await timed)[1]?.code, "timeout");
  abort.abort("enough");
  const [, err] = await aborted;
  assertEquals([err?.code, err?.cause], ["cancelled", "enough"]);
  let ran = false;
  const late = await scope(() => ran = true, { signal: abort.signal });
  assertEquals([late[1]?.code, ran], ["cancelled", false]);
});

Deno.test("scope() that is over hears no signal any more", async () => {
  const abort = new AbortController();
  let added = 0;
  for (const [name, by] of [["addEventListener", 1], ["removeEventListener", -1]] as const) {
    const before = abort.signal[name].bind(abort.signal) as (...args: unknown[]) => void;
    abort.signal[name] = (...args: unknown[]) => {
      added += by;
      before(...args);
    };
  }
  for (const on_error of ["cancel", "collect"] as const) {
    await scope(() => {}, { signal: abort.signal, on_error });
  }
  assertEquals(added, 0);
});

Deno.test("a killed thread's scope rejects, whatever threw in it", async () => {
  for (const on_error of ["cancel", "collect"] as const) {
    const thread = newthread(() =>
      scope(async () => {
        fails("unseen");
        await sleep(60_000);
      }, { on_error })
    );
    kill(thread);
    const [, told] = await hearing(async () => {
      while (thread.state !== "ended") await turn();
    });
    assertEquals((await wait(thread))[1]?.code, "killed");
    assertEquals(told, ["cleanup of killed thread 'unseen': unseen"]);
  }
});

Deno.test("scope() refuses an on_error that it does not know", () => {
  const options = { on_error: "ignore" } as unknown as ScopeOptions;
  assertThrows(() => scope(() => {}, options), TypeError, 'on_error must be "cancel" or "collect"');
});

Deno.test("on_error() hears after a second of a thread whose loop goes on, once", async () => {
  using clock = new FakeClock();
  const told: string[] = [];
  const off = on_error((error, about) => told.push(`${about}: ${(error as Error).message}`));
  const stop = event();
  const loop = scope(async () => {
    newthread(function janitor() {
      throw new Error("broken");
    });
    const waited = newthread(function known() {
      throw new Error("waited for");
    });
    await sleep(900);
    await wait(waited);
    await stop.wait();
  });
  await clock.tick(900);
  assertEquals(told, []);
  await clock.tick(100);
  assertEquals(told, ["thread 'janitor': broken"]);
  stop.set();
  await loop;
  off();
  assertEquals(told, ["thread 'janitor': broken"]);
});

Deno.test("on_error() hears nothing early of a scope that answers for its threads", async () => {
  using clock = new FakeClock();
  const told: unknown[] = [];
  const off = on_error((error) => told.push(error));
  const collected = scope(async () => {
    newthread(function janitor() {
      throw new Error("broken");
    });
    await sleep(5_000);
  }, { on_error: "collect" });
  await clock.tick(5_000);
  const [, err] = await collected;
  off();
  assertEquals([err?.code, told], ["failed", []]);
});
