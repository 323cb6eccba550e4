import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Context, create, inside, unwrap } from "../../context/mod.ts";
import { kill, newthread, on_error, type Thread, wait } from "../../thread/mod.ts";
import type { Order } from "./worker.ts";

const url = new URL("./worker.ts", import.meta.url);

async function worker(options = {}): Promise<Context<Order>> {
  const [ctx, err] = await create<Order>(url, options);
  if (err) throw err;
  return ctx;
}

/** A context that hears nothing until it is woken. */
async function deaf(): Promise<[ctx: Context<Order>, wake: () => void]> {
  const ctx = await worker({ name: "deaf" });
  const bell = new Int32Array(new SharedArrayBuffer(4));
  await ctx.send({ do: "deaf", value: bell }, { confirm: true });
  const wake = () => {
    Atomics.store(bell, 0, 1);
    Atomics.notify(bell, 0);
  };
  return [ctx, wake];
}

/** Failures that nobody waited for. */
function reports(): [list: string[], stop: () => void] {
  const list: string[] = [];
  return [list, on_error((error, about) => list.push(`${about}: ${(error as Error).message}`))];
}

const twice = { n: 1 };
const cycle: Record<string, unknown> = { n: 1 };
cycle.self = cycle;
const both = new ArrayBuffer(8);
const ofRegExp = /b(?<n>.)/.exec("abc");
class Point {
  x = 1;
}

const VALUES: Record<string, unknown> = {
  "undefined": undefined,
  "null": null,
  "a bigint": 12345678901234567890n,
  "NaN and the negative zero": [NaN, -0, Infinity],
  "a string with what is no text": "\ud800 \0 é",
  "objects in objects": { a: { b: [{ c: null, d: undefined }] } },
  "an object with symbols as keys": { [Symbol("gone")]: 1, kept: 2 },
  "an object with a getter": Object.defineProperty({}, "n", { get: () => 7, enumerable: true }),
  "an object with a key that sets the prototype": JSON.parse(`{"__proto__": {"evil": 1}, "a": 2}`),
  "an object without a prototype": Object.assign(Object.create(null), { a: 1 }),
  "what is hidden": Object.defineProperty({ a: 1 }, "hidden", { value: 2 }),
  "an array with holes": [1, , 3],
  "an array with names": ofRegExp,
  "a long array": Array.from({ length: 1000 }, (_, n) => ({ n })),
  "a deep value": Array.from({ length: 100 }).reduce((inner) => ({ inner }), 1),
  "the same object twice": [twice, twice],
  "a cycle": cycle,
  "bytes": new Uint8Array([1, 2, 3]),
  "a part of bytes": new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
  "two views of one buffer": [new Uint8Array(both, 0, 4), new Uint8Array(both, 2, 4)],
  "many bytes": new Uint8Array(100_000).fill(7),
  "other numbers": new Float64Array([0.5]),
  "an instance": new Point(),
  "maps, sets, dates, expressions": [new Map([[1, new Set([2])]]), new Date(0), /x/g],
  "an error": new RangeError("far"),
};

