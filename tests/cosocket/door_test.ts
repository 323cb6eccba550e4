/** What a listening socket meets that no peer on loopback can bring about. */
import { assertEquals, assertRejects } from "@std/assert";
import * as net from "node:net";
import { type Door, type DoorOptions, open } from "../../cosocket/_door.ts";
import { connect, type IoError, listen, unwrap } from "../../cosocket/mod.ts";
import { turn } from "./servers.ts";

const WHERE: DoorOptions = {
  host: "127.0.0.1",
  port: 0,
  family: undefined,
  backlog: undefined,
  reuseport: false,
  keepidle: undefined,
  mode: undefined,
  name: "here",
};

/** Runs `body` and gives the `node:net` server that it began to listen with, too. */
async function caught<T>(body: () => Promise<T>): Promise<[T, net.Server]> {
  const original = net.Server.prototype.listen;
  const servers: net.Server[] = [];
  net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]) {
    servers.push(this);
    return Reflect.apply(original, this, args);
  } as typeof original;
  try {
    const result = await body();
    return [result, servers[0]!];
  } finally {
    net.Server.prototype.listen = original;
  }
}

/** A door that stands on `node:net`, and what it stands on. */
const nodeDoor = (options: Partial<DoorOptions> = {}): Promise<[Door, net.Server]> =>
  caught(() => unwrap(open({ ...WHERE, keepidle: 1_000, ...options })));

const portOf = ({ address }: Door) => address.family === "tcp" ? address.port : 0;

Deno.test('listen("*") takes IPv4 alone on a machine without IPv6', async () => {
  const original = Deno.listen;
  const asked: string[] = [];
  Deno.listen = ((options: Deno.TcpListenOptions) => {
    asked.push(options.hostname!);
    if (options.hostname !== "::") return original(options);
    throw Object.assign(new Error("os error 97"), { code: "EAFNOSUPPORT" });
  }) as typeof Deno.listen;
  try {
    await using server = await unwrap(listen("*", 0));
    const address = server.address();
    assertEquals(address.family === "tcp" && address.ip, "0.0.0.0");
    assertEquals(asked, ["::", "0.0.0.0"]);
    assertEquals((await listen("::", 0))[1]?.errno, "EAFNOSUPPORT");
    assertEquals(asked, ["::", "0.0.0.0", "::"]);
  } finally {
    Deno.listen = original;
  }
});

Deno.test("a node:net server that fails tells who waits for a connection", async () => {
  const [door, server] = await nodeDoor();
  const accepting = door.accept();
  server.emit("error", new Error("broken"));
  await assertRejects(() => accepting, Error, "broken");
  door.close();
});

Deno.test("a node:net server that fails while nobody waits tells the next, once", async () => {
  const [door, server] = await nodeDoor();
  server.emit("error", new Error("broken"));
  await assertRejects(() => door.accept(), Error, "broken");
  const accepting = door.accept();
  door.close();
  const err = await assertRejects(() => accepting, Error);
  assertEquals((err as IoError).code, "closed");
});

Deno.test("a node:net server resets what comes to a full queue, and keeps the rest", async () => {
  const [door, server] = await nodeDoor({ backlog: 1 });
  let arrived = 0;
  server.on("connection", () => arrived += 1);
  const first = await unwrap(connect("127.0.0.1", portOf(door)));
  while (arrived < 1) await turn();
  const second = await unwrap(connect("127.0.0.1", portOf(door)));
  const end = await second.receive("*l", { timeout: 0 });
  assertEquals(end[0], null);
  const transport = await door.accept();
  const remote = unwrap(first.localaddr());
  assertEquals(transport.remote, remote);
  await transport.close(true);
  await Promise.all([first.close(), second.close()]);
  door.close();
});

Deno.test("a node:net server that is closed closes what is still in its queue", async () => {
  const [door, server] = await nodeDoor();
  const arrived = new Promise((resolve) => server.once("connection", resolve));
  const client = await unwrap(connect("127.0.0.1", portOf(door)));
  await arrived;
  door.close();
  assertEquals((await client.receive("*l", { timeout: 0 }))[0], null);
  await client.close();
});

Deno.test("a connection that comes as its server is closed is closed too", async () => {
  const [server, below] = await caught(() => unwrap(listen("127.0.0.1", 0, { keepidle: 1_000 })));
  const accepting = server.accept();
  let closing: Promise<unknown> | null = null;
  // After the listener of ours: it has answered, and nobody has heard of it yet.
  below.on("connection", () => closing ??= server.close());
  const client = await unwrap(connect("127.0.0.1", server.port));
  assertEquals((await accepting)[1]?.code, "closed");
  await closing;
  assertEquals((await client.receive("*l", { timeout: 0 }))[0], null);
  await client.close();
});

Deno.test("two threads in autospawn() take connections in turn", async () => {
  await using server = await unwrap(listen("127.0.0.1", 0));
  const names: string[] = [];
  for (const name of ["a", "b"]) server.autospawn(() => void names.push(name));
  for (let count = 1; count <= 4; count += 1) {
    await using client = await unwrap(connect("127.0.0.1", server.port));
    assertEquals(await client.receive("*l", { timeout: 0 }), [null, null]);
  }
  assertEquals(names, ["a", "b", "a", "b"]);
  await server.close();
});
