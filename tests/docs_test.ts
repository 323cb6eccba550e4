/**
 * The programs of the docs that stand in several files, or go on from what was said before:
 * `deno test --doc` cannot run them, so they are put together and run here. Those of
 * README.md and docs/ that stand alone are run by `deno task ok`.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { entries, filesBelow } from "../tools/project.ts";
import { run } from "./permissions.ts";

const ROOT = new URL("../", import.meta.url).href;

/** The code of a page that `deno test --doc` leaves out, in order. */
async function leftOut(page: string): Promise<string[]> {
  const text = await Deno.readTextFile(page);
  return [...text.matchAll(/^```ts ignore\n([^]*?)^```$/gm)].map(([, code]) => code!);
}

/** Writes files into a folder of their own, runs its `main.ts`, and gives what that prints. */
async function printed(files: Record<string, string>): Promise<string> {
  const folder = await Deno.makeTempDir();
  const modules = ["context", "cosocket", "process", "thread"];
  const imports = Object.fromEntries(
    modules.map((name) => [`@alilua/coevent/${name}`, `${ROOT}${name}/mod.ts`]),
  );
  try {
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports }));
    for (const [name, code] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, code);
    }
    const args = ["run", "-A", "--quiet", `--config=${folder}/deno.json`];
    const { success, output } = await run([...args, `${folder}/main.ts`]);
    assert(success, output);
    return output.trim();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const CLIENT = `
async function ask(port: number): Promise<void> {
  await using sock = unwrap(await connect("127.0.0.1", port));
  await sock.send("hello\\n");
  console.log(...await sock.receive());
}
`;

// Windows shares no port.
const ignore = Deno.build.os === "windows";

Deno.test("the programs of docs/context.md run as they stand there", { ignore }, async () => {
  const [double, asks, supervises, echo, listens, shares, claims, ...more] = await leftOut(
    "docs/context.md",
  );
  assertEquals(more, [], "a program that is run nowhere");
  const results = await Promise.all([
    printed({ "worker.ts": double!, "main.ts": asks! }),
    printed({
      "store.ts": "export default async (inside: { recv(): unknown }) => void await inside.recv();",
      "main.ts": `
import { create, process_child, supervise, thread_child } from "@alilua/coevent/context";
import { exec as start } from "@alilua/coevent/process";
import { sleep } from "@alilua/coevent/thread";
const store = new URL("./store.ts", import.meta.url);
const tick = () => sleep(60_000);
// A program that is there.
const exec = (_: string[]) => start([Deno.execPath(), "eval", "setTimeout(() => {}, 60_000)"]);
${supervises}
if (err) throw err;
console.log("supervised");
await tree.stop();
`,
    }),
    printed({
      "echo.ts": echo!,
      "main.ts": `
import { listen } from "@alilua/coevent/context";
import { connect, unwrap } from "@alilua/coevent/cosocket";
${CLIENT}
${listens!.replace("7000", "0")}
if (err) throw err;
await ask(server.port);
await server.shutdown();
`,
    }),
    printed({
      "worker.ts": `
import { claim, type Inside, unwrap } from "@alilua/coevent/context";
${claims}`,
      "main.ts": `
import { create, share } from "@alilua/coevent/context";
import { connect, listen, unwrap } from "@alilua/coevent/cosocket";
${CLIENT}
const server = unwrap(await listen("127.0.0.1", 0));
const worker = unwrap(await create<string>(new URL("./worker.ts", import.meta.url)));
ask(server.port).then(() => {
  void server.close();
  worker.destroy();
});
${shares}`,
    }),
  ]);
  // Which of the workers took the connection, nobody knows.
  assertEquals(results.map((text) => text.replace(/^\d /, "n ")), [
    "42",
    "supervised",
    "n hello null",
    "hello null",
  ]);
});

Deno.test("no other page has a program that is run nowhere", async () => {
  for (const page of ["README.md", ...await filesBelow("docs", ".md")]) {
    if (page !== "docs/context.md") assertEquals(await leftOut(page), [], page);
  }
});

Deno.test("deno task docs:html writes a site with a page of every export, in a new folder", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const site = `${folder}/not/there/yet`;
    const { success, output } = await run(["run", "-A", "tools/docs_html.ts", site]);
    assert(success, output);
    assertStringIncludes(output, `${site}/index.html`);
    for (const { name } of await entries()) {
      const home = name === "." ? site : `${site}/${name.slice(2)}`;
      assertStringIncludes(await Deno.readTextFile(`${home}/index.html`), "@alilua/coevent");
    }
    await Deno.stat(`${site}/cosocket/~/connect.html`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
