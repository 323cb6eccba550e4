/** Redirects: who is followed, with what, and what stays behind. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { unwrap } from "../../core/mod.ts";
import { redirected } from "../../http/_client_redirect.ts";
import { client } from "../../http/client.ts";
import { always, raw, serve, silent, whole } from "./client_servers.ts";

const METHODS: [status: number, method: string, becomes: string, carries: boolean][] = [
  [301, "GET", "GET", true],
  [301, "POST", "GET", false],
  [301, "PUT", "PUT", true],
  [302, "POST", "GET", false],
  [302, "HEAD", "HEAD", true],
  [302, "DELETE", "DELETE", true],
  [303, "POST", "GET", false],
  [303, "PUT", "GET", false],
  [303, "HEAD", "HEAD", true],
  [307, "POST", "POST", true],
  [308, "PATCH", "PATCH", true],
];

for (const [status, method, becomes, carries] of METHODS) {
  Deno.test(`a ${status} makes ${becomes} of ${method}, ${carries ? "with" : "without"} its body`, () => {
    const headers = new Headers({ "content-type": "a/b", accept: "c/d" });
    const hop = { method, url: new URL("http://a/b"), headers, carries: true };
    const [next] = redirected(hop, status, "/c", false)!;
    assertEquals([next?.method, next?.carries, next?.url.href], [becomes, carries, "http://a/c"]);
    assertEquals(next?.headers?.get("content-type"), carries ? "a/b" : null);
    assertEquals(next?.headers?.get("accept"), "c/d");
  });
}

const PLACES: [from: string, location: string, to: string | null, code?: string][] = [
  ["http://a/b/c?d", "e", "http://a/b/e"],
  ["http://a/b", "?x=1", "http://a/b?x=1"],
  ["http://a/b#top", "/c", "http://a/c#top"],
  ["http://a/b#top", "/c#end", "http://a/c#end"],
  ["http://a/b", "//c/d", "http://c/d"],
  ["http://a/b", "https://a/b", "https://a/b"],
  ["http://u:p@a/b", "/c", "http://u:p@a/c"],
  ["http://u:p@a/b", "http://a/c", "http://u:p@a/c"],
  ["http://u:p@a/b", "http://c/", "http://c/"],
  ["http://u:p@a/b", "http://a:81/", "http://a:81/"],
  ["https://a/b", "http://a/b", null, "tls"],
  ["http://a/b", "file:///etc/passwd", null, "protocol"],
  ["http://a/b", "data:text/plain,x", null, "protocol"],
  ["http://a/b", "http://[", null, "protocol"],
];

for (const [from, location, to, code] of PLACES) {
  Deno.test(`a redirect of ${from} to '${location}' leads to ${to ?? code}`, () => {
    const hop = { method: "GET", url: new URL(from), headers: new Headers(), carries: false };
    const [next, err] = redirected(hop, 302, location, false)!;
    assertEquals([next?.url.href ?? null, err?.code], [to, code]);
  });
}

Deno.test("a redirect keeps what identifies us for its own origin", () => {
  const headers = {
    authorization: "a",
    cookie: "b",
    host: "c",
    "proxy-authorization": "d",
    x: "e",
  };
  const names = (to: string) => {
    const hop = {
      method: "GET",
      url: new URL("https://a/b"),
      headers: new Headers(headers),
      carries: false,
    };
    return [...redirected(hop, 302, to, true)![0]!.headers!.keys()];
  };
  assertEquals(names("/c"), ["authorization", "cookie", "host", "proxy-authorization", "x"]);
  for (const to of ["https://c/", "https://a:444/", "http://a/"]) assertEquals(names(to), ["x"]);
});

Deno.test("a 300 or a 304, and a 302 without a location, are the response", () => {
  const hop = { method: "GET", url: new URL("http://a/"), headers: new Headers(), carries: false };
  assertEquals(redirected(hop, 300, "/b", false), null);
  assertEquals(redirected(hop, 304, "/b", false), null);
  assertEquals(redirected(hop, 302, null, false), null);
});

Deno.test("HttpClient follows redirects, and the response tells where it has been", async () => {
  await using server = serve(async (request) => {
    const { pathname } = new URL(request.url);
    const left = Number(pathname.slice(1));
    if (left > 0) {
      return new Response("page", { status: 307, headers: { location: `/${left - 1}` } });
    }
    return new Response(await request.text());
  });
  await using http = client({ base: server.url, per_host: 1 });
  const res = await unwrap(http.post("/3", "carried along"));
  assertEquals(await res.text(), ["carried along", null]);
  assertEquals(res.url, `${server.url}/0`);
  assertEquals(res.redirects, [3, 2, 1].map((left) => `${server.url}/${left}`));

  assertEquals((await unwrap(http.get("/10"))).status, 200);
  const [, err] = await http.get("/11");
  assertEquals(err?.code, "protocol");
  assertStringIncludes(err!.message, "over 10 times");
  const [, fewer] = await http.get("/3", { redirects: 2 });
  assertEquals(fewer?.code, "protocol");
  const none = await unwrap(http.get("/3", { redirects: 0 }));
  assertEquals([none.status, none.headers.get("location")], [307, "/2"]);
});

Deno.test("HttpClient ends a redirect loop", async () => {
  await using server = await raw(
    always("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
  );
  await using http = client();
  assertEquals((await http.get(server.url))[1]?.code, "protocol");
  assertEquals(server.heard.length, 11);
});

Deno.test("HttpClient reuses the connection of a redirect, and closes it where its page is long", async () => {
  await using server = await raw(async (sock, { line }) => {
    if (line.startsWith("GET /long")) {
      // Nobody waits for this page to end.
      return await sock.send(
        "HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 999999\r\n\r\n",
      );
    }
    if (line.startsWith("GET /short")) {
      return await sock.send("HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 4\r\n\r\npage");
    }
    await sock.send(whole("here"));
  });
  await using http = client({ base: server.url, per_host: 1 });
  for (const path of ["/short", "/long"]) {
    assertEquals(await (await unwrap(http.get(path))).text(), ["here", null]);
  }
  assertEquals(server.heard.map(({ line }) => line.split(" ")[1]), ["/short", "/a", "/long", "/a"]);
  // The short page may still have been on its way when the next request left.
  assertEquals(server.connections <= 3, true);
});

Deno.test("HttpClient gives authorization and cookies to no other origin", async () => {
  await using other = await raw((sock) => sock.send(whole("")));
  await using server = await raw((sock) =>
    sock.send(`HTTP/1.1 302 Found\r\nLocation: ${other.url}/\r\nContent-Length: 0\r\n\r\n`)
  );
  await using http = client({ headers: { authorization: "Bearer x", cookie: "a=b", "x-a": "c" } });
  await unwrap(http.get(server.url.replace("//", "//user:word@")));
  assertEquals(server.heard[0]?.header["authorization"], "Bearer x");
  const { header } = other.heard[0]!;
  assertEquals([header["authorization"], header["cookie"], header["x-a"]], [
    undefined,
    undefined,
    "c",
  ]);
});

Deno.test("a redirect of data that cannot be sent twice is unsupported", async () => {
  await using server = serve(async (request) => {
    await request.body?.cancel();
    return new Response(null, { status: 307, headers: { location: "/b" } });
  });
  await using http = client({ base: server.url });
  const [, err] = await http.post("/a", ["once"].values());
  assertEquals(err?.code, "unsupported");
});

Deno.test("the page of a redirect that does not come is given up with the request", async () => {
  const gone = Promise.withResolvers<void>();
  await using server = await raw(async (sock, { line }) => {
    if (!line.includes("/first")) return await sock.send(whole("here"));
    await sock.send("HTTP/1.1 302 There\r\nLocation: /second\r\nContent-Length: 9\r\n\r\nh");
    await silent(sock);
    gone.resolve();
  });
  await using http = client({ base: server.url });
  const res = await unwrap(http.get("/first"));
  assertEquals(await res.text(), ["here", null]);
  await gone.promise;
});

Deno.test("the page of a redirect that lies about its length is not read away", async () => {
  const gone = Promise.withResolvers<void>();
  await using server = await raw(async (sock, { line }) => {
    if (!line.includes("/first")) return await sock.send(whole("here"));
    const fields = "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n";
    await sock.send(`HTTP/1.1 302 There\r\nLocation: /second\r\n${fields}\r\n`);
    await silent(sock);
    gone.resolve();
  });
  await using http = client({ base: server.url });
  const res = await unwrap(http.get("/first"));
  await gone.promise;
  assertEquals(await res.text(), ["here", null]);
});
