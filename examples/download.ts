/**
 * Downloads files side by side into a folder, tries again where that helps, and shows how far it is.
 *
 *     deno run --allow-net --allow-read --allow-write examples/download.ts . https://example.com/index.html
 *     npx -y deno@2.9.6 task example download . https://example.com/index.html
 */
import { client } from "@alilua/coevent/http";
import { parallel } from "@alilua/coevent/thread";

const [folder = ".", ...urls] = Deno.args;

await using http = client({ retries: 4, per_host: 2 });
const bars = new Map<string, string>();

/** Shows all bars in one line, where somebody looks at it. */
function show(name: string, done: number, total: number | null): void {
  bars.set(name, total ? `${Math.floor(100 * done / total)} %` : `${done} bytes`);
  if (!Deno.stderr.isTerminal()) return;
  const line = [...bars].map(([name, bar]) => `${name} ${bar}`).join("  ");
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${line}`));
}

const [results] = await parallel.map(urls, async (url) => {
  const name = decodeURIComponent(new URL(url).pathname).split("/").at(-1) || "index.html";
  return await http.download(url, `${folder}/${name}`, {
    progress: (done, total) => show(name, done, total),
  });
}, { limit: 8, on_error: "collect" });

if (Deno.stderr.isTerminal()) console.error();
for (const [at, [size, err]] of (results ?? []).entries()) {
  console.log(err ? err.message : `${urls[at]}: ${size} bytes`);
  if (err) Deno.exitCode = 1;
}
