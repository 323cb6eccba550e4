/**
 * `deno task compile:check`: an example as one binary.
 *
 * `deno compile` needs denort, which it downloads. Where that cannot be had, what can
 * be proven is: that the graph resolves and type-checks, and that each of its modules
 * is in the file, with Deno's own binary in denort's place. That file behaves as plain
 * Deno, so it is not run as the program, and the check says so.
 */
import { Buffer } from "node:buffer";
import { configArgs } from "./config.ts";
import { importsOf } from "./graph.ts";

const example = "examples/single_loop.ts";
const folder = await Deno.makeTempDir();
const binary = `${folder}/single_loop`;

async function compile(env: Record<string, string>): Promise<{ success: boolean; words: string }> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["compile", ...await configArgs(), "--allow-net", "--output", binary, example],
    env,
    stdin: "null",
    stdout: "null",
  }).output();
  return { success, words: new TextDecoder().decode(stderr) };
}

/** Fetches a page with the binary. */
async function fetchesPage(): Promise<boolean> {
  const page = "compiled and running\n";
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const server = Deno.serve(options, () => new Response(page));
  const args = ["127.0.0.1", String(server.addr.port)];
  const { stdout, success } = await new Deno.Command(binary, { args }).output();
  await server.shutdown();
  return success && new TextDecoder().decode(stdout).includes(page.trim());
}

/** The modules of the example that are not in the binary, whole; `modules` is all of them. */
async function missing(modules: string[]): Promise<string[]> {
  const file = Buffer.from((await Deno.readFile(binary)).buffer);
  const sources = await Promise.all(modules.map((module) => Deno.readFile(module)));
  return modules.filter((_, i) => !file.includes(Buffer.from(sources[i]!)));
}

const results: [what: string, good: boolean][] = [];
try {
  const real = await compile({});
  const unavailable = !real.success && /denort/.test(real.words);
  const stand = unavailable ? await compile({ DENORT_BIN: Deno.execPath() }) : real;
  results.push(["the graph resolves and type-checks, and is packed into one file", stand.success]);
  if (stand.success) {
    const graph = await importsOf([example]);
    const modules = [...new Set([example, ...graph.map(({ from }) => from)])];
    const absent = await missing(modules);
    results.push([
      `its ${modules.length} modules are in the file, whole ${absent}`,
      absent.length === 0,
    ]);
  } else {
    console.error(stand.words);
  }
  if (real.success) {
    results.push(["the binary fetches a page", await fetchesPage()]);
  } else if (stand.success) {
    console.log(real.words.trim());
    console.log("**********************************************************************");
    console.log("** NOT RUN: the binary itself. deno compile could not get denort,    **");
    console.log("** so Deno's own binary stood in for it while packing.               **");
    console.log("**********************************************************************");
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
for (const [what, good] of results) console.log(`${good ? "ok    " : "FAILED"} ${what.trim()}`);
const failed = results.filter(([, good]) => !good).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
