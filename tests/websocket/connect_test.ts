/** How a connect ends, well or not, and that nothing of it stays. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { listen, type TcpSocket, unwrap } from "../../cosocket/mod.ts";
import { kill, newthread, self, wait } from "../../thread/mod.ts";
import { connect, type ErrorCode, IoError } from "../../websocket/mod.ts";
import { CERTS } from "../cosocket/ends.ts";
import { acceptor, answerHandshake, frame, GUID, rawServer, SWITCHING } from "./ends.ts";
import { createHash } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";

/** A server that does this with each connection. */
async function serving(handler: (sock: TcpSocket) => unknown) {
  const server = await unwrap(listen("127.0.0.1", 0));
  void server.autospawn(handler);
  return {
    url: `ws://127.0.0.1:${server.port}/chat?token=secret`,
    async [Symbol.asyncDispose]() {
      await server.shutdown({ grace: 0 });
    },
  };
}

/** What a server answers, and what that is. */
const ANSWERS: Record<string, [answer: string, code: ErrorCode, words: string]> = {
  "404": ["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "reply", "404"],
  "a redirect": ["HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "reply", "302"],
  "200": ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "reply", "200"],
  "no HTTP": ["hello\r\n\r\n", "protocol", "HTTP"],
  "an end": ["", "reset", "closed"],
};

for (const [name, [answer, code, words]] of Object.entries(ANSWERS)) {
  Deno.test(`connect() is ${code} when the server answers with ${name}`, async () => {
    await using server = await serving(async (sock) => {
      await sock.receiveuntil("\r\n\r\n");
      if (answer !== "") await sock.send(answer);
    });
    const [socket, err] = await connect(server.url);
    assertEquals([socket, err?.code], [null, code]);
    assert(err!.message.includes(words), err!.message);
    assert(!err!.message.includes("secret"), err!.message);
  });
}

Deno.test("connect() is refused where nobody listens", async () => {
  assertEquals((await connect("ws://127.0.0.1:1"))[1]?.code, "refused");
});

Deno.test("connect() is dns for a name that does not exist", async () => {
  assertEquals((await connect("ws://no-such-name.invalid"))[1]?.code, "dns");
});

Deno.test("connect() is tls where the server speaks plain text", async () => {
  await using server = await serving((sock) => sock.send("hello, I speak no TLS at all\r\n"));
  assertEquals((await connect(server.url.replace("ws:", "wss:")))[1]?.code, "tls");
});

/** A server that says nothing, and what becomes of a connect to it. */
async function silent(fn: (url: string, asked: Promise<void>) => Promise<void>): Promise<void> {
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  await using server = await serving(async (sock) => {
    await sock.receiveuntil("\r\n\r\n");
    asked.resolve();
    // The end of the connection, when the attempt is taken back.
    await sock.receive("*a");
    gone.resolve();
  });
  await fn(server.url, asked.promise);
  await gone.promise;
}

Deno.test("connect() is timeout with a server that does not answer, and takes it back", () =>
  silent(async (url) => {
    const [socket, err] = await connect(url, { timeout: 30 });
    assertEquals([socket, err?.code], [null, "timeout"]);
  }));

Deno.test("connect() is cancelled by its signal, and takes it back", () =>
  silent(async (url, asked) => {
    const abort = new AbortController();
    const connecting = connect(url, { signal: abort.signal });
    await asked;
    abort.abort();
    assertEquals((await connecting)[1]?.code, "cancelled");
    assertEquals((await connect(url, { signal: abort.signal }))[1]?.code, "cancelled");
  }));

Deno.test("connect() of a killed thread is taken back", () =>
  silent(async (url, asked) => {
    const thread = newthread(() => connect(url));
    await asked;
    kill(thread);
    assertEquals((await wait(thread))[1]?.code, "killed");
  }));

Deno.test("connect() opens wss with an authority of its own, and refuses without", async () => {
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    ...CERTS.server,
    onListen() {},
  }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.addEventListener("message", ({ data }) => socket.send(data));
    return response;
  });
  const url = `wss://localhost:${server.addr.port}`;
  assertEquals((await connect(url))[1]?.code, "tls");
  assertEquals((await connect(url, { ssl: { ca: CERTS.other_ca } }))[1]?.code, "tls");
  const socket = await unwrap(connect(url, { ssl: { ca: CERTS.ca } }));
  await socket.send("over TLS");
  assertEquals(await socket.receive(), ["over TLS", null]);
  await socket.close();
  await server.shutdown();
});

Deno.test("connect() sends headers along", async () => {
  const heard = Promise.withResolvers<string | null>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    heard.resolve(request.headers.get("authorization"));
    return new Response(null, { status: 403 });
  });
  const headers = { Authorization: "Bearer x" };
  const [, err] = await connect(`ws://127.0.0.1:${server.addr.port}`, { headers });
  assertEquals([err?.code, await heard.promise], ["reply", "Bearer x"]);
  await server.shutdown();
});

Deno.test("connect() takes http: for ws:", async () => {
  await using door = acceptor();
  await using socket = await unwrap(connect(door.url.replace("ws:", "http:")));
  await using served = await door.accept();
  assertEquals([socket.url, served.url], [door.url, door.url]);
});

