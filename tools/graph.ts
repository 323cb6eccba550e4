/** Who imports whom, as Deno resolves it. */
import { configArgs } from "./config.ts";
import { denoJson } from "./spawn.ts";

/** One import: who, and what. */
export interface Import {
  /** A file of the project, relative to its root. */
  from: string;
  /** Another one, or the specifier as it is written: `node:buffer`, `@std/path`. */
  to: string;
}

interface Dependency {
  specifier: string;
  code?: { specifier?: string; error?: string };
  type?: { specifier?: string; error?: string };
}

interface Info {
  modules: { specifier: string; error?: string; dependencies?: Dependency[] }[];
}

const ROOT = new URL("../", import.meta.url).href;

/** Every import in these files and in what they reach: re-exports, types and dynamic ones too. */
export async function importsOf(files: string[], root = ROOT): Promise<Import[]> {
  const start = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const lines = files.map((file) => `import ${JSON.stringify(root + file)};\n`);
    await Deno.writeTextFile(start, lines.join(""));
    const info = await denoJson(["info", ...await configArgs(), "--json", start]) as Info;
    return importsIn(info, root);
  } finally {
    await Deno.remove(start);
  }
}

function importsIn({ modules }: Info, root: string): Import[] {
  const imports: Import[] = [];
  for (const { specifier, error, dependencies = [] } of modules) {
    if (!specifier.startsWith(root)) continue;
    const from = specifier.slice(root.length);
    if (error !== undefined) throw new Error(`${from}: ${error}`);
    for (const { specifier: written, code, type } of dependencies) {
      const target = code?.specifier ?? type?.specifier ?? "";
      imports.push({ from, to: target.startsWith(root) ? target.slice(root.length) : written });
    }
  }
  return imports;
}
