import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { connect } from "../../cosocket/mod.ts";
import { run, type RunOptions, unwrap, type Workers } from "../../http/mod.ts";
import { scope } from "../../thread/mod.ts";
import { pathToFileURL as toFileUrl } from "node:url";
import { ask, serve } from "./raw.ts";

/** A module as a URL. */
function moduleOf(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

/** Each worker tells its own number, for the module is loaded once in each. */
const NUMBERED = moduleOf(`
  const number = Math.random();
  export default (req, res) => res.json([number, req.path, Deno.pid]);
`);

Deno.test("run() serves with all its workers, on one port, and ends with them", async () => {
  const workers = await unwrap(run(NUMBERED, { workers: 2 }));
  const seen = new Set<number>();
  // The kernel deals connections out by their ports: each other one, or nearly.
  for (let n = 0; n < 500 && seen.size < 2; n++) {
    const [number, path, pid] = JSON.parse((await ask(workers.port, "GET /a%20b")).body);
    seen.add(number);
    assertEquals([path, pid], ["/a b", workers.pid]);
  }
  assertEquals(seen.size, 2);
  const [status, err] = await workers.shutdown();
  assertEquals([status?.code, err], [0, null]);
  assertEquals((await workers.done)[0]?.code, 0);
  assertEquals((await connect("127.0.0.1", workers.port))[1]?.code, "refused");
});

Deno.test("run() gives its workers when all of them have loaded the module", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    const path = `${folder}/loaded`;
    const module = moduleOf(`
      Deno.writeTextFileSync(${JSON.stringify(path)}, "x", { append: true });
      export default () => {};
    `);
    const flags = [`--allow-write=${folder}`];
    await using workers = await unwrap(run(module, { workers: 3, flags }));
    assertEquals(await Deno.readTextFile(path), "xxx");
    assertEquals((await ask(workers.port, "GET /")).status, 204);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("run() takes the path or the URL of a file, and Workers.close() ends it at once", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "a b" }));
  try {
    const path = `${folder}/main.js`;
    await Deno.writeTextFile(path, "export default (req, res) => res.add('from a file');");
    for (const module of [path, toFileUrl(path)]) {
      const workers = await unwrap(run(module, { workers: 1 }));
      assertEquals(workers.address(), { family: "tcp", ip: "127.0.0.1", port: workers.port });
      assertEquals((await ask(workers.port, "GET /")).body, "from a file");
      const [status] = await workers.close();
      assertEquals([status, (await workers.done)[0]], [status, status]);
      assertEquals((await connect("127.0.0.1", workers.port))[1]?.code, "refused");
    }
    const host = `${folder}/socket`;
    await assertRejects(() => run(path, { host }), TypeError, "Unix sockets have one server each");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("run() takes an app with fetch, and holds requests to the limits", async () => {
  const module = moduleOf(
    "export default { fetch: async (request) => new Response(await request.text()) };",
  );
  await using workers = await unwrap(
    run(module, { workers: 1, max_body: 4, max_requests: Infinity }),
  );
  const post = (body: string) =>
    ask(workers.port, "POST /", [`Content-Length: ${body.length}`], body);
  assertEquals((await post("1234")).body, "1234");
  assertEquals((await post("12345")).status, 413);
});

Deno.test("run() gives gone for a module that throws, or that has no handler", async () => {
  for (const source of ["throw 'broken on purpose'", "export default 5"]) {
    const [workers, err] = await run(moduleOf(source), { workers: 1 });
    assertEquals([workers, err?.code], [null, "gone"]);
  }
});

Deno.test("run() gives in_use for a port that is taken, without starting anything", async () => {
  await using server = await serve(() => {});
  const [workers, err] = await run(NUMBERED, { port: server.port });
  assertEquals([workers, err?.code], [null, "in_use"]);
});

Deno.test("run() gives timeout for a module that does not come to its end", async () => {
  const module = moduleOf("await new Promise((go) => setTimeout(go, 60_000)); export default 5");
  const [workers, err] = await run(module, { workers: 1, start_timeout: 200 });
  assertEquals([workers, err?.code], [null, "timeout"]);
});

Deno.test("a scope that is closed takes its workers along", async () => {
  let workers: Workers | null = null;
  await scope(async (inner) => {
    workers = await unwrap(run(NUMBERED, { workers: 1 }));
    assertEquals((await ask(workers.port, "GET /")).status, 200);
    inner.close("enough");
  });
  assert((await workers!.done)[1] !== null, "its thread was not killed");
  assertEquals((await connect("127.0.0.1", workers!.port))[1]?.code, "refused");
});

const wrong: [module: unknown, options: RunOptions, error: string][] = [
  ["", {}, 'TypeError: http.run wants the URL of a module, or an absolute path: got ""'],
  [5, {}, "got number"],
  ["./app.ts", {}, 'write new URL("./app.ts", import.meta.url)'],
  [NUMBERED, { workers: 0 }, "RangeError: http.run: workers wants a whole number from 1: got 0"],
  [NUMBERED, { max_body: -1 }, "RangeError: http.run: max_body"],
  [NUMBERED, { flags: "-A" as unknown as string[] }, "TypeError: http.run: flags wants a list"],
];

for (const [module, options, error] of wrong) {
  Deno.test(`run() throws ${error.slice(0, 60)}`, async () => {
    const thrown = await run(module as string, options).catch((error) => error);
    assertStringIncludes(String(thrown), error);
  });
}
