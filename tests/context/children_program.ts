/** A program with a context that has a child; it prints their ids, and then ends so. */
import { create, stuck_after, unwrap } from "../../context/mod.ts";
import { abort, exec, exit, signal } from "../../process/mod.ts";
import { isGone } from "../process/programs.ts";

const url = new URL("./with_child.ts", import.meta.url);
const [where, how, what, then] = Deno.args;
const args = where === "process" ? [what, "soon"] : [what];
const apart = { isolated: true, permissions: ["--allow-run"] };
const ctx = await unwrap(
  create<string, number>(url, where === "process" ? { ...apart, args } : { args }),
);
for (const asked of ["own pid", "pid"]) console.log(await unwrap(ctx.query(asked)));
if (what === "stuck") await unwrap(ctx.query("spin"));
if (how === "handle") {
  // Main decides for its threads: nobody ends anything, until it has taken the handler back.
  const handled = Promise.withResolvers<unknown>();
  signal.register("TERM", handled.resolve);
  const heard = ctx.query("hear");
  console.log(await unwrap(ctx.query("pid")));
  Deno.kill(Deno.pid, "SIGTERM");
  await Promise.all([handled.promise, heard]);
  for (let n = 0; n < 20; n++) await unwrap(ctx.query("pid"));
  console.log(isGone(await unwrap(ctx.query("pid"))));
  Deno.exit(0);
}
if (how === "slow") {
  const other = await unwrap(ctx.query("pid"));
  // It ends some time after the child of the thread.
  const slow = `trap 'while kill -0 ${other}; do sleep 0.01; done; sleep 0.3; echo saved; exit' TERM
    echo ready >&2; while :; do sleep 0.05; done`;
  const child = unwrap(exec(slow, { stderr: "piped" }));
  await unwrap(child.stderr.receive());
  Deno.kill(Deno.pid, "SIGTERM");
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}
if (how === "exit") Deno.exit(0);
if (how === "abort") abort();
if (how === "exit by SIGTERM") exit("SIGTERM");
if (how === "throw") throw new Error("that nobody catches");
if (how === "reject") {
  Promise.reject(new Error("that nobody catches"));
  await ctx.wait();
}
if (how === "close" || how === "give up") {
  if (how === "close") await unwrap(ctx.send("close"));
  else stuck_after(100);
  console.log((await unwrap(ctx.wait())).reason);
  if (then !== undefined) {
    if (then === "handled") {
      signal.register("TERM", () => Deno.exit(7));
      addEventListener("unload", () => console.log("by its handler"));
    }
    Deno.kill(Deno.pid, "SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  }
  // What has been told to end has ended: nothing ends it any more.
  Deno.kill(Deno.pid, "SIGKILL");
}
Deno.kill(Deno.pid, how as Deno.Signal);
