/** What `deno test` did, read from its report and from what it printed. */

/** One test of a run. */
export interface TestCase {
  name: string;
  file: string;
  seconds: number;
  outcome: "passed" | "failed" | "skipped";
}

/** Reads the report that `deno test --junit-path` wrote; no file means no test. */
export async function readReport(path: string): Promise<TestCase[]> {
  const xml = await Deno.readTextFile(path).catch(() => "");
  return parseReport(xml);
}

/** Parses a JUnit report, as far as `deno test` writes it. Steps belong to their test. */
export function parseReport(xml: string): TestCase[] {
  return [...xml.matchAll(/<testsuite ([^>]*)>([\s\S]*?)<\/testsuite>/g)].flatMap(
    ([, attributes = "", body = ""]) => testsIn(attribute(attributes, "name"), body),
  );
}

function testsIn(suite: string, xml: string): TestCase[] {
  const file = suite.replace(/^\.\//, "");
  const cases: TestCase[] = [];
  for (const match of xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const [, attributes = "", body = ""] = match;
    const outcome = /<(failure|error)\b/.test(body)
      ? "failed"
      : /<skipped\b/.test(body)
      ? "skipped"
      : "passed";
    const [name, seconds] = [attribute(attributes, "name"), Number(attribute(attributes, "time"))];
    cases.push({ name, file, seconds, outcome });
  }
  const names = new Set(cases.map(({ name }) => name));
  return cases.filter(({ name }) => !names.has(/^(.*?) > /.exec(name)?.[1] ?? ""));
}

function attribute(attributes: string, name: string): string {
  return plain(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
}

/**
 * The files that failed outside any test: they threw while loading, or left something
 * behind that threw. The report does not hold them; `deno test` only prints them.
 */
export function brokenFiles(output: string): string[] {
  const found = output.matchAll(/^(?:\.\/)?(\S+) \(uncaught error\)$/gm);
  return [...new Set([...found].map((match) => match[1]!))].sort();
}

const ENTITIES: Record<string, string> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

function plain(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (entity) => ENTITIES[entity] ?? entity);
}

/** A run, counted. */
export interface Outcome {
  /** What people read: skipped tests, the slowest ones, the failed ones, the last line. */
  lines: string[];
  passed: number;
  failed: number;
  /** Whether every test that was run passed, and at least one was. */
  good: boolean;
}

/**
 * Counts a run. `success` is what the run itself says of it. Where all is `required`, a
 * skipped test has failed, but for one that needs what cannot be installed.
 */
export function outcomeOf(
  tests: TestCase[],
  success: boolean,
  output: string,
  required = false,
): Outcome {
  const skipped = tests.filter((test) => test.outcome === "skipped");
  const failures = tests.filter((test) => test.outcome === "failed").map(title);
  failures.push(...brokenFiles(output).map((file) => `${file}: outside any test`));
  if (required) {
    const without = skipped.filter(({ name }) => !name.endsWith("[needs denort]"));
    failures.push(...without.map((test) => `${title(test)}: was skipped, but all are required`));
  }
  const passed = tests.filter((test) => test.outcome === "passed").length;
  // Whatever the run tripped over (a type error, a signal), it must not pass for that.
  if (!success && failures.length === 0) failures.push("the run itself: see above");
  const ran = passed + failures.length > 0;

  const lines: string[] = [];
  if (skipped.length > 0) lines.push("", "Skipped:", ...skipped.map((test) => `  ${title(test)}`));
  const slowest = tests.toSorted((a, b) => b.seconds - a.seconds).slice(0, 10);
  if (slowest.length > 0) lines.push("", "The ten slowest:");
  for (const test of slowest) {
    lines.push(`${test.seconds.toFixed(2).padStart(9)} s  ${title(test)}`);
  }
  if (failures.length > 0) lines.push("", "Failed:", ...failures.map((failure) => `  ${failure}`));
  if (!ran) lines.push("", "No test was run.");
  const skips = skipped.length > 0 ? `, ${skipped.length} skipped` : "";
  lines.push("", `${passed} passed, ${failures.length} failed${skips}`);
  return { lines, passed, failed: failures.length, good: success && ran && failures.length === 0 };
}

/** The code block of a page is named by its address, which holds the file already. */
function title({ file, name }: TestCase): string {
  return name.startsWith("file://") ? file : `${file}: ${name}`;
}
