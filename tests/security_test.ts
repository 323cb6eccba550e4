/** docs/security.md: what it names is there, its table is what the calls ask for, secrets stay secret. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { create } from "../context/mod.ts";
import { connect, listen, unwrap } from "../cosocket/mod.ts";
import {
  client,
  type ClientOptions,
  type HttpClient,
  httprequest,
  listen as serveHttp,
  type RequestHandler,
} from "../http/mod.ts";
import { open_logger } from "../log/mod.ts";
import { children, exec, popen, run_process } from "../process/mod.ts";
import { dump, kill, list, newthread, on_error, sleep, wait } from "../thread/mod.ts";
import { sources } from "../tools/project.ts";
import { permissionSets, tableOf, withTable } from "../tools/permissions.ts";
import { connect as connectSocket } from "../websocket/mod.ts";

const page = await Deno.readTextFile("docs/security.md");

/** Elsewhere some calls are `unsupported` before they ask for anything. */
const LINUX = { ignore: Deno.build.os !== "linux" };
const sets = LINUX.ignore ? new Map<string, string[]>() : await permissionSets();

Deno.test(
  "docs/security.md has the permissions that each call asks for (deno task permissions)",
  LINUX,
  () => {
    const cells = (text: string) =>
      text.split("\n").filter((line) => line.startsWith("| `") && /--allow-|none/.test(line))
        .map((line) => line.replace(/ +/g, " "));
    assertEquals(cells(withTable(page, tableOf(sets))), cells(page));
    assert(sets.size > 60, `only ${sets.size} calls`);
  },
);

Deno.test("every call that no_permission_test.ts knows has a row in the table", LINUX, async () => {
  const rows = new Set([...sets.keys()].map((name) => name.split(", ")[0]!));
  const source = await Deno.readTextFile("tests/no_permission_test.ts");
  const table = source.slice(source.indexOf("const FLAGS"), source.indexOf("const FREE"));
  const known = [...table.matchAll(/^ {2}"(\w+\.\w+)(?:"| )/gm)].map(([, name]) => name!);
  assert(known.length > 50, `only ${known.length} calls were found`);
  // `dns` is a namespace: its rows are those of its functions.
  const missing = known.filter((name) => name !== "cosocket.dns" && !rows.has(name));
  assertEquals(missing, [], "tests/permission_calls.ts lacks them");
});

Deno.test("docs/security.md names only files that are there", async () => {
  const named = [...page.matchAll(/`((?:tests|docs)\/[\w/.]+)`/g)].map(([, path]) => path!);
  assert(named.length > 10);
  for (const path of named) await Deno.stat(path);
});

Deno.test("docs/security.md names every package that is loaded at run time", async () => {
  const found = new Set<string>();
  for (const file of await sources()) {
    const source = await Deno.readTextFile(file);
    for (const [, name] of source.matchAll(/^[^*]*?(?:from |import\()"([^"]+)"/gm)) {
      if (/^(\.|node:)/.test(name!)) continue;
      const [, bare] = /^(?:npm:|jsr:)?(@[^/]+\/[^/@]+|[^/@]+)/.exec(name!)!;
      found.add(bare!);
    }
  }
  const text = page.slice(page.indexOf("## Dependencies"), page.indexOf("## Permissions, call"));
  const named = [...text.matchAll(/`(@?[a-z][\w/-]+)`/g)].map(([, name]) => name!)
    .filter((name) => !["util", "http"].includes(name));
  assertEquals(found, new Set(named));
});

const SECRET = "hunter2secret";
/** A token as it is read from a file, its line's end too: no header can hold it. */
const LINE = `${SECRET}\nx`;
const NOWHERE = "127.0.0.1:9999";
const PEM = `-----BEGIN PRIVATE KEY-----\n${btoa(SECRET)}\n${SECRET}\n-----END PRIVATE KEY-----\n`;
const KEY = await Deno.readTextFile("tests/fixtures/server_key.pem");
const CERT = await Deno.readTextFile("tests/fixtures/client.pem");

/** What must not be told, in every shape that it may take. */
const SHAPES = [SECRET, btoa(SECRET), encodeURIComponent(LINE), KEY.split("\n")[3]!];

