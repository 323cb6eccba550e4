import { importsOf } from "./graph.ts";
import { filesBelow } from "./project.ts";

/** What starts processes, in tests and in what they import from tests/ and tools/. */
const STARTS = /Deno\.Command|isolated|(?<![.\w])(popen|exec|fork|run_process)\(/;

/**
 * The test files in two lists: those that start no process, and those that do. Between the
 * fork and the exec of a child all descriptors of its parent are open in it too, and all
 * files of a run share one process: a port that one test has closed would still be open
 * for a moment because another starts a child.
 */
export async function testsInTwo(): Promise<string[][]> {
  const files = (await filesBelow("tests", "_test.ts"))
    .filter((file) => !file.startsWith("tests/soak/"));
  const users = Map.groupBy(await importsOf(files), ({ to }) => to);
  const starting = new Set<string>();
  const add = (file: string) => {
    if (!/^(tests|tools)\//.test(file) || starting.has(file)) return;
    starting.add(file);
    for (const { from } of users.get(file) ?? []) add(from);
  };
  for (const file of [...await filesBelow("tests", ".ts"), ...await filesBelow("tools", ".ts")]) {
    if (STARTS.test(await Deno.readTextFile(file))) add(file);
  }
  const { quiet = [], busy = [] } = Object.groupBy(
    files,
    (file) => starting.has(file) ? "busy" : "quiet",
  );
  return [quiet, busy].filter((list) => list.length > 0);
}
