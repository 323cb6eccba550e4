/** `deno task docs:html`: the documentation of every entry as a site, as JSR would show it. */
import { configArgs } from "./config.ts";
import { entries } from "./project.ts";
import { deno } from "./spawn.ts";

const output = ".cache/docs";
const files = (await entries()).map(({ file }) => file);
const { code } = await deno([
  ...["doc", "--html", ...await configArgs(), "--name=@alilua/coevent", `--output=${output}`],
  ...files,
]);
if (code === 0) console.log(`open ${output}/index.html`);
Deno.exit(code);
