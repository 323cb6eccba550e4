/** A program with a stuck thread; what it prints is compared by the test. */
import { abandoned, create, stuck_after } from "../../context/mod.ts";
import { availableParallelism } from "node:os";
import type { Order } from "./worker.ts";

stuck_after(400);
const url = new URL("./worker.ts", import.meta.url);
const made = [];
// One more than there are threads: the last shares one with an earlier.
for (let n = 0; n <= availableParallelism(); n++) made.push((await create<Order>(url))[0]!);
const last = made.at(-1)!;
const all = Array.from({ length: 100 }, () => last.query({ do: "nothing" }));
const neighbour = made[0]!.query({ do: "nothing" });
await last.send({ do: "spin" });
const ends = await Promise.all(all);
const [, err] = await neighbour;
console.log("neighbour", err?.code, err?.reason);
const first = ends[0]![1];
const same = ends.filter(([, end]) => end?.code === first?.code && end?.reason === first?.reason);
console.log(first?.code, first?.reason, "x", same.length);
console.log("abandoned", abandoned());
Deno.exit(0);
