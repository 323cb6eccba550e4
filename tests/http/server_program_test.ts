/** Programs of their own: what a server keeps alive, and what its workers print. */
import { assertEquals } from "@std/assert";
import { configArgs } from "../../tools/config.ts";

const config = await configArgs();

/** Runs a program and gives its lines. */
async function run(code: string) {
  const module = new URL("../../http/mod.ts", import.meta.url).href;
  const head = `import { listen, run, unwrap } from ${JSON.stringify(module)};\n`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", "-A", ...config, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(head + code));
  await writer.close();
  const { stdout, stderr, code: status } = await child.output();
  const decoder = new TextDecoder();
  assertEquals(decoder.decode(stderr), "");
  return { lines: decoder.decode(stdout).trim().split("\n"), status };
}

Deno.test("HttpServer.unref() lets the program end", async () => {
  const { lines, status } = await run(`
    const server = await unwrap(listen("127.0.0.1", 0, () => new Response("x")));
    server.unref();
    // A timer that is no reason to stay: it ends a program that the server holds.
    const timer = setTimeout(() => {
      console.log("never");
      Deno.exit(1);
    }, 600_000);
    Deno.unrefTimer(timer);
    addEventListener("unload", () => console.log("ended by itself"));
  `);
  assertEquals([lines, status], [["ended by itself"], 0]);
});

Deno.test("HttpServer.ref() holds the program although nothing else does", async () => {
  const { lines, status } = await run(`
    const server = await unwrap(listen("127.0.0.1", 0, () => new Response("x")));
    server.unref();
    server.ref();
    Deno.unrefTimer(setTimeout(async () => {
      console.log("held");
      await server.close();
    }, 50));
  `);
  assertEquals([lines, status], [["held"], 0]);
});

Deno.test("what the workers of run() print is printed, without the word that they are ready", async () => {
  const { lines, status } = await run(`
    const source = "console.log('loaded'); export default (req, res) => res.add('x');";
    const workers = await unwrap(run("data:text/javascript," + source, { workers: 1 }));
    await workers.shutdown();
  `);
  assertEquals([lines, status], [["loaded"], 0]);
});