for (const isolated of [false, true]) {
  const where = isolated ? "a process" : "a thread";

  Deno.test(`query() to ${where} copies as structuredClone does`, async () => {
    const ctx = await worker({ isolated });
    for (const [name, value] of Object.entries(VALUES)) {
      const [copied, err] = await ctx.query({ do: "echo", value });
      assertEquals(err, null, name);
      assertEquals(copied, structuredClone(value), name);
    }
    const odd = await ctx.query({ do: "echo", value: JSON.parse(`{"__proto__": {}}`) });
    assertEquals(Object.keys(odd[0] as object), ["__proto__"]);
    const [[first, second]] = (await ctx.query({ do: "echo", value: [twice, twice] })) as [
      [unknown, unknown],
      null,
    ];
    assert(first === second);
    // Between processes every view comes with a buffer of its own.
    if (!isolated) {
      const [views] = await ctx.query({ do: "echo", value: VALUES["two views of one buffer"] });
      const [low, high] = views as [Uint8Array, Uint8Array];
      assert(low.buffer === high.buffer);
    }
    ctx.destroy();
    await ctx.wait();
  });

  Deno.test(`send() to ${where} throws for what cannot be copied, and sends nothing`, async () => {
    const ctx = await worker({ isolated });
    const { port1, port2 } = new MessageChannel();
    const bad: unknown[] = [() => {}, Symbol("s"), { deep: [() => {}] }, ctx, port1, new WeakMap()];
    if (isolated) {
      bad.push(new SharedArrayBuffer(4), [new Int32Array(new SharedArrayBuffer(4))]);
      bad.push(new Map([[1, new Set([new SharedArrayBuffer(4)])]]), new Blob(["x"]));
    }
    for (const value of bad) {
      await ctx.send({ do: "count", value: "before" });
      await assertRejects(() => ctx.send({ do: "count", value }), TypeError, "value must be");
      await assertRejects(() => ctx.query({ do: "count", value }), TypeError, "value must be");
    }
    const [counted] = await ctx.query({ do: "counted" });
    assertEquals(counted, bad.map(() => "before"));
    port1.close();
    port2.close();
    ctx.destroy();
    await ctx.wait();
  });

  Deno.test(`send() to ${where} is not changed by what its sender does afterwards`, async () => {
    const ctx = await worker({ isolated });
    const plain = { list: [1], bytes: new Uint8Array([1]), big: new Uint8Array(100_000) };
    const map = new Map([["n", 1]]);
    await Promise.all([
      ctx.send({ do: "count", value: plain }),
      ctx.send({ do: "count", value: map }),
    ]);
    const sent = ctx.send({ do: "count", value: plain.big });
    plain.list.push(2);
    plain.bytes[0] = plain.big[0] = 2;
    map.set("n", 2);
    await sent;
    const [counted] = await ctx.query({ do: "counted" });
    const [first, second, third] = counted as [typeof plain, typeof map, Uint8Array];
    assertEquals([first.list, first.bytes[0], first.big[0]], [[1], 1, 0]);
    assertEquals([second.get("n"), third[0], third.length], [1, 0, 100_000]);
    ctx.destroy();
    await ctx.wait();
  });

  Deno.test(`send() with confirm to ${where} resolves when it was taken, or gives gone`, async () => {
    const ctx = await worker({ isolated });
    const [said, stop] = reports();
    assertEquals(await ctx.send({ do: "count", value: 1 }, { confirm: true }), [true, null]);
    await ctx.send({ do: "return" });
    const [, err] = await ctx.send({ do: "count", value: 2 }, { confirm: true });
    assertEquals([err?.code, err?.reason], ["gone", "returned"]);
    assertEquals(said, []);
    stop();
  });

  Deno.test(`send() to ${where} that ends with it unread is told to on_error and wait()`, async () => {
    const ctx = await worker({ isolated });
    const [said, stop] = reports();
    await ctx.send({ do: "return" });
    for (let n = 0; n < 3; n++) assertEquals(await ctx.send({ do: "count" }), [true, null]);
    const ended = await ctx.wait();
    const message = "its function returned";
    assertEquals(ended, [{ reason: "returned", message, unread: 3 }, null]);
    assertEquals(await ctx.wait(), ended);
    assertEquals(said, [
      `3 unread messages: Context ${ctx.id} has ended (returned): its function returned`,
    ]);
    assertEquals((await ctx.send({ do: "count" }))[1]?.code, "gone");
    stop();
  });
}

Deno.test("calls that wait for room give gone when the receiver ends", async () => {
  const [ctx] = await deaf();
  for (let n = 0; n < 1024; n++) await ctx.send({ do: "count" });
  const order = { do: "count" };
  const calls = [ctx.send(order), ctx.send(order, { confirm: true }), ctx.query(order)];
  ctx.destroy();
  for (const [, err] of await Promise.all(calls)) {
    assertEquals([err?.code, err?.reason], ["gone", "destroyed"]);
  }
});

