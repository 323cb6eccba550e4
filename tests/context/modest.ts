/** A program that needs as little as one with an isolated context can. */
import { create, unwrap } from "../../context/mod.ts";
import type { Order } from "./worker.ts";

const url = new URL("./worker.ts", import.meta.url);
const permissions = ["--allow-net", "--allow-env=FIRST,SECOND"];
const ctx = unwrap(await create<Order, string[]>(url, { isolated: true, permissions }));
const names = unwrap(await ctx.query({ do: "environment" }));
// Of what it may see it has what we may read.
console.log(names.join());
ctx.destroy();
await ctx.wait();
console.log(["all", "done"].join(" "));
