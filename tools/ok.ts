/**
 * `deno task ok`: everything that must be green before a commit. With `--but-tests`,
 * the tests are left out, for who runs them otherwise.
 */
import { configArgs } from "./config.ts";
import { entries, filesBelow, sources } from "./project.ts";
import { runTests } from "./run_tests.ts";
import { testsInTwo } from "./tests_in_two.ts";
import { deno } from "./spawn.ts";

const config = await configArgs();
const pages = ["README.md", ...await filesBelow("docs", ".md")];
let passed = 0;
let failed = 0;
const faulty: string[] = [];

/** One check of Deno's. */
async function check(name: string, args: string[]): Promise<void> {
  console.log(`\n--- ${name}`);
  const { success } = await deno(args);
  count(name, { passed: success ? 1 : 0, failed: success ? 0 : 1, good: success });
}

function count(name: string, result: { passed: number; failed: number; good: boolean }): void {
  passed += result.passed;
  failed += result.failed;
  if (!result.good) faulty.push(name);
}

await check("fmt --check", ["fmt", "--check"]);
await check("lint", ["lint", ...config]);
for (const { name, file } of await entries()) {
  // One by one: what a type of this entry names must be exported by this entry.
  await check(`doc --lint ${name}`, ["doc", ...config, "--lint", file]);
}
await check("check", ["check", ...config, "."]);

if (!Deno.args.includes("--but-tests")) {
  console.log("\n--- test");
  const runs = (await testsInTwo()).map((files) => ["--parallel", "--no-check", ...files]);
  count("test", await runTests(runs, {}));
}

console.log("\n--- test --doc");
count("test --doc", await runTests([["--doc", ...await sources(), ...pages]], {}));

await check("publish --dry-run", ["publish", ...config, "--dry-run", "--allow-dirty", "--quiet"]);

console.log(faulty.length === 0 ? "\nok" : `\nnot ok: ${faulty.join(", ")}`);
console.log(`${passed} passed, ${failed} failed`);
Deno.exit(faulty.length === 0 ? 0 : 1);
