/** What a kill reaches, what it leaves alone, and that it never ends the program. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { pair } from "../../stream/mod.ts";
import {
  FakeClock,
  kill,
  newthread,
  scope,
  self,
  shield,
  sleep,
  startloop,
  swop,
  ThreadKilled,
  wait,
} from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

Deno.test("kill() reaches all operations that a thread waits in at the same time", async () => {
  const [a, b] = pair();
  const thrown: unknown[] = [];
  const note = (error: unknown) => {
    thrown.push(error);
    throw error;
  };
  const thread = newthread(() =>
    Promise.all([
      a.receive().catch(note),
      b.receive("*a").catch(note),
      sleep(60_000).catch(note),
      wait(newthread(() => sleep(1))).catch(note),
    ])
  );
  kill(thread);
  await turn();
  assertEquals(thrown.length, 4);
  assert(thrown.every((error) => error instanceof ThreadKilled));
  assertEquals([a.busy(), b.busy(), thread.state], [false, false, "ended"]);
  await Promise.all([a.close(), b.close()]);
});

Deno.test("kill() throws in a receive that was given the thread's own signal", async () => {
  const [a, b] = pair();
  let thrown: unknown;
  const thread = newthread(async () => {
    try {
      await a.receive("*l", { signal: self().signal });
    } catch (error) {
      thrown = error;
    }
  });
  kill(thread, "enough");
  await turn();
  assert(thrown instanceof ThreadKilled, String(thrown));
  assertEquals(thread.signal.reason, thrown);
  await Promise.all([a.close(), b.close()]);
});

Deno.test("a thread that kills itself runs on to its next wait", async () => {
  const steps: string[] = [];
  const thread = newthread(async () => {
    assertEquals(kill(self(), "by itself"), [true, null]);
    steps.push("after");
    await swop();
    steps.push("never");
  });
  const [, err] = await wait(thread);
  assertEquals([err?.code, err?.cause], ["killed", "by itself"]);
  while (thread.state !== "ended") await turn();
  assertEquals(steps, ["after"]);
});

Deno.test("a thread that never waits but for swop() can be killed", async () => {
  let swops = 0;
  const thread = newthread(async () => {
    while (swops < 10_000_000) {
      await swop();
      swops += 1;
    }
  });
  await turn();
  kill(thread);
  while (thread.state !== "ended") await turn();
  assert(swops < 10_000_000, "it ran to its end");
});

Deno.test("a killed thread cannot begin anything, but closes, and says its farewell", async () => {
  const [a, b] = pair();
  const events: string[] = [];
  const refused = async (name: string, wait: () => Promise<unknown>) => {
    await wait().then(
      () => events.push(`${name} went through`),
      (error) => assert(error instanceof ThreadKilled, name),
    );
  };
  const done = newthread(() => 1);
  await startloop(async () => {
    const thread = newthread(async () => {
      try {
        await sleep(60_000);
      } finally {
        await refused("receive", () => a.receive());
        await refused("send", () => a.send("x"));
        await refused("shutdown", () => a.shutdown("send"));
        await refused("sleep", () => sleep(1));
        await refused("swop", () => swop());
        await refused("wait", () => wait(done));
        await refused("scope", () => scope(() => 1));
        await refused("startloop", () => startloop(() => 1));
        const [sent] = await shield(1_000, () => a.send("farewell\n"));
        events.push(`sent ${sent}`);
        await a.close();
        events.push("closed");
      }
    });
    kill(thread);
    assertEquals((await wait(thread))[1]?.code, "killed");
  });
  assertEquals(events, ["sent 9", "closed"]);
  assertEquals(await b.receive("*a", { encoding: "latin1" }), ["farewell\n", null]);
  await b.close();
});

Deno.test("a shield that was opened before the kill is finished, and then it throws", async () => {
  using clock = new FakeClock();
  const events: unknown[] = [];
  const thread = newthread(async () => {
    events.push(await shield(1_000, async () => (await sleep(500), "shielded")));
    try {
      await sleep(1);
    } catch (error) {
      events.push((error as Error).name);
    }
  });
  await clock.tick(100);
  kill(thread);
  await clock.tick(399);
  assertEquals(events, []);
  await clock.tick(1);
  assertEquals(events, [["shielded", null], "ThreadKilled"]);
});

Deno.test("kill() withdraws a send that is queued, whole, and the others go out", async () => {
  const [a, b] = pair({ capacity: 4 });
  const first = a.send("12345678", { timeout: 0 });
  await turn();
  const killed = newthread(() => a.send("killed"));
  const last = a.send("last");
  kill(killed);
  assertEquals(await b.receive(12, { encoding: "latin1" }), ["12345678last", null]);
  assertEquals([await first, await last], [[8, null], [4, null]]);
  assertEquals((await wait(killed))[1]?.code, "killed");
  await Promise.all([a.close(), b.close()]);
});

Deno.test("kill() of a thread whose result is another's death says that it has returned", async () => {
  const dead = newthread(() => sleep(60_000));
  kill(dead);
  const thread = newthread(() => wait(dead));
  await wait(thread);
  assertEquals(kill(thread)[1]?.reason, "returned");
});

Deno.test("what a killed thread throws while it unwinds is told, its ThreadKilled is not", async () => {
  const code = `
    import { kill, newthread, sleep, wait } from "${new URL(
    "../../thread/mod.ts",
    import.meta.url,
  )}";
    const quiet = newthread(async function quiet() { await sleep(60_000); });
    const loud = newthread(async function loud() {
      try { await sleep(60_000); } finally { throw new Error("in the cleanup"); }
    });
    kill(quiet); kill(loud);
    console.log((await wait(loud))[1].code);
    await new Promise((resolve) => setTimeout(resolve, 5));`;
  const { stdout, stderr, status } = await run(code);
  assertEquals([stdout, status], ["killed\n", 0]);
  assertStringIncludes(stderr, "cleanup of killed thread 'loud': Error: in the cleanup");
  assertEquals(stderr.includes("quiet"), false);
});

/** Threads that are killed with a wait that nobody awaits. */
const UNAWAITED: Record<string, string> = {
  "sleep()": "sleep(60_000); await sleep(60_000);",
  "a wait that was begun in finally": "try { await sleep(60_000) } finally { sleep(1); }",
  "send() in finally": "try { await a.receive() } finally { a.send('QUIT'); await a.close(); }",
  "shutdown()": "a.send(new Uint8Array(1e6)); a.shutdown('send'); await sleep(60_000);",
  "wait() of a list":
    "wait([newthread(() => sleep(9)), newthread(() => sleep(8))]); await sleep(60_000);",
  "scope()": "scope(() => sleep(60_000)); await sleep(60_000);",
  "startloop()": "startloop(() => sleep(60_000)); await sleep(60_000);",
  "the second of two functions": `const read = async (s) => await s.receive();
    const one = read(a), two = read(b); await one; await two;`,
  "lines()": "const next = a.lines().next(); await sleep(60_000); await next;",
};

