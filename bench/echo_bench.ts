/**
 * Echo round trips of 64 bytes over one connection and over 100, beside plain
 * `Deno.Conn`, and beside other runtimes where they are there. Ours with a timeout on every
 * receive, as programs have it.
 *
 *     deno task bench echo
 */
import { connect, type TcpSocket, unwrap } from "../cosocket/mod.ts";
import { compare, rate } from "./compare.ts";
import { foreigners } from "./foreign.ts";
import { PURPOSE, startPeer } from "./peer.ts";

await using peer = await startPeer();
const message = new Uint8Array(64).fill(120);
message[63] = 10;
const PURPOSE_ECHO = Uint8Array.of(PURPOSE.echo);

async function plain(): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: peer.port });
  conn.setNoDelay(true);
  await conn.write(PURPOSE_ECHO);
  return conn;
}

async function ours(): Promise<TcpSocket> {
  const sock = await unwrap(connect("127.0.0.1", peer.port));
  await unwrap(sock.send(PURPOSE_ECHO));
  return sock;
}

async function plainTrips(conn: Deno.TcpConn, count: number): Promise<void> {
  const buffer = new Uint8Array(64);
  for (let n = 0; n < count; n++) {
    await conn.write(message);
    for (let at = 0; at < 64;) at += (await conn.read(buffer.subarray(at)))!;
  }
}

/** The same, in memory of its own each: what `receive(64)` gives. */
async function plainTripsOwned(conn: Deno.TcpConn, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await conn.write(message);
    const buffer = new Uint8Array(64);
    for (let at = 0; at < 64;) at += (await conn.read(buffer.subarray(at)))!;
  }
}

async function ourTrips(sock: TcpSocket, count: number, pattern: 64 | "*l"): Promise<void> {
  for (let n = 0; n < count; n++) {
    await sock.send(message);
    const [got, err] = pattern === 64 ? await sock.receive(64) : await sock.receive("*l");
    if (got === null) throw err;
  }
}

const others = await foreigners();

for (const [connections, trips, rounds] of [[1, 1_000, 31], [100, 30, 15]] as const) {
  const conns = await Promise.all(Array.from({ length: connections }, plain));
  const socks = await Promise.all(Array.from({ length: connections }, ours));
  const all = connections * trips;
  const visitors = await Promise.all(
    others.map((other) => other.visit(peer.port, connections, trips)),
  );
  await compare({
    name: `echo, ${connections} connection${connections === 1 ? "" : "s"}`,
    unit: "round trips of 64 B/s",
    rounds,
    contenders: {
      "Deno.Conn": () => rate(all, () => Promise.all(conns.map((c) => plainTrips(c, trips)))),
      "Deno.Conn, new memory each": () =>
        rate(all, () => Promise.all(conns.map((c) => plainTripsOwned(c, trips)))),
      "receive(64)": () => rate(all, () => Promise.all(socks.map((s) => ourTrips(s, trips, 64)))),
      'receive("*l")': () =>
        rate(all, () => Promise.all(socks.map((s) => ourTrips(s, trips, "*l")))),
      ...Object.fromEntries(others.map(({ name }, at) => [
        name,
        async () => all / await visitors[at]!.round(),
      ])),
    },
  });
  for (const one of visitors) await one[Symbol.asyncDispose]();
  for (const conn of conns) conn.close();
  await Promise.all(socks.map((sock) => sock.close()));
}
