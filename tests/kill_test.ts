/** A thread is killed in every call of the modules that may wait: nothing is left of it. */
import { assertEquals } from "@std/assert";
import { configArgs } from "../tools/config.ts";
import { namesOf } from "../tools/names.ts";
import { children } from "../process/mod.ts";
import { entries } from "../tools/project.ts";
import { CALLS } from "./kill/calls.ts";
import { killed, late, turn } from "./kill/killed.ts";

const LINUX = { ignore: Deno.build.os !== "linux" };

/** What cleans up or waits for nothing does its work in a killed thread, too. */
const NEVER_REFUSED = /\.(close|setpeername)$|^cosocket\.listen$/;

// The sanitizers see timers and what the runtime has under way. What it does with a file
// cannot be called back, so those are left to the program, which counts what is left.
for (const name of Object.keys(CALLS).filter((name) => !/^(eio|FileHandle)\./.test(name))) {
  Deno.test(`${name} in a thread that is killed leaves nothing under way`, LINUX, async () => {
    const ends = new Set<string>();
    for (const turns of [0, 1, 20]) ends.add(await killed(name, turns));
    // A killed thread is given up at once; the child that it began is still being ended.
    while (children().length > 0) await turn();
    // What nothing holds up has returned before, or not.
    assertEquals([...ends].filter((end) => end !== "killed" && end !== "returned"), []);
    assertEquals(ends.has("killed"), true);
  });

  // They wait for the other end, which does nothing here.
  if (/^(BufferedStream|TcpSocket)\.close$|pool_close$/.test(name)) continue;

  Deno.test(
    `${name} in a thread that was killed before throws that, and does nothing`,
    LINUX,
    async () => {
      assertEquals(await late(name), NEVER_REFUSED.test(name) ? "returned" : "killed");
    },
  );
}

Deno.test(
  "no kill in any call leaves a descriptor, a child or a slot of a pool",
  LINUX,
  async () => {
    const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", ...await configArgs(), "tests/kill/program.ts"],
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stderr), "");
    assertEquals(decoder.decode(stdout), "all tried\n");
    assertEquals(success, true);
  },
);

/** What others write, and what is the same call under another name. */
const ELSEWHERE = /^(Stream|Source|FileLike|Resolver|Channel)\.|\[Symbol|(^|\.)unwrap$/;

/** The modules whose calls stand in tables of their own: tests/thread, tests/context ... */
const MODULES = ["cosocket", "eio", "log", "process", "stream"];

Deno.test("the table holds every call of the modules that may wait", async () => {
  const called = new Set(Object.keys(CALLS).map((name) => name.split(" ")[0]));
  const missing = new Set<string>();
  for (const { entry, name, kind, waits } of await namesOf(await entries())) {
    const module = entry.slice(2);
    const full = kind === "function" ? `${module}.${name}` : name;
    if (!waits || !MODULES.includes(module) || ELSEWHERE.test(full)) continue;
    if (!called.has(full)) missing.add(full);
  }
  assertEquals([...missing], []);
});
