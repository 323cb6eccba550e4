/** docs/security.md: what it names is there, its table is what the calls ask for, secrets stay secret. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect, listen } from "../cosocket/mod.ts";
import { client } from "../http/mod.ts";
import { children, popen, run_process } from "../process/mod.ts";
import { kill, newthread, wait } from "../thread/mod.ts";
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

const SECRET = "hunter2secret";
const NOWHERE = "127.0.0.1:9999";
const PEM = `-----BEGIN PRIVATE KEY-----\n${btoa(SECRET)}\n${SECRET}\n-----END PRIVATE KEY-----\n`;

/** Calls that fail, each with the secret in its hands. */
const FAILING: Record<string, () => Promise<readonly [unknown, unknown]>> = {
  "a URL with a password": () => withClient((http) => http.get(`http://u:${SECRET}@${NOWHERE}/`)),
  "a query": () => withClient((http) => http.get(`http://${NOWHERE}/?token=${SECRET}`)),
  "a request header": () =>
    withClient((http) => http.get(`http://${NOWHERE}/`, { headers: { authorization: SECRET } })),
  "a proxy's password": async () => {
    await using http = client({ proxy: `http://u:${SECRET}@${NOWHERE}` });
    return await http.get("http://a.test/");
  },
  "a WebSocket's query": () => connectSocket(`ws://${NOWHERE}/?token=${SECRET}`),
  "a key and its passphrase": () =>
    listen("127.0.0.1", 0, { ssl: { cert: PEM, key: PEM, passphrase: SECRET } }),
  "a client's key": () =>
    connect("127.0.0.1", 9_999, { ssl: { cert: PEM, key: PEM, passphrase: SECRET } }),
  "an argument": () => run_process(["no-such-program", SECRET]),
  "an argument of a pipe": () => Promise.resolve(popen(["no-such-program", SECRET])),
  "the environment": () => run_process(["no-such-program"], { env: { PASSWORD: SECRET } }),
};

async function withClient(
  fn: (http: ReturnType<typeof client>) => Promise<readonly [unknown, unknown]>,
): Promise<readonly [unknown, unknown]> {
  await using http = client();
  return await fn(http);
}

for (const [what, call] of Object.entries(FAILING)) {
  Deno.test(`an error tells no secret: ${what}`, async () => {
    const [, err] = await call();
    if (!(err instanceof Error)) throw new Error(`it did not fail: ${err}`);
    assert(!`${err} ${err.stack}`.includes(SECRET), err.message);
  });
}

Deno.test("what a thread says it waits for tells no argument of a program", LINUX, async () => {
  const thread = newthread(() => run_process(["sleep", "60", SECRET]));
  assertStringIncludes(thread.state, "run sleep");
  assert(!thread.state.includes(SECRET), thread.state);
  kill(thread);
  await wait(thread);
  // Its end is on its way: nothing outlives the test.
  while (children().length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
});
