/** `httprequest`: aLiLua's options and results. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { Buffer } from "node:buffer";
import { createPrivateKey } from "node:crypto";
import { unwrap } from "../../core/mod.ts";
import { tmpfile } from "../../eio/mod.ts";
import { httprequest, type HttpRequestOptions } from "../../http/httprequest.ts";
import { FakeClock, kill, newthread, wait } from "../../thread/mod.ts";
import { always, raw, serve, silent, whole } from "./client_servers.ts";

Deno.test("httprequest() gives body, status and header, names in lower case", async () => {
  await using server = await raw(
    always("HTTP/1.1 404 Not Found\r\nX-A: one\r\nx-a: two\r\nContent-Length: 4\r\n\r\nn\r\no"),
  );
  const [res, err] = await httprequest(`${server.url}/a?b=c`);
  assertEquals(err, null);
  assertEquals([res!.status, res!.body], [404, "n\r\no"]);
  assertEquals({ ...res!.header }, { "x-a": "one, two", "content-length": "4" });
  // No name finds what every object has.
  assertEquals(res!.header["constructor"], undefined);
  assertEquals(server.heard[0]?.line, "GET /a?b=c HTTP/1.1");
  assertEquals(server.heard[0]?.header["connection"], "close");
});

const METHODS: [
  options: HttpRequestOptions,
  line: string,
  type: string | undefined,
  body: string,
][] = [
  [{}, "GET", undefined, ""],
  [
    { data: { a: "b c", d: "&=ü" } },
    "POST",
    "application/x-www-form-urlencoded;charset=UTF-8",
    "a=b+c&d=%26%3D%C3%BC",
  ],
  [{ data: "text" }, "PUT", undefined, "text"],
  [{ data: new TextEncoder().encode("bytes") }, "PUT", undefined, "bytes"],
  [{ data: "text", method: "POST" }, "POST", undefined, "text"],
  [{ method: "DELETE" }, "DELETE", undefined, ""],
];

for (const [options, method, type, body] of METHODS) {
  Deno.test(`httprequest() with ${JSON.stringify(options)} sends ${method} '${body}'`, async () => {
    await using server = serve(async (request) => {
      const type = request.headers.get("content-type");
      return Response.json([request.method, type ?? undefined, await request.text()]);
    });
    const [res] = await httprequest(server.url, options);
    assertEquals(JSON.parse(res!.body), JSON.parse(JSON.stringify([method, type, body])));
  });
}

Deno.test("httprequest() sends { file, name, type } as multipart, the file text or open", async () => {
  await using file = await unwrap(tmpfile());
  await unwrap(file.write("from a file"));
  await using server = serve(async (request) => {
    const form = await request.formData();
    const fields = await Promise.all(
      [...form].map(async ([name, value]) =>
        typeof value === "string"
          ? [name, value]
          : [name, value.name, value.type, await value.text()]
      ),
    );
    return Response.json([request.method, fields]);
  });
  const [res] = await httprequest(server.url, {
    data: { a: "b", given: { file: "content", name: "n.css", type: "text/css" }, open: { file } },
  });
  assertEquals(JSON.parse(res!.body), ["POST", [
    ["a", "b"],
    ["given", "n.css", "text/css", "content"],
    ["open", "", "application/octet-stream", "from a file"],
  ]]);
});

Deno.test("httprequest() takes raw header lines, in a list or in one text, and host", async () => {
  await using server = await raw(always(whole("")));
  await httprequest(server.url, { header: ["X-A: b: c", "x-d:e"], host: "other.example" });
  await httprequest(server.url, { header: "X-A: b: c\r\nx-d:e\r\n" });
  await httprequest(server.url, {
    header: "X-A: b: c\r\nx-d:e\r\n",
    host: "a.example",
    pool_size: 2,
  });
  for (const { header } of server.heard) {
    assertEquals([header["x-a"], header["x-d"]], ["b: c", "e"]);
  }
  assertEquals(server.heard.map(({ header }) => header["host"]), [
    "other.example",
    `127.0.0.1:${server.port}`,
    "a.example",
  ]);
  await assertRejects(() => httprequest(server.url, { header: ["no colon"] }), TypeError, "header");
  await assertRejects(() => httprequest(server.url, { header: ["a: b\rc"] }), TypeError);
});

Deno.test("httprequest() sends user:word@ as basic authentication", async () => {
  await using server = await raw(always(whole("")));
  await httprequest(server.url.replace("//", "//Ann:word@"));
  assertEquals(server.heard[0]?.header["authorization"], `Basic ${btoa("Ann:word")}`);
});

Deno.test("httprequest() follows no redirect", async () => {
  await using server = serve(() =>
    new Response("page", { status: 302, headers: { location: "/b" } })
  );
  const [res] = await httprequest(server.url);
  assertEquals([res?.status, res?.header["location"], res?.body], [302, "/b", "page"]);
});

Deno.test("httprequest() keeps the connection with a pool_size, and closes it without", async () => {
  await using server = await raw((sock) => sock.send(whole("ok")));
  for (let n = 0; n < 3; n++) {
    assertEquals((await httprequest(server.url, { pool_size: 2 }))[0]?.body, "ok");
  }
  const kept = server.connections;
  assertEquals(kept < 3, true, `${kept} connections`);
  const ended = server.ended();
  assertEquals((await httprequest(server.url))[0]?.body, "ok");
  await ended;
  assertEquals(server.connections, kept + 1);
});

Deno.test("httprequest() sends a POST once, also where a kept connection breaks after it", async () => {
  let breaks = false;
  await using server = await raw(async (sock, { header }) => {
    await sock.receive(Number(header["content-length"] ?? 0));
    if (breaks) await sock.close();
    else await sock.send(whole("ok"));
  });
  for (const options of [{ method: "POST" }, { method: "POST", data: "x" }, { data: { a: 1 } }]) {
    breaks = false;
    await httprequest(server.url, { pool_size: 2 });
    const before = server.heard.length;
    breaks = true;
    assertEquals((await httprequest(server.url, { pool_size: 2, ...options }))[1]?.code, "eof");
    assertEquals(server.heard.length, before + 1);
  }
});

Deno.test("httprequest() lets no more than pool_size at a host at a time", async () => {
  let now = 0, most = 0;
  await using server = serve(async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 0));
    now -= 1;
    return new Response("ok");
  });
  const all = await Promise.all(
    Array.from({ length: 20 }, () => httprequest(server.url, { pool_size: 2 })),
  );
  assertEquals([all.filter(([res]) => res?.body === "ok").length, most], [20, 2]);
});

const BROKEN: [what: string, words: string, body: string | null, code: string][] = [
  ["that is shorter than announced", "Content-Length: 9\r\n\r\nabc", "abc", "eof"],
  ["that breaks off in a chunk", "Transfer-Encoding: chunked\r\n\r\n9\r\nabc", "abc", "eof"],
  ["that is no gzip", `Content-Encoding: gzip\r\n\r\n${"x".repeat(20)}`, null, "protocol"],
];

for (const [what, words, body, code] of BROKEN) {
  Deno.test(`httprequest() of a body ${what} gives ${body === null ? "" : "it with "}${code}`, async () => {
    await using server = await raw(always(`HTTP/1.1 200 OK\r\n${words}`));
    const [res, err] = await httprequest(server.url);
    assertEquals([res?.body ?? null, err?.code], [body, code]);
    if (what.includes("announced")) {
      assert(err!.message.endsWith("after 3 of 9 bytes"), err!.message);
    }
  });
}

Deno.test("httprequest() loses no byte of a body without a length, not a line feed", async () => {
  await using server = await raw(always("HTTP/1.1 200 OK\r\n\r\none\ntwo\n\nthree"));
  assertEquals((await httprequest(server.url))[0]?.body, "one\ntwo\n\nthree");
});

Deno.test("httprequest() waits for nothing after 204, HEAD and Content-Length: 0", async () => {
  await using server = await raw(async (sock, { line }) => {
    await sock.send(
      line.startsWith("HEAD")
        ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
        : line.includes("/none")
        ? "HTTP/1.1 204 No Content\r\n\r\n"
        : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    );
  });
  for (
    const [path, method, status] of [["/", "HEAD", 200], ["/none", "GET", 204], [
      "/",
      "GET",
      200,
    ]] as const
  ) {
    const [res] = await httprequest(server.url + path, { method, pool_size: 1 });
    assertEquals([res?.status, res?.body], [status, ""]);
  }
});

Deno.test("httprequest() decompresses gzip and Brotli", async () => {
  const text = "hello ".repeat(1_000);
  await using server = serve((request) => {
    const [name, pack] = request.url.endsWith("/gzip")
      ? ["gzip", gzipSync] as const
      : ["br", brotliCompressSync] as const;
    return new Response(new Uint8Array(pack(text)), { headers: { "content-encoding": name } });
  });
  for (const path of ["/gzip", "/br"]) {
    assertEquals((await httprequest(server.url + path))[0]?.body, text);
  }
});

Deno.test("httprequest() gives text by its charset, a Lua string, or bytes", async () => {
  const all = Uint8Array.from({ length: 256 }, (_, n) => n);
  await using server = serve((request) =>
    new Response(request.url.endsWith("/all") ? all : new Uint8Array([0xc4, 0xe3]), {
      headers: { "content-type": "text/plain; charset=gbk" },
    })
  );
  assertEquals((await httprequest(`${server.url}/`))[0]?.body, "你");
  const [bytes] = await httprequest(`${server.url}/all`, { encoding: "bytes" });
  assertEquals(bytes?.body, all);
  const [lua] = await httprequest(`${server.url}/all`, { encoding: "latin1" });
  assertEquals([...lua!.body].map((char) => char.charCodeAt(0)), [...all]);
  const [none, err] = await httprequest(`${server.url}/all`);
  assertEquals([none, err?.code], [null, "bad_text"]);
});

Deno.test("httprequest() gives up by timeout, signal, max and kill, and closes", async () => {
  await using server = await raw(async (sock, { line }) => {
    if (line.includes("/body")) await sock.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    await silent(sock);
  });
  for (const path of ["/", "/body"]) {
    let ended = server.ended();
    let heard = server.asked();
    {
      using clock = new FakeClock();
      const late = httprequest(server.url + path, { timeout: 20 });
      await heard;
      await clock.tick(20);
      assertEquals((await late)[1]?.code, "timeout");
    }
    await ended;

    ended = server.ended();
    heard = server.asked();
    const abort = new AbortController();
    const asked = httprequest(server.url + path, { signal: abort.signal });
    await heard;
    abort.abort();
    assertEquals((await asked)[1]?.code, "cancelled");
    await ended;

    ended = server.ended();
    heard = server.asked();
    const thread = newthread(() => httprequest(server.url + path));
    await heard;
    kill(thread);
    assertEquals((await wait(thread))[1]?.code, "killed");
    await ended;
  }
  const [, tooLong] = await httprequest(`${server.url}/body`, { max: 8 });
  assertEquals(tooLong?.code, "too_long");
});

const fixture = (name: string) => `tests/fixtures/${name}.pem`;

Deno.test("httprequest() verifies the server, and shows a certificate from a path or as text", async () => {
  const tls = await import("node:tls");
  const [cert, key, ca] = ["server", "server_key", "ca"].map((n) =>
    Deno.readTextFileSync(fixture(n))
  );
  const server = tls.createServer({ cert, key, ca, requestCert: true }, (socket) => {
    socket.once("data", () => socket.end(whole("shown", "Connection: close")));
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const url = `https://localhost:${typeof address === "object" ? address!.port : 0}/`;
  const locked = createPrivateKey(Deno.readTextFileSync(fixture("client_key"))).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "word",
  });
  try {
    const paths = { ssl_cert: fixture("client"), ssl_key: fixture("client_key") };
    const texts = {
      ssl_cert: Deno.readTextFileSync(fixture("client")),
      ssl_key: String(locked),
      ssl_pw: "word",
    };
    for (const own of [paths, texts]) {
      const [res, err] = await httprequest(url, { ...own, ca: ca! });
      assertEquals([res?.body, err], ["shown", null]);
    }
    assertEquals((await httprequest(url, { ca: ca! }))[1]?.code, "tls");
    assertEquals((await httprequest(url))[1]?.code, "tls");
    assertEquals(
      (await httprequest(url, { ssl_cert: "no/file", ssl_key: "x" }))[1]?.code,
      "not_found",
    );
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
});

Deno.test("httprequest() throws for misuse", async () => {
  const misuse = (options: unknown, words: string) =>
    assertRejects(
      () => httprequest("http://a/", options as HttpRequestOptions),
      Error,
      words,
    );
  await misuse({ timeout: "x" }, "timeout must be");
  await misuse({ pool_size: -1 }, "pool_size must be");
  await misuse({ max: -1 }, "max must be");
  await misuse({ encoding: "gbk" }, "encoding must be");
  await misuse({ method: "GET", data: "x" }, "GET sends no data");
  await misuse({ ssl_cert: Buffer.from("-----BEGIN").toString() }, "without the other");
  await assertRejects(() => httprequest("no url"), TypeError, "is no URL");
});
