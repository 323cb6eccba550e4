/** `deno task surface`: writes the list of exported names anew. */
import { entries } from "./project.ts";
import { surfaceOf } from "./names.ts";

const lines = await surfaceOf(await entries());
await Deno.writeTextFile("tests/surface.txt", lines.join("\n") + "\n");
console.log(`tests/surface.txt: ${lines.length} names`);
