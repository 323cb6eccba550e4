/**
 * `deno task bench`: runs every program of bench/ whose name ends in `_bench.ts`, one
 * after the other, or those that are named: `deno task bench log`. Arguments after `--`
 * go to each of them.
 */
import { configArgs } from "./config.ts";
import { filesBelow } from "./project.ts";
import { deno } from "./spawn.ts";

const dashes = Deno.args.indexOf("--");
const given = dashes < 0 ? Deno.args : Deno.args.slice(0, dashes);
const rest = dashes < 0 ? [] : Deno.args.slice(dashes + 1);

const fileOf = (name: string) => `bench/${name}_bench.ts`;
const all = (await filesBelow("bench", "_bench.ts"))
  .map((file) => file.slice("bench/".length, -"_bench.ts".length));
const unknown = given.filter((name) => !all.includes(name));
if (all.length === 0 || unknown.length > 0) {
  for (const name of unknown) console.error(`There is no bench '${name}'`);
  console.error(
    `Benches: ${all.join(", ") || "none, bench/ holds no file that ends in _bench.ts"}`,
  );
  Deno.exit(1);
}

let failed = 0;
for (const name of given.length > 0 ? given : all) {
  console.log(`\n--- ${name}`);
  const { success } = await deno(["run", ...await configArgs(), "-A", fileOf(name), ...rest]);
  if (!success) failed++;
}
Deno.exit(failed === 0 ? 0 : 1);
