/**
 * `deno task example NAME ...`: runs an example under exactly the permissions that its
 * head names.
 */
import { configArgs, deno } from "./project.ts";
import { flagsOf } from "./head.ts";

const [name, ...args] = Deno.args;
if (name === undefined || !/^\w+$/.test(name)) {
  const names: string[] = [];
  for await (const entry of Deno.readDir("examples")) {
    if (entry.name.endsWith(".ts")) names.push(entry.name.slice(0, -3));
  }
  console.error("Usage: deno task example NAME ...\n");
  console.error(`Examples: ${names.sort().join(", ")}`);
  Deno.exit(2);
}
const file = `examples/${name}.ts`;
let source: string;
try {
  source = await Deno.readTextFile(file);
} catch {
  console.error(`There is no example '${name}'.`);
  Deno.exit(2);
}
// Only what reaches for jsr.io needs to know whether it is there.
const config = source.includes("@std/") ? await configArgs() : [];
const { code } = await deno([
  "run",
  ...config,
  "--no-prompt",
  ...flagsOf(source, name),
  file,
  ...args,
]);
Deno.exit(code);
