/** The pure parts of the benches: figures, tables, the chart, which benches are meant. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { chart } from "../../bench/chart.ts";
import { bar, brief, type Figures, median, rowsOf, table } from "../../bench/figures.ts";
import { chosen } from "../../bench/run.ts";

Deno.test("median() is the middle one, whatever the order, and leaves its list alone", () => {
  const values = [30, 10, 20];
  assertEquals(median(values), 20);
  assertEquals(values, [30, 10, 20]);
  assertEquals(median([4, 1, 3, 2]), 3);
  assertEquals(median([]), NaN);
});

Deno.test("rowsOf() compares within each round, so that a slow round of all changes nothing", () => {
  // The machine was ten times slower in the second round, for both.
  const rates = new Map([["base", [100, 10, 100]], ["ours", [50, 5, 50]]]);
  assertEquals(rowsOf(rates), [
    { contender: "base", median: 100, min: 10, max: 100, ratio: 1 },
    { contender: "ours", median: 50, min: 5, max: 50, ratio: 0.5 },
  ]);
});

Deno.test("rowsOf() where less is better gives more than 1 to who needs less", () => {
  const [, ours] = rowsOf(new Map([["base", [8, 8]], ["ours", [2, 4]]]), true);
  assertEquals(ours?.ratio, 4);
});

Deno.test("brief() gives three figures and a unit", () => {
  assertEquals(
    [0.5, 12.34, 999.4, 999.5, 52_149, 999_500, 3.6e6, 5.7e9, NaN].map(brief),
    ["0.5", "12.3", "999", "1 k", "52.1 k", "1 M", "3.6 M", "5.7 G", "-"],
  );
});

const figures: Figures = {
  deno: "2.9.6",
  os: "linux",
  unit: "trips/s",
  rounds: 5,
  rows: [
    { contender: "Deno <plain> & such", median: 1_000, min: 900, max: 1_100, ratio: 1 },
    { contender: "ours", median: 950, min: 900, max: 990, ratio: 0.95 },
  ],
};

Deno.test("table() says what was counted, how often, and each contender's figures", () => {
  const [head, columns, base, ours, ...more] = table("echo", figures).split("\n");
  assertEquals(head, "echo, trips/s, 5 rounds");
  assertEquals(columns?.trim().split(/\s+/), ["median", "least", "most"]);
  assertEquals(base?.trim().split(/\s{2,}/), [
    "Deno <plain> & such",
    "1 k",
    "900",
    "1.1 k",
    "x 1.00",
  ]);
  assertEquals(ours?.trim().split(/\s{2,}/).at(-1), "x 0.95");
  assertEquals(more, []);
  assertStringIncludes(table("memory", { ...figures, less: true }), "(less is better)");
});

Deno.test("bar() goes from empty to full", () => {
  assertEquals([bar(0, 6), bar(3, 6), bar(6, 6), bar(0, 0)], [
    ".".repeat(20),
    "#".repeat(10) + ".".repeat(10),
    "#".repeat(20),
    "#".repeat(20),
  ]);
});

/** The names of the elements of an XML text; throws where one is not closed as it should be. */
function elementsOf(xml: string): string[] {
  const open: string[] = [];
  const all: string[] = [];
  const rest = xml.replaceAll(
    /<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<&]*")*)\s*(\/?)>/g,
    (_, end, name, __, empty) => {
      if (end === "/") assertEquals(open.pop(), name);
      else {
        all.push(name);
        if (empty === "") open.push(name);
      }
      return "";
    },
  );
  assertEquals(open, []);
  assert(!/[<>]|&(?!amp;|lt;|gt;)/.test(rest), `left over: ${rest}`);
  return all;
}

Deno.test("chart() is well-formed, has a bar for each contender, and knows dark and light", () => {
  const group = { title: "Echo", comparison: "echo", ours: ["ours"] };
  const missing = { title: "None", comparison: "not measured here", ours: [] };
  const svg = chart([group, missing], { echo: figures });
  const elements = elementsOf(svg);
  assertEquals(elements.filter((name) => name === "rect").length, 2);
  assertEquals(elements[0], "svg");
  assertEquals(svg.match(/class="ours"/g)?.length, 1);
  assertEquals(svg.match(/class="base"/g)?.length, 1);
  assertStringIncludes(svg, "Deno &lt;plain&gt; &amp; such");
  assertStringIncludes(svg, "prefers-color-scheme: dark");
  assert(!svg.includes("None"));
});

Deno.test("chart() leaves out what is not to be shown", () => {
  const group = { title: "Echo", comparison: "echo", ours: [], without: ["ours"] };
  assertEquals(elementsOf(chart([group], { echo: figures })).filter((e) => e === "rect").length, 1);
});

Deno.test("the chart that is committed is well-formed, and of figures that are committed", async () => {
  const svg = await Deno.readTextFile("bench/chart.svg");
  assert(elementsOf(svg).filter((name) => name === "rect").length > 0);
});

Deno.test("chosen() takes all, or those that are named; for others it says which there are", () => {
  assertEquals(chosen([], ["echo", "lines"]), [["echo", "lines"], null]);
  assertEquals(chosen(["lines"], ["echo", "lines"]), [["lines"], null]);
  assertEquals(chosen(["ech", "lines"], ["echo", "lines"]), [null, [
    "There is no bench 'ech'",
    "Benches: echo, lines",
  ]]);
  assertEquals(chosen([], []), [null, [
    "Benches: none, bench/ holds no file that ends in _bench.ts",
  ]]);
});
