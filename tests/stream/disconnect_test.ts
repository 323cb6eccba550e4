import { type AddressInfo, createServer } from "node:net";
import { assertEquals } from "@std/assert";
import { connect, listen, unwrap } from "../../cosocket/mod.ts";
import { BufferedStream, IoError, pair } from "../../stream/mod.ts";
import { kill, newthread, on_error, self, wait } from "../../thread/mod.ts";

/** The reason that a stream's end is told with. */
function reasonOf(stream: BufferedStream): Promise<string | null> {
  return new Promise((resolve) => stream.on_disconnect((err) => resolve(err?.code ?? null)));
}

/** Two ends over TCP. */
async function sockets() {
  const server = unwrap(await listen("127.0.0.1", 0));
  const client = unwrap(await connect("127.0.0.1", server.port, { pool_size: 1 }));
  const served = unwrap(await server.accept());
  return {
    server,
    client,
    served,
    async [Symbol.asyncDispose]() {
      client.close_immediately();
      served.close_immediately();
      await Promise.all([client.close(), served.close()]);
      await server.close();
    },
  };
}

Deno.test("on_disconnect() tells of a peer that goes while nobody receives", async () => {
  await using ends = await sockets();
  const reason = reasonOf(ends.served);
  await ends.client.close();
  assertEquals(await reason, null);
  assertEquals(ends.served.closed(), false);
  assertEquals(await ends.served.receive(), [null, null]);
});

