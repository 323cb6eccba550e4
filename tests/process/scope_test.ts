/** That no child outlives the scope of the thread that started it, however the scope ends. */
import { assertEquals, assertThrows } from "@std/assert";
import {
  type Child,
  children,
  type ChildStream,
  exec,
  fork,
  popen,
  unwrap,
} from "../../process/mod.ts";
import {
  deadline,
  FakeClock,
  kill,
  list,
  newthread,
  on_error,
  scope,
  self,
  sleep,
  startloop,
  ThreadKilled,
  wait,
} from "../../thread/mod.ts";
import { isGone, runDeno } from "./programs.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

/** A Deno program that stands in its own address. */
const program = (code: string) => new URL(`data:text/typescript,${encodeURIComponent(code)}`);

/** What `list()` shows of the children that belong to a scope. */
const shown = () => list().filter(({ name }) => name.startsWith("child "));

/** A child with a child of its own, and the ids of both. */
async function family(): Promise<{ child: ChildStream; pids: number[] }> {
  const child = unwrap(popen("sleep 60 & echo $!; echo $$; wait", "r", { stderr: "null" }));
  const pids = [Number(await unwrap(child.receive())), Number(await unwrap(child.receive()))];
  assertEquals(pids.map(isGone), [false, false]);
  return { child, pids };
}

Deno.test("deadline() ends a child that runs when the time is over", async () => {
  let child: ChildStream | null = null;
  const [, err] = await deadline(50, async () => {
    child = unwrap(popen("sleep 60"));
    await child.receive();
  });
  assertEquals(err?.code, "timeout");
  assertEquals([child!.status?.signal, isGone(child!.pid)], ["SIGTERM", true]);
  assertEquals([children(), shown()], [[], []]);
  await child!.close();
});

/** The ways to end a scope whose child has begun; each runs beside the scope's own function. */
const ENDS: Record<string, [end: (close: () => void, abort: () => void) => unknown, code: string]> =
  {
    "close()": [(close) => close(), "killed"],
    "an aborted signal": [(_close, abort) => abort(), "cancelled"],
    "a kill of its own thread": [() => kill(self()), "killed"],
    "a function that throws": [() => Promise.reject(new Error("thrown")), "failed"],
  };

for (const [name, [end, code]] of Object.entries(ENDS)) {
  Deno.test(`a scope that ends by ${name} ends a child with its group, and waits for that`, async () => {
    const aborter = new AbortController();
    const begun = Promise.withResolvers<{ child: ChildStream; pids: number[] }>();
    const [, err] = await scope(async (s) => {
      begun.resolve(await family());
      // From a thread of its own, for a thread closes a scope around itself.
      const other = () => end(() => newthread(() => s.close()), () => aborter.abort());
      await other();
      await sleep(60_000);
    }, { signal: aborter.signal });
    const { child, pids } = await begun.promise;
    assertEquals(err?.code, code);
    assertEquals([child.status?.signal, ...pids.map(isGone)], ["SIGTERM", true, true]);
    assertEquals([children(), shown()], [[], []]);
    await child.close();
  });
}

Deno.test("a kill of the thread that waits for a scope ends the scope's children", async () => {
  const begun = Promise.withResolvers<{ child: ChildStream; pids: number[] }>();
  const waiting = newthread(() =>
    scope(async () => {
      begun.resolve(await family());
    })
  );
  const { child, pids } = await begun.promise;
  await scope(async () => {
    // It has its outcome at once, and unwinds when the scope has ended.
    kill(waiting);
    while (list().some(({ id }) => id === waiting.id)) await turn();
  });
  assertEquals([child.status?.signal, ...pids.map(isGone)], ["SIGTERM", true, true]);
  await child.close();
});

Deno.test("a child that is deaf to SIGTERM is killed shortly before the scope's grace is over", async () => {
  using clock = new FakeClock();
  const told: unknown[] = [];
  const off = on_error((error) => told.push(error));
  let child: ChildStream | null = null;
  const ending = scope(async (s) => {
    child = unwrap(popen("trap '' TERM; echo ready; exec sleep 60"));
    await child.receive();
    s.close();
  }, { grace: 1_000 });
  while (!shown().some(({ state }) => state === "unwinding")) await turn();
  await clock.tick(749);
  assertEquals(isGone(child!.pid), false);
  await clock.tick(1);
  assertEquals(await ending, [undefined, null]);
  assertEquals([child!.status?.signal, told], ["SIGKILL", []]);
  off();
  await child!.close();
});

