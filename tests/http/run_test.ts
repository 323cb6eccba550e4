import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { connect } from "../../cosocket/mod.ts";
import { run, type RunOptions, unwrap, type Workers } from "../../http/mod.ts";
import { children } from "../../process/mod.ts";
import { kill, newthread, scope, sleep, wait } from "../../thread/mod.ts";
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
    const path = `${folder}/a#b%20.js`;
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

Deno.test("what the workers print is printed here, whatever it is, and ends nothing", async () => {
  const source = `
    const bytes = new TextEncoder().encode("x".repeat(200_000));
    export default (req, res) => {
      if (req.path === "/long") for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
      if (req.path === "/bytes") Deno.stdout.writeSync(new Uint8Array([255, 254, 10]));
      res.add("ok");
    };`;
  const here = JSON.stringify(new URL("../../http/mod.ts", import.meta.url).href);
  const program = `
    import { run, unwrap } from ${here};
    const workers = await unwrap(run(${JSON.stringify(moduleOf(source))}, { workers: 2 }));
    for (const path of ["long", "bytes", ""]) {
      await (await fetch("http://127.0.0.1:" + workers.port + "/" + path)).text();
    }
    await workers.shutdown();
    await workers.done;`;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", moduleOf(program)],
    stderr: "inherit",
  }).output();
  assertEquals([code, stdout.length, [...stdout.subarray(-3)]], [0, 200_003, [255, 254, 10]]);
});

Deno.test("run() gives gone, and done tells, whichever worker dies of an error", async () => {
  const fail = (what: string) =>
    moduleOf(`export default (req, res) => { ${what}; res.add("ok") };`);
  // A worker that the runtime has not begun with would go in silence, and the rest serve on.
  for (
    const what of ["setTimeout(() => { throw new Error('x') })", "Promise.reject(new Error('x'))"]
  ) {
    for (let n = 0; n < 4; n++) {
      await using workers = await unwrap(run(fail(what), { workers: 3 }));
      assertEquals((await ask(workers.port, "GET /")).status, 200);
      assertEquals((await workers.done)[0]?.code, 1);
    }
  }
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const path = JSON.stringify(`${folder}/first`);
  const once = moduleOf(`
    const first = await Deno.writeTextFile(${path}, "", { createNew: true }).then(() => true, () => false);
    if (first) throw new Error("one of three");
    export default () => {};
  `);
  const [, err] = await run(once, { workers: 3, flags: [`--allow-write=${folder}`] });
  assertEquals(err?.code, "gone");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an error that the module takes care of ends no worker", async () => {
  const module = moduleOf(`
    addEventListener("unhandledrejection", (event) => event.preventDefault());
    export default (req, res) => { Promise.reject(new Error("x")); res.add("ok") };
  `);
  await using workers = await unwrap(run(module, { workers: 1 }));
  for (let n = 0; n < 2; n++) assertEquals((await ask(workers.port, "GET /")).body, "ok");
});

Deno.test("run() that fails, or whose thread is killed, leaves no process", async () => {
  const endless = moduleOf("await new Promise((go) => setTimeout(go, 60_000)); export default 5");
  const bad = await run(endless, { workers: 1, start_timeout: -1 }).catch((error) => error);
  assertStringIncludes(String(bad), "RangeError: http.run: start_timeout");
  assertEquals(children(), []);
  const thread = newthread(() => run(endless, { workers: 1 }));
  while (children().length === 0) await sleep(1);
  kill(thread);
  while (children().length > 0) await sleep(1);
  assertEquals((await wait(thread))[1]?.code, "killed");
});

Deno.test("run() serves on the address that was asked for, whatever it looks like", async () => {
  const module = moduleOf("export default (req, res) => res.add('here')");
  const ipv6 = Deno.networkInterfaces().some(({ address }) => address === "::1");
  const places: [host: string, at: string][] = [
    ["::1", "[::1]"],
    ["[::1]", "[::1]"],
    ["*", "127.0.0.1"],
    ["localhost", "localhost"],
  ];
  for (const [host, at] of places) {
    if (at.includes("[") && !ipv6) continue;
    await using workers = await unwrap(run(module, { workers: 2, host }));
    assertEquals(await (await fetch(`http://${at}:${workers.port}/`)).text(), "here");
  }
});

Deno.test("run() is not sent elsewhere by DENO_SERVE_ADDRESS", async () => {
  const here = JSON.stringify(new URL("../../http/mod.ts", import.meta.url).href);
  const program = `
    import { run, unwrap } from ${here};
    const module = "data:text/javascript,export default (req, res) => res.add('here')";
    await using workers = await unwrap(run(module, { workers: 3 }));
    console.log(await (await fetch("http://127.0.0.1:" + workers.port)).text());`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", moduleOf(program)],
    env: { DENO_SERVE_ADDRESS: "tcp:127.0.0.1:1" },
    stderr: "inherit",
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "here\n");
});

Deno.test("Workers.done does not wait for what the workers have started", async () => {
  const module = moduleOf(`
    export default () => {
      new Deno.Command("sleep", { args: ["60"] }).spawn();
      Deno.exit(3);
    };`);
  await using workers = await unwrap(run(module, { workers: 1, flags: ["--allow-run=sleep"] }));
  await ask(workers.port, "GET /").catch(() => {});
  assertEquals((await workers.done)[0]?.code, 3);
});

Deno.test("run() is unsupported in a compiled program, which would start itself", async () => {
  const { build } = Deno;
  Object.defineProperty(Deno, "build", { value: { ...build, standalone: true } });
  try {
    assertEquals((await run(NUMBERED))[1]?.code, "unsupported");
  } finally {
    Object.defineProperty(Deno, "build", { value: build });
  }
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

const WORKER = new URL("../../http/_worker.ts", import.meta.url).href;
const ENDS: [what: string, source: string, said: string][] = [
  ["throws late", "setTimeout(() => { throw new Error('of nobody') })", "of nobody"],
  ["rejects", "Promise.reject(new Error('of nobody'))", "of nobody"],
  ["has no handler", "worker = await serveModule(async () => ({}), {}, 'id')", "wants a handler"],
];

for (const [what, source, said] of ENDS) {
  Deno.test(`a worker says that it serves, and ends the process when it ${what}`, async () => {
    const program = `
      import { serveModule } from ${JSON.stringify(WORKER)};
      const load = async () => ({ default: (req, res) => res.add(req.path) });
      const write = Deno.stdout.writeSync.bind(Deno.stdout);
      const told = Promise.withResolvers();
      Deno.stdout.writeSync = (bytes) => (told.resolve(), write(bytes));
      let worker = await serveModule(load, {}, "id");
      worker.onListen();
      await told.promise;
      console.log(await (await worker.fetch(new Request("http://a/b"))).text());
      ${source};`;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", moduleOf(program)],
    }).output();
    const text = new TextDecoder();
    assertEquals([code, text.decode(stdout)], [1, "ready id\n/b\n"]);
    assertStringIncludes(text.decode(stderr), said);
  });
}
