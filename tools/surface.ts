/** `deno task surface`: writes the list of exported names anew. */
import { entries } from "./project.ts";
import { namesOf, surfaceOf } from "./names.ts";

const lines = surfaceOf(await namesOf(await entries()));
await Deno.writeTextFile("tests/surface.txt", lines.join("\n") + "\n");
console.log(`tests/surface.txt: ${lines.length} names`);
