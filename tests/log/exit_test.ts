import { assertEquals, assertMatch } from "@std/assert";
import { Worker as NodeWorker } from "node:worker_threads";
import { linesOf, run, tempFolder, textsOf } from "./children.ts";

const ENDS: [way: string, code: number, lines: string[]][] = [
  ["return", 0, ["the last line"]],
  ["Deno.exit", 7, ["the last line"]],
  ["process.exit", 7, ["the last line"]],
  ["throw", 1, ["the last line"]],
  ["throw in a timer", 1, ["the last line", "in the timer"]],
  ["reject", 1, ["the last line"]],
  ["handler", 0, ["the last line", "in a handler of unload", "in a handler of exit"]],
  // What waits for the next turn is lost; the page says so.
  ["kill -9", 137, []],
];

for (const [way, wanted, lines] of ENDS) {
  Deno.test(`LOG() ${lines.length === 0 ? "loses" : "keeps"} the last line: ${way}`, async () => {
    await using folder = await tempFolder();
    const path = `${folder.path}/app.log`;
    const { code, stdout } = await run(["--allow-all"], "end", path, way);
    assertEquals([code, stdout], [wanted, ""]);
    assertEquals(textsOf(await linesOf(path)).toSorted(), lines.toSorted());
  });
}

Deno.test("LOG() queues again after an uncaught error that the program survives", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  const { code, stdout } = await run(["--allow-all"], "survive", path);
  assertEquals([code, stdout], [0, "1 1\n"]);
  assertEquals(textsOf(await linesOf(path)), ["before", "after"]);
});

/** Under the profiler, a worker that has nothing left to do never ends: an empty one, too. */
const PROFILED = Deno.env.has("DENO_COVERAGE_DIR");

for (const way of ["return", "throw", "process.exit()"]) {
  const name = `LOG() in a worker of node:worker_threads keeps the last line: ${way}`;
  Deno.test({ name, ignore: PROFILED && way === "return" }, async () => {
    await using folder = await tempFolder();
    const path = `${folder.path}/app.log`;
    const module = new URL("../../log/mod.ts", import.meta.url).href;
    const code = `import process from "node:process";
      import { LOG, open_log } from "${module}";
      open_log("${path}");
      LOG("the last line");
      ${way === "return" ? "" : way === "throw" ? 'throw new Error("on purpose")' : way}`;
    const worker = new NodeWorker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    worker.on("error", () => {});
    await new Promise((resolve) => worker.on("exit", resolve));
    const [line = ""] = await linesOf(path);
    assertMatch(line, /WARN the last line$/);
  });
}
