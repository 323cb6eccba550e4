/** A thread is killed in every call of the modules that may wait: nothing is left of it. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { setImmediate } from "node:timers";
import { configArgs } from "../tools/config.ts";
import { namesOf } from "../tools/names.ts";
import { IoError } from "../core/mod.ts";
import { children } from "../process/mod.ts";
import { entries } from "../tools/project.ts";
import { CALLS } from "./kill/calls.ts";
import { HOPELESS, type Hopeless } from "./kill/hopeless.ts";
import { inKilled, killed, late, turn } from "./kill/killed.ts";

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
      // Descriptors are counted there, and the runtime's look for a newer one takes some.
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stderr), "");
    assertEquals(decoder.decode(stdout), "all tried\n");
    assertEquals(success, true);
  },
);

for (const [name, prepare] of Object.entries(HOPELESS)) {
  Deno.test(`${name} throws in a killed thread: its loop ends, whatever it minds`, async () => {
    await hopeless(prepare, async (call) => assertEquals(await inKilled(call), "killed"));
  });

  Deno.test(`${name} freezes nobody: a timer runs while a loop tries for ever`, async () => {
    await hopeless(prepare, async (call) => {
      // Where it spins in microtasks, nothing else would end the loop.
      for (let tries = 0, ran = 0; ran < 3; tries++) {
        if (tries % 10 === 0) {
          assert(tries < 1_000, "no immediate has run");
          setImmediate(() => ran++);
        }
        await call().catch((error) => assertInstanceOf(error, IoError));
      }
    });
  });
}

/** Prepares a call, uses it and undoes what was prepared. */
async function hopeless(
  prepare: Hopeless,
  use: (call: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const undos: (() => unknown)[] = [];
  await use(await prepare((how) => undos.push(how)));
  for (const undo of undos) await undo();
}

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

/** What cleans up, and what an ended child has left: they succeed, however often. */
const NEVER_HOPELESS = /\.close$|^Server\.shutdown$|^cosocket\.pool_close$|^Child(Stream)?\./;

Deno.test("what fails at once is tried of every call: here, or without permissions", async () => {
  const program = await Deno.readTextFile("tests/no_permission.ts");
  const tried = Object.keys(HOPELESS).map((name) => name.split(" ")[0]);
  const missing = Object.keys(CALLS).map((name) => name.split(" ")[0]!).filter((name) =>
    !NEVER_HOPELESS.test(name) && !tried.includes(name) && !program.includes(`"${name}`)
  );
  assertEquals(missing, []);
});
