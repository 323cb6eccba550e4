/**
 * Contenders side by side: each round runs all of them, in turning order, so that what
 * disturbs the machine disturbs all. The first contender is what the others are compared
 * with. Medians; ratios are medians of the ratios within a round.
 */
import { bar, brief, type Figures, rowsOf, table } from "./figures.ts";

export { brief };

/** Does its work once and gives operations (or bytes) a second, or bytes or seconds alone. */
export type Contender = () => Promise<number> | number;

/** How a comparison is made and shown. */
export interface Comparison {
  /** Its name in `results.json`. */
  name: string;
  /** What is counted: `round trips/s`. */
  unit: string;
  /** Measured rounds; one more warms up. 5 by default. */
  rounds?: number;
  /** The smaller figure is the better one. */
  less?: boolean;
  /** The base first. */
  contenders: Record<string, Contender>;
}

/** Where the figures are kept. */
export const RESULTS = "bench/results.json";

/** Runs a comparison, prints its table and keeps its figures in `bench/results.json`. */
export async function compare(
  { name, unit, rounds = 5, less = false, contenders }: Comparison,
): Promise<void> {
  const names = Object.keys(contenders);
  const rates = new Map<string, number[]>(names.map((one) => [one, []]));
  for (let round = 0; round <= rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      progress(name, round * names.length + turn, (rounds + 1) * names.length);
      const one = names[(turn + round) % names.length]!;
      const rate = await contenders[one]!();
      // The first round only warms up.
      if (round > 0) rates.get(one)!.push(rate);
    }
  }
  progress(name, 0, 0);
  const figures = { unit, rounds, ...(less ? { less } : {}), rows: rowsOf(rates, less) };
  console.log(`\n${table(name, figures)}`);
  await keep(name, { deno: Deno.version.deno, os: Deno.build.os, ...figures });
}

/** Times `count` operations and gives operations a second. */
export async function rate(count: number, body: () => unknown): Promise<number> {
  const begun = performance.now();
  await body();
  return count / (performance.now() - begun) * 1_000;
}

/** Shows how far it is, to people only; `all` of 0 takes the bar away. */
function progress(name: string, done: number, all: number): void {
  if (!Deno.stderr.isTerminal()) return;
  const step = Deno.env.get("BENCH_STEP");
  const text = all === 0
    ? "\r\x1b[K"
    : `\r${step === undefined ? "" : `${step} `}${name.padEnd(32)} ${bar(done, all)}`;
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

/** Keeps figures under a name. */
export async function keep(name: string, figures: Figures): Promise<void> {
  const held = await Deno.readTextFile(RESULTS).then(JSON.parse, () => ({}));
  held[name] = figures;
  const sorted = Object.fromEntries(Object.entries(held).toSorted());
  await Deno.writeTextFile(RESULTS, JSON.stringify(sorted, null, 2) + "\n");
}
