/** What a context has started ends with it, and an isolated one with the program. */
import { assertEquals } from "@std/assert";
import { create, unwrap } from "../../context/mod.ts";
import { on_error } from "../../thread/mod.ts";
import { isGone, killQuietly, untilGone } from "../process/programs.ts";

const url = new URL("./with_child.ts", import.meta.url);

/** Where it can be seen whether a process has ended. */
const ignore = Deno.build.os !== "linux";

for (const isolated of [false, true]) {
  const where = isolated ? "a process" : "a thread";
  const ends = { "destroy()": "destroyed", return: "returned", throw: "threw", exit: "exited" };
  for (const [how, reason] of Object.entries(ends)) {
    const title = `the child of a context in ${where} ends with it: ${how}`;
    Deno.test(title, { ignore }, async () => {
      const quiet = on_error(() => {});
      const options = isolated ? { isolated, permissions: ["--allow-run=sleep"] } : {};
      const ctx = await unwrap(create<string, number>(url, options));
      const child = await unwrap(ctx.query("pid"));
      assertEquals(isGone(child), false);
      if (how === "destroy()") ctx.destroy();
      else await ctx.send(how);
      assertEquals((await ctx.wait())[0]?.reason, reason);
      await untilGone(child);
      quiet();
    });
  }
}

for (
  const [how, what = ""] of [
    ["exit"],
    ["exit", "deaf"],
    ["exit", "stuck"],
    ["throw"],
    ["throw", "deaf"],
    ["SIGTERM"],
    ["SIGKILL"],
    ["SIGKILL", "deaf"],
  ] as const
) {
  const title = `an isolated context ends with the program, and its child: ${how} ${what}`;
  Deno.test(title, { ignore }, async () => {
    const program = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", new URL("children_program.ts", url).href, how, what],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    // Its context has the same stdout: that is at its end only when both have ended.
    const said = await new Response(program.stdout).text();
    const { signal } = await program.status;
    assertEquals(signal, how.startsWith("SIG") ? how as Deno.Signal : null);
    const pids = said.trim().split("\n").map(Number);
    assertEquals(pids.length, 2);
    await untilGone(pids[0]!);
    // One that is stuck cannot end its child.
    if (what === "stuck") killQuietly(pids[1]!);
    await untilGone(pids[1]!);
  });
}
