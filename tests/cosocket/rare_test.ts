/** What seldom happens to sockets, brought about here each time. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import * as dgram from "node:dgram";
import * as net from "node:net";
import { Duplex } from "node:stream";
import { openUnix } from "../../cosocket/_unix.ts";
import { connect, from_conn, IoError, tcp, TcpSocket, udp, unwrap } from "../../cosocket/mod.ts";
import { BufferedStream } from "../../stream/mod.ts";
import { Channel } from "../../stream/channel.ts";
import { ChannelDuplex, DuplexSource } from "../../cosocket/_duplex.ts";
import { handshake, type Role } from "../../cosocket/_tls.ts";
import { ConnTransport } from "../../cosocket/_transport.ts";
import { FakeClock } from "../../thread/mod.ts";
import { CERTS, overTcp } from "./ends.ts";

const LINUX = { ignore: Deno.build.os !== "linux" };
const UNIX = { ignore: Deno.build.os === "windows" };

Deno.test(
  "a Unix connection that is there after its connect was given up is closed",
  UNIX,
  async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/socket`;
    using listener = Deno.listen({ transport: "unix", path });
    const abort = new AbortController();
    const connecting = connect(path, { signal: abort.signal });
    // The system has been asked already, and its answer cannot be here yet.
    abort.abort();
    assertEquals((await connecting)[1]?.code, "cancelled");
    const conn = await listener.accept();
    assertEquals(await conn.read(new Uint8Array(1)), null);
    conn.close();
    await Deno.remove(folder, { recursive: true });
  },
);

Deno.test("listen(path) whose mode cannot be set closes and tells why", UNIX, async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/socket`;
  const original = Deno.chmodSync;
  Deno.chmodSync = () => {
    throw new Deno.errors.PermissionDenied("Operation not permitted (os error 1)");
  };
  try {
    const [listener, err] = await openUnix(path, 0o600, "Cannot listen on it");
    assertEquals([listener, err?.code], [null, "denied"]);
  } finally {
    Deno.chmodSync = original;
  }
  // Nobody listens there any more.
  assertEquals(["refused", "not_found"].includes((await connect(path))[1]?.code ?? ""), true);
  await Deno.remove(folder, { recursive: true });
});

Deno.test(
  "listen(path) takes the place of a file that goes away while it looks",
  UNIX,
  async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/socket`;
    await Deno.writeTextFile(path, "");
    const original = Deno.lstatSync;
    Deno.lstatSync = (file) => {
      Deno.lstatSync = original;
      Deno.removeSync(file);
      return original(file);
    };
    const [listener, err] = await openUnix(path, 0o600, "Cannot listen on it");
    assertEquals([Deno.lstatSync === original, err], [true, null]);
    listener!.close();
    await Deno.remove(folder, { recursive: true });
  },
);

Deno.test("a socket of node:net that another process has handed on is one of ours", async () => {
  const server = net.createServer({ pauseOnConnect: true });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  const accepted = new Promise<net.Socket>((resolve) => server.once("connection", resolve));
  const client = await unwrap(connect("127.0.0.1", port));
  await using sock = TcpSocket.of_socket(await accepted, {});
  await unwrap(client.send("hello\n"));
  await unwrap(client.shutdown("send"));
  assertEquals(await sock.receive(), ["hello", null]);
  assertEquals(await sock.receive(), [null, null]);
  assertEquals(sock.remoteaddr(), client.localaddr());
  // The half-close of the other side leaves ours open.
  await unwrap(sock.send("bye\n"));
  assertEquals(await client.receive(), ["bye", null]);
  await client.close();
  server.close();
});

Deno.test("a farewell of TLS that does not leave is given up after the time of a send", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [conn, accepted] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
  const served = from_conn(accepted);
  const transport = new ConnTransport(conn);
  let stuck = false;
  const below = new Channel({
    keeps_alive: true,
    read: (into) => transport.read(into),
    write: (bytes) => stuck ? new Promise(() => {}) : transport.write(bytes),
    end: () => transport.end(),
    close: (atOnce, underWay) => transport.close(atOnce, underWay),
  }, "127.0.0.1:0");
  const role: Role = { as: "client", host: "127.0.0.1", options: { ca: CERTS.ca } };
  const [upgraded, [above, err]] = await Promise.all([
    served.sslhandshake({ server: CERTS.server }),
    handshake(below, transport, role, {}),
  ]);
  assertEquals([upgraded, err], [[true, null], null]);
  stuck = true;
  using clock = new FakeClock();
  let closed = false;
  const closing = above!.channel.close().then(() => closed = true);
  await clock.tick(29_999);
  assertEquals(closed, false);
  await clock.tick(1);
  await closing;
  assertEquals((await served.receive("*l", { timeout: 0 }))[1]?.code, "eof");
  served.close_immediately();
  await served.close();
});

Deno.test("a handshake with a protocol that no TLS can offer is tls, and closes", async () => {
  await using ends = await overTcp();
  const alpn = ["x".repeat(256)];
  const [, err] = await ends.served.sslhandshake({ server: { ...CERTS.server, alpn } });
  assertEquals([err?.code, ends.served.closed()], ["tls", true]);
});

/** What fails at once, however often it is tried; the first argument is connected to a server. */
const VAIN: Record<string, (sock: TcpSocket, port: number) => Promise<unknown>> = {
  "connect() of a connected socket": (sock, port) => sock.connect("127.0.0.1", port),
  "connect() to a pool without a place and a line": (_, port) =>
    connect("127.0.0.1", port, { pool_size: 1, backlog: 0 }),
  "sslhandshake() of what is not connected": () => tcp().sslhandshake(),
  "sslhandshake() of what is not ready for it": (sock) => {
    sock.cork();
    return sock.sslhandshake();
  },
};

