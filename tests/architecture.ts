/** The rules of who may import whom, as functions over a list of imports. */

/** One import: who, and what it resolves to, both relative to the project. */
export interface Import {
  from: string;
  to: string;
}

/** The layers of `docs/architecture.md`, from the top down; each line is one layer. */
export function layersOf(page: string): string[][] {
  const block = /```text\n(mod\.ts\n[\s\S]*?\ncore\n)```/.exec(page)?.[1];
  if (block === undefined) throw new Error("docs/architecture.md has no layer block");
  return block.trim().split("\n").map((line) => line.trim().split(/\s+/));
}

/** The directory of a file; a file beside the root is its own. */
export function directoryOf(file: string): string {
  return file.includes("/")
    ? file.slice(0, file.indexOf("/"))
    : file === "_compat.ts"
    ? "mod.ts"
    : file;
}

/** Every import that breaks a rule, and which. */
export function faultsOf(layers: string[][], imports: Import[]): string[] {
  const heightOf = new Map(layers.flatMap((row, depth) => row.map((name) => [name, -depth])));
  const faults: string[] = [];
  for (const { from, to } of imports) {
    const fault = faultOf(heightOf, from, to);
    if (fault !== null) faults.push(`${from} imports ${to}: ${fault}`);
  }
  return faults;
}

function faultOf(heightOf: Map<string, number>, from: string, to: string): string | null {
  const [here, there] = [directoryOf(from), directoryOf(to)];
  if (here === there) return null;
  const [height, depth] = [heightOf.get(here), heightOf.get(there)];
  if (height === undefined) return `'${here}' stands in no layer`;
  if (depth === undefined) return `'${there}' stands in no layer`;
  if (depth > height) return "upward";
  if (depth === height) return "sideways";
  if (there === "log") return "no module imports log";
  if (to.split("/").at(-1)!.startsWith("_")) return "private to its directory";
  if (to !== `${there}/mod.ts`) return "past the directory's mod.ts";
  return null;
}

/** The specifiers that a module names: imports and re-exports, types included. */
export function specifiersIn(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const found = code.matchAll(/\b(?:import|export)\b[^;"']*?\bfrom\s*["']([^"']+)["']/g);
  const bare = code.matchAll(/\bimport\s*\(?\s*["']([^"']+)["']/g);
  return [...found, ...bare].map((match) => match[1]!);
}

/** Resolves a relative specifier against the file that names it. */
export function resolve(from: string, specifier: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
