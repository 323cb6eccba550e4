/** From rates to figures: medians, ratios, tables. Pure, so that they can be tested. */

/** What was measured of one contender. */
export interface Row {
  contender: string;
  median: number;
  min: number;
  max: number;
  /**
   * How many times better than the base, the first contender; the median of the rounds,
   * within each of which the machine was the same for all.
   */
  ratio: number;
}

/** What is kept of a comparison in `results.json`. */
export interface Figures {
  deno: string;
  os: string;
  unit: string;
  rounds: number;
  /** The smaller figure is the better one: bytes, seconds late. */
  less?: boolean;
  rows: Row[];
}

/** The middle one; of an even number, the upper of the two. `NaN` of none. */
export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/** The figures of each contender, of its rates by round; the first is the base. */
export function rowsOf(rates: Map<string, number[]>, less = false): Row[] {
  const [base = []] = rates.values();
  return [...rates].map(([contender, all]) => ({
    contender,
    median: median(all),
    min: Math.min(...all),
    max: Math.max(...all),
    ratio: median(all.map((rate, round) => less ? base[round]! / rate : rate / base[round]!)),
  }));
}

/** Three figures and a unit: `52.1 k`. */
export function brief(figure: number): string {
  if (Number.isNaN(figure)) return "-";
  // What rounds up to the next unit is written in it.
  const [scaled, unit] = figure >= 999.5e6
    ? [figure / 1e9, " G"]
    : figure >= 999.5e3
    ? [figure / 1e6, " M"]
    : figure >= 999.5
    ? [figure / 1e3, " k"]
    : [figure, ""];
  return Number(scaled.toPrecision(3)) + unit;
}

/** A comparison as people read it. */
export function table(name: string, { unit, rounds, less, rows }: Omit<Figures, "deno" | "os">) {
  const lines = rows.map(({ contender, median, min, max, ratio }) => {
    const figures = [median, min, max].map((figure) => brief(figure).padStart(9)).join(" ");
    return `  ${contender.padEnd(36)} ${figures}   x ${
      Number.isNaN(ratio) ? "-" : ratio.toFixed(2)
    }`;
  });
  const head = `${name}, ${unit}${less ? " (less is better)" : ""}, ${rounds} rounds`;
  const columns = `  ${"".padEnd(36)} ${
    ["median", "least", "most"].map((one) => one.padStart(9)).join(" ")
  }`;
  return [head, columns, ...lines].join("\n");
}

/** A bar of 20 places. */
export function bar(done: number, all: number): string {
  const full = all === 0 ? 20 : Math.round(20 * done / all);
  return "#".repeat(full) + ".".repeat(20 - full);
}
