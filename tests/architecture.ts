/** The rules of who may import whom, as functions over a list of imports. */
import type { Import } from "../tools/graph.ts";

export type { Import };

/** The layers of `docs/architecture.md`, from the top down; each line is one layer. */
export function layersOf(page: string): string[][] {
  const block = /```text\n(mod\.ts\n[\s\S]*?\ncore\n)```/.exec(page)?.[1];
  if (block === undefined) throw new Error("docs/architecture.md has no layer block");
  return block.trim().split("\n").map((line) => line.match(/[\w.]*\w/g) ?? []);
}

/** The directory of a file; `_compat.ts` stands beside the root and belongs to it. */
export function directoryOf(file: string): string {
  if (file === "_compat.ts") return "mod.ts";
  return file.includes("/") ? file.slice(0, file.indexOf("/")) : file;
}

/** Every import between directories that breaks a rule, and which. */
export function layerFaults(layers: string[][], imports: Import[]): string[] {
  const depthOf = new Map(layers.flatMap((row, depth) => row.map((name) => [name, depth])));
  const faults: string[] = [];
  for (const { from, to } of imports) {
    const fault = isOurs(to) ? layerFault(depthOf, from, to) : null;
    if (fault !== null) faults.push(`${from} imports ${to}: ${fault}`);
  }
  return faults;
}

function layerFault(depthOf: Map<string, number>, from: string, to: string): string | null {
  const [here, there] = [directoryOf(from), directoryOf(to)];
  if (here === there) return null;
  const [depth, target] = [depthOf.get(here), depthOf.get(there)];
  if (depth === undefined) return `'${here}' stands in no layer`;
  if (target === undefined) return `'${there}' stands in no layer`;
  if (target < depth) return "upward";
  if (target === depth) return "sideways";
  // The root hands its names on; whoever else logs takes that from the program.
  if (there === "log" && here !== "mod.ts") return "no module imports log";
  if (to.slice(to.lastIndexOf("/") + 1).startsWith("_")) return "private to its directory";
  if (to !== `${there}/mod.ts`) return "past the directory's mod.ts";
  return null;
}

/** Whether an import leads to a file of the project. */
function isOurs(to: string): boolean {
  return !to.startsWith("@") && !/^[a-z]+:/.test(to);
}

/** The files that one file reaches, itself among them. */
function reach(start: string, imports: Import[]): Set<string> {
  const reached = new Set([start]);
  // A set that grows while it is walked: what is added is walked too.
  for (const file of reached) {
    for (const { from, to } of imports) if (from === file && isOurs(to)) reached.add(to);
  }
  return reached;
}

/** The directories that a file's graph holds although it may not. */
export function strangersIn(start: string, imports: Import[], allowed: string[]): string[] {
  const known = new Set([directoryOf(start), ...allowed]);
  const directories = new Set([...reach(start, imports)].map(directoryOf));
  return [...directories].filter((directory) => !known.has(directory)).sort();
}

/** The imports in a file's graph that come from JSR: `thread/a.ts imports @std/path`. */
export function jsrImportsIn(start: string, imports: Import[]): string[] {
  const reached = reach(start, imports);
  return imports.filter(({ from, to }) => reached.has(from) && /^(jsr:|@std\/)/.test(to))
    .map(({ from, to }) => `${from} imports ${to}`).sort();
}

/** The imports of the lowest layer that lead out of it, but for the platform's own. */
export function outsideImportsOf(directory: string, imports: Import[]): string[] {
  return imports.filter(({ from, to }) =>
    directoryOf(from) === directory && !to.startsWith("node:") && directoryOf(to) !== directory
  ).map(({ from, to }) => `${from} imports ${to}`).sort();
}
