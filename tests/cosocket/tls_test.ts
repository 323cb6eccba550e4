import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  connect,
  from_conn,
  type OpenOptions,
  pool_stats,
  type SslOptions,
  type SslServerOptions,
  tcp,
  unwrap,
} from "../../cosocket/mod.ts";
import * as net from "node:net";
import { kill, newthread, wait } from "../../thread/mod.ts";
import { CERTS, overTcp, overTls } from "./ends.ts";
import { spin, turn } from "./servers.ts";

Deno.test("sslhandshake() upgrades both ends, after a dialogue in plain text", async () => {
  await using ends = await overTcp();
  const server = newthread(async () => {
    await ends.served.send("220 ready\r\n");
    assertEquals(await ends.served.receive(), ["STARTTLS", null]);
    return await ends.served.sslhandshake({
      server: { ...CERTS.server, alpn: ["smtp"] },
      reply: "220 go\r\n",
    });
  });
  assertEquals(await ends.client.receive(), ["220 ready", null]);
  await ends.client.send("STARTTLS\r\n");
  assertEquals(await ends.client.receive(), ["220 go", null]);
  const options = { ca: CERTS.ca, servername: "localhost", alpn: ["smtp"] };
  assertEquals(await ends.client.sslhandshake(options), [true, null]);
  assertEquals(await wait(server), [true, null]);
  assertEquals([ends.client.alpn(), ends.served.alpn()], ["smtp", "smtp"]);
  await ends.client.send("under TLS\n");
  assertEquals(await ends.served.receive(), ["under TLS", null]);
});

Deno.test("sslhandshake() refuses plain bytes that are unread, and a waiting receive", async () => {
  await using ends = await overTcp();
  await ends.served.send("injected\n");
  await ends.client.peek(9);
  assertEquals((await ends.client.sslhandshake())[1]?.code, "dirty");
  assertEquals(await ends.client.receive(), ["injected", null]);
  const waiting = ends.client.receive();
  assertEquals((await ends.client.sslhandshake())[1]?.code, "busy");
  ends.client.interrupt();
  await waiting;
  assertEquals((await tcp().sslhandshake())[1]?.code, "closed");
});

Deno.test("sslhandshake() works with a read under way, as after a timeout", async () => {
  await using ends = await overTcp();
  assertEquals((await ends.client.receive("*l", { timeout: 2 }))[1]?.code, "timeout");
  assertEquals((await ends.served.receive("*l", { timeout: 2 }))[1]?.code, "timeout");
  const [server, client] = await Promise.all([
    ends.served.sslhandshake({ server: CERTS.server }),
    ends.client.sslhandshake({ ca: CERTS.ca }),
  ]);
  assertEquals([server, client], [[true, null], [true, null]]);
  await ends.served.send("hello\n");
  assertEquals(await ends.client.receive(), ["hello", null]);
});

const CLIENTS: Record<string, [options: OpenOptions<"lines">, code: string | undefined]> = {
  "refuses an authority that it does not know": [{ ssl: true }, "tls"],
  "refuses another authority": [{ ssl: { ca: CERTS.other_ca } }, "tls"],
  "refuses another name": [{ ssl: { ca: CERTS.ca, servername: "other.example" } }, "tls"],
  "refuses another address": [{ ssl: { ca: CERTS.ca, servername: "127.0.0.2" } }, "tls"],
  // Our server cannot tell why it refuses; OpenSSL can: see peers_test.ts.
  "is refused without a protocol in common": [{ ssl: { ca: CERTS.ca, alpn: ["b"] } }, "reset"],
  "accepts the right authority": [{ ssl: { ca: CERTS.ca } }, undefined],
  "accepts a protocol in common": [{ ssl: { ca: CERTS.ca, alpn: ["b", "a"] } }, undefined],
  "accepts any certificate, when told so": [{ ssl: { verify: false } }, undefined],
};

