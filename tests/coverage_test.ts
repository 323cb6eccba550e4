/** The tool that tells which lines no test reaches, seen to read its report rightly. */
import { assertEquals } from "@std/assert";
import { parseLcov, ranges, share } from "../tools/coverage.ts";

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
