import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type Context, create, inside } from "../../context/mod.ts";
import type { Order } from "./worker.ts";

const url = new URL("./worker.ts", import.meta.url);

async function worker(options = {}): Promise<Context<Order>> {
  const [ctx, err] = await create<Order>(url, options);
  if (err) throw err;
  return ctx;
}

for (const isolated of [false, true]) {
  const where = isolated ? "a process" : "a thread";

  Deno.test(`query() in ${where} gives the reply`, async () => {
    const ctx = await worker({ isolated, name: "it", args: [1, "two"] });
    assertEquals(await ctx.query({ do: "echo", value: { a: [1, new Uint8Array(2)] } }), [
      { a: [1, new Uint8Array(2)] },
      null,
    ]);
    assertEquals(await ctx.query({ do: "args" }), [["it", [1, "two"]], null]);
    assertEquals(ctx.destroy(), [true, null]);
    assertEquals((await ctx.wait())[0]?.reason, "destroyed");
  });

  Deno.test(`send() to and from ${where} keeps the order, past a full mailbox`, async () => {
    const ctx = await worker({ isolated });
    const numbers = Array.from({ length: 3000 }, (_, n) => n);
    const sent = Promise.all(numbers.map((value) => ctx.send({ do: "tell", value })));
    for (const n of numbers) {
      const [message] = await inside<number>().recv();
      if (message?.value !== n) assertEquals(message?.value, n);
    }
    assert((await sent).every(([value]) => value === true));
    ctx.destroy();
    await ctx.wait();
  });
}

Deno.test("query() gives timeout when there is no reply in time", async () => {
  const ctx = await worker();
  const [, err] = await ctx.query({ do: "nothing" }, { timeout: 5 });
  assertEquals(err?.code, "timeout");
  assertEquals(await ctx.query({ do: "echo", value: 1 }), [1, null]);
  ctx.destroy();
  await ctx.wait();
});

for (const isolated of [false, true]) {
  const where = isolated ? "a process" : "a thread";
  Deno.test(`create() in ${where} says why a module could not be loaded`, async () => {
    const faults: Record<string, string> = {
      "data:text/javascript,throw new RangeError('no start')": "RangeError: no start",
      "data:text/javascript,export default 7": "its default export must be a function: got number",
      "file:///nowhere.ts": 'Module not found "file:///nowhere.ts"',
    };
    for (const [module, words] of Object.entries(faults)) {
      const [, err] = await create(module, { isolated });
      assertEquals(err?.code, "failed");
      assertStringIncludes(err!.message, words);
    }
  });
}

Deno.test("create() calls a module that is code by its kind, and tells none of the code", async () => {
  for (const code of ["throw new Error('broken')", "import 'data:text/none,secret'"]) {
    const [, err] = await create(`data:text/javascript,${code}`);
    assertEquals(err?.code, "failed");
    assertStringIncludes(err!.message, "Cannot create context data:text/javascript: ");
    assertEquals(err!.message.includes(code), false);
  }
});

Deno.test("create() fails for a module that is not there, and throws for a relative URL", async () => {
  const [, err] = await create(new URL("./nowhere.ts", import.meta.url));
  assertEquals(err?.code, "failed");
  assertThrows(() => create("./worker.ts"), TypeError, "url must be absolute");
  assertThrows(() => create(url, { args: "x" as never }), TypeError, "args must be an array");
  assertThrows(() => create(url, { isolated: true, permissions: ["x.ts"] }), TypeError, "be flags");
});

Deno.test("what is the main thread's alone throws in a context, and so does a share without inside", async () => {
  const ctx = await worker();
  assertEquals((await ctx.query({ do: "main thread only" }))[0], [
    "TypeError: inside: a context gets its own as argument",
    "TypeError: stuck_after is for the main thread only",
    "TypeError: abandoned is for the main thread only",
    "TypeError: share in a context wants { inside }, what its function got",
  ]);
  ctx.destroy();
  await ctx.wait();
  const words = "the main thread cannot be destroyed";
  assertThrows(() => inside().self.destroy(), TypeError, words);
});

