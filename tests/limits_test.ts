/** docs/security.md's table of limits, each row of it seen to hold where nothing else was said. */
import { assertEquals } from "@std/assert";
import { LIMITS } from "./limits.ts";

const page = await Deno.readTextFile("docs/security.md");

Deno.test("docs/security.md has the limits that are tested, and no others", () => {
  const begin = page.indexOf("## Limits that hold");
  const rows = page.slice(begin, page.indexOf("\n## ", begin + 1)).split("\n")
    .filter((line) => line.startsWith("| ")).slice(2)
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  const tested = Object.entries(LIMITS).map(([what, { limit, over }]) => [what, limit, over]);
  assertEquals(rows.toSorted(), tested.toSorted());
});

for (const [what, { limit, over, holds }] of Object.entries(LIMITS)) {
  Deno.test(`by default ${what} has a limit: ${limit}; over it: ${over}`, holds);
}
