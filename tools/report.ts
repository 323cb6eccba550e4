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
  const cases: TestCase[] = [];
  for (const match of xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const [, attributes = "", body = ""] = match;
    const attribute = (name: string) =>
      plain(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
    const outcome = /<(failure|error)\b/.test(body)
      ? "failed"
      : /<skipped\b/.test(body)
      ? "skipped"
      : "passed";
    cases.push({
      name: attribute("name"),
      file: attribute("classname").replace(/^\.\//, ""),
      seconds: Number(attribute("time")),
      outcome,
    });
  }
  const titles = new Set(cases.map(({ file, name }) => `${file}\n${name}`));
  return cases.filter(({ file, name }) => {
    const [, parent] = /^(.*?) > /.exec(name) ?? [];
    return parent === undefined || !titles.has(`${file}\n${parent}`);
  });
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

/** Counts a run. `success` is what the run itself says of it. */
export function outcomeOf(tests: TestCase[], success: boolean, output: string): Outcome {
  const skipped = tests.filter((test) => test.outcome === "skipped");
  const failures = tests.filter((test) => test.outcome === "failed").map(title);
  failures.push(...brokenFiles(output).map((file) => `${file}: outside any test`));
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

function title({ file, name }: TestCase): string {
  return `${file}: ${name}`;
}
