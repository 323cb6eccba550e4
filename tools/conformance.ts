/** `deno task conformance`: writes docs/conformance.md from the table in tests/conformance. */
import { page } from "../tests/conformance/rules.ts";
import { deno } from "./spawn.ts";

const file = "docs/conformance.md";
await Deno.writeTextFile(file, page());
await deno(["fmt", "--quiet", file]);
console.log(`${file} is written`);
