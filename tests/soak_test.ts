/** The tools of the soak, seen to judge and to draw rightly; the soak itself runs by hand. */
import { assert, assertEquals } from "@std/assert";
import { leaks } from "../tools/soak_leaks.ts";
import { ceiling, drawing } from "../tools/soak_plot.ts";
import type { Sample } from "./soak/soak.ts";

const rest: Sample = {
  phase: "start",
  at: 1,
  heap: 10_000_000,
  rss: 100_000_000,
  descriptors: 20,
  threads: 0,
  system_threads: 7,
  children: 0,
  rounds: {},
};

const ends: [what: string, more: Partial<Sample>, found: string[]][] = [
  ["nothing", { heap: 12_000_000, system_threads: 9, rss: 500_000_000 }, []],
  ["fewer than before", { descriptors: 18, system_threads: 5 }, []],
  ["a descriptor", { descriptors: 21 }, ["descriptors: 20, then 21"]],
  ["a thread and a child", { threads: 1, children: 1 }, [
    "threads: 0, then 1",
    "children: 0, then 1",
  ]],
  ["threads of the system", { system_threads: 40 }, ["system threads: 7, then 40"]],
  ["memory", { heap: 40_000_000 }, ["heap: 9.5 MB, then 38.1 MB"]],
];

for (const [what, more, found] of ends) {
  Deno.test(`leaks() finds what a soak has left behind: ${what}`, () => {
    assertEquals(leaks(rest, { ...rest, phase: "end", ...more }), found);
  });
}

Deno.test("ceiling() gives the next round number", () => {
  const cases: [value: number, most: number][] = [
    ...[[0, 1], [1, 1], [1.5, 2], [3, 5], [7, 10], [11, 20]] as [number, number][],
    ...[[20, 20], [99, 100], [51_000_000, 100_000_000]] as [number, number][],
  ];
  for (const [value, most] of cases) assertEquals(ceiling(value), most);
});

Deno.test("drawing() draws each quantity from its first moment to its last", () => {
  const points: [number, number][] = [[0, 0], [5, 10], [10, 5]];
  const svg = drawing("a title", [{ name: "one", show: String, points }, {
    name: "two",
    show: (value) => `${value} B`,
    points,
  }]);
  assertEquals(svg.match(/<path /g)?.length, 2);
  assert(svg.includes(">a title<") && svg.includes(">one<") && svg.includes(">10 B<"), svg);
  assert(svg.includes('d="M90 204L465 74L840 139"'), svg);
});