Deno.test("connect() is protocol with a subprotocol that was not asked for", async () => {
  const opening = rawServer({ protocols: ["a"] }, "Sec-WebSocket-Protocol: b\r\n");
  const err = await assertRejects(() => opening, IoError);
  assertEquals(err.code, "protocol");
});

Deno.test("connect() shows no secret of an address or a header in what it throws or gives", async () => {
  const calls: (() => unknown)[] = [
    () => connect("ws://user:s3cret@["),
    () => connect("ftp://user:s3cret@a/?s3cret"),
    () => connect("ws://a/#s3cret"),
    () => connect("ws://a/", { headers: { authorization: "s3cret\nx" } }),
    () => connect("ws://a/", { headers: { "s3cret ": "x" } }),
  ];
  for (const call of calls) {
    const error = assertThrows(call, TypeError);
    assertEquals([error.message.includes("s3cret"), error.cause], [false, undefined]);
  }
  const [, err] = await connect("ws://user:s3cret@no.host.invalid/?s3cret");
  assertEquals(Deno.inspect(err, { depth: 20 }).includes("s3cret"), false);
});

Deno.test("connect() that may not is no_permission, and its thread waits for nothing after it", async () => {
  const { WebSocket } = globalThis;
  const thread = newthread(async () => {
    globalThis.WebSocket = class {
      constructor() {
        throw new Deno.errors.NotCapable('Requires net access to "a:80"');
      }
    } as unknown as typeof WebSocket;
    // The runtime's is asked before anybody else runs.
    const connecting = connect("ws://a/");
    globalThis.WebSocket = WebSocket;
    const [, err] = await connecting;
    return [[err?.code, self().state], null];
  });
  assertEquals(await wait(thread), [["no_permission", "running"], null]);
});

Deno.test("connect({ ssl }) shows its certificate where the server asks for it, and wants both halves", async () => {
  const { cert, key } = CERTS.client;
  for (const half of [{ cert }, { key }]) {
    await assertRejects(() => connect("wss://a", { ssl: half }), TypeError, "together");
  }
  const shown = Promise.withResolvers<string>();
  const options = { ...CERTS.server, ca: CERTS.ca, requestCert: true };
  const server = tls.createServer(options, (socket) => {
    socket.once("data", () => {
      shown.resolve(String(socket.getPeerCertificate().subject.CN));
      socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const [, err] = await connect(`wss://localhost:${port}`, { ssl: { ca: CERTS.ca, cert, key } });
  assert(err !== null);
  assert((await shown.promise).length > 0);
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

Deno.test("connect() gives a socket whose end came along with its beginning", async () => {
  const server = await unwrap(listen("127.0.0.1", 0));
  const connecting = connect(`ws://127.0.0.1:${server.port}/`);
  const sock = await unwrap(server.accept());
  await answerHandshake(sock, "", frame(0x88, [3, 232], false));
  const socket = await unwrap(connecting);
  assertEquals(await socket.receive(), [null, null]);
  assertEquals(socket.code, 1_000);
  sock.close_immediately();
  await socket.close();
  await server.close();
});

Deno.test("connect() that is aborted when its server has answered, and reset, fails nowhere else", async () => {
  const abort = new AbortController();
  const asked: [net.Socket, head: string][] = [];
  const server = net.createServer((sock) => {
    sock.once("data", (head) => {
      sock.on("data", () => sock.destroy());
      asked.push([sock, String(head)]);
      if (asked.length < 2) return;
      // Both answers come in one turn, in either order; the first one told aborts the other.
      for (const [one, words] of asked) {
        const [, key] = /sec-websocket-key: (\S+)/i.exec(words)!;
        const digest = createHash("sha1").update(key + GUID).digest("base64");
        one.write(`${SWITCHING}Sec-WebSocket-Accept: ${digest}\r\n\r\n`);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const over = Promise.withResolvers<void>();
  const first = new WebSocket(`ws://127.0.0.1:${port}/first`);
  first.onopen = () => {
    asked.find(([, head]) => head.includes("/second"))![0].resetAndDestroy();
    abort.abort();
    first.close();
  };
  first.onclose = () => over.resolve();
  const [socket, err] = await connect(`ws://127.0.0.1:${port}/second`, { signal: abort.signal });
  if (socket === null) assertEquals(err.code, "cancelled");
  await socket?.close();
  await over.promise;
  server.close();
  await once(server, "close");
});

Deno.test("connect() throws for an address or options that cannot be", () => {
  assertThrows(() => connect("nowhere"), TypeError, "must be an address");
  assertThrows(() => connect("ftp://a"), TypeError, "must begin with ws: or wss:, got 'ftp:'");
  assertThrows(() => connect("ws://a#b"), TypeError, "must have no fragment");
  assertThrows(() => connect("ws://a", { timeout: -1 }), RangeError, "connect: timeout");
  assertThrows(() => connect("ws://a", { protocols: ["a", "a"] }), TypeError, "must differ");
});