for (const [name, attempt] of Object.entries(VAIN)) {
  Deno.test(`${name} does not freeze who tries for ever`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const sock = await unwrap(connect("127.0.0.1", port, { pool_size: 1 }));
    let turns = 0;
    const count = () => {
      if (++turns < 20) setTimeout(count, 0);
    };
    setTimeout(count, 0);
    let rounds = 0;
    for (; rounds < 10_000 && turns < 20; rounds++) {
      const [, err] = await attempt(sock, port) as [unknown, IoError | null];
      assertEquals(err instanceof IoError, true);
    }
    assertEquals([turns, rounds < 10_000], [20, true]);
    sock.close_immediately();
    await sock.close();
  });
}

Deno.test("a UDP socket that fails tells who waits in a receive", async () => {
  const original = dgram.Socket.prototype.bind;
  const sockets: dgram.Socket[] = [];
  dgram.Socket.prototype.bind = function (this: dgram.Socket, ...args: unknown[]) {
    sockets.push(this);
    return Reflect.apply(original, this, args);
  } as typeof original;
  await using sock = udp();
  try {
    await unwrap(sock.bind("127.0.0.1", 0));
  } finally {
    dgram.Socket.prototype.bind = original;
  }
  const waiting = sock.receive({ timeout: 0 });
  sockets[0]!.emit("error", Object.assign(new Error("no memory"), { code: "ENOMEM" }));
  const [, err] = await waiting;
  assertEquals(err?.errno, "ENOMEM");
  assertStringIncludes(err!.message, "Cannot receive from 127.0.0.1:");
});

Deno.test("a UDP socket with a peer that was closed refuses a send", async () => {
  const sock = udp();
  await unwrap(sock.setpeername("127.0.0.1", 9));
  await sock.close();
  const [, err] = await sock.send("x");
  assertEquals([err?.code, err?.message], [
    "closed",
    "Cannot send to 127.0.0.1:9: the socket was closed",
  ]);
});

Deno.test("UDP options and ports that are no numbers throw and are named", async () => {
  await using sock = udp();
  await assertRejects(
    () => sock.setpeername("127.0.0.1", "9" as never),
    TypeError,
    "setpeername: port must be a number: got string",
  );
  await unwrap(sock.bind("127.0.0.1", 0));
  assertThrows(() => sock.setoption("ttl", "1" as never), TypeError, "ttl must be a number");
});

Deno.test("sslhandshake() refuses a socket whose sending side was shut down", async () => {
  await using ends = await overTcp();
  await unwrap(ends.client.shutdown("send"));
  const [, err] = await ends.client.sslhandshake();
  assertEquals(err?.code, "dirty");
  assertStringIncludes(err!.message, "its sending side was shut down");
});

Deno.test(
  "keepalive reaches the kernel of a socket that goes out from an address of ours",
  LINUX,
  async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const sock = await unwrap(connect("127.0.0.1", port, { local_address: "127.0.0.1" }));
    const conn = await listener.accept();
    assertEquals(sock.setoption("keepalive", true), [true, null]);
    const address = unwrap(sock.localaddr());
    const local = (address!.family === "tcp" ? address!.port : 0).toString(16).toUpperCase()
      .padStart(4, "0");
    const row = (await Deno.readTextFile("/proc/net/tcp")).split("\n")
      .find((line) => line.trim().split(/\s+/)[1] === `0100007F:${local}`);
    // The timer that runs: 02 is keepalive.
    assertEquals(row?.trim().split(/\s+/)[5]?.slice(0, 2), "02");
    await sock.close();
    conn.close();
  },
);

Deno.test("the stream below TLS that is ended ends the channel, and tells why it cannot", async () => {
  for (const failure of [null, new Error("broken")]) {
    const channel = new Channel({
      keeps_alive: true,
      read: () => new Promise<null>(() => {}),
      write: (bytes) => Promise.resolve(bytes.length),
      end: () => failure === null ? Promise.resolve() : Promise.reject(failure),
      close: () => {},
    }, "here");
    const duplex = new ChannelDuplex(channel);
    const over = new Promise<Error | null>((resolve) => {
      duplex.once("finish", () => resolve(null));
      duplex.once("error", resolve);
    });
    duplex.end();
    assertEquals((await over)?.message ?? null, failure && "Cannot send to here: broken");
    duplex.destroy();
    channel.close_immediately();
  }
});

Deno.test("a send that a reset cuts short gives reset, whatever the runtime calls it then", async () => {
  let cancelWrite = (_: Error) => {};
  const duplex = new Duplex({
    read() {},
    write: (_bytes, _encoding, done) => cancelWrite = done,
    destroy(error, done) {
      // As its sockets do: the write that is under way hears of it first.
      cancelWrite(Object.assign(new Error("write ECANCELED"), { code: "ECANCELED" }));
      done(error);
    },
  });
  class Transport extends DuplexSource {
    close(): void {
      this.duplex.destroy();
    }
  }
  await using stream = new BufferedStream(new Transport(duplex), { name: "there" });
  const sending = stream.send("x");
  await new Promise((resolve) => setTimeout(resolve, 0));
  duplex.destroy(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
  const [, err] = await sending;
  assertEquals([err?.code, err?.message], ["reset", "Cannot send to there: read ECONNRESET"]);
  assertEquals((await stream.receive())[1]?.code, "reset");
});
