/** What becomes of a promise of a killed thread that is in somebody else's hands, or in nobody's. */
import { assertEquals, assertStringIncludes } from "@std/assert";

const url = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).href);

/** Runs a program whose thread `dying` waits in `sleeping`, and is killed. */
async function run(body: string): Promise<{ stdout: string; stderr: string; status: number }> {
  const code = `
    import * as t from ${url("thread/mod.ts")};
    import * as eio from ${url("eio/mod.ts")};
    import { listen } from ${url("cosocket/mod.ts")};
    const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));
    let sleeping;
    const dying = t.newthread(async () => { await (sleeping = t.sleep(60_000)); });
    ${body}`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", code],
    env: { NO_COLOR: "1" },
  });
  const { stdout, stderr, code: status } = await child.output();
  const text = new TextDecoder();
  return { stdout: text.decode(stdout), stderr: text.decode(stderr), status };
}

const failed: Record<string, string> = {
  "the top level awaits it": `
    t.kill(dying, "enough");
    await sleeping;
    console.log("not reached");`,
  "a function of the root thread that nobody awaits does": `
    (async () => { await sleeping; console.log("not reached"); })();
    t.kill(dying, "enough");
    await turn(); await turn(); await turn();
    console.log("not reached");`,
  "another thread kills it": `
    t.newthread(() => { t.kill(dying, "enough"); });
    await sleeping;
    console.log("not reached");`,
};

for (const [what, body] of Object.entries(failed)) {
  Deno.test(`a promise of a killed thread ends the program with a word when ${what}`, async () => {
    const { stdout, stderr, status } = await run(body);
    assertEquals([stdout, status], ["", 1]);
    assertStringIncludes(
      stderr,
      "Uncaught (in promise) ThreadKilled: This thread was killed: enough",
    );
  });
}

Deno.test("a thread that awaits a killed thread's promise fails with that, and is told of", async () => {
  const { stdout, stderr, status } = await run(`
    t.newthread(async function heir() { await sleeping; });
    t.kill(dying, "enough");
    await turn(); await turn();
    console.log("alive");`);
  assertEquals([stdout, status], ["alive\n", 0]);
  assertStringIncludes(
    stderr,
    "coevent: thread 'heir': ThreadKilled: This thread was killed: enough",
  );
});

const unawaited: Record<string, string> = {
  "scope()": "t.scope(() => t.sleep(60_000));",
  "startloop()": "t.startloop(() => t.sleep(60_000));",
  "wait() of a list": "t.wait([slow, slow]);",
  "a queue's get()": "t.queue().get();",
  "an operation on files": "eio.stat('.');",
  "accept()": "server.accept();",
  "autospawn()": "server.autospawn(() => {});",
};

for (const [name, call] of Object.entries(unawaited)) {
  Deno.test(`${name} that nobody awaits does not end the program when the root thread kills`, async () => {
    const { stdout, stderr, status } = await run(`
      const slow = t.newthread(() => t.sleep(60_000));
      const [server] = await listen("127.0.0.1", 0);
      const thread = t.newthread(async () => { ${call} await t.sleep(60_000); });
      for (const one of [thread, slow, dying]) t.kill(one);
      await turn(); await turn(); await turn(); await turn();
      await server.close();
      console.log("alive");`);
    assertEquals([stdout, stderr, status], ["alive\n", "", 0]);
  });
}

Deno.test("scope() that nobody awaits does not end the program when its grace is over", async () => {
  const { stdout, stderr, status } = await run(`
    const thread = t.newthread(async () => {
      t.scope(() => new Promise(() => {}), { grace: 1 });
      await new Promise(() => {});
    });
    const told = new Promise((resolve) => t.on_error((error) => resolve(error.message)));
    for (const one of [thread, dying]) t.kill(one);
    console.log((await told).startsWith("It has not unwound within 1 ms"));
    await turn(); await turn();
    console.log("alive");`);
  assertEquals([stdout, stderr, status], ["true\nalive\n", "", 0]);
});

Deno.test("a scope that a thread leaves open when it throws ends nothing but its threads", async () => {
  const { stdout, stderr, status } = await run(`
    const left = [];
    const thread = t.newthread(async () => {
      for (const open of [t.scope, t.startloop]) {
        open(() => { left.push(t.newthread(() => t.sleep(60_000))); return t.sleep(60_000); });
      }
      await t.sleep(1);
      throw new Error("x");
    });
    console.log((await t.wait(thread))[1].code, left.map((one) => one.state).join());
    t.kill(dying);
    await turn(); await turn();
    console.log("alive");`);
  assertEquals([stdout, stderr, status], ["failed ended,ended\nalive\n", "", 0]);
});