Deno.test("send() shares a SharedArrayBuffer with a context in a thread", async () => {
  const ctx = await worker();
  const shared = new Int32Array(new SharedArrayBuffer(4));
  await ctx.send({ do: "add", value: shared });
  await ctx.query({ do: "echo", value: 0 });
  assertEquals(shared[0], 1);
  const bytes = new Uint8Array(new SharedArrayBuffer(1));
  await ctx.send({ do: "add", value: bytes });
  await ctx.query({ do: "echo", value: 0 });
  assertEquals(bytes[0], 1);
  ctx.destroy();
  await ctx.wait();
});

Deno.test("a context creates another, queries it, and is its parent", async () => {
  const [ctx, err] = await create<URL, unknown>(new URL("./maker.ts", import.meta.url));
  if (err) throw err;
  assertEquals(await ctx.query(url.href as unknown as URL), [["from the child", true], null]);
  assertEquals((await ctx.wait())[0]?.reason, "returned");
});

Deno.test("send() copies at the call, and throws for what cannot be copied", async () => {
  const ctx = await worker();
  const value = { n: 1 };
  const answer = ctx.query({ do: "echo", value });
  value.n = 2;
  assertEquals(await answer, [{ n: 1 }, null]);
  const [, err] = await ctx.send({ do: "echo", value: () => {} }).then(
    () => [null, null],
    (error) => [null, error],
  );
  assert(err instanceof TypeError);
  const buffer = new ArrayBuffer(8);
  const sent = ctx.query({ do: "echo", value: buffer }, { transfer: [buffer] });
  assertEquals([buffer.byteLength, ((await sent)[0] as ArrayBuffer).byteLength], [0, 8]);
  ctx.destroy();
  await ctx.wait();
});

Deno.test("reply() answers a query once, and nothing else", async () => {
  const ctx = await worker();
  const replies = ctx.query({ do: "reply twice" });
  assertEquals(await replies, ["first", null]);
  const [told] = await inside<unknown[]>().recv();
  assertEquals(told?.value, [true, "idle"]);
  await ctx.send({ do: "reply twice" });
  assertEquals((await inside().recv())[0]?.value, ["idle", "idle"]);
  assertEquals(inside().reply(told!, 1)[1]?.code, "idle");
  ctx.destroy();
  await ctx.wait();
});

Deno.test("wait() for one that has ended answers at once, and any number of times", async () => {
  const ctx = await worker({ args: ["return"] });
  const ended = await ctx.wait();
  assertEquals(ended, [{ reason: "returned", message: "its function returned" }, null]);
  for (let n = 0; n < 3; n++) assertEquals(await ctx.wait({ timeout: 1 }), ended);
  const gaveUp = await ctx.wait({ signal: AbortSignal.abort() });
  assertEquals(gaveUp[1]?.code, "cancelled");
});

Deno.test("wait() gives up with timeout, and the context lives on", async () => {
  const ctx = await worker();
  assertEquals((await ctx.wait({ timeout: 5 }))[1]?.code, "timeout");
  assertEquals(await ctx.query({ do: "echo", value: 1 }), [1, null]);
  ctx.destroy();
  await ctx.wait();
});

Deno.test("inside() of the main thread logs by its name, and runs functions alone", () => {
  const main = inside();
  const said: unknown[][] = [];
  const real = console.error;
  console.error = (...values) => void said.push(values);
  try {
    main.log("how", { it: "goes" });
  } finally {
    console.error = real;
  }
  assertEquals(said, [[`${main.name}#0:`, "how", { it: "goes" }]]);
  assertThrows(() => main.run("code" as never), TypeError, "run wants a function: got string");
});

Deno.test("create() gives exhausted where a module cannot be opened for lack of descriptors", async () => {
  // As the runtime says it; who has none left can start no test either.
  const words = "Too many open files (os error 24)";
  const [, err] = await create(`data:text/javascript,throw new Error("${words}")`);
  assertEquals([err?.code, err?.message.endsWith(": too many open files")], ["exhausted", true]);
});
