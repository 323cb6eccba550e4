/** What a context has started ends with it, and an isolated one with the program. */
import { assertEquals } from "@std/assert";
import { create, unwrap } from "../../context/mod.ts";
import { on_error } from "../../thread/mod.ts";
import { isGone, untilGone } from "../process/programs.ts";

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

for (const how of ["SIGKILL", "SIGSTOP", "destroy() while it is stuck"]) {
  Deno.test(`what an isolated context has started ends with it: ${how}`, { ignore }, async () => {
    const permissions = ["--allow-run"];
    for (const args of [["", "soon"], ["deaf", "soon"]]) {
      const ctx = await unwrap(
        create<string, number>(url, { isolated: true, permissions, args }),
      );
      const pid = await unwrap(ctx.query("own pid"));
      const child = await unwrap(ctx.query("pid"));
      if (how.startsWith("SIG")) Deno.kill(pid, how as Deno.Signal);
      else await unwrap(ctx.query("spin"));
      if (how !== "SIGKILL") ctx.destroy();
      const reason = how === "SIGKILL" ? "killed" : "destroyed";
      assertEquals((await ctx.wait())[0]?.reason, reason);
      await untilGone(child);
    }
  });
}

/** Runs a program with a context that has a child, to its end; gives what it said, in lines. */
async function program(flags: string[], args: string[]): Promise<[string[], Deno.CommandStatus]> {
  const file = new URL("children_program.ts", url).href;
  const { stdout, status } = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", ...flags, file, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  // A process of its context has the same stdout: that is at its end only when both have ended.
  return [(await new Response(stdout).text()).trim().split("\n"), await status];
}

for (
  const [where, how, what = ""] of [
    ["process", "exit"],
    ["process", "exit", "deaf"],
    ["process", "exit", "stuck"],
    ["process", "throw"],
    ["process", "throw", "deaf"],
    ["process", "SIGTERM"],
    ["process", "SIGKILL"],
    ["process", "SIGKILL", "deaf"],
    ["thread", "exit"],
    ["thread", "exit", "deaf"],
    ["thread", "exit", "stuck"],
    ["thread", "throw"],
    ["thread", "throw", "deaf"],
    ["thread", "reject"],
    ["thread", "SIGTERM"],
    ["thread", "abort"],
    ["thread", "exit by SIGTERM", "deaf"],
  ] as const
) {
  const title = `what a context in a ${where} has started ends with the program: ${how} ${what}`;
  Deno.test(title, { ignore }, async () => {
    const [lines, { code, signal }] = await program(["-A"], [where, how, what]);
    // Where a thread that listens leaves too late, the status says by which.
    if (how === "exit by SIGTERM") assertEquals(code, 143);
    else assertEquals(signal, /SIG\w+/.exec(how)?.[0] ?? (how === "abort" ? "SIGABRT" : null));
    const pids = lines.map(Number);
    assertEquals(pids.length, 2);
    await untilGone(pids[0]!);
    await untilGone(pids[1]!);
  });
}

for (
  const [how, what, reason] of [
    ["close", "", "exited"],
    ["close", "deaf", "exited"],
    ["give up", "stuck", "destroyed"],
  ] as const
) {
  const title =
    `what a context in a thread has started has ended when its end is told: ${how} ${what}`;
  Deno.test(title, { ignore }, async () => {
    const [[, pid, said]] = await program(["-A"], ["thread", how, what]);
    assertEquals(said, reason);
    await untilGone(Number(pid));
  });
}

Deno.test(
  "a signal that the main thread handles ends no child of a thread",
  { ignore },
  async () => {
    const [[, pid, , gone]] = await program(["-A"], ["thread", "handle"]);
    assertEquals(gone, "false");
    await untilGone(Number(pid));
  },
);

for (
  const [then, code, said] of [["ended", 143, []], ["handled", 7, ["by its handler"]]] as const
) {
  const title = `SIGTERM means what it does though a thread with a child was given up: ${then}`;
  Deno.test(title, { ignore }, async () => {
    const [lines, status] = await program(["-A"], ["thread", "give up", "stuck", then]);
    assertEquals([status.code, lines.slice(3)], [code, [...said]]);
  });
}

Deno.test(
  "a signal ends the program when the children of all threads have ended",
  { ignore },
  async () => {
    const [[, , said], { signal }] = await program(["-A"], ["thread", "slow"]);
    assertEquals([said, signal], ["saved", "SIGTERM"]);
  },
);

for (
  const [where, list, what] of [
    ["thread", "sleep", ""],
    ["thread", "sleep,kill", "stuck"],
    ["thread", "sleep,sh", "deaf"],
    ["process", "deno", ""],
  ] as const
) {
  const title = `what a context in a ${where} has started ends where ${list} may run: ${what}`;
  Deno.test(title, { ignore }, async () => {
    const flags = ["--allow-read", `--allow-run=${list}`, "--allow-env=NODE_V8_COVERAGE"];
    const [[own, pid]] = await program(flags, [where, "exit", what]);
    if (where === "process") await untilGone(Number(own));
    await untilGone(Number(pid));
  });
}
