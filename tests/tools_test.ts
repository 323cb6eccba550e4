/** The tools that judge the rest, seen to judge rightly. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { onNpm } from "../tools/config.ts";
import { brokenFiles, outcomeOf, parseReport, type TestCase } from "../tools/report.ts";
import { run } from "./permissions.ts";

Deno.test("onNpm() maps jsr:@std entries to files of the npm build, and nothing else", () => {
  const imports = {
    "@std/assert": "jsr:@std/assert@^1.0.16",
    "@std/encoding/hex": "jsr:@std/encoding@^1.0.10/hex",
    "@std/crypto/timing-safe-equal": "jsr:@std/crypto@1/timing-safe-equal",
    "@std/data-structures": "jsr:@std/data-structures@^1",
    "fast-check": "npm:fast-check@4.10.2",
  };
  assertEquals(onNpm(imports), {
    "@std/assert": "npm:deno-std@1.4.0/assert/mod.js",
    "@std/encoding/hex": "npm:deno-std@1.4.0/encoding/hex.js",
    "@std/crypto/timing-safe-equal": "npm:deno-std@1.4.0/crypto/timing_safe_equal.js",
    "@std/data-structures": "npm:deno-std@1.4.0/data_structures/mod.js",
    "fast-check": "npm:fast-check@4.10.2",
  });
});

Deno.test("onNpm() gives each used name below an entry one of its own", () => {
  const mapped = onNpm({ "@std/path": "jsr:@std/path@^1.1.2" }, [
    "@std/path",
    "@std/path/posix/basename",
    "@std/async/delay",
  ]);
  assertEquals(mapped, {
    "@std/path": "npm:deno-std@1.4.0/path/mod.js",
    "@std/path/posix/basename": "npm:deno-std@1.4.0/path/posix/basename.js",
  });
});

Deno.test("parseReport() reads outcomes and names, and counts a step as part of its test", () => {
  const xml = `<testsuite name="./a_test.ts">
    <testcase name="a &lt;b&gt; &amp; &apos;c&apos;" classname="./a_test.ts" time="0.250" line="1">
    </testcase>
    <testcase name="steps" classname="./a_test.ts" time="0.001">
      <failure message="1 test step failed">1 test step failed.</failure>
    </testcase>
    <testcase name="none" classname="./a_test.ts" time="0.000"><skipped/></testcase>
    <testcase name="steps &gt; inner" classname="./a_test.ts" time="0.001">
      <failure message="bad">Error: bad</failure>
    </testcase>
    <testcase name="3 &gt; 2" classname="./a_test.ts" time="0.000"/>
  </testsuite>`;
  const file = "a_test.ts";
  assertEquals(parseReport(xml), [
    { name: "a <b> & 'c'", file, seconds: 0.25, outcome: "passed" },
    { name: "steps", file, seconds: 0.001, outcome: "failed" },
    { name: "none", file, seconds: 0, outcome: "skipped" },
    { name: "3 > 2", file, seconds: 0, outcome: "passed" },
  ]);
});

Deno.test("brokenFiles() finds each file that failed outside its tests, once", () => {
  const output = "./a_test.ts (uncaught error)\nerror: Error: top\n\n FAILURES\n\n" +
    "./a_test.ts (uncaught error)\nx => ./b_test.ts:1:6\n";
  assertEquals(brokenFiles(output), ["a_test.ts"]);
});

const one = (outcome: TestCase["outcome"], name: string = outcome): TestCase => {
  return { name, file: "a_test.ts", seconds: 0.5, outcome };
};
const outcomes: [
  what: string,
  outcome: ReturnType<typeof outcomeOf>,
  last: string,
  good: boolean,
][] = [
  ["all passed", outcomeOf([one("passed")], true, ""), "1 passed, 0 failed", true],
  [
    "one skipped",
    outcomeOf([one("passed"), one("skipped")], true, ""),
    "1 passed, 0 failed, 1 skipped",
    true,
  ],
  [
    "one skipped where all are required",
    outcomeOf([one("passed"), one("skipped")], true, "", true),
    "1 passed, 1 failed, 1 skipped",
    false,
  ],
  [
    "one that needs denort where all are required",
    outcomeOf([one("passed"), one("skipped", "compile [needs denort]")], true, "", true),
    "1 passed, 0 failed, 1 skipped",
    true,
  ],
  ["one failed", outcomeOf([one("passed"), one("failed")], false, ""), "1 passed, 1 failed", false],
  ["none", outcomeOf([], true, ""), "0 passed, 0 failed", false],
  [
    "skipped ones only",
    outcomeOf([one("skipped")], true, ""),
    "0 passed, 0 failed, 1 skipped",
    false,
  ],
  ["a run that fails as a whole", outcomeOf([], false, ""), "0 passed, 1 failed", false],
  [
    "a failed test and a broken file",
    outcomeOf([one("failed")], false, "./b_test.ts (uncaught error)\n"),
    "0 passed, 2 failed",
    false,
  ],
];

for (const [what, outcome, last, good] of outcomes) {
  Deno.test(`outcomeOf() counts ${what} as ${good ? "good" : "not good"}`, () => {
    assertEquals(outcome.lines.at(-1), last);
    assertEquals(outcome.good, good);
  });
}

Deno.test("outcomeOf() names the skipped and failed tests, and the ten slowest in order", () => {
  const tests = Array.from({ length: 12 }, (_, n) => ({ ...one("passed", `t${n}`), seconds: n }));
  const { lines } = outcomeOf([...tests, one("skipped", "[needs x]"), one("failed")], false, "");
  const slowest = lines.slice(lines.indexOf("The ten slowest:") + 1).slice(0, 10);
  assertEquals(slowest.map((line) => /: (.*)$/.exec(line)?.[1]), [
    ..."t11 t10 t9 t8 t7 t6 t5 t4 t3 t2".split(" "),
  ]);
  assert(lines.includes("  a_test.ts: [needs x]"));
  assert(lines.includes("  a_test.ts: failed"));
});

/** What `deno task test` says of files with these sources. */
async function runOver(
  sources: string[],
  env: Record<string, string> = {},
): Promise<{ last: string; success: boolean; output: string }> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [n, source] of sources.entries()) {
      await Deno.writeTextFile(`${folder}/${n}_test.ts`, source);
    }
    const { success, output } = await run(["run", "-A", "tools/test.ts", "quick", folder], env);
    const last = output.split("\n").findLast((line) => /^\d+ passed/.test(line)) ?? "";
    return { last, success, output };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const good = 'Deno.test("good", () => {});';
