import { assertEquals } from "@std/assert";
import { surfaceOf } from "../tools/names.ts";
import { entries } from "../tools/project.ts";

const surface = await surfaceOf(await entries());

Deno.test("the exported names are those of surface.txt (deno task surface writes it)", async () => {
  const listed = (await Deno.readTextFile("tests/surface.txt")).trimEnd().split("\n");
  assertEquals(surface, listed);
});

/** `L`, LOG and the levels are aLiLua's own. */
const KEPT = new Set(["L", "LOG", "DEBUG", "INFO", "NOTICE", "WARN", "ALERT", "ERR", "NO"]);

Deno.test("functions are snake_case, types and classes PascalCase, constants UPPER_CASE", () => {
  const wrong = surface.filter((line) => {
    const [, name = "", kind = ""] = /^\S+: (\S+) (\S+)$/.exec(line) ?? [];
    if (KEPT.has(name) || kind === "reference") return false;
    if (kind === "function" || kind === "namespace") return !/^[a-z][a-z0-9_]*$/.test(name);
    if (kind === "variable") return !/^([a-z][a-z0-9_]*|[A-Z][A-Z0-9_]*)$/.test(name);
    return !/^[A-Z][A-Za-z0-9]*$/.test(name);
  });
  assertEquals(wrong, []);
});
