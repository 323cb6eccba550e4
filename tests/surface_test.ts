import { assertEquals } from "@std/assert";
import { keepsRule, namesOf, surfaceOf } from "../tools/names.ts";
import { entries } from "../tools/project.ts";

const names = await namesOf(await entries());

Deno.test("the exported names are those of surface.txt (deno task surface writes it)", async () => {
  const listed = (await Deno.readTextFile("tests/surface.txt")).trimEnd().split("\n");
  const surface = surfaceOf(names);
  const gained = surface.filter((line) => !listed.includes(line));
  const lost = listed.filter((line) => !surface.includes(line));
  assertEquals({ gained, lost }, { gained: [], lost: [] });
  assertEquals(listed, listed.toSorted(), "the list is not in order");
});

/** Names that others gave: aLiLua its log call, the language every object's text. */
const KEPT = ["LOG", "IoError.toString"];

Deno.test("functions, methods and keys are snake_case, types PascalCase, constants UPPER_CASE", () => {
  const wrong = new Set(names.filter((name) => !keepsRule(name)).map(({ name }) => name));
  for (const name of KEPT) wrong.delete(name);
  assertEquals([...wrong].sort(), []);
});

const cases: [name: string, kind: string, good: boolean][] = [
  ["wait_any", "function", true],
  ["waitAny", "function", false],
  ["LOG", "function", false],
  ["cosocket", "namespace", true],
  ["Cosocket", "namespace", false],
  ["IoError", "class", true],
  ["io_error", "class", false],
  ["ErrorCode", "typeAlias", true],
  ["errorCode", "typeAlias", false],
  ["WaitOptions", "interface", true],
  ["LONGEST_LINE", "variable", true],
  ["startloop", "variable", true],
  ["longestLine", "variable", false],
  ["LongestLine", "variable", false],
  ["Socket.set_timeout", "method", true],
  ["Socket.setTimeout", "method", false],
  ["Socket.[Symbol.asyncDispose]", "method", true],
  ["Options.pool_size", "property", true],
  ["Options.poolSize", "property", false],
];

for (const [name, kind, good] of cases) {
  Deno.test(`the naming rule ${good ? "takes" : "refuses"} ${kind} ${name}`, () => {
    assertEquals(keepsRule({ entry: ".", name, kind, waits: false }), good);
  });
}
