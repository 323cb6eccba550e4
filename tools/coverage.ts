/**
 * `deno task coverage`: runs the tests and tells which lines of the collection none of them
 * reaches. Paths after it narrow the tests down. What runs in a child or a worker of a test is
 * counted too, since each process writes a profile of its own.
 */
import { configArgs } from "./config.ts";
import { readConfig, sources } from "./project.ts";
import { deno } from "./spawn.ts";

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

async function measure(): Promise<number> {
  const folder = "coverage";
  const config = await configArgs();
  const paths = Deno.args.length > 0 ? Deno.args : ["tests"];
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  const root = new URL("../", import.meta.url).pathname;
  // Children of the tests hear of it by their environment.
  Deno.env.set("DENO_COVERAGE_DIR", root + folder);
  const run = await deno([
    ...["test", ...config, "-A", "--no-prompt", "--parallel", "--quiet", "--no-check"],
    ...[`--coverage=${folder}`, "--coverage-raw-data-only", "--ignore=tests/soak", ...paths],
  ]);
  Deno.env.delete("DENO_COVERAGE_DIR");
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["coverage", "--lcov", "--quiet", folder],
    stderr: "inherit",
  }).output();
  const own = new Set(await sources());
  const covered = parseLcov(new TextDecoder().decode(stdout), root)
    .filter(({ file }) => own.has(file));
  console.log("\nLines that no test reaches:");
  for (const { file, missed } of covered) {
    if (missed.length > 0) console.log(`  ${file}: ${ranges(missed)}`);
  }
  console.log();
  const modules = Object.keys((await readConfig()).exports).map((name) => name.slice(2));
  for (const module of ["core", ...modules.filter((name) => name !== "")]) {
    console.log(
      `${module.padEnd(12)} ${share(covered.filter(({ file }) => file.startsWith(`${module}/`)))}`,
    );
  }
  console.log(`${"all".padEnd(12)} ${share(covered)}`);
  return run.code;
}

if (import.meta.main) Deno.exit(await measure());
