/** `client`: what is sent, what comes back, and how each failure is called. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { gzipSync } from "node:zlib";
import { unwrap } from "../../core/mod.ts";
import { client, type ClientRequestOptions } from "../../http/client.ts";
import { FakeClock, kill, list, newthread, wait } from "../../thread/mod.ts";
import { always, raw, serve, silent, whole } from "./client_servers.ts";

Deno.test("HttpClient.get() gives status, headers, URL and body, whatever the status", async () => {
  await using server = serve((request) => {
    const { pathname, search } = new URL(request.url);
    return new Response(`${request.method} ${pathname}${search}`, {
      status: pathname === "/none" ? 404 : 200,
      headers: { "x-a": "b" },
    });
  });
  await using http = client({ base: server.url });
  const res = await unwrap(http.get("/a?x=1", { query: { "y z": "ü", n: 2 } }));
  assertEquals([res.status, res.ok, res.headers.get("x-a")], [200, true, "b"]);
  assertEquals(res.url, `${server.url}/a?x=1&y+z=%C3%BC&n=2`);
  assertEquals(await res.text(), ["GET /a?x=1&y+z=%C3%BC&n=2", null]);
  assertEquals(new TextDecoder().decode((await res.body())[0]!), "GET /a?x=1&y+z=%C3%BC&n=2");

  const none = await unwrap(http.get("/none"));
  assertEquals([none.status, none.ok, none.status_text], [404, false, "Not Found"]);
  assertEquals(await none.text(), ["GET /none", null]);
});

Deno.test("HttpClient sends each method, and HEAD has no body", async () => {
  await using server = serve(async (request) => {
    const type = request.headers.get("content-type");
    return new Response(`${request.method} ${type} ${await request.text()}`);
  });
  await using http = client({ base: server.url });
  const text = async (asked: ReturnType<typeof http.get>) =>
    await unwrap((await unwrap(asked)).text());
  assertEquals(await text(http.post("/", "a")), "POST text/plain;charset=UTF-8 a");
  assertEquals(await text(http.put("/", new Uint8Array([98]))), "PUT null b");
  assertEquals(await text(http.patch("/", "c")), "PATCH text/plain;charset=UTF-8 c");
  assertEquals(await text(http.delete("/")), "DELETE null ");
  assertEquals(await text(http.request("/", { method: "propfind" })), "propfind null ");
  assertEquals(await text(http.request("/", { method: "options" })), "OPTIONS null ");
  assertEquals(
    await text(http.request("/", { json: { a: [1] } })),
    'POST application/json {"a":[1]}',
  );
  const head = await unwrap(http.head("/"));
  assertEquals([head.status, head.length, await head.text()], [200, 0, ["", null]]);
});

Deno.test("HttpClient merges its headers with those of the request", async () => {
  await using server = await raw((sock) => sock.send(whole("")));
  await using http = client({ base: server.url, headers: { "x-a": "client", "x-b": "client" } });
  await unwrap(http.get("/", { headers: { "X-A": "request", host: "elsewhere.example" } }));
  const { header } = server.heard[0]!;
  assertEquals([header["x-a"], header["x-b"]], ["request", "client"]);
  assertEquals(header["host"], "elsewhere.example");
});

Deno.test("HttpClient keeps connections, and takes a small body in without being asked", async () => {
  await using server = await raw((sock) => sock.send(whole("hello")));
  await using http = client({ base: server.url, per_host: 1 });
  for (let n = 0; n < 5; n++) {
    // Nobody reads the bodies: the one place in the line must come free by itself.
    assertEquals((await unwrap(http.get("/"))).status, 200);
  }
  // The runtime may have begun a connection before the one in use came free.
  assertEquals([server.heard.length, server.connections < 5], [5, true]);
});

const MISUSE: [what: string, url: string, options: object, words: string][] = [
  ["a bad URL", "no url", {}, "is no URL"],
  ["another scheme", "ftp://a/", {}, "url must be http"],
  ["a method with a space", "http://a/", { method: "GE T" }, "method must be"],
  ["a method that the runtime forbids", "http://a/", { method: "trace" }, "sends no TRACE"],
  ["data with GET", "http://a/", { method: "GET", data: "x" }, "GET sends no data"],
  ["two bodies", "http://a/", { json: 1, data: "x" }, "only one of"],
  ["a negative timeout", "http://a/", { timeout: -1 }, "timeout must be"],
  ["a timeout in words", "http://a/", { deadline: "1 s" }, "deadline must be"],
  ["half a redirect", "http://a/", { redirects: 0.5 }, "redirects must be"],
  ["no try at all", "http://a/", { retries: 0 }, "retries must be"],
  ["a header that holds a line", "http://a/", { headers: { a: "b\r\nc: d" } }, "header"],
  ["what has no JSON", "http://a/", { json: () => 1 }, "has no JSON"],
  ["a number as data", "http://a/", { data: 1 }, "data must be"],
];

for (const [what, url, options, words] of MISUSE) {
  Deno.test(`HttpClient.request() throws for ${what}`, async () => {
    await using http = client();
    const error = await assertRejects(() => http.request(url, options as ClientRequestOptions));
    assertStringIncludes(String(error), words);
  });
}

Deno.test("client() throws for options that cannot be used", () => {
  assertThrows(() => client({ per_host: 0 }), RangeError, "per_host");
  assertThrows(() => client({ proxy: "gopher://a" }), TypeError, "proxy");
  assertThrows(() => client({ ssl: { cert: "x" } }), TypeError, "without the other");
  assertThrows(() => client({ ssl: { cert: "no PEM", key: "nor this" } }));
  assertThrows(() =>
    client({ ssl: { ca: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----" } })
  );
  assertThrows(() => client({ retries: { attempts: 1.5 } }), RangeError, "retries");
});

const HEADS: [what: string, words: string, code: string][] = [
  ["ends without an answer", "", "eof"],
  ["speaks no HTTP", "garbage\r\n\r\n", "protocol"],
  [
    "has two lengths",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "protocol",
  ],
  ["has a head without end", `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(300)}\r\n`, "too_long"],
];

for (const [what, words, code] of HEADS) {
  Deno.test(`HttpClient.get() gives ${code} where the server ${what}`, async () => {
    await using server = await raw(always(words));
    await using http = client();
    const [res, err] = await http.get(server.url);
    assertEquals([res, err?.code], [null, code]);
    assertStringIncludes(err!.message, `Cannot GET ${server.url}/: `);
    assertEquals(http.stats(), { busy: 0, waiting: 0 });
  });
}

const BODIES: [what: string, words: string, code: string][] = [
  ["is shorter than announced", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "eof"],
  ["breaks off in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", "eof"],
  [
    "is no gzip",
    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n01234567890123456789",
    "protocol",
  ],
];

for (const [what, words, code] of BODIES) {
  Deno.test(`ClientResponse.body() gives ${code} where the body ${what}`, async () => {
    await using server = await raw(always(words));
    await using http = client();
    const res = await unwrap(http.get(server.url));
    const [body, err] = await res.body();
    assertEquals([body, err?.code], [null, code]);
    assertEquals((await res.text())[1]?.code, code);
    assertEquals(http.stats(), { busy: 0, waiting: 0 });
  });
}

Deno.test("HttpClient.get() gives refused, dns and unsupported", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using http = client();
  assertEquals((await http.get(`http://127.0.0.1:${port}/`))[1]?.code, "refused");
  assertEquals((await http.get("http://no.such.host.invalid/"))[1]?.code, "dns");
  const [, blocked] = await http.get("http://127.0.0.1:1/");
  assertEquals(blocked?.code, "unsupported");
});

Deno.test("timeout ends the wait for the head, and the server sees the connection close", async () => {
  await using server = await raw(silent);
  await using http = client();
  using clock = new FakeClock();
  const ended = server.ended();
  const heard = server.asked();
  const asked = http.get(server.url, { timeout: 20 });
  await heard;
  await clock.tick(20);
  assertEquals((await asked)[1]?.code, "timeout");
  await ended;
  assertEquals(http.stats(), { busy: 0, waiting: 0 });
});

Deno.test("body_timeout bounds each wait, and the next call finds what had come", async () => {
  const more = Promise.withResolvers<void>();
  await using server = await raw(async (sock) => {
    await sock.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    await more.promise;
    await sock.send("def");
  });
  await using http = client({ body_timeout: 20 });
  const res = await unwrap(http.get(server.url));
  assertEquals((await res.text())[1]?.code, "timeout");
  assertEquals((await res.text({ timeout: 1 }))[1]?.code, "timeout");
  more.resolve();
  assertEquals(await res.text({ timeout: 0 }), ["abcdef", null]);
});

Deno.test("body_timeout takes a body that drips for none that hangs, deadline does not", async () => {
  let seen = () => {};
  const over = Promise.withResolvers<void>();
  await using server = await raw(async (sock) => {
    await sock.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    for (const char of "drips") {
      await clock.tick(900);
      const arrived = new Promise<void>((resolve) => seen = resolve);
      if ((await sock.send(char))[1] !== null) return;
      await Promise.race([arrived, over.promise]);
    }
  });
  await using http = client({ base: server.url, body_timeout: 1_000 });
  using clock = new FakeClock();
  const res = await unwrap(http.get("/"));
  assertEquals(await res.text({ progress: () => seen() }), ["drips", null]);
  assertEquals(clock.now, 4_500);
  const bounded = await unwrap(http.get("/", { deadline: 2_000 }));
  assertEquals((await bounded.text({ progress: () => seen() }))[1]?.code, "timeout");
  over.resolve();
});

Deno.test("deadline bounds the whole, to the last byte of the body", async () => {
  await using server = await raw(async (sock) => {
    await sock.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    await silent(sock);
  });
  await using http = client();
  using clock = new FakeClock();
  const ended = server.ended();
  const res = await unwrap(http.get(server.url, { deadline: 60 }));
  const reading = res.text();
  await clock.tick(60);
  assertEquals((await reading)[1]?.code, "timeout");
  // Not only the wait, the request itself is over.
  await ended;
  assertEquals((await res.text())[1]?.code, "timeout");
});

Deno.test("a deadline holds nothing up once the body has come", async () => {
  await using server = serve(() => new Response("ok"));
  await using http = client();
  // The sanitizer would see its timer.
  const res = await unwrap(http.get(server.url, { deadline: 60_000 }));
  assertEquals(await res.text(), ["ok", null]);
});

Deno.test("signal gives a request up before the head, in the body, and before it begins", async () => {
  await using server = await raw(async (sock, { line }) => {
    if (line.includes("/body")) await sock.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    await silent(sock);
  });
  await using http = client({ base: server.url });
  for (const path of ["/head", "/body"]) {
    const abort = new AbortController();
    const ended = server.ended();
    const heard = server.asked();
    const asked = http.get(path, { signal: abort.signal });
    if (path === "/head") {
      await heard;
      abort.abort("enough");
      assertEquals((await asked)[1]?.code, "cancelled");
    } else {
      const res = await unwrap(asked);
      const reading = res.text();
      abort.abort("enough");
      const [, err] = await reading;
      assertEquals([err?.code, err?.cause], ["cancelled", "enough"]);
    }
    await ended;
  }
  const [, before] = await http.get("/head", { signal: AbortSignal.abort() });
  assertEquals(before?.code, "cancelled");
  assertEquals(server.heard.length, 2);
});

Deno.test("thread.list() shows what a request waits for", async () => {
  const answered = Promise.withResolvers<void>();
  await using server = await raw(async (sock) => {
    await answered.promise;
    await sock.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    await silent(sock);
  });
  await using http = client();
  const heard = server.asked();
  const begun = Promise.withResolvers<void>();
  const asking = newthread(async function asking() {
    const res = await unwrap(http.get(`${server.url.replace("//", "//user:word@")}/a?secret=1`));
    await res.text({ progress: () => begun.resolve() });
  });
  const state = () => list().find(({ name }) => name === "asking")?.state.replace(/, \d+ ms/, "");
  await heard;
  // Neither a password nor a query: they may be secret.
  assertEquals(state(), `GET ${server.url}/a`);
  answered.resolve();
  await begun.promise;
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(state(), `read the body of GET ${server.url}/a`);
  kill(asking);
  await wait(asking);
});

Deno.test("a killed thread's request is given up at once, before the head and in the body", async () => {
  await using server = await raw(async (sock, { line }) => {
    if (line.includes("/body")) await sock.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    await silent(sock);
  });
  await using http = client({ base: server.url });
  for (const path of ["/head", "/body", "/elsewhere/body"]) {
    const inBody = Promise.withResolvers<void>();
    const ended = server.ended();
    const heard = server.asked();
    const asking = newthread(async () => {
      const res = await unwrap(http.get(path));
      inBody.resolve();
      // Also where it waits for something else.
      if (path.startsWith("/elsewhere")) await new Promise(() => {});
      await res.text();
    });
    await heard;
    if (path !== "/head") await inBody.promise;
    kill(asking, "enough");
    assertEquals((await wait(asking))[1]?.code, "killed");
    await ended;
    assertEquals(http.stats(), { busy: 0, waiting: 0 });
  }
});

Deno.test("HttpClient.close() gives up what is under way and what waits, with closed", async () => {
  await using server = await raw(async (sock, { line }) => {
    if (line.includes("/body")) await sock.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    await silent(sock);
  });
  const http = client({ base: server.url, per_host: 2 });
  const res = await unwrap(http.get("/body"));
  const reading = res.text();
  const heard = server.asked();
  const head = http.get("/head");
  const inLine = http.get("/line");
  await heard;
  assertEquals(http.stats(), { busy: 2, waiting: 1 });
  await http.close();
  const codes = [(await reading)[1]?.code, (await head)[1]?.code, (await inLine)[1]?.code];
  assertEquals(codes, ["closed", "closed", "closed"]);
  assertEquals((await http.get("/late"))[1]?.code, "closed");
  assertEquals(await http.close(), [true, null]);
});

Deno.test("ClientResponse.close() closes the connection of a body that has not come", async () => {
  await using server = await raw(async (sock) => {
    await sock.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    await silent(sock);
  });
  await using http = client();
  const ended = server.ended();
  const res = await unwrap(http.get(server.url));
  await res.close();
  await ended;
  assertEquals((await res.text())[1]?.code, "closed");
  assertEquals(await res.close(), [true, null]);
});

Deno.test("too_long keeps what has come, and a larger max gives all of it", async () => {
  const text = "x".repeat(100_000);
  await using server = await raw(async (sock, { line }) => {
    if (line.includes("/length")) return await sock.send(whole(text));
    await sock.send(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${text}`);
    await sock.close();
  });
  await using http = client({ base: server.url });
  for (const path of ["/length", "/none"]) {
    const res = await unwrap(http.get(path));
    assertEquals(res.length, path === "/length" ? text.length : null);
    assertEquals((await res.text({ max: 50_000 }))[1]?.code, "too_long");
    assertEquals(await res.text({ max: text.length }), [text, null]);
  }
});

Deno.test("max bounds what a compressed body becomes, and memory with it", async () => {
  const bomb = gzipSync(new Uint8Array(100_000_000));
  await using server = await raw(async (sock) => {
    await sock.send([
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n",
      `Content-Length: ${bomb.length}`,
    ]);
    await sock.send(["\r\n\r\n", bomb]);
  });
  await using http = client();
  const res = await unwrap(http.get(server.url));
  const [, err] = await res.body({ max: 1_000_000 });
  assertEquals([err?.code, res.length], ["too_long", null]);
  await res.close();
});

Deno.test("ClientResponse.json() gives the value, and protocol for what is none", async () => {
  await using server = serve((request) =>
    request.url.endsWith("/bad") ? new Response("{") : Response.json({ a: [1, null] })
  );
  await using http = client({ base: server.url });
  assertEquals(await (await unwrap(http.get("/"))).json(), [{ a: [1, null] }, null]);
  const bad = await unwrap(http.get("/bad"));
  assertEquals((await bad.json())[1]?.code, "protocol");
  assertEquals(await bad.text(), ["{", null]);
});

const CHARSETS: [type: string, bytes: number[], text: string | null, code?: string][] = [
  ["text/plain", [0xc3, 0xbc], "ü"],
  ["text/plain", [0xef, 0xbb, 0xbf, 0x61], "a"],
  ["text/plain; charset=iso-8859-1", [0xfc], "ü"],
  ['text/plain; charset="GBK"', [0xc4, 0xe3], "你"],
  ["text/plain; Charset=utf-16le; x=y", [0xfc, 0x00], "ü"],
  ["text/plain; charset=utf-8", [0xfc], null, "bad_text"],
  ["text/plain; charset=klingon", [0x61], null, "unsupported"],
];

for (const [type, bytes, text, code] of CHARSETS) {
  Deno.test(`ClientResponse.text() of ${type} [${bytes}] gives ${text ?? code}`, async () => {
    await using server = serve(() =>
      new Response(new Uint8Array(bytes), { headers: { "content-type": type } })
    );
    await using http = client();
    const res = await unwrap(http.get(server.url));
    const [got, err] = await res.text();
    assertEquals([got, err?.code], [text, code]);
    assertEquals([...(await res.body())[0]!], bytes);
  });
}

Deno.test("ClientResponse.stream has the patterns of a socket, and a failed receive consumes nothing", async () => {
  const more = Promise.withResolvers<void>();
  await using server = await raw(async (sock) => {
    await sock.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\none\r\ntwo\r\n");
    await more.promise;
    await sock.send("5\r\n\nrest\r\n0\r\n\r\n");
  });
  await using http = client();
  await using res = await unwrap(http.get(server.url));
  assertEquals(await res.stream.receive(), ["one", null]);
  assertEquals((await res.stream.receive("*l", { timeout: 10 }))[1]?.code, "timeout");
  assertEquals((await res.body())[1]?.code, "busy");
  more.resolve();
  assertEquals(await res.stream.receive(), ["two", null]);
  assertEquals(await res.stream.receive(2, { encoding: "utf-8" }), ["re", null]);
  assertEquals(await res.stream.receive("*a", { encoding: "utf-8" }), ["st", null]);
  assertEquals(await res.stream.receive(), [null, null]);
  assertEquals((await res.stream.send("x"))[1]?.code, "unsupported");
});

Deno.test("ClientResponse.stream gives every byte of a large body, in any portions", async () => {
  const large = Array.from({ length: 60_000 }, (_, n) => `line ${n}`).join("\n");
  await using server = await raw((sock) => sock.send(whole(large)));
  await using http = client();
  await using res = await unwrap(http.get(server.url));
  let got = "";
  for (const count of [1, 2_047, 70_000, 3]) {
    got += (await res.stream.receive(count, { encoding: "latin1" }))[0];
  }
  got += (await res.stream.receive("*a", { encoding: "latin1" }))[0];
  assertEquals(got === large, true);
});

Deno.test("a second call that reads the body gets busy, and the first goes on", async () => {
  const more = Promise.withResolvers<void>();
  await using server = await raw(async (sock) => {
    await sock.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    await more.promise;
    await sock.send("def");
  });
  await using http = client();
  const res = await unwrap(http.get(server.url));
  const first = res.text();
  assertEquals((await res.text())[1]?.code, "busy");
  more.resolve();
  assertEquals(await first, ["abcdef", null]);
});

Deno.test("progress of a body hears each piece, and what it throws is failed", async () => {
  await using server = await raw((sock) => sock.send(whole("x".repeat(200_000))));
  await using http = client({ base: server.url });
  const heard: [number, number | null][] = [];
  const res = await unwrap(http.get("/"));
  await unwrap(res.body({ progress: (done, total) => heard.push([done, total]) }));
  assertEquals(heard.at(-1), [200_000, 200_000]);
  assert(heard.every(([done], n) => n === 0 || done > heard[n - 1]![0]));

  await using other = await unwrap(http.get("/"));
  const thrown = new Error("no more");
  const [, err] = await other.body({
    progress: () => {
      throw thrown;
    },
  });
  assertEquals([err?.code, err?.cause], ["failed", thrown]);
});
