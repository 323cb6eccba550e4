import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect, unwrap } from "../../cosocket/mod.ts";
import { listen } from "../../http/mod.ts";
import { list } from "../../thread/mod.ts";
import { ask, dial, parse, receiveAnswer, serve } from "./raw.ts";

const FIXTURES = "tests/fixtures";

async function identity(name: string): Promise<{ cert: string; key: string }> {
  return {
    cert: await Deno.readTextFile(`${FIXTURES}/${name}.pem`),
    key: await Deno.readTextFile(`${FIXTURES}/${name}_key.pem`),
  };
}

Deno.test("listen() gives the port it found, and its thread is listed by it", async () => {
  await using server = await serve((_req, res) => res.json(list().map(({ name }) => name)));
  assert(server.port > 0);
  assertEquals(server.address(), { family: "tcp", ip: "127.0.0.1", port: server.port });
  const { body } = await ask(server.port, "GET /");
  assertStringIncludes(body, `http 127.0.0.1:${server.port}`);
});

Deno.test("listen() takes * for every address of both families", async () => {
  await using server = await unwrap(listen("*", 0, (req, res) => res.json(req.client)));
  assertStringIncludes((await ask(server.port, "GET /")).body, "127.0.0.1");
});

Deno.test('listen("*") takes IPv4 alone on a machine without IPv6', async () => {
  const original = Deno.serve;
  Deno.serve = ((options: Deno.ServeTcpOptions, handler: Deno.ServeHandler) => {
    if (options.hostname !== "::") return original(options, handler);
    throw Object.assign(new Error("os error 97"), { code: "EAFNOSUPPORT" });
  }) as typeof Deno.serve;
  try {
    await using server = await unwrap(listen("*", 0, (req, res) => res.json(req.client)));
    const address = server.address();
    assertEquals(address.family === "tcp" && address.ip, "0.0.0.0");
    assertStringIncludes((await ask(server.port, "GET /")).body, "127.0.0.1");
    // Who asks for IPv6 is told that there is none.
    assertEquals((await listen("::", 0, () => {}))[1]?.errno, "EAFNOSUPPORT");
  } finally {
    Deno.serve = original;
  }
});

const places: [host: string, port: number, code: string][] = [
  ["203.0.113.9", 0, "unreachable"],
  ["no.such.name.invalid", 0, "dns"],
];

for (const [host, port, code] of places) {
  Deno.test(`listen() gives ${code} for ${host}`, async () => {
    const [server, err] = await listen(host, port, () => {});
    assertEquals([server, err?.code], [null, code]);
    assertStringIncludes(err!.message, `Cannot listen on ${host}:0: `);
  });
}

Deno.test("listen() gives in_use for a port that is taken, and leaves no thread behind", async () => {
  await using server = await serve(() => {});
  const [second, err] = await listen("127.0.0.1", server.port, () => {});
  assertEquals([second, err?.code], [null, "in_use"]);
  assertEquals(list().filter(({ name }) => name.startsWith("http ")).length, 1);
});

const wrong: [args: unknown[], error: string][] = [
  [[5, 0, () => {}], 'TypeError: http.listen wants "*", a host\'s name or address, or a path'],
  [["", 0, () => {}], "TypeError: http.listen wants"],
  [["127.0.0.1", "80", () => {}], "TypeError: http.listen wants a port, a number: got string"],
  [["127.0.0.1", 65_536, () => {}], "RangeError: http.listen wants a port from 0 to 65535"],
  [["/a.sock", 0, () => {}], "TypeError: http.listen: options must be an object: got function"],
];

for (const [args, error] of wrong) {
  Deno.test(`listen() throws ${error.split(":")[0]} for ${JSON.stringify(args.slice(0, 2))}`, async () => {
    const call = listen as (...args: unknown[]) => Promise<unknown>;
    assertStringIncludes(String(await call(...args).catch((error) => error)), error);
  });
}