for (
  const [name, open] of [
    ["scope()", (fn: () => void) => scope(fn)],
    ["startloop()", (fn: () => void) => startloop(fn)],
    ["a scope in a scope", (fn: () => void) => scope(() => void scope(fn))],
  ] as const
) {
  Deno.test(`${name} that ends by itself waits for its children`, async () => {
    let child: Child | null = null;
    let over = false;
    const ending = open(() => {
      child = unwrap(exec("cat; exit 3", { stdin: "piped" }));
    }).then(() => over = true);
    while (shown().length === 0 && !over) await turn();
    assertEquals(shown().length, 1);
    await turn();
    await turn();
    assertEquals([over, child!.status], [false, null]);
    await child!.stdin.shutdown("send");
    await ending;
    assertEquals([child!.status?.code, shown()], [3, []]);
    await child!.stdin.close();
  });
}

Deno.test("unref() lets a scope end without its child, which ends with it, and ref() takes it back", async () => {
  const [child, err] = await scope(async () => {
    const child = unwrap(exec(["sleep", "60"]));
    child.unref();
    await sleep(1);
    return child;
  });
  assertEquals([err, child?.status?.signal, isGone(child!.pid)], [null, "SIGTERM", true]);
  const [late] = await scope(async () => {
    const child = unwrap(exec(["sleep", "60"]));
    await sleep(1);
    newthread(() => sleep(1));
    setTimeout(() => child.unref(), 0);
    return child;
  });
  assertEquals(late?.status?.signal, "SIGTERM");
  const [back] = await scope(() => {
    const child = unwrap(exec("cat; exit 3", { stdin: "piped" }));
    child.unref();
    child.ref();
    setTimeout(() => child.stdin.shutdown("send"), 0);
    return child;
  });
  assertEquals([back?.status?.code, back?.status?.signal], [3, null]);
  await back!.stdin.close();
});

Deno.test("a detached child belongs to no scope", async () => {
  const [child, err] = await scope(() => {
    const child = unwrap(
      exec(["sleep", "60"], { detached: true, stdout: "null", stderr: "null" }),
    );
    assertEquals(shown(), []);
    return child;
  });
  assertEquals([err, child?.status, isGone(child!.pid)], [null, null, false]);
  assertEquals((await unwrap(child!.stop())).signal, "SIGTERM");
});

Deno.test("list() shows a child, and nothing of it once it has ended, in whatever way", async () => {
  const [size] = await scope(async (s) => {
    const exits = unwrap(exec("cat; exit 3", { stdin: "piped" }));
    const [{ name, state, parent }] = shown() as [ReturnType<typeof list>[0]];
    const told = [name, state.replace(/, \d+ ms$/, ""), parent, s.size];
    assertEquals(told, ["child cat ...", `process ${exits.pid}`, self().id, 2]);
    await exits.stdin.shutdown("send");
    await exits.wait();
    assertEquals([shown(), s.size], [[], 1]);
    await exits.stdin.close();
    const stopped = unwrap(exec(["sleep", "60"]));
    await stopped.stop();
    assertEquals([shown(), s.size], [[], 1]);
    {
      await using _child = unwrap(popen(["cat"], "rw"));
      assertEquals(shown().length, 1);
    }
    assertEquals([shown(), s.size], [[], 1]);
    const missing = exec(["no-such-program"]);
    assertEquals([missing[1]?.code, shown(), s.size], ["not_found", [], 1]);
    return s.size;
  });
  assertEquals(size, 1);
});

Deno.test("a scope ends a child that is forked for ever, while it runs and between two starts", async () => {
  using clock = new FakeClock();
  const runs = unwrap(
    await scope((s) => {
      const child = unwrap(fork({ file: program("setInterval(() => {}, 1_000)"), forever: true }));
      s.close();
      return child;
    }),
  );
  assertEquals([runs.status?.signal, isGone(runs.pid)], ["SIGTERM", true]);
  const ended = Promise.withResolvers<void>();
  const pauses = unwrap(
    await scope(async (s) => {
      const onexit = () => ended.resolve();
      const child = unwrap(fork({ file: program("Deno.exit(4)"), forever: true, onexit }));
      await ended.promise;
      assertEquals([child.status, shown().length], [null, 1]);
      s.close();
      return child;
    }),
  );
  assertEquals(pauses.status?.code, 4);
  await clock.tick(60_000);
  assertEquals([runs.restarts, pauses.restarts, children(), shown()], [0, 0, [], []]);
});

