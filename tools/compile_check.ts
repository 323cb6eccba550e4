/**
 * `deno task compile:check`: an example as one binary.
 *
 * `deno compile` needs denort, which it downloads. Where that cannot be had, what can
 * be proven is: that the graph resolves and type-checks, and that everything is
 * embedded, with Deno's own binary in denort's place. That binary is not run as a
 * program, and the check says so.
 */
import { configArgs } from "./config.ts";

const example = "examples/single_loop.ts";
const folder = await Deno.makeTempDir();
const binary = `${folder}/single_loop`;

async function compile(env: Record<string, string>): Promise<{ success: boolean; words: string }> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["compile", ...await configArgs(), "--allow-net", "--output", binary, example],
    env,
    stdout: "null",
  }).output();
  return { success, words: new TextDecoder().decode(stderr) };
}

/** Fetches a page with the binary. */
async function runs(): Promise<boolean> {
  const page = "compiled and running\n";
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const server = Deno.serve(options, () => new Response(page));
  const args = ["127.0.0.1", String(server.addr.port)];
  const { stdout, success } = await new Deno.Command(binary, { args }).output();
  await server.shutdown();
  return success && new TextDecoder().decode(stdout).includes(page.trim());
}

/** Whether the binary holds the text of a module. */
async function embeds(words: string): Promise<boolean> {
  const bytes = await Deno.readFile(binary);
  const wanted = new TextEncoder().encode(words);
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}

const results: [what: string, good: boolean][] = [];
try {
  const real = await compile({});
  if (real.success) {
    results.push(["compiled", true], ["the binary fetches a page", await runs()]);
  } else if (/denort|download|dl\.deno\.land|error sending request/i.test(real.words)) {
    const stand = await compile({ DENORT_BIN: Deno.execPath() });
    if (!stand.success) console.error(stand.words);
    results.push(["the graph resolves and type-checks, and is packed", stand.success]);
    const inside = stand.success && await embeds("Fetches a page over one socket") &&
      await embeds("Lets accepted sends go out");
    results.push(["the example and the library are in the file", inside]);
    console.log("**********************************************************************");
    console.log("** NOT RUN: the binary itself. deno compile could not get denort,    **");
    console.log("** so Deno's own binary stood in for it while packing.               **");
    console.log("**********************************************************************");
  } else {
    console.error(real.words);
    results.push(["compiled", false]);
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
for (const [what, good] of results) console.log(`${good ? "ok    " : "FAILED"} ${what}`);
const failed = results.filter(([, good]) => !good).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
