/**
 * `deno task audit`: asks the registry for known faults of every package that is used, in the
 * collection, its tests or its tools. No lock file is kept, and without one `deno audit` looks
 * at nothing and finds all well: so one is made for it, and seen to hold every package.
 */
import { configArgs } from "./config.ts";
import { readConfig, sources } from "./project.ts";
import { deno } from "./spawn.ts";

/** The packages of npm that the import map or a source of the collection names. */
export async function packagesUsed(): Promise<string[]> {
  const { imports } = await readConfig();
  const texts = await Promise.all((await sources()).map((file) => Deno.readTextFile(file)));
  const named = texts.flatMap((text) => text.match(/(?<=["'])npm:[^"']+(?=["'])/g) ?? []);
  const targets = [...Object.values(imports), ...named].filter((one) => one.startsWith("npm:"));
  const names = targets.map((target) => /^npm:\/?((?:@[^/]+\/)?[^/@]+)/.exec(target)![1]!);
  return [...new Set(names)].sort();
}

/** The packages that are used, and that a lock file does not hold. */
export function missingFrom(lock: string, used: string[]): string[] {
  const { npm = {} } = JSON.parse(lock) as { npm?: Record<string, unknown> };
  const held = new Set(Object.keys(npm).map((key) => key.slice(0, key.indexOf("@", 1))));
  return used.filter((name) => !held.has(name));
}

/** Makes a lock file of everything that is used; throws unless it is whole. */
export async function writeLock(path: string): Promise<void> {
  const install = ["install", "--quiet", ...await configArgs(), `--lock=${path}`];
  const entries = Object.values((await readConfig()).exports);
  // The import map first, then what only the sources name: each call keeps what is there.
  for (const args of [install, [...install, "--entrypoint", ...entries]]) {
    if (!(await deno(args)).success) throw new Error(`deno ${args.join(" ")} failed`);
  }
  const missing = missingFrom(await Deno.readTextFile(path), await packagesUsed());
  if (missing.length > 0) throw new Error(`the lock file lacks ${missing.join(", ")}`);
}

/** What the registry says of the packages in a lock file, and whether it knows of no fault. */
export async function audit(
  lock: string,
  env: Record<string, string> = {},
): Promise<{ good: boolean; output: string }> {
  const command = new Deno.Command(Deno.execPath(), { args: ["audit", `--lock=${lock}`], env });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { good: success, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

if (import.meta.main) {
  const folder = await Deno.makeTempDir();
  let outcome = { good: false, output: "" };
  try {
    await writeLock(`${folder}/deno.lock`);
    outcome = await audit(`${folder}/deno.lock`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  console.log(outcome.output.trimEnd());
  Deno.exit(outcome.good ? 0 : 1);
}
