import { assert, assertEquals, assertThrows } from "@std/assert";
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

  for (
    const [order, reason] of [
      ["return", "returned"],
      ["throw", "threw"],
      ["exit", "exited"],
    ] as const
  ) {
    Deno.test(`100 queries end with gone when ${where} does ${order}`, async () => {
      const ctx = await worker({ isolated });
      const all = Array.from({ length: 100 }, () => ctx.query({ do: "nothing" }));
      await ctx.send({ do: order });
      for (const [, err] of await Promise.all(all)) {
        assertEquals([err?.code, err?.reason], ["gone", reason]);
      }
      assertEquals((await ctx.wait())[0]?.reason, reason);
      assertEquals((await ctx.send({ do: "nothing" }))[1]?.code, "gone");
    });
  }

  Deno.test(`100 queries end with gone when ${where} is destroyed`, async () => {
    const ctx = await worker({ isolated });
    const all = Array.from({ length: 100 }, () => ctx.query({ do: "nothing" }));
    ctx.destroy("enough");
    for (const [, err] of await Promise.all(all)) {
      assertEquals([err?.code, err?.reason], ["gone", "destroyed"]);
    }
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

Deno.test("100 queries end with gone when a process is stuck and destroyed", async () => {
  const ctx = await worker({ isolated: true });
  const all = Array.from({ length: 100 }, () => ctx.query({ do: "nothing" }));
  await ctx.send({ do: "spin" });
  ctx.destroy();
  for (const [, err] of await Promise.all(all)) assertEquals(err?.reason, "destroyed");
});

Deno.test("an isolated context has the permissions that are named and no others", async () => {
  const bare = await worker({ isolated: true });
  const net = await worker({ isolated: true, permissions: ["--allow-net"] });
  assertEquals(await bare.query({ do: "permission" }), ["prompt", null]);
  assertEquals(await net.query({ do: "permission" }), ["granted", null]);
  bare.destroy();
  net.destroy();
  const all = await worker({ isolated: true, permissions: ["-A"] });
  assertEquals(await all.query({ do: "permission" }), ["granted", null]);
  all.destroy();
  await Promise.all([bare.wait(), net.wait(), all.wait()]);
});

Deno.test("create() fails for a module that is not there, and throws for a relative URL", async () => {
  const [, err] = await create(new URL("./nowhere.ts", import.meta.url));
  assertEquals(err?.code, "failed");
  assertThrows(() => create("./worker.ts"), TypeError, "url must be absolute");
  assertThrows(() => create(url, { isolated: true, permissions: ["x.ts"] }), TypeError, "be flags");
  assertThrows(() => create(url, { permissions: [] }), TypeError, "permissions need isolated");
});

Deno.test("send() shares a SharedArrayBuffer with a context in a thread", async () => {
  const ctx = await worker();
  const shared = new Int32Array(new SharedArrayBuffer(4));
  await ctx.send({ do: "add", value: shared });
  await ctx.query({ do: "echo", value: 0 });
  assertEquals(shared[0], 1);
  ctx.destroy();
  await ctx.wait();
});

Deno.test("a stuck thread is given up: its contexts end with gone and it is counted", async () => {
  const script = new URL("./stuck.ts", import.meta.url);
  // In a program of its own, whose end is the only end of the abandoned thread.
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script.href],
    stderr: "null",
  }).output();
  const words = new TextDecoder().decode(stdout).trim().split("\n");
  assertEquals(words, ["neighbour gone destroyed", "gone destroyed x 100", "abandoned 1"]);
});

Deno.test("a context creates another, queries it, and is its parent", async () => {
  const [ctx, err] = await create<URL, unknown>(new URL("./maker.ts", import.meta.url));
  if (err) throw err;
  assertEquals(await ctx.query(url.href as unknown as URL), [["from the child", true], null]);
  assertEquals((await ctx.wait())[0]?.reason, "returned");
});

Deno.test("100 queries end with gone when a process is killed, and a neighbour lives on", async () => {
  const neighbour = await worker({ isolated: true });
  const ctx = await worker({ isolated: true, permissions: ["--allow-run"] });
  const all = Array.from({ length: 100 }, () => ctx.query({ do: "nothing" }));
  await ctx.send({ do: "kill" });
  for (const [, err] of await Promise.all(all)) {
    assertEquals([err?.code, err?.reason], ["gone", "killed"]);
  }
  assertEquals(await neighbour.query({ do: "echo", value: 1 }), [1, null]);
  neighbour.destroy();
  await neighbour.wait();
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
