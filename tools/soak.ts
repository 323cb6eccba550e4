/**
 * `deno task soak`: every load at once for 15 minutes, with threads that are killed in the
 * middle of their work, then a look at what is left. `--minutes=3` and `--seed=2` change
 * that, `--svg=PATH` says where the plot goes. With paths, tests at their largest size:
 * `deno task soak tests/chaos`.
 */
import type { Sample } from "../tests/soak/soak.ts";
import { configArgs } from "./config.ts";
import { leaks, megabytes } from "./soak_leaks.ts";
import { drawing, type Series } from "./soak_plot.ts";
import { deno } from "./spawn.ts";

const flags = new Map(
  Deno.args.filter((arg) => arg.startsWith("--"))
    .map((arg) => arg.slice(2).split("=") as [string, string]),
);
const paths = Deno.args.filter((arg) => !arg.startsWith("-"));
if (paths.length > 0) {
  const { code } = await deno(["run", "-A", "tools/test.ts", "soak", ...Deno.args]);
  Deno.exit(code);
}
const minutes = Number(flags.get("minutes") ?? 15);
if (!(minutes > 0)) throw new RangeError(`--minutes must be more than 0: got ${minutes}`);
const svg = flags.get("svg") ?? ".cache/soak.svg";

/** Runs the soak and gives its samples, telling of each as it comes. */
async function samples(): Promise<{ all: Sample[]; success: boolean }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", ...await configArgs(), "-A", "--v8-flags=--expose-gc"],
      ...["tests/soak/soak.ts", String(minutes), flags.get("seed") ?? "1"],
    ],
    stdout: "piped",
  }).spawn();
  const all: Sample[] = [];
  const lines = child.stdout.pipeThrough(new TextDecoderStream());
  let rest = "";
  for await (const piece of lines) {
    const parts = (rest + piece).split("\n");
    rest = parts.pop()!;
    for (const line of parts) {
      const sample = JSON.parse(line) as Sample;
      all.push(sample);
      console.log(shown(sample));
    }
  }
  const { success } = await child.status;
  return { all, success };
}

function shown(sample: Sample): string {
  const { phase, at, heap, rss, descriptors, threads, system_threads, children, rounds } = sample;
  const done = Object.entries(rounds).filter(([name]) => !name.includes(" "))
    .reduce((sum, [, count]) => sum + count, 0);
  return `${phase.padEnd(5)} ${at.toFixed(0).padStart(5)} s  heap ${megabytes(heap)}  rss ` +
    `${megabytes(rss)}  descriptors ${descriptors}  threads ${threads}  of the system ` +
    `${system_threads}  children ${children}  rounds ${done}`;
}

const { all, success } = await samples();
const [start, end] = [all.find(({ phase }) => phase === "start"), all.at(-1)];
const faults = !success || start === undefined || end?.phase !== "end"
  ? ["it did not come to its end"]
  : leaks(start, end);

const series: Series[] = ([
  ["heap in use", "heap", megabytes],
  ["memory of the process", "rss", megabytes],
  ["file descriptors", "descriptors", String],
  ["light threads", "threads", String],
  ["threads of the system", "system_threads", String],
  ["children", "children", String],
] as const).map(([name, key, show]) => ({
  name,
  show,
  points: all.map((sample) => [sample.at, sample[key]]),
}));
await Deno.mkdir(".cache", { recursive: true });
await Deno.writeTextFile(svg, drawing(`${minutes} minutes of every load, with kills`, series));

console.log();
for (const [name, count] of Object.entries(end?.rounds ?? {}).sort()) {
  console.log(`${String(count).padStart(9)}  ${name}`);
}
for (const fault of faults) console.log(`LEFT  ${fault}`);
console.log(`plots: ${svg}`);
console.log(`${faults.length === 0 ? 1 : 0} passed, ${faults.length} failed`);
Deno.exit(faults.length === 0 ? 0 : 1);
