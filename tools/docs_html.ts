/** `deno task docs:html [FOLDER]`: the documentation of every entry as a site, as JSR shows it. */
import { configArgs } from "./config.ts";
import { entries } from "./project.ts";
import { deno } from "./spawn.ts";

const output = Deno.args[0] ?? ".cache/docs";
// The runtime makes the last folder alone.
await Deno.mkdir(output, { recursive: true });
const files = (await entries()).map(({ file }) => file);
const { code } = await deno([
  ...["doc", "--html", ...await configArgs(), "--name=@alilua/coevent", `--output=${output}`],
  ...files,
]);
if (code === 0) console.log(`open ${output}/index.html`);
Deno.exit(code);
