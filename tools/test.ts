/**
 * `deno task test`, `test:full` and `soak`: tests at one of three sizes (tests/sizes.ts).
 *
 * The first two run all of tests/ but tests/soak/, soak runs tests/soak/ alone. Arguments
 * are paths that narrow it down, or flags of `deno test` in the form `--filter=word`.
 */
import { configArgs } from "./config.ts";
import { filesBelow } from "./project.ts";
import { runTests } from "./run_tests.ts";
import { deno } from "./spawn.ts";
import { testsInTwo } from "./tests_in_two.ts";

const [size = "quick", ...given] = Deno.args;
const home = size === "soak" ? "tests/soak" : "tests";
const args = given.filter((arg) => arg.startsWith("-"));
const paths = given.filter((arg) => !arg.startsWith("-"));

if (paths.length === 0) {
  if ((await filesBelow(home, "_test.ts")).length === 0) {
    console.error(`There is no ${size} test: ${home}/ holds no file that ends in _test.ts.`);
    if (size === "soak") {
      console.error("Any test runs at this size by its path: deno task soak PATH");
    }
    console.log("0 passed, 0 failed");
    Deno.exit(1);
  }
}

const lists = paths.length > 0 ? [paths] : size === "soak" ? [[home]] : await testsInTwo();
// Apart from the tests: one that starts a worker would wait until its types are checked.
if (!(await deno(["check", ...await configArgs(), "--quiet", ...lists.flat()])).success) {
  console.log("0 passed, 1 failed");
  Deno.exit(1);
}
const runs = lists.map((list) => ["--parallel", "--no-check", ...args, ...list]);
const { good } = await runTests(runs, { COEVENT_TEST_SIZE: size });
Deno.exit(good ? 0 : 1);
