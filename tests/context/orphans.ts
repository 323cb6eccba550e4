/** A program that calls off what it creates: it ends by itself, or something was left. */
import { create, inside, type IoError, unwrap } from "../../context/mod.ts";
import { kill, newthread } from "../../thread/mod.ts";
import type { Order } from "./worker.ts";

const never = "data:text/javascript,setInterval(() => {}, 1e6); await new Promise(() => {})";

for (const isolated of [false, true]) {
  // In one turn, in the next turns, and while the thread or process starts.
  for (const turns of [0, 1, 2, 5, 20]) {
    const thread = newthread(() => create(never, { isolated }));
    for (let turn = 0; turn < turns; turn++) await new Promise((next) => setTimeout(next, 0));
    kill(thread);
  }
  const [, err] = await create(never, { isolated, timeout: 100 });
  if (err?.code !== "timeout") throw err;
}

// The same by a context, which ends when its own child has been called off.
const url = new URL("./worker.ts", import.meta.url);
for (const isolated of [false, true]) {
  const ctx = await unwrap(create<Order, IoError["code"]>(url));
  const code = await unwrap(ctx.query({ do: "create in vain", value: [never, isolated] }));
  if (code !== "timeout") throw new Error(code);
  // It ends although its creator lives.
  await inside().handle(ctx.id + 1).wait();
  await ctx.send({ do: "create and end", value: [never, isolated] });
  await ctx.wait();
  const other = await unwrap(create<Order>(url));
  await other.send({ do: "create and exit", value: [never, isolated] });
  await other.wait();
}

// What is up, but not to the knowledge of its creator, ends too.
const up = `data:text/javascript,export default async (inside) => {
  await inside.handle(0).send("up");
  await new Promise((done) => setTimeout(done, 1e6));
}`;
const bell = new Int32Array(new SharedArrayBuffer(4));
const deaf = await unwrap(create<Order>(url));
await deaf.send({ do: "create late", value: [up, bell] });
const { from } = await unwrap(inside().recv());
Atomics.store(bell, 0, 1);
Atomics.notify(bell, 0);
await from.wait();
deaf.destroy();

// What is called off when it is up already, or nearly so, must not stay either.
const last = await unwrap(create<Order>(url));
await last.send({ do: "create at odds", value: url.href });
await last.wait();
console.log("all called off");
