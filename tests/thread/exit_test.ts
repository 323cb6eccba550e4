import { assertEquals, assertThrows } from "@std/assert";
import { exit } from "../../thread/mod.ts";

const MODULE = new URL("../../thread/mod.ts", import.meta.url).href;

/** Runs a program and gives its status and what it printed. */
async function run(code: string): Promise<[status: number, printed: string, errors: string]> {
  const program = `import * as t from ${JSON.stringify(MODULE)};\n${code}`;
  const { code: status, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    // Not by eval, which counts for no coverage.
    args: ["run", "-A", "--quiet", `data:text/javascript,${encodeURIComponent(program)}`],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return [status, decoder.decode(stdout).replaceAll("\n", " "), decoder.decode(stderr)];
}

const NAPPER = `function nap(name) {
  return t.newthread(async () => {
    try { await t.sleep(60_000); } finally {
      await t.shield(1_000, () => t.sleep(20));
      console.log(name);
    }
  });
}`;

const programs: [what: string, code: string, status: number, printed: string][] = [
  ["from the root, with no thread", "await t.exit(3); console.log('back');", 3, ""],
  ["without a status", "t.exit();", 0, ""],
  [
    "from the root, when all threads have unwound",
    `${NAPPER} nap("a"); nap("b"); await t.exit(4); console.log("back");`,
    4,
    "a b ",
  ],
  [
    "from a thread, its own cleanup included",
    `${NAPPER} nap("a");
     t.newthread(async () => {
       try { await t.exit(5); console.log("back"); } finally { console.log("mine"); }
     });`,
    5,
    "mine a ",
  ],
  [
    "from within loops and scopes, which tell nobody that they were killed",
    `${NAPPER}
     t.startloop(async () => { nap("other loop"); await t.sleep(60_000); });
     await t.startloop(async () => {
       nap("a");
       await t.scope(async () => { nap("b"); await t.sleep(5); await t.exit(6, { grace: Infinity }); });
     });
     console.log("back");`,
    6,
    "other loop b a ",
  ],
  [
    "in spite of a thread that does not unwind, after the grace",
    `t.newthread(async () => { try { await t.sleep(60_000) } finally { await new Promise(() => {}) } });
     await t.exit(7, { grace: 50 });`,
    7,
    "",
  ],
  [
    "without a grace, whatever its threads have still to do",
    `t.newthread(async () => { try { await t.sleep(60_000) } finally { console.log("cleanup") } });
     await t.exit(8, { grace: 0 });`,
    8,
    "",
  ],
];
for (const [what, code, status, printed] of programs) {
  Deno.test(`exit() ends the program ${what}`, async () => {
    const [ended, said, errors] = await run(code);
    // Who is done first is up to the clock.
    const words = (text: string) => text.split(" ").sort();
    assertEquals([ended, words(said), errors], [status, words(printed), ""]);
  });
}

Deno.test("exit() refuses what is no status", () => {
  for (const status of [-1, 256, 1.5, NaN]) {
    assertThrows(
      () => exit(status),
      RangeError,
      `exit: status must be a whole number from 0 to 255`,
    );
  }
});
