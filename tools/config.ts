/**
 * The configuration that Deno runs with.
 *
 * What is committed says `jsr:@std/...`. Where jsr.io cannot be reached, the tools run
 * Deno with a copy of deno.json, not tracked by git, in which each of those entries
 * points to the npm build of the same sources. It stands beside deno.json, so that
 * relative paths and the package's own name mean the same in both.
 */
import { filesBelow, readConfig } from "./project.ts";

/** The npm build of the standard library. */
const STD_ON_NPM = "npm:deno-std@1.4.0";

/** So long may jsr.io take to answer before it counts as out of reach. */
const PROBE_TIMEOUT = 2_000;

const LOCAL_CONFIG = "deno.local.json";

/** Tells a tool that another tool started which road was taken, so that it need not ask. */
const ROAD = "COEVENT_STD";

let chosen: Promise<string[]> | null = null;

/** The arguments that choose the configuration: none, or the local copy. Says which, once. */
export function configArgs(): Promise<string[]> {
  return chosen ??= choose();
}

async function choose(): Promise<string[]> {
  const known = Deno.env.get(ROAD);
  const road = known ?? (await jsrAnswers() ? "jsr" : "npm");
  if (road !== "jsr" && road !== "npm") {
    throw new RangeError(`${ROAD} must be jsr or npm: got '${road}'`);
  }
  if (known === undefined) {
    console.error(
      road === "jsr"
        ? "std: from jsr.io"
        : `std: jsr.io is out of reach, so from ${STD_ON_NPM} through ${LOCAL_CONFIG}`,
    );
    Deno.env.set(ROAD, road);
  }
  if (road === "jsr") return [];
  if (known === undefined || !await exists(LOCAL_CONFIG)) await writeLocalConfig();
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

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function writeLocalConfig(): Promise<void> {
  const config = await readConfig();
  const imports = onNpm(config.imports, await namesUsed());
  const text = JSON.stringify({ ...config, imports }, null, 2) + "\n";
  if (await Deno.readTextFile(LOCAL_CONFIG).catch(() => "") === text) return;
  // In one step: another task may be reading it.
  const draft = `${LOCAL_CONFIG}.${Deno.pid}`;
  await Deno.writeTextFile(draft, text);
  await Deno.rename(draft, LOCAL_CONFIG);
}

/** Every name of the standard library that a module of the project imports. */
async function namesUsed(): Promise<string[]> {
  const files = await filesBelow(".", ".ts", ".md");
  const sources = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  return sources.flatMap((source) => source.match(/(?<=["'])@std\/[\w/-]+(?=["'])/g) ?? []);
}

/**
 * An import map whose `jsr:@std/...` targets are files of the npm build. A name below
 * such an entry (`@std/encoding/hex` below `@std/encoding`) follows from it under jsr:
 * but not under npm:, so each one that is used gets an entry of its own.
 */
export function onNpm(
  imports: Record<string, string>,
  used: string[] = [],
): Record<string, string> {
  const mapped: Record<string, string> = {};
  for (const [name, target] of Object.entries(imports)) mapped[name] = fileOnNpm(target);
  for (const name of used) {
    const [scope, module, ...rest] = name.split("/");
    const target = imports[`${scope}/${module}`];
    if (rest.length === 0 || target === undefined || name in mapped) continue;
    mapped[name] = fileOnNpm(`${target}/${rest.join("/")}`);
  }
  return mapped;
}

/** `jsr:@std/encoding@^1.0.0/hex` becomes the file of the npm build. */
function fileOnNpm(target: string): string {
  const parts = /^jsr:@std\/([a-z-]+)(?:@[^/]+)?(?:\/(.+))?$/.exec(target);
  if (parts === null) return target;
  const [, module, file = "mod"] = parts;
  return `${STD_ON_NPM}/${`${module}/${file}`.replaceAll("-", "_")}.js`;
}