/** Calls that fail, by what the world says or by throwing, each with the secret in its hands. */
const FAILING: Record<string, () => unknown> = {
  "a URL with a password": () => withClient((http) => http.get(`http://u:${SECRET}@${NOWHERE}/`)),
  "a URL with a password that is none": () =>
    withClient((http) => http.get(`http://u:${SECRET}@no host/`)),
  "a query": () => withClient((http) => http.get(`http://${NOWHERE}/?token=${SECRET}`)),
  "a query's option": () =>
    withClient((http) => http.get(`http://${NOWHERE}/`, { query: { token: SECRET } })),
  "a request header": () =>
    withClient((http) => http.get(`http://${NOWHERE}/`, { headers: { authorization: SECRET } })),
  "a request header that cannot be": () =>
    withClient((http) => http.get(`http://${NOWHERE}/`, { headers: { authorization: LINE } })),
  "a client's header that cannot be": () => client({ headers: { authorization: LINE } }),
  "a cookie": () =>
    withClient((http) => http.get(`http://${NOWHERE}/`, { headers: { cookie: `a=${SECRET}` } })),
  "a body": () => withClient((http) => http.post(`http://${NOWHERE}/`, SECRET)),
  "a base with a password that is none": () =>
    withClient((http) => http.get("/"), { base: `http://u:${SECRET}@no host/` }),
  "httprequest()": () => httprequest(`http://u:${SECRET}@${NOWHERE}/?token=${SECRET}`),
  "httprequest() of what is no URL": () => httprequest(`no url ${SECRET}`),
  "a proxy's password": () =>
    withClient((http) => http.get("http://a.test/"), { proxy: `http://u:${SECRET}@${NOWHERE}` }),
  "a proxy with a password that is none": () => client({ proxy: `http://u:${SECRET}@no host` }),
  "the key of an HTTP client": () =>
    withClient((http) => http.get(`https://${NOWHERE}/`), { ssl: { cert: CERT, key: PEM } }),
  "the key of an HTTP server": () =>
    serveHttp("127.0.0.1", 0, () => {}, { ssl: { cert: CERT, key: PEM } }),
  "a WebSocket's query": () => connectSocket(`ws://${NOWHERE}/?token=${SECRET}`),
  "a WebSocket's password": () => connectSocket(`ws://u:${SECRET}@no host/`),
  "a WebSocket's header": () =>
    connectSocket(`ws://${NOWHERE}/`, { headers: { authorization: SECRET } }),
  "a WebSocket's header that cannot be": () =>
    connectSocket(`ws://${NOWHERE}/`, { headers: { authorization: LINE } }),
  "a WebSocket's protocol that cannot be": () =>
    connectSocket(`ws://${NOWHERE}/`, { protocols: [LINE] }),
  "a WebSocket's protocol, twice": () =>
    connectSocket(`ws://${NOWHERE}/`, { protocols: [SECRET, SECRET] }),
  "a key and its passphrase": () =>
    listen("127.0.0.1", 0, { ssl: { cert: PEM, key: PEM, passphrase: SECRET } }),
  "a key that is another's": () => listen("127.0.0.1", 0, { ssl: { cert: CERT, key: KEY } }),
  "a client's key": () =>
    connect("127.0.0.1", 9_999, { ssl: { cert: PEM, key: PEM, passphrase: SECRET } }),
  "an argument": () => run_process(["no-such-program", SECRET]),
  "an argument that cannot be": () => run_process(["true", `${SECRET}\0`]),
  "an argument of a pipe": () => popen(["no-such-program", SECRET]),
  "an argument of a child": () => exec(["no-such-program", SECRET]),
  "a shell's text": () => run_process(`echo ${SECRET}`, { cwd: "/no/such/folder" }),
  "a shell's text that sets a variable": () =>
    run_process(`PASSWORD=${SECRET} true`, { cwd: "/no/such/folder" }),
  "a shell's text that takes too long": () => run_process(`sleep 60; : ${SECRET}`, { timeout: 5 }),
  "what a program is given to read": () => run_process(["no-such-program"], { input: SECRET }),
  "the environment": () => run_process(["no-such-program"], { env: { PASSWORD: SECRET } }),
  "an environment that cannot be": () =>
    run_process(["true"], { env: { PASSWORD: `${SECRET}\0` } }),
  "a name of the environment that cannot be": () =>
    run_process(["true"], { env: { [`PASSWORD=${SECRET}`]: "" } }),
  "an argument of a context": () =>
    create("file:///no/such/file.ts", { args: [SECRET], isolated: true }),
};

