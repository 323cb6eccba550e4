import { configArgs } from "./config.ts";
import { type Outcome, outcomeOf, readReport } from "./report.ts";
import { denoKept } from "./spawn.ts";

/** Runs `deno test` with these arguments, prints the summary and gives the outcome. */
export async function runTests(args: string[], env: Record<string, string>): Promise<Outcome> {
  const folder = await Deno.makeTempDir();
  try {
    const report = `${folder}/tests.xml`;
    const common = ["-A", "--no-prompt", "--trace-leaks", "--quiet", `--junit-path=${report}`];
    const run = await denoKept(["test", ...await configArgs(), ...common, ...args], env);
    const required = Deno.env.get("COEVENT_TEST_PEERS") === "required";
    const outcome = outcomeOf(await readReport(report), run.success, run.output, required);
    console.log(outcome.lines.join("\n"));
    return outcome;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
