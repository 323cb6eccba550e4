/**
 * `deno task test`, `test:full` and `soak`: the same tests in three sizes.
 *
 * Prints what was skipped, by name, the ten slowest tests, and last `N passed, N failed`.
 * Arguments are paths that narrow it down.
 */
import { configArgs, deno } from "./project.ts";
import { readReport } from "./report.ts";

const [size = "quick", ...paths] = Deno.args;
const report = ".cache/tests.xml";

await Deno.mkdir(".cache", { recursive: true });
await Deno.remove(report).catch(() => {});
const config = await configArgs();
const { success } = await deno(
  [
    "test",
    ...config,
    "-A",
    "--no-prompt",
    "--parallel",
    "--trace-leaks",
    "--quiet",
    `--junit-path=${report}`,
    ...(paths.length > 0 ? paths : ["tests/"]),
  ],
  { COEVENT_TEST_SIZE: size },
);

const tests = await readReport(report);
const skipped = tests.filter((test) => test.outcome === "skipped");
const failed = tests.filter((test) => test.outcome === "failed");
const passed = tests.length - skipped.length - failed.length;

if (skipped.length > 0) {
  console.log("\nSkipped:");
  for (const test of skipped) console.log(`  ${test.file}: ${test.name}`);
}
console.log("\nThe ten slowest:");
for (const test of tests.toSorted((a, b) => b.seconds - a.seconds).slice(0, 10)) {
  console.log(`  ${test.seconds.toFixed(2).padStart(7)} s  ${test.name}`);
}
if (failed.length > 0) {
  console.log("\nFailed:");
  for (const test of failed) console.log(`  ${test.file}: ${test.name}`);
}

// A file that does not even load has no test that failed; it must not pass for that.
const unaccounted = !success && failed.length === 0 ? 1 : 0;
if (unaccounted > 0) console.log("\nThe run failed outside any test: see above.");
const noTest = passed === 0 && failed.length === 0;
if (noTest) console.log("\nNo test was run.");
const skips = skipped.length > 0 ? `, ${skipped.length} skipped` : "";
console.log(`\n${passed} passed, ${failed.length + unaccounted} failed${skips}`);
Deno.exit(success && !noTest ? 0 : 1);
