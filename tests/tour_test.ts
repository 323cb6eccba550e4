/** README's tour prints what its picture shows. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { picture, play, scenesOf } from "../tools/tour_scenes.ts";

const readme = await Deno.readTextFile("README.md");

/** The tour runs a shell's command, and paths look different elsewhere. */
const NOT_WINDOWS = { ignore: Deno.build.os === "windows" };

Deno.test(
  "docs/tour.svg shows README's tour and what it prints now (deno task tour draws it)",
  NOT_WINDOWS,
  async () => {
    await Deno.mkdir(".cache", { recursive: true });
    const scenes = scenesOf(readme);
    assert(scenes.length >= 4, `only ${scenes.length} programs`);
    const played = await Promise.all(scenes.map(play));
    assertEquals(await Deno.readTextFile("docs/tour.svg"), picture(played));
    assert(readme.includes("](docs/tour.svg)"), "README.md does not show it");
  },
);

Deno.test("picture() escapes what would be markup, and makes room for the longest line", () => {
  const long = "x".repeat(200);
  const svg = picture([{
    title: "a <b> & c",
    source: ["if (a < b) go(); // why", long],
    output: ["1"],
  }]);
  assert(svg.includes("# a &lt;b&gt; &amp; c") && svg.includes("a &lt; b"), svg);
  assert(svg.includes('<tspan fill="#8b949e"> // why</tspan>'), svg);
  assert(Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1]) > 1_600);
});

Deno.test("scenesOf() finds the programs of the tour alone", () => {
  const page = "# A\n```ts\n0\n```\n\n## Sixty seconds\n\n```ts\n// one\na\n```\n\ntext\n\n## B\n";
  assertEquals(scenesOf(page), [{ title: "one", source: ["a"] }]);
  assertThrows(() => scenesOf("# A\n"), Error, "Sixty seconds");
});
