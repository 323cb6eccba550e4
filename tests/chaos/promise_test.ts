/**
 * The first promise, through a proxy. In calm weather the property test as it is; in deadly
 * weather, whatever is received is the beginning of what was sent, and an end is told.
 */
import { assert, assertEquals } from "@std/assert";
import { connect, from_conn, type TcpSocket } from "../../cosocket/mod.ts";
import { newthread, wait } from "../../thread/mod.ts";
import { sizes } from "../sizes.ts";
import { type Counts, random, receiveAll, source } from "../stream/promise.ts";
import { turn } from "../cosocket/servers.ts";
import { ENDS, type Weather } from "./course.ts";
import { chaos, type Proxy } from "./proxy.ts";
import { seeded, seeds } from "./seeds.ts";

/** A client, the socket that serves it, and the proxy between them. */
interface Link extends AsyncDisposable {
  client: TcpSocket;
  served: TcpSocket;
  proxy: Proxy;
}

/** `null` where the proxy has brought it down before it stood. */
async function link(seed: number, weather: Weather): Promise<Link | null> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const proxy = await chaos(listener.addr.port, seed, weather);
  const [[client, err], conn] = await Promise.all([
    connect("127.0.0.1", proxy.port),
    listener.accept().catch((error) => (assertEquals(error.name, "NotConnected"), null)),
  ]);
  if (client === null || conn === null) {
    if (err !== null) assertEquals(err.code, "reset");
    client?.close_immediately();
    conn?.close();
    await proxy[Symbol.asyncDispose]();
    return null;
  }
  const served = from_conn(conn);
  return {
    client,
    served,
    proxy,
    async [Symbol.asyncDispose]() {
      client.close_immediately();
      served.close_immediately();
      await Promise.all([client.close(), served.close(), proxy[Symbol.asyncDispose]()]);
    },
  };
}

/** Sends in pieces of every size, and ends. */
async function sendAll(sock: TcpSocket, bytes: Uint8Array, seed: number): Promise<void> {
  const chop = random(seed + 1);
  for (let at = 0; at < bytes.length;) {
    const size = 1 + Math.floor(chop() * (chop() < 0.5 ? 300 : 30_000));
    const [, err] = await sock.send(bytes.subarray(at, at + size), { timeout: 0 });
    if (err !== null) return;
    at += size;
    if (chop() < 0.3) await turn();
  }
  await sock.shutdown("send");
}

Deno.test("through chaos 100 KB arrive whole, whatever gives up in between", async () => {
  const total: Counts = {};
  const runs = seeds(sizes.chaosSeeds);
  for (const seed of runs) {
    await seeded(seed, "promise_test.ts", async () => {
      await using ends = (await link(seed, { deadly: 0, rough: Infinity }))!;
      const next = random(seed);
      const bytes = source(next, 100_000);
      const sender = newthread(() => sendAll(ends.served, bytes, seed));
      const pass = () => next() < 0.5 ? Promise.resolve() : turn().then(() => {});
      const counts = await receiveAll(ends.client, bytes, next, pass);
      assertEquals((await wait(sender))[1], null);
      for (const [what, n] of Object.entries(counts)) total[what] = (total[what] ?? 0) + n;
    });
  }
  if (runs.length === 1) return;
  // How often depends on the machine, that it did does not.
  for (const what of ["waits", "*l", "bytes", "until", "any"]) assert(total[what]! > 0, what);
});

/**
 * Receives by lines and counts until the connection is down; gives what came, and how. `over`
 * says that nothing will come any more: only then does a timeout mean anything.
 */
async function receiveToTheEnd(
  sock: TcpSocket,
  next: () => number,
  over: () => boolean,
): Promise<{ got: Uint8Array[]; end: string }> {
  const got: Uint8Array[] = [];
  for (;;) {
    const before = sock.pending;
    const last = over();
    const how = next();
    const [value, err] = await (how < 0.6
      ? sock.receive(1 + Math.floor(next() * 600), { encoding: "bytes", timeout: 10 })
      : how < 0.8
      ? sock.receive("*l", { encoding: "bytes", timeout: 10 })
      : sock.receiveany(500, { encoding: "bytes", timeout: 10 }));
    if (value !== null) {
      // A line's ending is put back: which it was, the source tells.
      got.push(value, ...(how >= 0.6 && how < 0.8 ? [new Uint8Array([10])] : []));
      continue;
    }
    if (err === null) {
      return { got, end: "the end" };
    }
    assert(sock.pending >= before, `${err.code} consumed ${before - sock.pending} bytes`);
    if (err.code === "eof") {
      const [rest] = await sock.receiveany(1_000_000, { encoding: "bytes" });
      if (rest === null) {
        throw new Error("eof, and nothing is left");
      }
      got.push(rest);
    } else if (err.code !== "timeout" || last) {
      const [rest] = sock.try_receive(sock.pending, { encoding: "bytes" });
      if (rest !== null) {
        got.push(rest);
      }
      return { got, end: err.code };
    }
  }
}

/** A source of lines that end in LF alone, so that a line can be put together again. */
function lines(next: () => number, length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).map(() => next() < 0.02 ? 10 : 97 + Math.floor(next() * 26));
}

Deno.test("whatever brings a connection down, what came is the beginning of what was sent", async () => {
  const ends: Record<string, number> = {};
  const struck = new Set<string>();
  const runs = seeds(sizes.chaosSeeds * 4);
  for (const seed of runs) {
    await seeded(seed, "promise_test.ts", async () => {
      await using linked = await link(seed, { deadly: 1, within: 20_000, rough: 5_000 });
      if (linked === null) return;
      const { client, served, proxy } = linked;
      const next = random(seed);
      const bytes = lines(next, 30_000);
      // Something must go up too, or a fate in that direction would never strike.
      const upward = newthread(() => sendAll(client, bytes, seed));
      const sender = newthread(() => sendAll(served, bytes, seed));
      const swallowed = () => proxy.ends.get(0)?.end === "blackhole";
      const [up, down] = await Promise.all([
        receiveToTheEnd(served, random(seed + 2), swallowed),
        receiveToTheEnd(client, next, swallowed),
      ]);
      const fate = proxy.ends.get(0);
      if (fate !== undefined) struck.add(fate.end);
      for (const [way, { got, end }] of [["up", up], ["down", down]] as const) {
        const whole = new Uint8Array(await new Blob(got as BlobPart[]).arrayBuffer());
        assertEquals(whole, bytes.subarray(0, whole.length), `${way}: not what was sent`);
        ends[end] = (ends[end] ?? 0) + 1;
        if (fate?.direction === way && fate.end !== "reset") assertEquals(whole.length, fate.at);
        if (end === "the end" && fate?.direction !== way && fate?.end !== "truncate") {
          assertEquals(whole.length, bytes.length, `${way}: an end in the middle was called clean`);
        }
      }
      client.close_immediately();
      served.close_immediately();
      await wait([upward, sender]);
    });
  }
  if (runs.length === 1) return;
  for (const end of ["the end", "reset", "timeout"]) assert(ends[end]! > 0, `no ${end}`);
  assertEquals(struck, new Set(ENDS));
});