const bad = 'Deno.test("bad", () => { throw new Error("bad"); });';
const leak = 'Deno.test("leak", () => { setTimeout(() => {}, 60_000); });';
const thrown = 'throw new Error("top");';
const wrong = 'const n: number = "a"; Deno.test("typed", () => console.log(n));';
const late = 'Deno.test("late", async () => { setTimeout(() => { throw new Error("late"); }); ' +
  "await new Promise((resolve) => setTimeout(resolve, 60_000)); });";

const runs: [what: string, sources: string[], last: string, success: boolean][] = [
  ["good tests", [good, good], "2 passed, 0 failed", true],
  [
    "a failed test, a leak and a file that throws",
    [good, bad, leak, thrown],
    "1 passed, 3 failed",
    false,
  ],
  ["a timer that throws", [good, late], "1 passed, 2 failed", false],
  ["a type error", [good, wrong], "0 passed, 1 failed", false],
  ["no test", ["export {};"], "0 passed, 0 failed", false],
];

for (const [what, sources, last, success] of runs) {
  Deno.test(`deno task test ${success ? "passes" : "fails"} for ${what}: ${last}`, async () => {
    const result = await runOver(sources, { COEVENT_TEST_PEERS: "" });
    assertEquals(result.last, last, result.output);
    assertEquals(result.success, success, result.output);
  });
}

const peers = new URL("peers.ts", import.meta.url).href;
const peer = `import { peerTest } from "${peers}";\n` +
  'peerTest("deno is there", ["deno"], async ({ deno }) => { await Deno.stat(deno); });\n' +
  'peerTest("nobody is there", ["deno", "no-such-peer"], () => Promise.reject("ran"));';

Deno.test("peerTest() skips a test whose peer is missing, and names both", async () => {
  const folder = Deno.execPath().replace(/[^/\\]*$/, "");
  const env = { COEVENT_TEST_PEERS: "", PATH: folder };
  const { last, success, output } = await runOver([peer], env);
  assertStringIncludes(output, ": nobody is there [needs no-such-peer]");
  assertEquals(last, "1 passed, 0 failed, 1 skipped", output);
  assert(success);
});

Deno.test("peerTest() fails for a missing peer where all are required", async () => {
  const folder = Deno.execPath().replace(/[^/\\]*$/, "");
  const env = { COEVENT_TEST_PEERS: "required", PATH: folder };
  const { last, success, output } = await runOver([peer], env);
  assertStringIncludes(output, "not on the PATH: no-such-peer");
  assertEquals(last, "1 passed, 1 failed", output);
  assert(!success);
});

Deno.test("deno task example says which examples there are, for a name that is none", async () => {
  const { success, output } = await run(["run", "-A", "tools/example.ts", "../mod"]);
  assert(!success);
  assertStringIncludes(output, "There is no example '../mod'");
  assertStringIncludes(output, "single_loop");
});