Deno.test("unref() of a child that is forked for ever holds over its new starts", async () => {
  using clock = new FakeClock();
  let ends = 0;
  let heard = Promise.withResolvers<void>();
  const [child] = await scope(async () => {
    const onexit = () => {
      ends += 1;
      heard.resolve();
    };
    const child = unwrap(
      fork({ file: program("setInterval(() => {}, 1_000)"), forever: true, onexit }),
    );
    child.kill("KILL");
    await heard.promise;
    heard = Promise.withResolvers<void>();
    child.unref();
    await clock.tick(100);
    assertEquals([child.restarts, shown().length], [1, 1]);
    return child;
  });
  await heard.promise;
  await clock.tick(60_000);
  assertEquals([child?.restarts, child?.status?.signal, ends], [1, "SIGTERM", 2]);
});

Deno.test("a program does not live for an unref()ed child, between two starts or after a new one", async () => {
  const pause = await runDeno(
    `const file = new URL("data:text/javascript,Deno.exit(0)");
     const onexit = () => setTimeout(() => child.unref(), 0);
     const child = p.unwrap(p.fork({ file, forever: { delay: 60_000 }, onexit }));`,
  );
  assertEquals([pause.status.code, pause.errors], [0, ""]);
  const again = await runDeno(
    `const file = new URL("data:text/javascript,setInterval(() => {}, 1_000)");
     const child = p.unwrap(p.fork({ file, forever: { delay: 1 } }));
     child.unref();
     child.kill("KILL");
     while (child.restarts === 0) await thread.sleep(1);`,
  );
  assertEquals([again.status.code, again.errors], [0, ""]);
});

Deno.test("an inner scope ends its own child, and none of the scope around it", async () => {
  const [, err] = await scope(async () => {
    const outer = unwrap(exec(["sleep", "60"]));
    const [inner] = await scope((s) => {
      const child = unwrap(exec(["sleep", "60"]));
      s.close();
      return child;
    });
    assertEquals([inner?.status?.signal, outer.status], ["SIGTERM", null]);
    assertEquals(shown().map(({ name }) => name), ["child sleep"]);
    await outer.stop();
  });
  assertEquals(err, null);
});

Deno.test("a child outlives the thread that started it, and not its scope", async () => {
  const [child, err] = await scope(async (s) => {
    const [child] = await wait(newthread(() => unwrap(popen(["cat"], "rw"))));
    await child!.send("still there\n");
    assertEquals(await child!.receive(), ["still there", null]);
    s.close();
    return child!;
  });
  assertEquals([err, child?.status?.signal], [null, "SIGTERM"]);
  await child!.close();
});

Deno.test("exec(), popen() and fork() start nothing in a killed thread", async () => {
  const killed = newthread(() => {
    kill(self());
    assertThrows(() => exec(["sleep", "60"]), ThreadKilled);
    assertThrows(() => popen(["sleep", "60"]), ThreadKilled);
    assertThrows(() => fork({ file: program("") }), ThreadKilled);
    assertThrows(() => fork({ file: program(""), forever: true }), ThreadKilled);
  });
  const told: unknown[] = [];
  const off = on_error((error) => told.push(error));
  await killed.done;
  await turn();
  off();
  assertEquals([children(), told], [[], []]);
});

Deno.test("thread.exit() ends a child of the root's, and waits for it", async () => {
  const { lines, status } = await runDeno(
    `const child = p.unwrap(p.popen("trap 'echo ended; exit 0' TERM; sleep 60 & echo ready; wait"));
     await child.receive();
     thread.newthread(async () => {
       try {
         await child.wait();
       } finally {
         await thread.shield(10_000, async () => console.log((await child.receive())[0]));
       }
     });
     await thread.exit(5);`,
  );
  assertEquals([lines, status.code], [["ended"], 5]);
});
