import { configArgs } from "./config.ts";
import { type Outcome, outcomeOf, readReport, type TestCase } from "./report.ts";
import { denoKept } from "./spawn.ts";

/**
 * Runs `deno test` with each of these lists of arguments, one after the other, prints the
 * summary of all and gives the outcome.
 */
export async function runTests(runs: string[][], env: Record<string, string>): Promise<Outcome> {
  const folder = await Deno.makeTempDir();
  try {
    const report = `${folder}/tests.xml`;
    const common = ["-A", "--no-prompt", "--trace-leaks", "--quiet", `--junit-path=${report}`];
    const cases: TestCase[] = [];
    let success = true;
    let output = "";
    for (const args of runs) {
      const run = await denoKept(["test", ...await configArgs(), ...common, ...args], env);
      success &&= run.success;
      output += run.output;
      cases.push(...await readReport(report));
      await Deno.remove(report).catch(() => {});
    }
    const required = Deno.env.get("COEVENT_TEST_PEERS") === "required";
    const outcome = outcomeOf(cases, success, output, required);
    console.log(outcome.lines.join("\n"));
    return outcome;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