async function withClient(
  fn: (http: HttpClient) => Promise<readonly [unknown, unknown]>,
  options: ClientOptions = {},
): Promise<readonly [unknown, unknown]> {
  await using http = client(options);
  return await fn(http);
}

/** A child's end may be on its way: nothing outlives a test. */
async function childless(): Promise<void> {
  while (children().length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** How a call fails, by what it gives or throws. */
async function failure(call: () => unknown): Promise<unknown> {
  try {
    const [, err] = await call() as readonly [unknown, unknown];
    return err;
  } catch (thrown) {
    return thrown;
  } finally {
    await childless();
  }
}

/** An error as it would be logged at its longest: its fields, its stack, and all its causes. */
function inside(error: unknown): string {
  let text = Deno.inspect(error, { depth: 20, showHidden: true, strAbbreviateSize: 100_000 });
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    text += `${cause}${cause.message}${cause.stack}${JSON.stringify(cause)}`;
  }
  return text;
}

for (const [what, call] of Object.entries(FAILING)) {
  Deno.test(`an error tells no secret, nor does any of its causes: ${what}`, async () => {
    const error = await failure(call);
    if (!(error instanceof Error)) throw new Error(`it did not fail: ${error}`);
    const told = inside(error);
    for (const shape of SHAPES) assert(!told.includes(shape), told);
  });
}

/** The one that is given no time. */
const LATE = "an answer that comes too late";

/** What a handler does with a request that is full of secrets, and what it comes to hear. */
const HANDLED: Record<string, RequestHandler> = {
  "a handler that throws": () => {
    throw new Error("no");
  },
  "a body that is no JSON": async (req) => unwrap(await req.json()),
  "a body that is no form": async (req) => void unwrap(await req.form()),
  "a body that is too long": async (req) => void unwrap(await req.text(1)),
  "a header that cannot be": (_, res) => res.headers.set("x-a", LINE),
  "a redirect that cannot be": (_, res) => void res.redirect(`/?${LINE}`),
  [LATE]: async () => await sleep(60_000),
};

for (const [what, handler] of Object.entries(HANDLED)) {
  Deno.test(`a server tells no secret of a request: ${what}`, async () => {
    const told: string[] = [];
    const timeout = what === LATE ? 20 : 60_000;
    const off = on_error((error, where) => told.push(inside(error) + where));
    const run: RequestHandler = async (req, res) => {
      // Who has waited is in the lists.
      await sleep(1);
      told.push(JSON.stringify(list()) + dump());
      try {
        await handler(req, res);
      } catch (error) {
        told.push(inside(error));
        throw error;
      }
    };
    try {
      await using server = await unwrap(serveHttp("127.0.0.1", 0, run, { timeout }));
      const response = await fetch(`http://127.0.0.1:${server.port}/path?token=${SECRET}`, {
        method: "POST",
        headers: { authorization: SECRET, cookie: `a=${SECRET}` },
        body: SECRET,
        redirect: "manual",
      });
      told.push(`${response.status} ${await response.text()}`);
      assert(response.status >= 400, told.join("\n"));
    } finally {
      off();
    }
    // It may be over before it has waited.
    if (what !== LATE) assertStringIncludes(told.join("\n"), "POST /path");
    for (const shape of SHAPES) assert(!told.join("\n").includes(shape), told.join("\n"));
  });
}

Deno.test("what is logged of an error tells no secret", async () => {
  const path = await Deno.makeTempFile();
  const logger = unwrap(open_logger({ path, level: "DEBUG" }));
  for (const call of Object.values(FAILING)) {
    const error = await failure(call);
    logger.err(error);
    logger.err("it failed", { error });
  }
  await logger.close();
  const lines = await Deno.readTextFile(path);
  await Deno.remove(path);
  assert(lines.split("\n").length > Object.keys(FAILING).length, lines);
  for (const shape of SHAPES) assert(!lines.includes(shape), lines);
});

Deno.test("what a thread says it waits for tells no argument of a program", LINUX, async () => {
  const thread = newthread(() => run_process(["sleep", "60", SECRET]));
  assertStringIncludes(thread.state, "run sleep");
  assert(!thread.state.includes(SECRET), thread.state);
  kill(thread);
  await wait(thread);
  await childless();
});