Deno.test("destroy() drops unread messages without a word, for who calls it means that", async () => {
  const [ctx] = await deaf();
  const [said, stop] = reports();
  for (let n = 0; n < 3; n++) await ctx.send({ do: "count" });
  ctx.destroy("enough");
  assertEquals(await ctx.wait(), [{ reason: "destroyed", message: "enough" }, null]);
  assertEquals(said, []);
  stop();
});

Deno.test("send() waits while 1,024 messages lie unread, and keeps the order", async () => {
  const [ctx, wake] = await deaf();
  for (let value = 0; value < 1024; value++) {
    const sent = ctx.send({ do: "count", value });
    assertEquals(await sent, [true, null]);
  }
  const order: number[] = [];
  const late = [1024, 1025, 1026].map(async (value) => {
    const [ok] = await ctx.send({ do: "count", value });
    if (ok) order.push(value);
  });
  const [, err] = await ctx.send({ do: "count", value: "never" }, { timeout: 5 });
  assertEquals([err?.code, order], ["timeout", []]);
  const counted = ctx.query({ do: "counted" });
  wake();
  await Promise.all(late);
  assertEquals(order, [1024, 1025, 1026]);
  assertEquals((await counted)[0], Array.from({ length: 1027 }, (_, n) => n));
  ctx.destroy();
  await ctx.wait();
});

Deno.test("a send, confirmed send or query that waits for room leaves nothing when killed", async () => {
  const [ctx, wake] = await deaf();
  for (let value = 0; value < 1024; value++) await ctx.send({ do: "count", value });
  const order = { do: "count", value: "never" };
  const calls: (() => Promise<unknown>)[] = [
    () => ctx.send(order),
    () => ctx.send(order, { confirm: true }),
    () => ctx.query(order),
    () => ctx.wait(),
  ];
  const threads: Thread[] = calls.map((call) => newthread(call));
  for (const thread of threads) kill(thread);
  for (const [, err] of await wait(threads)) assertEquals(err?.code, "killed");
  const gaveUp = new AbortController();
  const given = calls.map((call) => newthread(call));
  const aborted = [ctx.send(order, gaveUp), ctx.query(order, gaveUp), ctx.wait(gaveUp)];
  gaveUp.abort();
  for (const [, err] of await Promise.all(aborted)) assertEquals(err?.code, "cancelled");
  for (const thread of given) kill(thread);
  const counted = ctx.query({ do: "counted" });
  wake();
  assertEquals((await counted)[0], Array.from({ length: 1024 }, (_, n) => n));
  // All room is back: what gave up has taken none.
  for (let value = 0; value < 1024; value++) {
    assertEquals(await ctx.send({ do: "count", value }), [true, null]);
  }
  ctx.destroy();
  await ctx.wait();
});

Deno.test("a sender that ends takes none of the mailbox's room with it", async () => {
  const [target, wake] = await deaf();
  const makers = await Promise.all([worker(), worker(), worker(), worker()]);
  // Two of them share a thread at least, and a mailbox has room for 1,024 of one thread.
  for (const maker of makers.slice(0, 2)) {
    const [sent] = await maker.query({ do: "flood", value: [target.id, 400] });
    assertEquals(sent, 400);
    maker.destroy();
    await maker.wait();
  }
  const floods = makers.slice(2).map((maker) =>
    maker.query({ do: "flood", value: [target.id, 2000] })
  );
  wake();
  for (const [sent] of await Promise.all(floods)) assertEquals(sent, 2000);
  const [counted] = await target.query({ do: "counted" });
  assertEquals((counted as number[]).length, 4800);
  for (const ctx of [target, ...makers.slice(2)]) {
    ctx.destroy();
    await ctx.wait();
  }
});

