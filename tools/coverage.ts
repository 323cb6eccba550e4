/**
 * `deno task coverage`: runs the tests, a folder at a time, and tells which lines of the
 * collection none of them reaches, and which files none of them loads. Paths after it narrow
 * the tests down. What runs in a child of a test, another process, is counted unless that is
 * killed.
 */
import { resolve } from "node:path";
import { configArgs } from "./config.ts";
import { filesBelow, readConfig, sources } from "./project.ts";

/** So long may the tests of one folder take, in milliseconds. */
const LIMIT = 240_000;

/** What a report in the LCOV form says of one file. */
export interface Covered {
  file: string;
  lines: number;
  /** The numbers of the lines that were never run. */
  missed: number[];
}

/** Reads an LCOV report. */
export function parseLcov(text: string, root: string): Covered[] {
  return text.split("end_of_record").flatMap((record) => {
    const path = /^SF:(.*)$/m.exec(record)?.[1];
    if (path === undefined) return [];
    const lines = [...record.matchAll(/^DA:(\d+),(\d+)/gm)];
    const missed = lines.filter(([, , count]) => count === "0").map(([, line]) => Number(line));
    return [{ file: path.replace(root, ""), lines: lines.length, missed }];
  });
}

/**
 * Whether a source has anything that runs. One of types alone, or that only gives again what
 * others export, has no line to be reached; sources are formatted, so that a line shows it.
 */
export function hasCode(source: string): boolean {
  return /^(export )?(default )?(async |abstract )?(function|class|const|let|var|enum)\b/m
    .test(source) || /^(await |if |for |try |while |[\w.]+\(|[\w.]+ = )/m.test(source);
}

/** The sources that no test has loaded, as if each of their lines were one that runs. */
export async function neverLoaded(
  files: string[],
  covered: Covered[],
  read: (file: string) => Promise<string> = (file) => Deno.readTextFile(file),
): Promise<Covered[]> {
  const loaded = new Set(covered.map(({ file }) => file));
  const found: Covered[] = [];
  for (const file of files) {
    if (loaded.has(file)) continue;
    const source = await read(file);
    if (!hasCode(source)) continue;
    const lines = source.trimEnd().split("\n").length;
    found.push({ file, lines, missed: Array.from({ length: lines }, (_, n) => n + 1) });
  }
  return found;
}

/** Numbers in a row as ranges: `3-5, 9`. */
export function ranges(numbers: number[]): string {
  const found: [first: number, last: number][] = [];
  for (const number of numbers) {
    const range = found.at(-1);
    if (range !== undefined && number === range[1] + 1) range[1] = number;
    else found.push([number, number]);
  }
  return found.map(([first, last]) => first === last ? first : `${first}-${last}`).join(", ");
}

/** The share of lines that were run, as people read it. */
export function share(covered: Covered[]): string {
  const lines = covered.reduce((sum, { lines }) => sum + lines, 0);
  const missed = covered.reduce((sum, { missed }) => sum + missed.length, 0);
  return lines === 0
    ? "no lines"
    : `${((1 - missed / lines) * 100).toFixed(2)} % of ${lines} lines`;
}

/** The folders of tests/ that hold tests, and the tests beside them. */
async function folders(): Promise<string[]> {
  const tests = await filesBelow("tests", "_test.ts");
  const names = tests.map((file) => file.split("/").slice(0, 2).join("/"));
  return [...new Set(names)].filter((name) => name !== "tests/soak");
}

/** Removes the profiles that a process was writing when it was killed. */
async function dropBroken(folder: string): Promise<void> {
  for (const file of await filesBelow(folder, ".json")) {
    try {
      JSON.parse(await Deno.readTextFile(file));
    } catch {
      await Deno.remove(file);
    }
  }
}

async function measure(): Promise<number> {
  // As a whole path, for children that run in folders of their own.
  const folder = resolve("coverage");
  const config = await configArgs();
  const paths = Deno.args.length > 0 ? Deno.args : await folders();
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  const root = new URL("../", import.meta.url).pathname;
  let failed = 0;
  for (const path of paths) {
    const command = new Deno.Command(Deno.execPath(), {
      args: [
        ...["test", ...config, "-A", "--no-prompt", "--parallel", "--quiet", "--no-check"],
        ...[`--coverage=${folder}`, "--coverage-raw-data-only", path],
      ],
      env: { DENO_COVERAGE_DIR: folder },
      stdout: "null",
      stderr: "null",
    });
    const child = command.spawn();
    // What the other files have shown is kept.
    const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT);
    const { success } = await child.status;
    clearTimeout(timer);
    if (!success) failed += 1;
    console.log(`${success ? "ok    " : "FAILED"} ${path}`);
  }
  await dropBroken(folder);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["coverage", "--lcov", "--quiet", folder],
    stderr: "inherit",
  }).output();
  const files = await sources();
  const own = new Set(files);
  const covered = parseLcov(new TextDecoder().decode(stdout), root)
    .filter(({ file }) => own.has(file));
  console.log("\nLines that no test reaches:");
  for (const { file, missed } of covered) {
    if (missed.length > 0) console.log(`  ${file}: ${ranges(missed)}`);
  }
  // Where only some of the tests have run, that says nothing.
  for (const one of Deno.args.length > 0 ? [] : await neverLoaded(files, covered)) {
    console.log(`  ${one.file}: all of it, no test loads it`);
    covered.push(one);
  }
  console.log();
  const modules = Object.keys((await readConfig()).exports).map((name) => name.slice(2));
  for (const module of ["core", ...modules.filter((name) => name !== "")]) {
    console.log(
      `${module.padEnd(12)} ${share(covered.filter(({ file }) => file.startsWith(`${module}/`)))}`,
    );
  }
  console.log(`${"all".padEnd(12)} ${share(covered)}`);
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await measure());
