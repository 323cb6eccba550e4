/** A program that exits while a process of its is stuck. */
import { create, inside, unwrap } from "../../context/mod.ts";
import type { Order } from "./worker.ts";

const url = new URL("./worker.ts", import.meta.url);
const ctx = await unwrap(create<Order>(url, { isolated: true }));
await ctx.send({ do: "spin soon" });
await inside().recv();
console.log("exits");
// It spins by then.
setTimeout(() => Deno.exit(0), 50);
