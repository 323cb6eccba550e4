/** The tool that tells which lines no test reaches, seen to read its report rightly. */
import { assertEquals } from "@std/assert";
import { hasCode, neverLoaded, parseLcov, ranges, share } from "../tools/coverage.ts";

const REPORT = `SF:/home/x/core/a.ts
DA:1,5
DA:2,0
DA:3,0
DA:9,0
LH:1
LF:4
end_of_record
SF:/home/x/mod.ts
DA:1,1
LH:1
LF:1
end_of_record
`;

Deno.test("parseLcov() gives the lines of each file and those that were never run", () => {
  assertEquals(parseLcov(REPORT, "/home/x/"), [
    { file: "core/a.ts", lines: 4, missed: [2, 3, 9] },
    { file: "mod.ts", lines: 1, missed: [] },
  ]);
  assertEquals(parseLcov("", "/"), []);
});

Deno.test("ranges() joins numbers that follow each other", () => {
  assertEquals(ranges([2, 3, 9]), "2-3, 9");
  assertEquals(ranges([1]), "1");
  assertEquals(ranges([]), "");
});

Deno.test("share() counts over all files", () => {
  assertEquals(share(parseLcov(REPORT, "/home/x/")), "40.00 % of 5 lines");
  assertEquals(share([]), "no lines");
});

const sources: [runs: boolean, source: string][] = [
  [true, "export function f() {}\n"],
  [true, "export default async function () {}\n"],
  [true, "export abstract class A {}\n"],
  [true, "const a = 1;\n"],
  [true, 'import "./a.ts";\nawait main();\n'],
  [true, "globalThis.onmessage = null;\n"],
  [false, 'export type { A } from "./a.ts";\nexport * from "./b.ts";\n'],
  [false, "/** A const. */\nexport interface A {\n  const: string;\n}\nexport type B = 1;\n"],
  [false, 'import type { A } from "./a.ts";\n\nexport type B =\n  | A\n  | null;\n'],
];

for (const [runs, source] of sources) {
  Deno.test(`hasCode() tells what runs from types alone: ${JSON.stringify(source)}`, () => {
    assertEquals(hasCode(source), runs);
  });
}

Deno.test("neverLoaded() gives the files that run and are in no report, whole", async () => {
  const sources: Record<string, string> = {
    "core/a.ts": "export const a = 1;\n",
    "core/new.ts": "/** New. */\nexport function b() {}\n",
    "core/types.ts": "export type C = 1;\n",
  };
  const covered = parseLcov(REPORT, "/home/x/");
  const read = (file: string) => Promise.resolve(sources[file]!);
  assertEquals(await neverLoaded(Object.keys(sources), covered, read), [
    { file: "core/new.ts", lines: 2, missed: [1, 2] },
  ]);
});