for (const [name, body] of Object.entries(UNAWAITED)) {
  Deno.test(`a killed thread does not end the program through ${name} that nobody awaits`, async () => {
    const code = `
      import { kill, newthread, scope, sleep, startloop, wait } from
        "${new URL("../../thread/mod.ts", import.meta.url)}";
      import { pair } from "${new URL("../../stream/mod.ts", import.meta.url)}";
      const [a, b] = pair();
      const thread = newthread(async () => { ${body} });
      kill(thread);
      console.log((await wait(thread))[1].code);
      await new Promise((resolve) => setTimeout(resolve, 10));
      a.close_immediately(); b.close_immediately();
      console.log("alive");`;
    const { stdout, stderr, status } = await run(code);
    assertEquals([stdout, stderr, status], ["killed\nalive\n", "", 0]);
  });
}

Deno.test("a failure that is no kill still ends the program after a kill", async () => {
  const code = `
    import { kill, newthread, sleep, wait } from "${new URL(
    "../../thread/mod.ts",
    import.meta.url,
  )}";
    kill(newthread(() => sleep(60_000)));
    Promise.reject(new Error("a real one"));
    // Far behind the end, however slow the machine: a timer that is due goes first.
    setTimeout(() => console.log("alive"), 20_000);`;
  const { stdout, stderr, status } = await run(code);
  assertEquals([stdout, status], ["", 1]);
  assertStringIncludes(stderr, "a real one");
});

async function run(code: string): Promise<{ stdout: string; stderr: string; status: number }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", code],
    env: { NO_COLOR: "1" },
  });
  const { stdout, stderr, code: status } = await child.output();
  const text = new TextDecoder();
  return { stdout: text.decode(stdout), stderr: text.decode(stderr), status };
}

Deno.test("kill() gives its reason as the cause, and none where there is none", async () => {
  const [reasoned, unreasoned] = [newthread(() => sleep(1_000)), newthread(() => sleep(1_000))];
  kill(reasoned, "enough");
  kill(unreasoned);
  const [[, why], [, none]] = await wait([reasoned, unreasoned]);
  assertEquals([why?.message, why?.cause], [
    `Thread '${reasoned.name}' was killed: enough`,
    "enough",
  ]);
  assertEquals([none?.message, "cause" in none!], [
    `Thread '${unreasoned.name}' was killed`,
    false,
  ]);
});
