/**
 * `deno task soak`: every load at once for 15 minutes, with threads that are killed in the
 * middle of their work, then a look at what is left. `--minutes=3` and `--seed=2` change
 * that, `--loads=echo,files` runs some alone, `--svg=PATH` says where the plot goes. With
 * paths, tests at their largest size: `deno task soak tests/chaos`.
 */
import type { Sample } from "../tests/soak/soak.ts";
import { configArgs } from "./config.ts";
import { leaks, megabytes, misdeeds } from "./soak_leaks.ts";
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

/** A program that holds nothing ends at once; after so many milliseconds it is ended. */
const LINGERS = Math.min(20_000, 5_000 + minutes * 60_000);

/** Runs the soak and gives its samples, telling of each as it comes. */
async function samples(): Promise<{ all: Sample[]; success: boolean; lingered: boolean }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", ...await configArgs(), "-A", "--v8-flags=--expose-gc"],
      ...[
        "tests/soak/soak.ts",
        String(minutes),
        flags.get("seed") ?? "1",
        flags.get("loads") ?? "",
      ],
    ],
    stdout: "piped",
  }).spawn();
  const all: Sample[] = [];
  const lines = child.stdout.pipeThrough(new TextDecoderStream());
  let lingering: ReturnType<typeof setTimeout> | undefined;
  let lingered = false;
  let rest = "";
  for await (const piece of lines) {
    const parts = (rest + piece).split("\n");
    rest = parts.pop()!;
    for (const line of parts) {
      const sample = JSON.parse(line) as Sample;
      all.push(sample);
      console.log(shown(sample));
      if (sample.phase === "end") {
        lingering = setTimeout(() => {
          lingered = true;
          child.kill("SIGKILL");
        }, LINGERS);
      }
    }
  }
  const { success } = await child.status;
  clearTimeout(lingering);
  return { all, success: success || lingered, lingered };
}

function shown(sample: Sample): string {
  const { phase, at, heap, buffers, rss, descriptors, threads, rounds } = sample;
  const done = Object.entries(rounds).filter(([name]) => !name.includes(" "))
    .reduce((sum, [, count]) => sum + count, 0);
  return `${phase.padEnd(5)} ${at.toFixed(0).padStart(5)} s  heap ${megabytes(heap)}  buffers ` +
    `${megabytes(buffers)}  rss ${megabytes(rss)}  descriptors ${descriptors}  threads ` +
    `${threads}  of the system ${sample.system_threads}  children ${sample.children}  ` +
    `processes ${sample.processes}  rounds ${done}`;
}

const { all, success, lingered } = await samples();
const [start, end] = [all.find(({ phase }) => phase === "start"), all.at(-1)];
const faults = !success || start === undefined || end?.phase !== "end"
  ? ["it did not come to its end"]
  : [...leaks(start, end), ...misdeeds(start, end)];
if (lingered) faults.push("the program did not end by itself");

const series: Series[] = ([
  ["heap in use", "heap", megabytes],
  ["buffers outside of the heap", "buffers", megabytes],
  ["memory of the process", "rss", megabytes],
  ["file descriptors", "descriptors", String],
  ["light threads", "threads", String],
  ["threads of the system", "system_threads", String],
  ["children", "children", String],
  ["processes below this one", "processes", String],
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
