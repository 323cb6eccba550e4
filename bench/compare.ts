/**
 * Contenders side by side: each round runs all of them, in turning order, so that what
 * disturbs the machine disturbs all. The first contender is what the others are compared
 * with. Medians; ratios are medians of the ratios within a round.
 */

/** Does its work once and gives operations (or bytes) a second. */
export type Contender = () => Promise<number> | number;

/** How a comparison is made and shown. */
export interface Comparison {
  /** Its name in `results.json`. */
  name: string;
  /** What is counted: `round trips/s`. */
  unit: string;
  /** Measured rounds; one more warms up. 7 by default. */
  rounds?: number;
  /** The base first. */
  contenders: Record<string, Contender>;
}

interface Row {
  contender: string;
  median: number;
  min: number;
  max: number;
  /** Of the base; the median of the rounds. */
  ratio: number;
}

const RESULTS = "bench/results.json";

/** Runs a comparison, prints its table and keeps its figures in `bench/results.json`. */
export async function compare({ name, unit, rounds = 7, contenders }: Comparison): Promise<void> {
  const names = Object.keys(contenders);
  const rates = new Map<string, number[]>(names.map((one) => [one, []]));
  for (let round = 0; round <= rounds; round++) {
    progress(name, round, rounds);
    for (let turn = 0; turn < names.length; turn++) {
      const one = names[(turn + round) % names.length]!;
      const rate = await contenders[one]!();
      // The first round only warms up.
      if (round > 0) rates.get(one)!.push(rate);
    }
  }
  const base = rates.get(names[0]!)!;
  const rows = names.map((contender): Row => {
    const all = rates.get(contender)!;
    return {
      contender,
      median: median(all),
      min: Math.min(...all),
      max: Math.max(...all),
      ratio: median(all.map((rate, round) => rate / base[round]!)),
    };
  });
  show(name, unit, rounds, rows);
  await keep(name, { unit, rounds, rows });
}

/** Times `count` operations and gives operations a second. */
export async function rate(count: number, body: () => unknown): Promise<number> {
  const begun = performance.now();
  await body();
  return count / (performance.now() - begun) * 1_000;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function progress(name: string, round: number, rounds: number): void {
  if (!Deno.stderr.isTerminal()) return;
  const done = Math.round(20 * round / rounds);
  const bar = `${"#".repeat(done)}${".".repeat(20 - done)}`;
  const text = round === rounds ? "\r\x1b[K" : `\r${name.padEnd(24)} ${bar}`;
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

function show(name: string, unit: string, rounds: number, rows: Row[]): void {
  console.log(`\n${name}, ${unit}, ${rounds} rounds`);
  for (const { contender, median, min, max, ratio } of rows) {
    const figures = [median, min, max].map((figure) => brief(figure).padStart(9)).join(" ");
    console.log(`  ${contender.padEnd(36)} ${figures}   x ${ratio.toFixed(2)}`);
  }
}

/** Three figures and a unit: `52.1 k`. */
export function brief(figure: number): string {
  // What rounds up to the next unit is written in it.
  const [scaled, unit] = figure >= 999.5e6
    ? [figure / 1e9, " G"]
    : figure >= 999.5e3
    ? [figure / 1e6, " M"]
    : figure >= 999.5
    ? [figure / 1e3, " k"]
    : [figure, ""];
  return scaled.toPrecision(3).replace(/\.?0+$/, (zeros) => zeros.includes(".") ? "" : zeros) +
    unit;
}

async function keep(name: string, figures: object): Promise<void> {
  const held = await Deno.readTextFile(RESULTS).then(JSON.parse, () => ({}));
  held[name] = { deno: Deno.version.deno, os: Deno.build.os, ...figures };
  const sorted = Object.fromEntries(Object.entries(held).toSorted());
  await Deno.writeTextFile(RESULTS, JSON.stringify(sorted, null, 2) + "\n");
}
