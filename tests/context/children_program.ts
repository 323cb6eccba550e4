/** A program with an isolated context that has a child; it prints their ids, and then ends so. */
import { create, unwrap } from "../../context/mod.ts";

const url = new URL("./with_child.ts", import.meta.url);
const [how, ...args] = Deno.args;
const options = { isolated: true, permissions: ["--allow-run"], args };
const ctx = await unwrap(create<string, number>(url, options));
for (const asked of ["own pid", "pid"]) console.log(await unwrap(ctx.query(asked)));
if (args[0] === "stuck") await unwrap(ctx.query("spin soon"));
if (how === "exit") Deno.exit(0);
if (how === "throw") throw new Error("that nobody catches");
Deno.kill(Deno.pid, how as Deno.Signal);