Deno.test("messages between two contexts arrive in order, in one thread and across", async () => {
  const all = await Promise.all(Array.from({ length: 3 }, () => worker()));
  const [first, ...others] = all as [Context<Order>, ...Context<Order>[]];
  for (const other of others) {
    const [sent] = await first.query({ do: "flood", value: [other.id, 3000] });
    assertEquals(sent, 3000);
    assertEquals(
      (await other.query({ do: "counted" }))[0],
      Array.from({ length: 3000 }, (_, n) => n),
    );
  }
  for (const ctx of all) {
    ctx.destroy();
    await ctx.wait();
  }
});

Deno.test("recv() that is killed with a message on its way to it leaves it to the next", async () => {
  const ctx = await worker();
  const self = inside<number>();
  const first = newthread(() => self.recv());
  const killed = newthread(() => self.recv({ timeout: 60_000 }));
  await ctx.send({ do: "tell", value: 1 });
  await wait(first);
  kill(killed);
  await ctx.send({ do: "tell", value: 2 });
  assertEquals((await self.recv())[0]?.value, 2);
  ctx.destroy();
  await ctx.wait();
});

Deno.test("a transfer to a process throws, to a thread it moves, through a full mailbox too", async () => {
  const process = await worker({ isolated: true });
  const buffer = new ArrayBuffer(8);
  const order = { do: "count", value: buffer };
  await assertRejects(
    () => process.send(order, { transfer: [buffer] }),
    TypeError,
    "transfer must",
  );
  assertEquals(buffer.byteLength, 8);
  process.destroy();
  await process.wait();
  const [ctx, wake] = await deaf();
  for (let value = 0; value < 1024; value++) await ctx.send({ do: "count", value });
  const sent = ctx.send(order, { transfer: [buffer] });
  assertEquals(buffer.byteLength, 0);
  const counted = ctx.query({ do: "counted" });
  wake();
  assertEquals(await sent, [true, null]);
  assertEquals(((await counted)[0] as ArrayBuffer[]).at(-1)?.byteLength, 8);
  ctx.destroy();
  await ctx.wait();
});

Deno.test("a process with a full mailbox is refused the same as one with room", async () => {
  const deaf =
    "data:text/javascript,export default () => new Promise(() => setInterval(() => {}));";
  const process = unwrap(await create<Order>(deaf, { isolated: true }));
  for (let value = 0; value < 1024; value++) await process.send({ do: "count", value });
  const order = { do: "count", value: new SharedArrayBuffer(4) };
  const buffer = new ArrayBuffer(8);
  const moved = { do: "count", value: buffer };
  for (const options of [{}, { confirm: true }]) {
    await assertRejects(() => process.send(order, options), TypeError, "got a SharedArrayBuffer");
    const transfer = { ...options, transfer: [buffer] };
    await assertRejects(() => process.send(moved, transfer), TypeError, "transfer must be empty");
  }
  await assertRejects(() => process.query(order), TypeError, "got a SharedArrayBuffer");
  assertEquals(buffer.byteLength, 8);
  process.destroy();
  await process.wait();
});

Deno.test("what the main thread finds out to be no value for a process is unsupported", async () => {
  const [said, stop] = reports();
  const [process, ctx] = [await worker({ isolated: true }), await worker()];
  const value = [process.id, new SharedArrayBuffer(4)];
  const words = "TypeError: value must be one that a process can be sent: got a SharedArrayBuffer";
  const [answers, err] = await ctx.query({ do: "forward", value });
  assertEquals(err, null);
  const refused = ["unsupported", words];
  assertEquals(answers, [new Set(["unsupported"]), 1100, refused, refused]);
  assertEquals((await process.query({ do: "counted" }))[0], []);
  assertEquals(said, []);
  stop();
  for (const one of [process, ctx]) {
    one.destroy();
    await one.wait();
  }
});