for (const [what, [options, code]] of Object.entries(CLIENTS)) {
  Deno.test(`connect() under TLS ${what}, and the server hears of it at once`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const server = (async () => {
      await using sock = from_conn(await listener.accept());
      // Without limit: the end of the other side must be heard.
      const role = { server: { ...CERTS.server, alpn: ["a"] }, timeout: 0 };
      const [, err] = await sock.sslhandshake(role);
      if (err === null) await sock.receive("*a");
      return err?.code;
    })();
    const [sock, err] = await connect("127.0.0.1", listener.addr.port, options);
    assertEquals(err?.code, code);
    await sock?.close();
    listener.close();
    assertEquals(await server, code === undefined ? undefined : code === "tls" ? "reset" : "tls");
  });
}

const STRANGE = { ca: CERTS.other_ca, ...CERTS.client };
const GUESTS: Record<string, [options: object, trusted: string, words: string | null]> = {
  "accepts a good one": [CERTS.client, CERTS.ca, null],
  "refuses who has none": [{}, CERTS.ca, "the client showed no certificate"],
  "refuses a strange one": [STRANGE, CERTS.other_ca, "certificate was refused: UNABLE_TO_VERIFY"],
};

for (const [what, [options, trusted, words]] of Object.entries(GUESTS)) {
  Deno.test(`sslhandshake() as server that asks for a certificate ${what}`, async () => {
    await using ends = await overTcp();
    const role = { server: { ...CERTS.server, ca: trusted, request_cert: true } };
    const client = newthread(async () => {
      await ends.client.sslhandshake({ ...options, ca: CERTS.ca, timeout: 0 });
      return await ends.client.receive("*l", { timeout: 0 });
    });
    const [, err] = await ends.served.sslhandshake(role);
    assertEquals(err?.code, words === null ? undefined : "tls");
    if (words === null) await ends.served.send("welcome\n");
    else assertStringIncludes(err!.message, words);
    // Under TLS 1.3 the client hears of it only now.
    const [line, closed] = await wait(client);
    assertEquals(line, words === null ? "welcome" : null);
    if (words !== null) assert(closed !== null, "a refused client saw a clean end");
  });
}

Deno.test("a socket under TLS tells the addresses and takes the options of its connection", async () => {
  await using ends = await overTls();
  assertEquals(ends.client.remoteaddr(), ends.served.localaddr());
  assertEquals(ends.served.remoteaddr(), ends.client.localaddr());
  assertEquals(ends.client.setoption("nodelay", false), [true, null]);
  assertEquals(ends.client.setoption("keepalive", true), [true, null]);
});

Deno.test("a handshake gives up by timeout and kill, closes, and leaves nothing", async () => {
  await using silent = await overTcp();
  const [, late] = await silent.client.sslhandshake({ timeout: 20 });
  assertEquals(late?.code, "timeout");
  assertEquals(silent.client.closed(), true);
  await using stuck = await overTcp();
  const thread = newthread(() => stuck.client.sslhandshake());
  await turn();
  assert(thread.state.startsWith("shake hands (TLS) with 127.0.0.1"), thread.state);
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  while (thread.state !== "ended") await turn();
  assertEquals(stuck.client.closed(), true);
});

Deno.test("one deadline covers the connection and the handshake", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const [, err] = await connect("127.0.0.1", listener.addr.port, { ssl: true, timeout: 30 });
  assertEquals(err?.code, "timeout");
  (await accepted).close();
  listener.close();
});

Deno.test("TLS that is cut off is eof, never a clean end, and what came is still there", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connected = connect("127.0.0.1", listener.addr.port, { ssl: { ca: CERTS.ca } });
  const conn = await listener.accept();
  const served = from_conn(conn);
  await unwrap(served.sslhandshake({ server: CERTS.server }));
  await using sock = await unwrap(connected);
  await served.send("whole\nhalf");
  await sock.peek(10);
  // The bare connection is closed under TLS, as an attacker would.
  await conn.closeWrite();
  assertEquals(await sock.receive(), ["whole", null]);
  assertEquals((await sock.receive())[1]?.code, "eof");
  assertEquals((await sock.receive("*a"))[1]?.code, "eof");
  assertEquals(await sock.receiveany(10, { encoding: "latin1" }), ["half", null]);
  assertEquals((await sock.receive())[1]?.code, "eof");
  served.close_immediately();
  listener.close();
});

