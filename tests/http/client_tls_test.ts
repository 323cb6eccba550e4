/** TLS, HTTP/2 and proxies: whom the client trusts, who it is, and which way it takes. */
import { assertEquals } from "@std/assert";
import * as http2 from "node:http2";
import * as tls from "node:tls";
import { unwrap } from "../../core/mod.ts";
import { client, type ClientOptions } from "../../http/client.ts";
import { raw, serve, whole } from "./client_servers.ts";

const pem = (name: string) => Deno.readTextFileSync(`tests/fixtures/${name}.pem`);
const CERTS = {
  ca: pem("ca"),
  other: pem("other_ca"),
  server: { cert: pem("server"), key: pem("server_key") },
  client: { cert: pem("client"), key: pem("client_key") },
};

/** The runtime's server under TLS. */
function serveTls(handler: (request: Request) => Response) {
  const options = { hostname: "127.0.0.1", port: 0, onListen() {}, ...CERTS.server };
  const server = Deno.serve(options, handler);
  return {
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const TRUST: [what: string, options: ClientOptions, host: string, code: string | undefined][] = [
  ["accepts an authority that it is told", { ssl: { ca: CERTS.ca } }, "localhost", undefined],
  ["accepts one of several", { ssl: { ca: [CERTS.other, CERTS.ca] } }, "127.0.0.1", undefined],
  ["refuses an authority that it does not know", {}, "localhost", "tls"],
  ["refuses another authority", { ssl: { ca: CERTS.other } }, "localhost", "tls"],
];

for (const [what, options, host, code] of TRUST) {
  Deno.test(`client() under TLS ${what}`, async () => {
    await using server = serveTls(() => new Response("safe"));
    await using http = client(options);
    const [res, err] = await http.get(`https://${host}:${server.port}/`);
    assertEquals(err?.code, code);
    if (res !== null) assertEquals(await res.text(), ["safe", null]);
  });
}

Deno.test("client() speaks HTTP/2 where the server does, unless http2 is off", async () => {
  await using server = serveTls((request) => new Response(request.headers.get("host")));
  for (const [http2, wanted] of [[true, ""], [false, `localhost:${server.port}`]] as const) {
    await using http = client({ ssl: { ca: CERTS.ca }, http2 });
    const res = await unwrap(http.get(`https://localhost:${server.port}/`));
    // HTTP/2 says it in another place.
    assertEquals(await res.text(), [wanted, null]);
  }
});

Deno.test("an HTTP/2 stream that the server resets is reset before the head, and eof in the body", async () => {
  const server = http2.createSecureServer(CERTS.server);
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    if (headers[":path"] === "/head") return stream.destroy(new Error("no more"));
    stream.respond({ ":status": 200 });
    // Not before its first bytes have left: the head would be lost too.
    stream.write("abc", () => stream.destroy(new Error("no more")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address!.port : 0;
  {
    await using http = client({ ssl: { ca: CERTS.ca }, base: `https://localhost:${port}` });
    assertEquals((await http.get("/head"))[1]?.code, "reset");
    const res = await unwrap(http.get("/body"));
    assertEquals((await res.text())[1]?.code, "eof");
  }
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

Deno.test("client() to a server that speaks no TLS is tls", async () => {
  await using server = await raw((sock) => sock.send(whole("")));
  await using http = client();
  assertEquals((await http.get(server.url.replace("http:", "https:")))[1]?.code, "tls");
});

Deno.test("ssl.cert is shown where the server asks for it; without it the error is tls", async () => {
  const options = { ...CERTS.server, ca: CERTS.ca, requestCert: true };
  const server = tls.createServer(options, (socket) => {
    socket.once("data", () => {
      const name = String(socket.getPeerCertificate().subject.CN);
      socket.end(whole(name, "Connection: close"));
    });
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address!.port : 0;
  try {
    await using known = client({ ssl: { ca: CERTS.ca, ...CERTS.client } });
    const res = await unwrap(known.get(`https://localhost:${port}/`));
    const shown = (await res.text())[0]!;
    assertEquals(shown.length > 0, true);
    await using nobody = client({ ssl: { ca: CERTS.ca } });
    assertEquals((await nobody.get(`https://localhost:${port}/`))[1]?.code, "tls");
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
});

Deno.test("a redirect from https to http is refused with tls, unless it is allowed", async () => {
  await using plain = serve(() => new Response("plain"));
  await using server = serveTls(() =>
    new Response(null, { status: 302, headers: { location: plain.url } })
  );
  await using http = client({ ssl: { ca: CERTS.ca } });
  const url = `https://localhost:${server.port}/`;
  assertEquals((await http.get(url))[1]?.code, "tls");
  const res = await unwrap(http.get(url, { insecure_redirects: true }));
  assertEquals(await res.text(), ["plain", null]);
});

Deno.test("proxy sends requests another way, and says who asks", async () => {
  await using proxy = await raw((sock) => sock.send(whole("by proxy")));
  const ways: ClientOptions["proxy"][] = [
    proxy.url,
    proxy.url.replace("//", "//user:word@"),
    { url: proxy.url, username: "user", password: "word" },
  ];
  for (const way of ways) {
    await using http = client({ proxy: way! });
    const res = await unwrap(http.get("http://elsewhere.invalid/a"));
    assertEquals(await res.text(), ["by proxy", null]);
  }
  assertEquals(
    new Set(proxy.heard.map(({ line }) => line)),
    new Set([
      "GET http://elsewhere.invalid/a HTTP/1.1",
    ]),
  );
  const known = `Basic ${btoa("user:word")}`;
  const said = proxy.heard.map(({ header }) => header["proxy-authorization"]);
  assertEquals(said, [undefined, known, known]);
});

Deno.test("a proxy that is not there is refused, one that refuses a tunnel protocol", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  for (const url of [`http://127.0.0.1:${port}`, `socks5://127.0.0.1:${port}`]) {
    await using http = client({ proxy: url });
    assertEquals((await http.get("http://elsewhere.invalid/"))[1]?.code, "refused");
  }
  await using proxy = await raw(async (sock) => {
    await sock.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    await sock.close();
  });
  await using http = client({ proxy: proxy.url });
  assertEquals((await http.get("https://elsewhere.invalid/"))[1]?.code, "protocol");
  assertEquals(proxy.heard[0]?.line, "CONNECT elsewhere.invalid:443 HTTP/1.1");
});

Deno.test({
  name: "proxy with a path sends all requests to a Unix socket",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/socket`;
    const server = Deno.serve({ path, onListen() {} }, (request) => {
      return new Response(`${request.headers.get("host")} ${new URL(request.url).pathname}`);
    });
    {
      await using http = client({ proxy: { path }, base: "http://engine" });
      assertEquals(await (await unwrap(http.get("/info"))).text(), ["engine /info", null]);
    }
    await server.shutdown();
    await using http = client({ proxy: { path }, base: "http://engine" });
    const [, err] = await http.get("/info");
    assertEquals(["refused", "not_found"].includes(err!.code), true, err!.code);
    await Deno.remove(folder, { recursive: true });
  },
});
