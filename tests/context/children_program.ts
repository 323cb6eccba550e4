/** A program with an isolated context that has a child; it prints their ids, and then ends so. */
import { create, unwrap } from "../../context/mod.ts";

const url = new URL("./with_child.ts", import.meta.url);
const options = { isolated: true, permissions: ["--allow-run=sleep"] };
const ctx = await unwrap(create<string, number>(url, options));
for (const asked of ["own pid", "pid"]) console.log(await unwrap(ctx.query(asked)));
if (Deno.args[0] === "exit") Deno.exit(0);
if (Deno.args[0] === "throw") throw new Error("that nobody catches");
Deno.kill(Deno.pid, Deno.args[0] as Deno.Signal);
