/** That nothing outlives its scope, however it was begun and however it ends. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  deadline,
  FakeClock,
  type IoError,
  kill,
  list,
  newthread,
  on_error,
  type Scope,
  scope,
  sleep,
  startloop,
  wait,
} from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

/** Hears what is told while `fn` runs. */
async function toldDuring(fn: () => Promise<unknown>): Promise<string[]> {
  const told: string[] = [];
  const off = on_error((error, about) => told.push(`${about}: ${(error as Error).message}`));
  try {
    await fn();
    await turn();
  } finally {
    off();
  }
  return told;
}

Deno.test("a scope that nobody awaits ends before the loop that it was opened in", async () => {
  using clock = new FakeClock();
  const events: string[] = [];
  let ended = false;
  const loop = startloop(() => {
    scope(async () => {
      newthread(async () => {
        await sleep(6);
        events.push("thread");
      });
      await sleep(3);
      events.push("scope");
    });
    startloop(async () => {
      await sleep(9);
      events.push("inner loop");
    });
  });
  loop.then(() => ended = true);
  await clock.tick(8);
  assertEquals([events, ended], [["scope", "thread"], false]);
  await clock.tick(1);
  await loop;
  assertEquals(events, ["scope", "thread", "inner loop"]);
});

Deno.test("a thread ends when the scopes have that it opened and did not await", async () => {
  using clock = new FakeClock();
  const thread = newthread(() => {
    scope(() => sleep(100));
    deadline(50, () => sleep(1_000));
    return "returned";
  });
  await clock.tick(99);
  assertEquals(thread.state, "scope, 99 ms");
  const waiting = wait(thread);
  await clock.tick(1);
  assertEquals(await waiting, ["returned", null]);
  assertEquals(thread.state, "ended");
});

Deno.test("kill() of a thread that has returned closes the scopes that it left open", async () => {
  let unwound = false;
  const thread = newthread(() => {
    scope(async () => {
      try {
        await sleep(60_000);
      } finally {
        unwound = true;
      }
    });
  });
  assertEquals(kill(thread), [true, null]);
  while (thread.state !== "ended") await turn();
  assertEquals(unwound, true);
});

Deno.test("a thread that throws closes the scopes that it left open", async () => {
  let unwound = false;
  const thread = newthread(() => {
    scope(async () => {
      try {
        await sleep(60_000);
      } finally {
        unwound = true;
      }
    });
    throw new Error("broken");
  });
  const [, err] = await wait(thread);
  assertEquals([err?.code, unwound], ["failed", true]);
});

Deno.test("a killed thread has unwound when its scopes have, in order from within", async () => {
  const events: string[] = [];
  const nest = async (depth: number): Promise<void> => {
    try {
      if (depth === 3) await sleep(60_000);
      else await scope(() => nest(depth + 1));
    } finally {
      events.push(`depth ${depth}`);
    }
  };
  const thread = newthread(() => nest(0));
  kill(thread);
  while (thread.state !== "ended") await turn();
  assertEquals(events, ["depth 3", "depth 2", "depth 1", "depth 0"]);
});

Deno.test("scope() kills nobody when the function returns what failed", async () => {
  let ended = false;
  const [, err] = await scope(async () => {
    newthread(async () => {
      await sleep(5);
      ended = true;
    });
    const failing = newthread(() => Promise.reject(new Error("seen")));
    return await wait(failing);
  });
  assertEquals([err?.code, ended], ["failed", true]);
});

Deno.test("Scope.close() spares who calls it, wherever that is", async () => {
  const left: string[] = [];
  const nap = async (name: string) => {
    await sleep(60_000);
    left.push(name);
  };
  const fromBody = await scope((s) => {
    newthread(() => nap("a"));
    newthread(() => nap("b"));
    assertEquals(s.size, 3);
    s.close("from the body");
    return "body";
  });
  const fromThread = await scope(async (s) => {
    newthread(() => s.close("from a thread"));
    await nap("body");
  });
  let outer: Scope | null = null;
  const opened = scope((s) => {
    outer = s;
    return nap("body");
  });
  outer!.close("from outside");
  assertEquals(fromBody, ["body", null]);
  assertEquals([fromThread[1]?.code, fromThread[1]?.cause], ["killed", "from a thread"]);
  assertEquals((await opened)[1]?.cause, "from outside");
  assertEquals(left, []);
});