Deno.test("a clean end under TLS is a clean end", async () => {
  await using ends = await overTls();
  await ends.served.send("last\n");
  const closing = ends.served.close();
  assertEquals(await ends.client.receive(), ["last", null]);
  assertEquals(await ends.client.receive(), [null, null]);
  assertEquals(await ends.client.receive("*a", { encoding: "utf-8" }), ["", null]);
  await ends.client.close();
  await closing;
});

Deno.test("a peer that ends or resets during the handshake is told at once", async () => {
  for (const how of ["close", "end"] as const) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const connected = connect("127.0.0.1", listener.addr.port, { ssl: true, timeout: 0 });
    const conn = await listener.accept();
    await conn.read(new Uint8Array(1_000));
    if (how === "close") conn.close();
    else await conn.closeWrite();
    assertEquals((await connected)[1]?.code, "reset");
    if (how === "end") conn.close();
    listener.close();
  }
});

Deno.test("a peer that speaks no TLS is a tls error", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connected = connect("127.0.0.1", listener.addr.port, { ssl: true });
  const conn = await listener.accept();
  await conn.write(new TextEncoder().encode("220 plain.example ESMTP\r\n"));
  assertEquals((await connected)[1]?.code, "tls");
  conn.close();
  listener.close();
});

for (const size of [100, 70_000, 300_000, 3_000_000]) {
  Deno.test(`a clean end under TLS is heard by a slow reader of ${size} bytes`, async () => {
    await using ends = await overTls();
    const sent = ends.served.send(new Uint8Array(size), { timeout: 0 });
    const closing = ends.served.close();
    let got = 0;
    for (;;) {
      const [piece, err] = await ends.client.receiveany(5_000, { timeout: 5_000 });
      assertEquals(err, null);
      if (piece === null) break;
      got += piece.length;
      // Slower than the sender, so that what lies between fills up.
      if (got % 3 === 0) await turn();
    }
    assertEquals(got, size);
    assertEquals(await sent, [size, null]);
    await ends.client.close();
    await closing;
  });
}

