/** Servers of ours under programs that are not ours. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Redis } from "ioredis";
import {
  connect,
  listen,
  type ReadResult,
  type Server,
  type SslServerOptions,
  type TcpSocket,
  unwrap,
} from "../../cosocket/mod.ts";
import { freePort, listening, peerTest, Running } from "../peers.ts";
import { CERTS } from "./ends.ts";

const FIXTURES = `${Deno.cwd()}/tests/fixtures`;

async function echo(sock: TcpSocket): Promise<void> {
  for await (const line of sock.lines()) await sock.send(`${line}\n`);
}

/** Runs a server while `body` does, and shuts it down. */
async function serving(
  handler: (sock: TcpSocket) => unknown,
  ssl: SslServerOptions | null,
  body: (server: Server) => Promise<void>,
): Promise<void> {
  const server = await unwrap(listen("127.0.0.1", 0, ssl === null ? {} : { ssl }));
  const spawning = server.autospawn(handler);
  try {
    await body(server);
  } finally {
    await server.shutdown();
    assertEquals(await spawning, [true, null]);
  }
}

/** Runs a program to its end with some input, and gives all it wrote. */
async function run(path: string, args: string[], input = ""): Promise<string> {
  const child = new Deno.Command(path, { args, stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  const writing = writer.write(new TextEncoder().encode(input)).then(() => writer.close());
  const { stdout, stderr } = await child.output();
  await writing.catch(() => {});
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

/** Answers one HTTP/1.1 request after the other, as far as a test needs that. */
async function http(sock: TcpSocket): Promise<void> {
  for (;;) {
    const [request] = await sock.receive("*l");
    if (request === null) return;
    let length = 0;
    for (;;) {
      const [field] = await sock.receive("*l");
      if (field === null) return;
      if (field === "") break;
      if (/^content-length:/i.test(field)) length = Number(field.slice(15));
      if (/^expect: 100-continue/i.test(field)) await sock.send("HTTP/1.1 100 Continue\r\n\r\n");
    }
    const [body] = await sock.receive(length);
    const answer = `${request.split(" ").slice(0, 2).join(" ")}, ${body!.length} bytes\n`;
    await sock.send(
      `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`,
    );
  }
}

// OpenSSL

const S_CLIENT = ["s_client", "-quiet", "-verify_return_error", "-CAfile", `${FIXTURES}/ca.pem`];

peerTest(
  "openssl s_client talks to a TLS server, by name, ALPN and certificate",
  ["openssl"],
  async (paths) => {
    const ssl = { ...CERTS.server, ca: CERTS.ca, request_cert: true, alpn: ["talk/1"] };
    const seen: unknown[] = [];
    const handler = async (sock: TcpSocket) => {
      seen.push(sock.servername(), sock.alpn(), sock.peercert()?.subject.CN);
      const [line] = await sock.receive();
      await sock.send(`you said ${line}\n`);
    };
    await serving(handler, ssl, async (server) => {
      const args = [
        ...S_CLIENT,
        ...["-connect", `127.0.0.1:${server.port}`, "-servername", "localhost", "-alpn", "talk/1"],
        ...["-cert", `${FIXTURES}/client.pem`, "-key", `${FIXTURES}/client_key.pem`],
      ];
      assertStringIncludes(await run(paths.openssl, args, "hello\n"), "you said hello\n");
      for (const version of ["-tls1_2", "-tls1_3"]) {
        const output = await run(paths.openssl, [...args, version], "again\n");
        assertStringIncludes(output, "you said again\n");
      }
      // What is older is refused, even by who would take the weakest ciphers.
      for (const version of ["-tls1", "-tls1_1"]) {
        const weak = [version, "-cipher", "DEFAULT@SECLEVEL=0"];
        const output = await run(paths.openssl, [...args, ...weak], "old\n");
        assert(!output.includes("you said"), output);
      }
    });
    // The handler has seen the first three alone.
    assertEquals(seen.length, 9);
    assertEquals(seen.slice(0, 3), ["localhost", "talk/1", "a client"]);
  },
);

peerTest(
  "openssl s_client sees the certificate that sni chose, then the new one",
  ["openssl"],
  async (paths) => {
    const ssl = {
      ...CERTS.server,
      sni: (name: string) => name === "other.example" ? CERTS.client : null,
    };
    await serving((sock) => sock.send("hello\n"), ssl, async (server) => {
      const subject = async (name: string) => {
        const args = ["s_client", "-connect", `127.0.0.1:${server.port}`, "-servername", name];
        return /subject=\s*CN = (.*)/.exec(await run(paths.openssl, args))?.[1];
      };
      assertEquals(await subject("localhost"), "localhost");
      assertEquals(await subject("other.example"), "a client");
      assertEquals(server.setssl(CERTS.client), [true, null]);
      assertEquals(await subject("localhost"), "a client");
    });
  },
);

// SMTP

/** An SMTP server of a few commands, with STARTTLS as RFC 3207 has it. */
function smtp(mails: string[]): (sock: TcpSocket) => Promise<void> {
  return async (sock) => {
    const say = (line: string) => sock.send(`${line}\r\n`);
    let secure = false;
    await say("220 mail.test ready");
    for (;;) {
      const [line] = await sock.receive("*l");
      if (line === null) return;
      const verb = line.slice(0, 8).toUpperCase();
      if (verb.startsWith("EHLO")) {
        await sock.send(secure ? "250 mail.test\r\n" : "250-mail.test\r\n250 STARTTLS\r\n");
      } else if (verb === "STARTTLS") {
        const reply = "220 go ahead\r\n";
        const [, err] = await sock.sslhandshake({ server: CERTS.server, reply });
        if (err !== null) return;
        secure = true;
      } else if (!secure) await say("530 Must issue a STARTTLS command first");
      else if (verb.startsWith("DATA")) {
        await say("354 end with a dot");
        const [mail] = await sock.receiveuntil("\r\n.\r\n", { encoding: "utf-8" });
        if (mail === null) return;
        mails.push(mail);
        await say("250 taken");
      } else if (verb.startsWith("QUIT")) {
        await say("221 bye");
        return;
      } else await say("250 fine");
    }
  };
}

peerTest("curl sends a mail over SMTP with STARTTLS", ["curl"], async (paths) => {
  const mails: string[] = [];
  await serving(smtp(mails), null, async (server) => {
    const args = ["-sS", "--ssl-reqd", "--cacert", `${FIXTURES}/ca.pem`];
    const mail = ["--mail-from", "a@mail.test", "--mail-rcpt", "b@mail.test", "-T", "-"];
    const url = `smtp://localhost:${server.port}`;
    const resolve = ["--resolve", `localhost:${server.port}:127.0.0.1`];
    const text = "Subject: a test\r\n\r\nUnder TLS.\r\n";
    assertEquals(await run(paths.curl, [...args, ...mail, ...resolve, url], text), "");
  });
  assertEquals(mails, ["Subject: a test\r\n\r\nUnder TLS."]);
});

peerTest(
  "openssl s_client -starttls smtp goes over to TLS and on with the dialogue",
  ["openssl"],
  async (paths) => {
    const mails: string[] = [];
    await serving(smtp(mails), null, async (server) => {
      const args = [...S_CLIENT, "-starttls", "smtp", "-crlf"];
      const input = "EHLO me\nNOOP\nDATA\nhello\n.\nQUIT\n";
      const output = await run(paths.openssl, [
        ...args,
        ...["-connect", `127.0.0.1:${server.port}`, "-servername", "localhost", "-ign_eof"],
      ], input);
      assertStringIncludes(output, "221 bye");
    });
    assertEquals(mails, ["hello"]);
  },
);

// curl, socat, nginx

peerTest(
  "curl uses one HTTPS connection for several requests, and uploads",
  ["curl"],
  async (paths) => {
    let connections = 0;
    const handler = (sock: TcpSocket) => {
      connections++;
      return http(sock);
    };
    const ssl = { ...CERTS.server, alpn: ["http/1.1"] };
    await serving(handler, ssl, async (server) => {
      const base = `https://localhost:${server.port}`;
      const args = ["-sS", "--cacert", `${FIXTURES}/ca.pem`, "--http1.1"];
      const resolve = ["--resolve", `localhost:${server.port}:127.0.0.1`];
      const output = await run(paths.curl, [...args, ...resolve, `${base}/a`, `${base}/b`]);
      assertEquals(output, "GET /a, 0 bytes\nGET /b, 0 bytes\n");
      assertEquals(connections, 1);
      const upload = ["--data-binary", "@-", `${base}/up`];
      const large = "x".repeat(2_000_000);
      const answer = await run(paths.curl, [...args, ...resolve, ...upload], large);
      assertEquals(answer, "POST /up, 2000000 bytes\n");
    });
  },
);

peerTest("socat half-closes, over TCP, TLS and a Unix socket", ["socat"], async (paths) => {
  const handler = async (sock: TcpSocket) => {
    const [text] = await sock.receive("*a", { encoding: "utf-8" });
    await sock.send(`heard ${text!.length} and the end\n`);
  };
  const input = "y".repeat(100_000);
  await serving(handler, null, async (server) => {
    const output = await run(paths.socat, ["-", `TCP:127.0.0.1:${server.port}`], input);
    assertEquals(output, "heard 100000 and the end\n");
  });
  const folder = await Deno.makeTempDir();
  const server = await unwrap(listen(`${folder}/socket`));
  const spawning = server.autospawn(handler);
  const output = await run(paths.socat, ["-", `UNIX-CONNECT:${folder}/socket`], input);
  assertEquals(output, "heard 100000 and the end\n");
  await server.shutdown();
  await spawning;
  await Deno.remove(folder, { recursive: true });
  await serving(echo, CERTS.server, async (server) => {
    const address =
      `OPENSSL:127.0.0.1:${server.port},cafile=${FIXTURES}/ca.pem,commonname=localhost`;
    assertEquals(await run(paths.socat, ["-t2", "-", address], "one\ntwo\n"), "one\ntwo\n");
  });
});

const MODULES = ["/usr/lib/nginx/modules", "/usr/share/nginx/modules", "/usr/lib64/nginx/modules"];

/** The module through which nginx forwards connections, where it is installed. */
function streamModule(): string | undefined {
  return MODULES.map((folder) => `${folder}/ngx_stream_module.so`).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

const module = streamModule();
const STREAM = module === undefined ? ["nginx", "ngx_stream_module.so"] : ["nginx"];

peerTest(
  "nginx forwards connections to a server of ours, plain and with TLS in front",
  STREAM,
  async (paths) => {
    await serving(echo, null, async (server) => {
      const folder = await Deno.makeTempDir();
      const [plain, tls] = [freePort(), freePort()];
      await Deno.writeTextFile(
        `${folder}/nginx.conf`,
        `load_module ${module};
       daemon off; master_process off; pid ${folder}/pid; error_log stderr;
       events {}
       stream {
         upstream ours { server 127.0.0.1:${server.port}; }
         server { listen 127.0.0.1:${plain}; proxy_pass ours; }
         server {
           listen 127.0.0.1:${tls} ssl; proxy_pass ours;
           ssl_certificate ${FIXTURES}/server.pem; ssl_certificate_key ${FIXTURES}/server_key.pem;
         }
       }`,
      );
      await using nginx = new Running(paths.nginx!, [
        ...["-p", folder, "-c", `${folder}/nginx.conf`, "-e", "stderr"],
      ]);
      await Promise.all([listening(plain), listening(tls)]);
      assert(nginx.pid > 0);
      for (const [port, ssl] of [[plain, false], [tls, { ca: CERTS.ca }]] as const) {
        const sock = await unwrap(connect("127.0.0.1", port, { ssl }));
        const lines = Array.from({ length: 1_000 }, (_, n) => `line ${n}`);
        const sending = sock.send(lines.map((line) => `${line}\n`));
        for (const line of lines) assertEquals(await sock.receive(), [line, null]);
        await sending;
        await sock.close();
      }
      await Deno.remove(folder, { recursive: true });
    });
  },
);

// Redis

/** One command of a Redis client: an array of bulk strings. */
async function command(sock: TcpSocket<"utf-8">): Promise<ReadResult<string[]>> {
  const [head, err] = await sock.receive("*l");
  if (head === null) return [null, err];
  const words: string[] = [];
  for (let left = Number(head.slice(1)); left > 0; left--) {
    const [size, sizeErr] = await sock.receive("*l");
    if (size === null) return [null, sizeErr];
    const [word, wordErr] = await sock.receive(Number(size.slice(1)) + 2);
    if (word === null) return [null, wordErr];
    words.push(word.slice(0, -2));
  }
  return [words, null];
}

/** A Redis server of a few commands. */
async function redis(): Promise<{ server: Server<"utf-8">; spawning: Promise<unknown> }> {
  const store = new Map<string, string>();
  const bulk = (text: string) => `$${new TextEncoder().encode(text).length}\r\n${text}\r\n`;
  const answer = ([verb = "", key = "", value = ""]: string[]): string => {
    switch (verb.toUpperCase()) {
      case "PING":
        return "+PONG\r\n";
      case "ECHO":
        return bulk(key);
      case "SET":
        store.set(key, value);
        return "+OK\r\n";
      case "GET":
        return store.has(key) ? bulk(store.get(key)!) : "$-1\r\n";
      case "INCR":
        store.set(key, String(Number(store.get(key) ?? 0) + 1));
        return `:${store.get(key)}\r\n`;
      case "KEYS":
        return `*${store.size}\r\n${[...store.keys()].sort().map(bulk).join("")}`;
      default:
        return `-ERR unknown command '${verb}'\r\n`;
    }
  };
  const server = await unwrap(listen("127.0.0.1", 0, { encoding: "utf-8" }));
  const spawning = server.autospawn(async (sock) => {
    for (;;) {
      const [words] = await command(sock);
      if (words === null) return;
      await sock.send(answer(words));
    }
  });
  return { server, spawning };
}

Deno.test("a Redis client library talks RESP to a server of ours", async () => {
  const { server, spawning } = await redis();
  const client = new Redis({
    host: "127.0.0.1",
    port: server.port,
    enableReadyCheck: false,
    disableClientInfo: true,
    retryStrategy: () => null,
  });
  assertEquals(await client.ping(), "PONG");
  assertEquals(await client.set("name", "größe"), "OK");
  assertEquals(await client.get("name"), "größe");
  assertEquals(await client.get("nothing"), null);
  const counts = await Promise.all(Array.from({ length: 500 }, () => client.incr("count")));
  assertEquals(counts, Array.from({ length: 500 }, (_, n) => n + 1));
  assertEquals(await client.keys("*"), ["count", "name"]);
  const refused = await client.lpush("list", "x").then(() => "", (error) => error.message);
  assertStringIncludes(refused, "unknown command 'lpush'");
  const ended = new Promise((resolve) => client.once("end", resolve));
  client.disconnect();
  await ended;
  await server.shutdown();
  await spawning;
});

peerTest(
  "redis-cli and redis-benchmark talk to a server of ours",
  ["redis-cli", "redis-benchmark"],
  async (paths) => {
    const { server, spawning } = await redis();
    const at = ["-h", "127.0.0.1", "-p", String(server.port)];
    assertEquals(await run(paths["redis-cli"], [...at, "echo", "hello"]), "hello\n");
    const load = ["-c", "50", "-n", "10000", "-P", "16", "-q", "-t", "set,get,incr"];
    const output = await run(paths["redis-benchmark"], [...at, ...load]);
    for (const test of ["SET", "GET", "INCR"]) {
      assert(new RegExp(`${test}: [0-9.]+ requests per second`).test(output), output);
    }
    await server.shutdown();
    await spawning;
    assertEquals(server.connections, 0);
  },
);
