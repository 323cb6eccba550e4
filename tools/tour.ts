/** `deno task tour`: runs the programs of README's tour, shows them, and draws docs/tour.svg. */
import { linesOf, picture, play, scenesOf } from "./tour_scenes.ts";

await Deno.mkdir(".cache", { recursive: true });
const scenes = [];
for (const scene of scenesOf(await Deno.readTextFile("README.md"))) {
  const played = await play(scene);
  for (const [tone, text] of linesOf([played])) {
    console.log(
      `%c${text}`,
      tone === "title" ? "color: green" : tone === "output" ? "color: orange" : "",
    );
  }
  console.log();
  scenes.push(played);
}
await Deno.writeTextFile("docs/tour.svg", picture(scenes));
console.log("docs/tour.svg is written");