Deno.test({
  name: "listen() on a path serves over a Unix socket, replaces a dead one, and clears up",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/http.sock`;
    try {
      // What a server leaves that was killed.
      const dead = Deno.listen({ transport: "unix", path });
      await Deno.rename(path, `${path}.kept`);
      dead.close();
      await Deno.rename(`${path}.kept`, path);
      const handler = (req: { client: unknown; uri: string }) =>
        Response.json([req.client, req.uri]);
      const server = await unwrap(listen(path, handler, { mode: 0o600 }));
      assertEquals([server.port, server.address()], [0, { family: "unix", path }]);
      assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
      assertEquals((await listen(path, () => {}))[1]?.code, "in_use");
      await using sock = await unwrap(connect(path));
      await sock.send("GET /a?b HTTP/1.1\r\nHost: test\r\n\r\n");
      assertEquals((await receiveAnswer(sock)).body, '[{"family":"unix","path":""},"/a?b"]');
      await server.shutdown();
      assertEquals(await Deno.lstat(path).catch((error) => error.name), "NotFound");
      await Deno.writeTextFile(path, "no socket");
      assertEquals((await listen(path, () => {}))[1]?.code, "in_use");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "listen() on a path whose mode cannot be set tells why, and serves nobody there",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/http.sock`;
    const original = Deno.chmodSync;
    Deno.chmodSync = () => {
      throw new Deno.errors.PermissionDenied("Operation not permitted (os error 1)");
    };
    try {
      const [server, err] = await listen(path, () => {}, { mode: 0o600 });
      assertEquals([server, err?.code], [null, "denied"]);
    } finally {
      Deno.chmodSync = original;
    }
    // Not for everybody either: the next one finds the place free.
    await using server = await unwrap(listen(path, () => {}, { mode: 0o600 }));
    assertEquals(server.closed(), false);
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("listen({ ssl }) speaks TLS, and HTTP/2 to who asks for it", async () => {
  const ssl = await identity("server");
  const handler = (req: { request: Request }) => new Response(new URL(req.request.url).protocol);
  await using server = await unwrap(listen("127.0.0.1", 0, handler, { ssl }));
  const ca = await Deno.readTextFile(`${FIXTURES}/ca.pem`);
  for (const alpn of ["http/1.1", "h2"]) {
    await using sock = await dial(server.port);
    await unwrap(sock.sslhandshake({ ca, servername: "localhost", alpn: [alpn] }));
    assertEquals(sock.alpn(), alpn);
    if (alpn === "h2") continue;
    await sock.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assertEquals((await receiveAnswer(sock)).body, "https:");
  }
});

Deno.test("listen({ ssl }) gives tls for a certificate or a key that cannot be used", async () => {
  const server = await identity("server");
  const other = await identity("client");
  const pairs = [
    { cert: "none", key: server.key },
    { cert: server.cert, key: "none" },
    { cert: server.cert, key: other.key },
  ];
  for (const ssl of pairs) {
    const [, err] = await listen("127.0.0.1", 0, () => {}, { ssl });
    assertEquals(err?.code, "tls", err?.message);
  }
});

Deno.test("listen({ compress }) compresses for who takes it", async () => {
  const text = "a line of text\n".repeat(1_000);
  const options = { compress: true };
  await using server = await unwrap(listen("127.0.0.1", 0, (_req, res) => res.add(text), options));
  const { headers, body } = await ask(server.port, "GET /", ["Accept-Encoding: gzip"]);
  assertEquals(headers.get("content-encoding"), "gzip");
  assert(body.length < text.length / 10);
  assertEquals((await ask(server.port, "GET /")).body, text);
});

Deno.test("a kept connection answers one request after the other, also sent at once", async () => {
  await using server = await serve((req, res) => res.add(req.path));
  await using sock = await dial(server.port);
  const paths = ["/a", "/b", "/c"];
  await sock.send(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`));
  for (const path of paths) assertEquals((await receiveAnswer(sock)).body, path);
});

Deno.test("HTTP/1.0 is answered, and its connection closed", async () => {
  await using server = await serve((_req, res) => res.add("old"));
  await using sock = await dial(server.port);
  await sock.send("GET / HTTP/1.0\r\n\r\n");
  const [text] = await sock.receive("*a", { encoding: "latin1" });
  const { status, body } = parse(text!);
  assertEquals([status, body], [200, "old"]);
});

Deno.test("the runtime's warning of the request's signal is held back, and nothing else", async () => {
  const [http, thread] = ["http", "thread"].map((name) =>
    JSON.stringify(new URL(`../../${name}/mod.ts`, import.meta.url))
  );
  const program = `
    import { listen, unwrap } from ${http};
    import { sleep } from ${thread};
    const server = await unwrap(listen("127.0.0.1", 0, async (_req, res) => {
      await sleep(20);
      console.warn("a warning of its own");
      res.add("x");
    }));
    const url = "http://127.0.0.1:" + server.port;
    for (let n = 0; n < 2; n++) await (await fetch(url)).text();
    await server.shutdown();
  `;
  const url = `data:application/typescript,${encodeURIComponent(program)}`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--quiet", "--allow-net=127.0.0.1", url],
    env: { NO_COLOR: "1" },
  }).output();
  const own = "a warning of its own\n";
  assertEquals([success, new TextDecoder().decode(stderr)], [true, own + own]);
});
