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

/** Parses a JUnit report, as far as `deno test` writes it. */
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
  return cases;
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