Deno.test("deadline() within deadline(): the shorter one counts", async () => {
  using clock = new FakeClock();
  const inner = deadline(1_000, () => deadline(100, () => sleep(10_000)));
  const outer = deadline(100, () => deadline(1_000, () => sleep(10_000)));
  let ended = 0;
  inner.then(() => ended += 1);
  outer.then(() => ended += 1);
  await clock.tick(99);
  assertEquals(ended, 0);
  await clock.tick(1);
  assertEquals(ended, 2);
  assertEquals([(await inner)[1]?.code, (await outer)[1]?.code], ["timeout", "timeout"]);
});

Deno.test("deadline() of a function that hears no kill ends after its grace, and tells", async () => {
  using clock = new FakeClock();
  const told = await toldDuring(async () => {
    const late = deadline(100, () => new Promise(() => {}), { grace: 50 });
    let ended = false;
    late.then(() => ended = true);
    await clock.tick(149);
    assertEquals(ended, false);
    await clock.tick(1);
    assertEquals((await late)[1]?.code, "timeout");
  });
  assertEquals(told.length, 1);
  assertStringIncludes(told[0]!, "thread 'deadline': It has not unwound within 50 ms");
});

Deno.test("a thread that is killed alone has the grace of its scope too", async () => {
  using clock = new FakeClock();
  const told = await toldDuring(async () => {
    const closing = scope(() => {
      const deaf = newthread(function deaf() {
        return new Promise(() => {});
      });
      kill(deaf);
    }, { grace: 70 });
    let ended = false;
    closing.then(() => ended = true);
    await clock.tick(69);
    assertEquals(ended, false);
    await clock.tick(1);
    assertEquals(ended, true);
  });
  assertEquals(told.length, 1);
  assertStringIncludes(told[0]!, "thread 'deaf'");
});

Deno.test("the last thread's failure is told like any other", async () => {
  const told = await toldDuring(() =>
    startloop(() => {
      newthread(async function last() {
        await sleep(2);
        throw new Error("unseen");
      });
    })
  );
  assertEquals(told, ["thread 'last': unseen"]);
});

Deno.test("many failures are not kept for the end, and each is told once", async () => {
  const told = await toldDuring(() =>
    startloop(() => {
      for (let n = 0; n < 200; n++) {
        newthread(() => {
          throw new Error(String(n));
        }).name = "n";
      }
    })
  );
  assertEquals(told.length, 200);
  assertEquals(new Set(told).size, 200);
});

Deno.test("a thread that a late callback starts is listed, and its failure told", async () => {
  const names: string[] = [];
  const started = Promise.withResolvers<void>();
  const told = await toldDuring(async () => {
    await startloop(() => {
      setTimeout(() => {
        newthread(function late() {
          names.push(...list().map((thread) => thread.name));
          throw new Error("late");
        });
        setTimeout(started.resolve, 0);
      }, 3);
    });
    await started.promise;
  });
  assert(names.includes("late"), String(names));
  assertEquals(told, ["thread 'late': late"]);
});

Deno.test("startloop() rejects with the very value that fn threw, also where it looks like a result", async () => {
  const thrown = { not: "an error" };
  const caught = await startloop(() => {
    throw thrown;
  }).then(() => null, (error) => error);
  assert(caught === thrown);
  const err = await assertRejects(() => startloop(() => kill(null as never)));
  assertStringIncludes(String(err), "TypeError: kill wants a thread: got null");
});

Deno.test("startloop() in a loop is a loop of its own", async () => {
  const events: string[] = [];
  const value = await startloop(async () => {
    const inner = await startloop(() => {
      newthread(async () => {
        await sleep(3);
        events.push("inner thread");
      });
      return 1;
    });
    events.push(`inner ${inner}`);
    return inner + 1;
  });
  assertEquals([value, events], [2, ["inner thread", "inner 1"]]);
});

Deno.test("the failure of a scope's body is in its result, and told to nobody", async () => {
  const told = await toldDuring(async () => {
    const thrown = new Error("body");
    const [, err] = await scope(() => Promise.reject(thrown));
    assertEquals([err?.code, (err as IoError).cause], ["failed", thrown]);
  });
  assertEquals(told, []);
});
