/** `deno task bench`: runs bench/run.ts, which takes the names of benches. */
import { configArgs } from "./config.ts";
import { deno } from "./spawn.ts";

const file = "bench/run.ts";
if (!await Deno.stat(file).then((found) => found.isFile, () => false)) {
  console.error(`There is no bench: ${file} is not there.`);
  Deno.exit(1);
}
const { code } = await deno(["run", ...await configArgs(), "-A", file, ...Deno.args]);
Deno.exit(code);
