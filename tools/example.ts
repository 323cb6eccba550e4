/**
 * `deno task example NAME ...`: runs an example under exactly the permissions that its
 * head names.
 */
import { configArgs } from "./config.ts";
import { flagsOf } from "./head.ts";
import { examples } from "./project.ts";
import { deno } from "./spawn.ts";

const [name = "", ...args] = Deno.args;
const names = await examples();
if (!names.includes(name)) {
  if (name !== "") console.error(`There is no example '${name}'`);
  console.error(`Usage: deno task example NAME ...\nExamples: ${names.join(", ")}`);
  Deno.exit(2);
}
const file = `examples/${name}.ts`;
const flags = flagsOf(await Deno.readTextFile(file), name);
const run = ["run", ...await configArgs(), "--no-prompt", ...flags, file, ...args];
const { code } = await deno(run, "inherit");
Deno.exit(code);
