/** A program with a context that has a child; it prints their ids, and then ends so. */
import { create, stuck_after, unwrap } from "../../context/mod.ts";

const url = new URL("./with_child.ts", import.meta.url);
const [where, how, ...args] = Deno.args;
const apart = { isolated: true, permissions: ["--allow-run"] };
const ctx = await unwrap(
  create<string, number>(url, where === "process" ? { ...apart, args } : { args }),
);
for (const asked of ["own pid", "pid"]) console.log(await unwrap(ctx.query(asked)));
if (args[0] === "stuck") await unwrap(ctx.query("spin soon"));
if (how === "exit") Deno.exit(0);
if (how === "throw") throw new Error("that nobody catches");
if (how === "reject") {
  Promise.reject(new Error("that nobody catches"));
  await ctx.wait();
}
if (how === "close" || how === "give up") {
  if (how === "close") await unwrap(ctx.send("close"));
  else stuck_after(100);
  console.log((await unwrap(ctx.wait())).reason);
  // What has been told to end has ended: nothing ends it any more.
  Deno.kill(Deno.pid, "SIGKILL");
}
Deno.kill(Deno.pid, how as Deno.Signal);
