/**
 * A program in which a context is stuck or runs out of memory, `thread spin` and so on;
 * what it prints is compared by the test. Its end is the only end of an abandoned thread.
 */
import { abandoned, type Context, create, stuck_after, supervise } from "../../context/mod.ts";
import { availableParallelism } from "node:os";
import { within } from "./within.ts";
import type { Order } from "./worker.ts";

const [kind, order] = Deno.args;
const isolated = kind === "process";
const url = new URL("./worker.ts", import.meta.url);

async function worker(options = {}): Promise<Context<Order>> {
  const [ctx, err] = await create<Order>(url, options);
  if (err) throw err;
  return ctx;
}

// A process that collects garbage in vain is silent for long; what ends it must be its limit.
if (isolated && order === "oom") stuck_after(60_000);

// As many threads as there may be: the next context shares one of them.
const others = [await worker({ isolated: true })];
for (let n = 0; n < availableParallelism(); n++) others.push(await worker());

let starts = 0;
const anew = Promise.withResolvers<void>();
const memory = isolated ? { memory: 32 * 2 ** 20 } : {};
const [tree, err] = await supervise([{
  name: "victim",
  async start() {
    const started = await create<Order>(url, { isolated, ...memory });
    if (++starts === 2) anew.resolve();
    return started;
  },
}]);
if (err) throw err;
const victim = tree.child("victim") as Context<Order>;

const queries = Array.from({ length: 100 }, () => victim.query({ do: "nothing" }));
const lost: string[] = [];
for (const other of others) {
  other.wait().then(([end]) => lost.push(`gone ${end?.reason}`));
}
await victim.send({ do: order! });
const ends = (await within(Promise.all(queries), "the queries")).map(([, err]) =>
  `${err?.code} ${err?.reason}`
);
console.log(ends.filter((end) => end === ends[0]).length, "x", ends[0]);
await within(anew.promise, "the restart");
console.log(lost.length, "beside it", ...lost);
console.log("abandoned", abandoned());

const alive: Context<Order>[] = [];
for (const other of others) {
  const [answer, err] = await within(other.query({ do: "echo", value: 1 }), "a neighbour");
  if (answer === 1) alive.push(other);
  else if (err?.code !== "gone") throw err;
}
console.log(alive.length === others.length - lost.length ? "all others live" : "some have died");
// The start has resolved, and then the supervisor knows its child.
while (tree.child("victim") === null) await null;
const next = tree.child("victim") as Context<Order>;
const [answer] = await within(next.query({ do: "echo", value: "answers" }), "the next");
console.log(`restarted ${starts === 2 ? "once" : starts}, and ${answer}`);
Deno.exit(0);