Deno.test("a reset under TLS is reset, never a clean end, and sends fail with it too", async () => {
  // A relay that can reset what it passes on.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let down: net.Socket | undefined;
  const relay = net.createServer((socket) => {
    down = socket;
    const up = net.connect(listener.addr.port, "127.0.0.1");
    for (const one of [socket, up]) one.on("error", () => {});
    socket.on("close", () => up.destroy());
    socket.pipe(up).pipe(socket);
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const { port } = relay.address() as net.AddressInfo;
  const connected = connect("127.0.0.1", port, { ssl: { ca: CERTS.ca } });
  const served = from_conn(await listener.accept());
  await unwrap(served.sslhandshake({ server: CERTS.server }));
  const sock = await unwrap(connected);
  await served.send("whole\nhalf");
  assertEquals(await sock.receive(), ["whole", null]);
  await sock.peek(4);
  down!.resetAndDestroy();
  assertEquals((await sock.receive())[1]?.code, "reset");
  assertEquals((await sock.receive("*a"))[1]?.code, "reset");
  assertEquals(await sock.receive(4, { encoding: "latin1" }), ["half", null]);
  assertEquals((await sock.receive())[1]?.code, "reset");
  assertEquals((await sock.send("x"))[1]?.code, "reset");
  await sock.close();
  assertEquals((await served.receive())[0], null);
  await served.close();
  listener.close();
  await new Promise((resolve) => relay.close(resolve));
});

Deno.test("close() ends a handshake that is under way, and a connect", async () => {
  await using silent = await overTcp();
  const shaking = silent.client.sslhandshake({ timeout: 0 });
  assertEquals((await silent.client.sslhandshake())[1]?.code, "closed");
  assertEquals((await silent.client.connect("127.0.0.1", 1))[1]?.code, "busy");
  await silent.client.close();
  assertEquals((await shaking)[1]?.code, "closed");
  assertEquals(silent.client.closed(), true);
  assertEquals(await silent.served.receive("*a").then(([, err]) => err), null);

  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sock = tcp(true);
  const connecting = sock.connect("127.0.0.1", listener.addr.port, { timeout: 0 });
  const accepted = await listener.accept();
  sock.close_immediately();
  assertEquals((await connecting)[1]?.code, "closed");
  accepted.close();
  // And it can be connected again.
  const again = sock.connect("127.0.0.1", listener.addr.port, { timeout: 20 });
  (await listener.accept()).close();
  assertEquals((await again)[1]?.code, "reset");
  listener.close();
});

Deno.test("a thread killed between connect and handshake leaves no socket behind", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const options = { ssl: { ca: CERTS.ca }, pool_size: 1 };
  // Held up, so that the connection is there before the thread can go on.
  const thread = newthread(() => connect("127.0.0.1", listener.addr.port, options));
  const accepted = listener.accept();
  spin(5);
  await turn();
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  const conn = await accepted;
  const buffer = new Uint8Array(1_000);
  while (await conn.read(buffer) !== null);
  conn.close();
  listener.close();
  while (pool_stats().length > 0) await turn();
});

Deno.test("STARTTLS: what came in plain text behind the go-ahead does not pass for TLS", async () => {
  await using ends = await overTcp();
  // A read is under way, as after a receive that timed out.
  assertEquals((await ends.served.receive("*l", { timeout: 2 }))[1]?.code, "timeout");
  const shaking = ends.served.sslhandshake({ server: CERTS.server, reply: "220 go\r\n" });
  await ends.client.send("RCPT TO: injected\r\n");
  assertEquals((await shaking)[1]?.code, "tls");
  assertEquals(ends.served.closed(), true);
  assertEquals((await ends.served.receive())[1]?.code, "closed");
});

Deno.test("a broken record is an error of TLS, after what had arrived whole", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [client, conn] = await Promise.all([
    unwrap(connect("127.0.0.1", listener.addr.port)),
    listener.accept(),
  ]);
  const served = from_conn(conn);
  await Promise.all([
    unwrap(served.sslhandshake({ server: CERTS.server })),
    unwrap(client.sslhandshake({ ca: CERTS.ca })),
  ]);
  await unwrap(served.send("whole\nhal"));
  await client.peek(9);
  await conn.write(new TextEncoder().encode("not a record at all"));
  assertEquals(await client.receive(), ["whole", null]);
  assertEquals((await client.receive())[1]?.code, "tls");
  assertEquals((await client.receive("*a"))[1]?.code, "tls");
  assertEquals(await client.receive(3, { encoding: "utf-8" }), ["hal", null]);
  await Promise.all([client.close(), served.close()]);
});

const UNUSABLE: [what: string, ssl: SslOptions, words: string][] = [
  ["no certificate", { ...CERTS.client, cert: "none" }, "its certificate cannot be read"],
  ["no key", { ...CERTS.client, key: "none" }, "its key cannot be read"],
  ["another's key", { ...CERTS.client, key: CERTS.server.key }, "its key does not belong"],
  ["a certificate alone", { cert: CERTS.client.cert }, "its certificate has no key"],
  ["a key alone", { key: CERTS.client.key }, "its key has no certificate"],
  ["no authority", { ca: "none" }, "an authority cannot be read"],
];

for (const [what, ssl, words] of UNUSABLE) {
  Deno.test(`a handshake with ${what} is tls at once, in both roles`, async () => {
    const action = { timeout: 0 };
    for (const end of ["client", "served"] as const) {
      await using ends = await overTcp();
      const role = end === "client" ? ssl : { server: ssl as SslServerOptions };
      const [, err] = await ends[end].sslhandshake({ ...role, ...action });
      assertEquals(err?.code, "tls");
      assertStringIncludes(err!.message, words);
      assertEquals(ends[end].closed(), true);
    }
  });
}
