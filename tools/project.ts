/** The project as its tools see it. All paths are relative to its root. */

/** What the tools read of deno.json. */
export interface Config {
  exports: Record<string, string>;
  imports: Record<string, string>;
  publish: { include: string[] };
}

/** The committed configuration. */
export async function readConfig(): Promise<Config> {
  return JSON.parse(await Deno.readTextFile("deno.json"));
}

/** A public entry: its name (`.`, `./thread`) and its file (`./thread/mod.ts`). */
export interface Entry {
  name: string;
  file: string;
}

/** Every public entry. */
export async function entries(): Promise<Entry[]> {
  const { exports } = await readConfig();
  return Object.entries(exports).map(([name, file]) => ({ name, file }));
}

/** Directories of the root that hold no module of the collection. */
const NO_MODULES = new Set([
  "bench",
  "coverage",
  "docs",
  "examples",
  "node_modules",
  "tests",
  "tools",
]);

/** Every source file of the collection: those of the root, then each directory's. */
export async function sources(): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(".")) {
    if (entry.isFile && entry.name.endsWith(".ts")) files.push(entry.name);
    if (!entry.isDirectory || entry.name.startsWith(".") || NO_MODULES.has(entry.name)) continue;
    files.push(...await filesBelow(entry.name, ".ts"));
  }
  return files.sort();
}

/** Every example, by its name. */
export async function examples(): Promise<string[]> {
  const files = await filesBelow("examples", ".ts");
  return files.map((file) => file.slice("examples/".length, -".ts".length));
}

/**
 * All files below a folder with one of these endings, in order; none if there is no such
 * folder. Dot folders and node_modules are left out.
 */
export async function filesBelow(folder: string, ...endings: string[]): Promise<string[]> {
  const found: string[] = [];
  const at = folder === "." ? "" : `${folder}/`;
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      const path = at + entry.name;
      if (entry.isDirectory) found.push(...await filesBelow(path, ...endings));
      else if (endings.some((ending) => entry.name.endsWith(ending))) found.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}
