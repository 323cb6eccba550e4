/** The tools of the soak, seen to judge and to draw rightly; the soak itself runs by hand. */
import { assert, assertEquals } from "@std/assert";
import { leaks, misdeeds } from "../tools/soak_leaks.ts";
import { ceiling, drawing } from "../tools/soak_plot.ts";
import { run } from "./permissions.ts";
import type { Sample } from "./soak/soak.ts";

const rest: Sample = {
  phase: "start",
  at: 1,
  heap: 10_000_000,
  buffers: 1_000_000,
  rss: 100_000_000,
  descriptors: 20,
  threads: 0,
  system_threads: 7,
  children: 0,
  processes: 0,
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
  ["a process that nobody knows of", { processes: 1 }, ["processes: 0, then 1"]],
  ["buffers", { buffers: 40_000_000 }, ["buffers: 1.0 MB, then 38.1 MB"]],
  ["memory", { heap: 40_000_000 }, ["heap: 9.5 MB, then 38.1 MB"]],
];

for (const [what, more, found] of ends) {
  Deno.test(`leaks() finds what a soak has left behind: ${what}`, () => {
    assertEquals(leaks(rest, { ...rest, phase: "end", ...more }), found);
  });
}

Deno.test("misdeeds() finds a load that stands still, and failures that none may have", () => {
  const before = { ...rest, rounds: { echo: 5, files: 7, killed: 1 } };
  const rounds = { echo: 6, files: 7, killed: 2, "echo failed: reset": 9, "files failed: io": 2 };
  assertEquals(misdeeds(before, { ...rest, rounds }), [
    "files: not once",
    "files failed: io, 2 times",
  ]);
  assertEquals(misdeeds(before, { ...rest, rounds: { echo: 6, files: 8, killed: 2 } }), []);
  const calm = { echo: 6, files: 8, killed: 1, "http failed: reset": 1 };
  assertEquals(misdeeds(before, { ...rest, rounds: calm }), [
    "killed: not once",
    "http failed: reset, 1 times",
  ]);
});

/** What the soak says of a few seconds of these loads. */
async function soak(
  loads: string,
  svg: string,
): Promise<{ left: string[]; success: boolean; output: string }> {
  const flags = ["--minutes=0.03", `--loads=${loads}`, `--svg=${svg}`];
  const { output, success } = await run(["run", "-A", "tools/soak.ts", ...flags]);
  const left = [...output.matchAll(/^LEFT {2}([\w ]+?)(?::|$)/gm)].map(([, what]) => what!);
  assert(/^[01] passed, \d+ failed$/m.test(output), output);
  return { left, success, output };
}

const LINUX = { ignore: Deno.build.os !== "linux" };

Deno.test(
  "a soak that leaves one of everything behind says so of each, and fails",
  LINUX,
  async () => {
    const svg = await Deno.makeTempFile({ suffix: ".svg" });
    const { LEAKY_LOADS } = await import("./soak/leaky_loads.ts");
    const names = Object.keys(LEAKY_LOADS);
    const { left, success, output } = await soak(["echo", ...names].join(), svg);
    assertEquals(success, false, output);
    const wanted = names.map((name) => name.slice("leaks_".length).replace("_", " "));
    assertEquals(
      left.toSorted(),
      [...wanted, "the program did not end by itself"].toSorted(),
      output,
    );
    assertEquals((await Deno.readTextFile(svg)).match(/<path /g)?.length, 8);
    await Deno.remove(svg);
  },
);

Deno.test("a soak of loads that leave nothing ends well", LINUX, async () => {
  const svg = await Deno.makeTempFile({ suffix: ".svg" });
  const { left, success, output } = await soak("echo,pool,http", svg);
  assertEquals([success, left], [true, []], output);
  await Deno.remove(svg);
});

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