Deno.test("on_disconnect() tells of a reset as such", async () => {
  const server = createServer((socket) => {
    socket.once("data", () => socket.resetAndDestroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const sock = unwrap(await connect("127.0.0.1", port));
  const reason = reasonOf(sock);
  await sock.send("x");
  assertEquals(await reason, "reset");
  assertEquals((await sock.receive())[1]?.code, "reset");
  await sock.close();
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("on_disconnect() tells of a failed write and a failed read with the error", async () => {
  const broken = () => Promise.reject(new Deno.errors.ConnectionReset("reset"));
  const never = () => new Promise<never>(() => {});
  const source = { end: never, close: () => {}, keeps_alive: false };
  const writes = new BufferedStream({ ...source, read: never, write: broken });
  const afterWrite = reasonOf(writes);
  assertEquals((await writes.send("x"))[1]?.code, "reset");
  assertEquals(await afterWrite, "reset");
  const reads = new BufferedStream({ ...source, read: broken, write: never });
  assertEquals(await reasonOf(reads), "reset");
  await Promise.all([writes.close(), reads.close()]);
});

Deno.test("on_disconnect() of what is only written to waits for a write that fails", async () => {
  let broken = false;
  const stream = new BufferedStream({
    read: () => Promise.reject(new IoError("closed", "It is not open for reading")),
    write(bytes) {
      if (broken) return Promise.reject(new Deno.errors.BrokenPipe("broken"));
      return Promise.resolve(bytes.length);
    },
    end: () => Promise.resolve(),
    close: () => {},
    keeps_alive: false,
  });
  const reasons: (string | null)[] = [];
  const reason = new Promise<void>((resolve) =>
    stream.on_disconnect((err) => {
      reasons.push(err?.code ?? null);
      resolve();
    })
  );
  assertEquals(await stream.send("taken"), [5, null]);
  assertEquals((await stream.receive())[1]?.code, "closed");
  assertEquals(reasons, []);
  broken = true;
  assertEquals((await stream.send("lost"))[1]?.code, "reset");
  await reason;
  await stream.close();
  assertEquals(reasons, ["reset"]);
});

Deno.test("on_disconnect() is called once a connection, whatever comes later", async () => {
  const [a, b] = pair();
  const reasons: (IoError | null)[] = [];
  a.on_disconnect((err) => reasons.push(err));
  await b.close();
  await a.receive();
  assertEquals((await a.send("x"))[1]?.code, "reset");
  a.close_immediately();
  await a.close();
  assertEquals(reasons, [null]);
});

Deno.test("on_disconnect() that comes late is told the first reason", async () => {
  const [a, b] = pair();
  await b.close();
  assertEquals(await a.receive(), [null, null]);
  assertEquals((await a.send("x"))[1]?.code, "reset");
  assertEquals(await reasonOf(a), null);
  await a.close();
});

Deno.test("on_disconnect() is not told of a socket that dies in the pool", async () => {
  await using ends = await sockets();
  const { client, served } = ends;
  const reasons: unknown[] = [];
  client.on_disconnect((err) => reasons.push(err));
  await served.send("hello\n");
  assertEquals(await client.receive(), ["hello", null]);
  const evicted = new Promise<void>((resolve) =>
    client.trace((line) => line.includes("pool evict") && resolve())
  );
  assertEquals(client.setkeepalive(), [true, null]);
  await served.close();
  await evicted;
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(reasons, []);
});

Deno.test("on_disconnect(null) takes it back, another takes its place", async () => {
  const [a, b] = pair();
  const called: string[] = [];
  a.on_disconnect(() => called.push("first"));
  const second = new Promise<void>((resolve) =>
    a.on_disconnect(() => {
      called.push("second");
      resolve();
    })
  );
  b.on_disconnect(() => called.push("taken back"));
  b.on_disconnect(null);
  await b.close();
  await second;
  await a.close();
  assertEquals(called, ["second"]);
});

Deno.test("on_disconnect() that throws goes to on_error, once", async () => {
  const [a, b] = pair();
  const heard: string[] = [];
  let told = () => {};
  const hearing = new Promise<void>((resolve) => told = resolve);
  const off = on_error((error, about) => {
    heard.push(`${about}: ${(error as Error).message}`);
    told();
  });
  a.on_disconnect(() => {
    throw new Error("in the handler");
  });
  await b.close();
  await hearing;
  const later = new Promise<void>((resolve) => told = resolve);
  a.on_disconnect(() => Promise.reject(new Error("after an await")));
  await later;
  off();
  assertEquals(heard, [
    "on_disconnect of pair:a: in the handler",
    "on_disconnect of pair:a: after an await",
  ]);
  await a.close();
});

Deno.test("on_disconnect() outlives the thread that asked for it, and can wait", async () => {
  const [a, b] = pair();
  const [c, d] = pair();
  let name = "";
  const thread = newthread(async () => {
    a.on_disconnect(async () => {
      name = self().name;
      await c.send("gone\n");
    });
    await a.receive();
  });
  kill(thread);
  await wait(thread);
  await b.close();
  assertEquals(await d.receive(), ["gone", null]);
  assertEquals(name, "root");
  for (const end of [a, c, d]) await end.close();
});

Deno.test("on_disconnect() is told of each connection, and of none that went into the pool", async () => {
  await using ends = await sockets();
  const { client, served, server } = ends;
  const reasons: (string | null)[] = [];
  let told = () => {};
  client.on_disconnect((err) => {
    reasons.push(err?.code ?? null);
    told();
  });
  await client.send("ping\n");
  await served.receive();
  await served.send("pong\n");
  assertEquals(await client.receive(), ["pong", null]);
  assertEquals(client.setkeepalive(), [true, null]);
  assertEquals(await client.connect("127.0.0.1", server.port, { pool_size: 1 }), [true, null]);
  assertEquals([client.getreusedtimes(), reasons], [1, []]);
  const first = new Promise<void>((resolve) => told = resolve);
  served.shutdown("send");
  await first;
  assertEquals(reasons, [null]);
  await client.close();
  assertEquals(await client.connect("127.0.0.1", server.port, { pool_size: 1 }), [true, null]);
  const again = unwrap(await server.accept());
  const second = new Promise<void>((resolve) => told = resolve);
  await again.close();
  await second;
  assertEquals(reasons, [null, null]);
});

Deno.test("on_disconnect() stays through a TLS handshake, and is told of the end above it", async () => {
  await using ends = await sockets();
  const { client, served } = ends;
  const reasons: (string | null)[] = [];
  const over = new Promise<void>((resolve) =>
    client.on_disconnect((err) => {
      reasons.push(err?.code ?? null);
      resolve();
    })
  );
  const [ca, cert, key] = await Promise.all(
    ["ca", "server", "server_key"].map((name) => Deno.readTextFile(`tests/fixtures/${name}.pem`)),
  );
  const [shaken] = await Promise.all([
    client.sslhandshake({ ca: ca!, servername: "localhost" }),
    served.sslhandshake({ server: { cert: cert!, key: key! } }),
  ]);
  assertEquals([shaken, reasons], [[true, null], []]);
  await served.send("under TLS\n");
  assertEquals(await client.receive(), ["under TLS", null]);
  await served.shutdown("send");
  await over;
  assertEquals(reasons, [null]);
});

Deno.test("on_disconnect() is told when a TLS handshake fails", async () => {
  await using ends = await sockets();
  const { client, served } = ends;
  let calls = 0;
  const over = new Promise<void>((resolve) =>
    client.on_disconnect(() => {
      calls += 1;
      resolve();
    })
  );
  const shaking = client.sslhandshake();
  await served.send("this is no TLS\n");
  assertEquals((await shaking)[1]?.code, "tls");
  await over;
  await client.close();
  assertEquals([calls, client.closed()], [1, true]);
});

Deno.test("on_disconnect() reads ahead to hear of the end, and no more than 64 KiB", async () => {
  const [a, b] = pair({ capacity: 10 });
  const reason = reasonOf(a);
  await b.send("unread\n".repeat(1_000));
  await b.close();
  assertEquals(await reason, null);
  assertEquals(a.pending, 7_000);
  for (let i = 0; i < 1_000; i++) assertEquals(await a.receive(), ["unread", null]);
  await a.close();
  const [c, d] = pair();
  let over = false;
  c.on_disconnect(() => over = true);
  const sending = d.send(new Uint8Array(300_000));
  assertEquals((await d.send("x", { timeout: 5 }))[1]?.code, "timeout");
  assertEquals(c.pending < 200_000, true, `${c.pending} bytes were read ahead`);
  assertEquals((await c.receive(300_000))[1], null);
  await sending;
  const ended = reasonOf(c);
  await d.close();
  assertEquals([await ended, over], [null, false]);
  await c.close();
});
