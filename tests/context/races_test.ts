/** Contexts that are made, asked and ended in any order: every call comes to its end. */
import { assert, assertEquals } from "@std/assert";
import {
  type Context,
  create,
  inside,
  type IoError,
  type Result,
  unwrap,
} from "../../context/mod.ts";
import { on_error } from "../../thread/mod.ts";
import { sizes } from "../sizes.ts";
import { within } from "./within.ts";
import type { Order } from "./worker.ts";

const url = new URL("./worker.ts", import.meta.url);

/** Numbers from 0 up to, not including, `below`, always the same for a seed. */
function dice(seed: number): (below: number) => number {
  return (below) => {
    seed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    seed ^= seed + Math.imul(seed ^ (seed >>> 7), seed | 61);
    return ((seed ^ (seed >>> 14)) >>> 0) % below;
  };
}

/** A turn of the event loop, so that some of it comes to pass. */
const turn = () => new Promise((next) => setTimeout(next, 0));

Deno.test(`in ${sizes.contextSeeds} orders of create, send, query and ends, every call ends`, async () => {
  const quiet = on_error(() => {});
  for (let seed = 1; seed <= sizes.contextSeeds; seed++) {
    const roll = dice(seed * 7919);
    const living: Context<Order>[] = [];
    const all: Promise<Result<unknown>>[] = [];
    const starts: Promise<Result<Context<Order>>>[] = [];
    const start = () => {
      const started = create<Order>(url, { isolated: roll(8) === 0 });
      starts.push(started);
      started.then(([ctx]) => ctx && living.push(ctx));
    };
    for (let n = 0; n < 4; n++) start();
    await unwrap(starts[0]!);
    for (let step = 0; step < 40; step++) {
      if (living.length === 0) {
        start();
        await starts.at(-1);
        continue;
      }
      const ctx = living[roll(living.length)]!;
      const other = living[roll(living.length)]!;
      const ends = ["return", "throw", "exit", "destroy"];
      switch (roll(8)) {
        case 0:
          if (starts.length < 12) start();
          break;
        case 1:
          all.push(ctx.send({ do: ends[roll(4)]! }));
          break;
        case 2:
          ctx.destroy();
          break;
        case 3:
          all.push(ctx.wait());
          break;
        case 4:
          all.push(ctx.query({ do: "flood", value: [other.id, 50, true] }));
          break;
        case 5:
          all.push(ctx.send({ do: "count" }, { confirm: true }));
          break;
        default:
          all.push(ctx.query({ do: "echo", value: step }));
      }
      if (roll(3) === 0) await turn();
    }
    const made = await within(Promise.all(starts), `the creates of seed ${seed}`);
    for (const [ctx] of made) ctx?.destroy();
    const ended = made.map(([ctx]) => ctx?.wait());
    const results = await within(Promise.all([...all, ...ended]), `the calls of seed ${seed}`);
    for (const result of results) {
      const err = result?.[1] as IoError | null | undefined;
      assert(err === null || err === undefined || err.code === "gone", `seed ${seed}: ${err}`);
    }
    // A thread that exits takes along what is being made in it.
    for (const [, err] of made) assert(err === null || err.code === "failed", `${err}`);
  }
  quiet();
});

Deno.test("a message goes round a ring of 1,000 contexts", async () => {
  const link = `data:text/javascript,export default async (inside) => {
    const [first] = await inside.recv();
    const next = inside.handle(first.value);
    const [message] = await inside.recv();
    await next.send(message.value + 1);
  }`;
  const ring = await Promise.all(
    Array.from({ length: 1000 }, () => unwrap(create<number>(link))),
  );
  const ended = ring.map((ctx) => ctx.wait());
  for (const [n, ctx] of ring.entries()) await ctx.send(ring[n + 1]?.id ?? 0);
  await ring[0]!.send(0);
  assertEquals((await inside().recv())[0]?.value, 1000);
  for (const [end] of await within(Promise.all(ended), "the ring")) {
    assertEquals(end?.reason, "returned");
  }
});
