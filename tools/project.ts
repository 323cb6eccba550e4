/**
 * The project as its tools see it: its entries, and the configuration to run it with.
 *
 * What is committed says `jsr:@std/...`. Where jsr.io cannot be reached, the tools run
 * Deno with a copy of deno.json, not tracked by git, in which each of those entries
 * points to the npm build of the same sources.
 */

/** The npm build of the standard library. */
const STD_ON_NPM = "npm:deno-std@1.4.0";

/** So long may jsr.io take to answer before it counts as out of reach. */
const PROBE_TIMEOUT = 4_000;

const LOCAL_CONFIG = "deno.local.json";

interface Config {
  exports: Record<string, string>;
  imports: Record<string, string>;
}

/** The committed configuration. */
export async function readConfig(): Promise<Config> {
  return JSON.parse(await Deno.readTextFile("deno.json"));
}

/** Every public entry, with its file. */
export async function entries(): Promise<{ name: string; file: string }[]> {
  const { exports } = await readConfig();
  return Object.entries(exports).map(([name, file]) => ({ name, file }));
}

let chosen: Promise<string[]> | null = null;

/** The arguments that choose the configuration: none, or the local copy. Says which. */
export function configArgs(): Promise<string[]> {
  return chosen ??= choose();
}

async function choose(): Promise<string[]> {
  if (await jsrAnswers()) {
    console.log("std: from jsr.io");
    return [];
  }
  const config = await readConfig();
  const imports = Object.fromEntries(
    Object.entries(config.imports).map(([name, target]) => [name, onNpm(target)]),
  );
  await Deno.writeTextFile(LOCAL_CONFIG, JSON.stringify({ ...config, imports }, null, 2) + "\n");
  console.log(`std: jsr.io is out of reach, so from ${STD_ON_NPM} through ${LOCAL_CONFIG}`);
  return ["--config", LOCAL_CONFIG];
}

async function jsrAnswers(): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT);
    const response = await fetch("https://jsr.io/@std/assert/meta.json", { signal });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** `jsr:@std/encoding@^1.0.0/hex` becomes the file of the npm build. */
export function onNpm(target: string): string {
  const parts = /^jsr:@std\/([a-z-]+)@[^/]+(?:\/(.+))?$/.exec(target);
  if (parts === null) return target;
  const [, module, file = "mod"] = parts;
  return `${STD_ON_NPM}/${module}/${file.replaceAll("-", "_")}.js`;
}

/** Runs Deno with what the caller sees of it; gives its status. */
export async function deno(
  args: string[],
  env: Record<string, string> = {},
): Promise<Deno.CommandStatus> {
  const child = new Deno.Command(Deno.execPath(), { args, env, stdin: "null" }).spawn();
  return await child.status;
}

/** All files below a folder with one of these endings, in order. */
export async function filesBelow(folder: string, ...endings: string[]): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await filesBelow(path, ...endings));
    else if (endings.some((ending) => entry.name.endsWith(ending))) found.push(path);
  }
  return found.sort();
}
