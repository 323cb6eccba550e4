/** However a context dies, whoever waits for it is told: each death, in a thread and a process. */
import { assertEquals } from "@std/assert";
import { type Context, create, type GoneReason, inside } from "../../context/mod.ts";
import { on_error } from "../../thread/mod.ts";
import { program, within } from "./within.ts";
import type { Order } from "./worker.ts";

const url = new URL("./worker.ts", import.meta.url);

async function worker(options = {}): Promise<Context<Order>> {
  const [ctx, err] = await create<Order>(url, options);
  if (err) throw err;
  return ctx;
}

/** A way to die, and the reason that is told. */
interface Death {
  reason: GoneReason;
  die(ctx: Context<Order>): unknown;
  permissions?: string[];
}

const order = (what: string) => (ctx: Context<Order>) => ctx.send({ do: what }, { confirm: true });

const DEATHS: Record<string, Death> = {
  "returns": { reason: "returned", die: order("return") },
  "throws": { reason: "threw", die: order("throw") },
  "is destroyed": { reason: "destroyed", die: (ctx) => ctx.destroy("enough") },
  "destroys itself": { reason: "destroyed", die: order("destroy") },
  "calls Deno.exit()": { reason: "exited", die: order("exit") },
};

/** What only a process survives. */
const OF_PROCESSES: Record<string, Death> = {
  "is killed by a signal": {
    reason: "killed",
    die: order("kill"),
    permissions: ["--allow-run"],
  },
  "is destroyed while it is stuck": {
    reason: "destroyed",
    die: async (ctx) => {
      await ctx.send({ do: "spin soon" });
      await inside().recv();
      ctx.destroy();
    },
  },
};

for (const isolated of [false, true]) {
  const where = isolated ? "a process" : "a thread";
  for (const [how, death] of Object.entries({ ...DEATHS, ...(isolated ? OF_PROCESSES : {}) })) {
    Deno.test(`100 queries end with gone when ${where} ${how}, and a neighbour lives on`, async () => {
      const quiet = on_error(() => {});
      const { reason, die, permissions } = death;
      const ctx = await worker({ isolated, ...(permissions ? { permissions } : {}) });
      const neighbour = await worker({ isolated });
      const queries = Array.from({ length: 100 }, () => ctx.query({ do: "nothing" }));
      const ends = [ctx.wait(), ctx.wait()];
      await die(ctx);
      for (const [, err] of await within(Promise.all(queries), "the queries")) {
        assertEquals([err?.code, err?.reason], ["gone", reason]);
      }
      for (const [end] of await within(Promise.all(ends), "the waits")) {
        assertEquals(end?.reason, reason);
      }
      // Of one that has ended, all is answered at once.
      assertEquals((await ctx.wait())[0]?.reason, reason);
      assertEquals((await ctx.send({ do: "nothing" }))[1]?.code, "gone");
      assertEquals((await ctx.query({ do: "nothing" }))[1]?.reason, reason);
      assertEquals(ctx.destroy()[1]?.code, "gone");
      // Where there is one thread for all contexts, that has exited.
      const exited = !isolated && reason === "exited" && navigator.hardwareConcurrency === 1;
      const [answer, err] = await within(neighbour.query({ do: "echo", value: 1 }), "it");
      assertEquals([answer, err?.reason], exited ? [null, "exited"] : [1, undefined]);
      neighbour.destroy();
      assertEquals((await neighbour.wait())[0]?.reason, exited ? "exited" : "destroyed");
      quiet();
    });
  }
}

/** A context of this kind that does this, and what the program says then. */
const STUCK: [kind: string, order: string, ...said: string[]][] = [
  ["thread", "spin", "100 x gone destroyed", "1 beside it gone destroyed", "abandoned 1"],
  ["thread", "oom", "100 x gone destroyed", "1 beside it gone destroyed", "abandoned 1"],
  ["process", "spin", "100 x gone destroyed", "0 beside it", "abandoned 0"],
  ["process", "oom", "100 x gone killed", "0 beside it", "abandoned 0"],
];

// An abandoned thread burns on: so each is in a program of its own, all at the same time.
Deno.test("one that is stuck or out of memory ends 100 queries and is started anew", async () => {
  await Promise.all(STUCK.map(async ([kind, order, ...said]) => {
    const lines = (await program("./deaths.ts", [kind, order])).trim().split("\n");
    assertEquals(
      lines,
      [...said, "all others live", "restarted once, and answers"],
      `${kind} ${order}`,
    );
  }));
});
