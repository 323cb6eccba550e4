/** Sockets against programs that are not ours. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect, from_conn, pool_close, tcp, type TcpSocket, unwrap } from "../../cosocket/mod.ts";
import { freePort, listening, peerTest, Running } from "../peers.ts";
import { CERTS } from "./ends.ts";

const FIXTURES = `${Deno.cwd()}/tests/fixtures`;
const TLS_FILES = ["-cert", `${FIXTURES}/server.pem`, "-key", `${FIXTURES}/server_key.pem`];

/** Reads the head of an HTTP answer: its first line and its header fields. */
async function head(sock: TcpSocket): Promise<{ status: string; fields: Map<string, string> }> {
  const status = await unwrap(sock.receive("*l"));
  const fields = new Map<string, string>();
  for (;;) {
    const line = await unwrap(sock.receive("*l"));
    if (line === null || line === "") return { status: status!, fields };
    const colon = line.indexOf(":");
    fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
}

Deno.test("Deno.serve: requests over one pooled socket, by line and count", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => new Response(`you asked for ${new URL(request.url).pathname}\n`),
  );
  for (let round = 0; round < 20; round++) {
    const sock = await unwrap(connect("127.0.0.1", server.addr.port, { pool_size: 1 }));
    assertEquals(sock.getreusedtimes(), round);
    await unwrap(sock.send([`GET /${round} HTTP/1.1\r\n`, "Host: localhost\r\n", "\r\n"]));
    const { status, fields } = await head(sock);
    assertEquals(status, "HTTP/1.1 200 OK");
    const body = await unwrap(sock.receive(Number(fields.get("content-length"))));
    assertEquals(new TextDecoder().decode(body!), `you asked for /${round}\n`);
    assertEquals(sock.setkeepalive(), [true, null]);
  }
  await pool_close();
});

/** Runs nginx in the foreground with a few servers of its own, and gives their ports. */
async function nginx(path: string): Promise<AsyncDisposable & { plain: number; tls: number }> {
  const folder = await Deno.makeTempDir();
  const [plain, tls] = [freePort(), freePort()];
  await Deno.mkdir(`${folder}/www`);
  await Deno.writeTextFile(`${folder}/www/index.txt`, "served by nginx\n");
  await Deno.writeFile(`${folder}/www/large`, new Uint8Array(3_000_000).fill(65));
  await Deno.chmod(folder, 0o755);
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
     events {}
     http {
       access_log off; keepalive_requests 5;
       ${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ")}
       server { listen 127.0.0.1:${plain}; root ${folder}/www; }
       server {
         listen 127.0.0.1:${tls} ssl; root ${folder}/www;
         ssl_certificate ${FIXTURES}/server.pem; ssl_certificate_key ${FIXTURES}/server_key.pem;
         ssl_client_certificate ${FIXTURES}/ca.pem; ssl_verify_client optional;
         add_header X-Client $ssl_client_verify; add_header X-Name $ssl_server_name;
       }
     }`,
  );
  const running = new Running(path, ["-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"]);
  await Promise.all([listening(plain), listening(tls)]);
  return {
    plain,
    tls,
    async [Symbol.asyncDispose]() {
      await pool_close();
      await running[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

peerTest("nginx: keepalive until it has enough, and a large body", ["nginx"], async (paths) => {
  await using server = await nginx(paths.nginx);
  const reused: number[] = [];
  for (let round = 0; round < 12; round++) {
    const sock = await unwrap(connect("127.0.0.1", server.plain));
    reused.push(sock.getreusedtimes());
    await unwrap(sock.send("GET /index.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const { status, fields } = await head(sock);
    assertEquals(status, "HTTP/1.1 200 OK");
    const body = await unwrap(sock.receive(Number(fields.get("content-length"))));
    assertEquals(new TextDecoder().decode(body!), "served by nginx\n");
    // After its fifth answer nginx says so, and closes.
    if (fields.get("connection") === "close") {
      assertEquals(await sock.receive(), [null, null]);
      assertEquals(sock.setkeepalive()[1]?.code, "closed");
    } else {
      assertEquals(sock.setkeepalive(), [true, null]);
    }
  }
  assertEquals(reused, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]);
  const sock = await unwrap(connect("127.0.0.1", server.plain));
  await unwrap(sock.send("GET /large HTTP/1.0\r\n\r\n"));
  await head(sock);
  const all = await unwrap(sock.receive("*a"));
  assertEquals([all!.length, all!.every((byte) => byte === 65)], [3_000_000, true]);
  await sock.close();
});

peerTest("nginx under TLS: names, client certificates, the pool", ["nginx"], async (paths) => {
  await using server = await nginx(paths.nginx);
  const identities = {
    plain: { ca: CERTS.ca, servername: "localhost" },
    known: { ca: CERTS.ca, servername: "localhost", ...CERTS.client },
  };
  for (const round of [0, 1]) {
    for (const [kind, ssl] of Object.entries(identities)) {
      const sock = tcp({ ssl });
      await unwrap(sock.connect("127.0.0.1", server.tls));
      // Who shows a certificate never gets the socket of one who does not.
      assertEquals(sock.getreusedtimes(), round);
      await unwrap(sock.send("GET /index.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"));
      const { fields } = await head(sock);
      assertEquals(fields.get("x-client"), kind === "known" ? "SUCCESS" : "NONE");
      assertEquals(fields.get("x-name"), "localhost");
      await unwrap(sock.receive(Number(fields.get("content-length"))));
      assertEquals(sock.setkeepalive(), [true, null]);
    }
  }
  const [, err] = await connect("127.0.0.1", server.tls, { ssl: { ca: CERTS.other_ca } });
  assertEquals(err?.code, "tls");
});

peerTest("redis-server: bulks with every byte, pipelines, a pushed message", [
  "redis-server",
], async (paths) => {
  const port = freePort();
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  await using _server = new Running(paths["redis-server"], args);
  await listening(port);
  const sock = await unwrap(connect("127.0.0.1", port, { encoding: "latin1" }));
  const every = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte)) + "\r\n$3";
  const set = `*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${every.length}\r\n${every}\r\n`;
  // A hundred commands leave together, and their replies come as they like.
  await unwrap(sock.send([set, "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n".repeat(99)]));
  assertEquals(await sock.receive(), ["+OK", null]);
  for (let n = 0; n < 99; n++) {
    assertEquals(await sock.receive(), [`$${every.length}`, null]);
    assertEquals(await sock.receive(every.length), [every, null]);
    assertEquals(await sock.receive(2), ["\r\n", null]);
  }
  await unwrap(sock.send("SUBSCRIBE news\r\n"));
  for (const line of ["*3", "$9", "subscribe", "$4", "news", ":1"]) {
    assertEquals(await sock.receive(), [line, null]);
  }
  assertEquals((await sock.receive("*l", { timeout: 5 }))[1]?.code, "timeout");
  const other = await unwrap(connect("127.0.0.1", port));
  await unwrap(other.send("PUBLISH news hello\r\n"));
  assertEquals(await other.receive(), [":1", null]);
  for (const line of ["*3", "$7", "message", "$4", "news", "$5", "hello"]) {
    assertEquals(await sock.receive(), [line, null]);
  }
  assertEquals(other.setkeepalive(), [true, null]);
  // A server that goes tells whoever waits.
  const waiting = sock.receive();
  const last = await unwrap(connect("127.0.0.1", port));
  assertEquals(last.getreusedtimes(), 1);
  await last.send("SHUTDOWN NOSAVE\r\n");
  assertEquals(await waiting, [null, null]);
  await Promise.all([sock.close(), last.close()]);
});

peerTest("socat: half-close both ways, and a Unix socket", ["socat"], async (paths) => {
  const port = freePort();
  const folder = await Deno.makeTempDir();
  const path = `${folder}/echo`;
  // Reads to the end before it says a word.
  const sorted = [`TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork`, "EXEC:sort"];
  await using _sort = new Running(paths.socat, sorted);
  await using _echo = new Running(paths.socat, [`UNIX-LISTEN:${path},fork`, "EXEC:cat"]);
  await listening(port);
  const sock = await unwrap(connect("127.0.0.1", port));
  await unwrap(sock.send("pear\napple\nplum\n"));
  assertEquals(await sock.shutdown("send"), [true, null]);
  const lines: string[] = [];
  for await (const line of sock.lines()) lines.push(line);
  assertEquals(lines, ["apple", "pear", "plum"]);
  await sock.close();

  let [local, err] = await connect(path);
  // It makes its socket a moment after it was started.
  while (err?.code === "not_found" || err?.code === "refused") [local, err] = await connect(path);
  assertEquals(err, null);
  const large = "x".repeat(300_000);
  const sending = local!.send([large, "\n"]);
  assertEquals(await local!.receive("*l", { max: 400_000 }), [large, null]);
  await sending;
  await local!.close();
  await Deno.remove(folder, { recursive: true });
});

peerTest("openssl s_server: its names, protocols and client certificates", [
  "openssl",
], async (paths) => {
  const port = freePort();
  const args = ["s_server", "-accept", `127.0.0.1:${port}`, ...TLS_FILES, "-rev", "-quiet"];
  const asks = ["-alpn", "a,b", "-Verify", "1", "-verify_return_error"];
  const server = new Running(paths.openssl, [...args, ...asks, "-CAfile", `${FIXTURES}/ca.pem`]);
  await using _ = server;
  await listening(port);
  const ssl = { ca: CERTS.ca, servername: "localhost", alpn: ["b"], ...CERTS.client };
  const sock = await unwrap(connect("127.0.0.1", port, { ssl }));
  assertEquals(sock.alpn(), "b");
  // It sends each line back, the other way round.
  await unwrap(sock.send("stressed\n"));
  assertEquals(await sock.receive(), ["desserts", null]);
  assertEquals((await sock.receive("*l", { timeout: 5 }))[1]?.code, "timeout");
  await unwrap(sock.send("live\n"));
  assertEquals(await sock.receive(), ["evil", null]);
  await sock.close();
  // Without a certificate it says why not, at the first receive under TLS 1.3.
  const [guest, refused] = await connect("127.0.0.1", port, { ssl: { ca: CERTS.ca } });
  const err = refused ?? (await guest!.receive())[1];
  assert(err !== null, "a client without certificate saw a clean end");
  assertEquals(err!.code, "tls");
  await guest?.close();
  const [, alpn] = await connect("127.0.0.1", port, {
    ssl: { ...ssl, alpn: ["none-of-these"] },
  });
  assertEquals(alpn?.code, "tls");
});

peerTest("openssl s_client: STARTTLS in an SMTP dialogue on our side", [
  "openssl",
], async (paths) => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dialogue = (async () => {
    await using sock = from_conn(await listener.accept());
    await sock.send("220 mail ready\r\n");
    assertStringIncludes((await unwrap(sock.receive()))!, "EHLO");
    await sock.send("250-mail\r\n250 STARTTLS\r\n");
    assertEquals(await sock.receive(), ["STARTTLS", null]);
    await unwrap(sock.sslhandshake({
      server: { ...CERTS.server, ca: CERTS.ca, request_cert: true, alpn: ["smtp"] },
      reply: "220 go ahead\r\n",
    }));
    assertEquals(sock.alpn(), "smtp");
    assertEquals(await sock.receive(), ["under TLS", null]);
    await sock.send("250 heard\r\n");
    // It closes its sending half when its input has ended.
    assertEquals(await sock.receive(), [null, null]);
  })();
  const client = new Running(paths.openssl, [
    ...["s_client", "-connect", `127.0.0.1:${listener.addr.port}`, "-starttls", "smtp"],
    ...["-CAfile", `${FIXTURES}/ca.pem`, "-verify_return_error", "-alpn", "smtp"],
    ...["-quiet", "-no_ign_eof", "-servername", "localhost", "-verify_hostname", "localhost"],
    ...["-cert", `${FIXTURES}/client.pem`, "-key", `${FIXTURES}/client_key.pem`],
  ], { stdin: "piped" });
  await using _ = client;
  const writer = client.stdin.getWriter();
  await writer.write(new TextEncoder().encode("under TLS\n"));
  while (!client.output.includes("250 heard")) await new Promise((go) => setTimeout(go, 1));
  await writer.close();
  await dialogue;
  listener.close();
});
