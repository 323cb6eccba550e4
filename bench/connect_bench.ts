/**
 * Connections made and closed, and taken from and put back to a pool, beside plain
 * `Deno.connect`. Ours sets `nodelay` and can give up; so do the other contenders, by and by.
 *
 *     deno task bench connect
 */
import { connect, pool_close, unwrap } from "../cosocket/mod.ts";
import { Deadline, now } from "../core/mod.ts";
import { compare, rate } from "./compare.ts";
import { PURPOSE, startPeer } from "./peer.ts";

await using peer = await startPeer();
const options = { hostname: "127.0.0.1", port: peer.port };
/** Few enough that no port of ours is needed twice while the system holds it back. */
const CONNECTS = 320;
/** So many at a time: with one alone, the wake-up of the peer is most of what is measured. */
const AT_A_TIME = 16;

/**
 * Makes and closes all connections. Each waits for a byte of the peer first: a connection
 * that is closed before the peer has accepted it makes the system drop and repeat others,
 * a second later.
 */
function connects(connectAndClose: () => Promise<void>): Promise<number> {
  return rate(CONNECTS, () =>
    Promise.all(Array.from({ length: AT_A_TIME }, async () => {
      for (let n = 0; n < CONNECTS / AT_A_TIME; n++) await connectAndClose();
    })));
}

const HELLO = Uint8Array.of(PURPOSE.hello);

async function greet(conn: Deno.TcpConn): Promise<void> {
  await conn.write(HELLO);
  await conn.read(new Uint8Array(1));
  conn.close();
}

/** One promise more, which a call needs that can be killed or time out. */
function own<T>(given: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => given.then(resolve, reject));
}

const dropped = new FinalizationRegistry<Deno.TcpConn>((conn) => conn.close());

/** Plain Deno with the least of what a connection that keeps the promises must have. */
async function floor(): Promise<void> {
  const { signal } = new AbortController();
  const deadline = new Deadline(() => {}, false);
  deadline.set(now() + 30_000);
  const conn = await own(Deno.connect({ ...options, signal }));
  const handle = { conn };
  dropped.register(handle, conn, handle);
  conn.setNoDelay(true);
  await own(conn.write(HELLO));
  await own(conn.read(new Uint8Array(1_024)));
  dropped.unregister(handle);
  deadline.remove();
  conn.close();
}

await compare({
  name: "connect and close",
  unit: "connections/s",
  rounds: 15,
  contenders: {
    "Deno.connect": () => connects(async () => await greet(await Deno.connect(options))),
    "Deno.connect, setNoDelay": () =>
      connects(async () => {
        const conn = await Deno.connect(options);
        conn.setNoDelay(true);
        await greet(conn);
      }),
    "Deno.connect, setNoDelay, signal": () =>
      connects(async () => {
        const { signal } = new AbortController();
        const conn = await Deno.connect({ ...options, signal });
        conn.setNoDelay(true);
        await greet(conn);
      }),
    "the same, a deadline, promises of one's own, 1 KiB, a finalizer": () => connects(floor),
    "connect()": () =>
      connects(async () => {
        const sock = await unwrap(connect("127.0.0.1", peer.port));
        await sock.send(HELLO);
        await unwrap(sock.receive(1));
        sock.close_immediately();
      }),
  },
});

const TRIPS = 1_000;
const message = new Uint8Array(64).fill(120);
const kept = await unwrap(connect("127.0.0.1", peer.port));
await kept.send(Uint8Array.of(PURPOSE.echo));
const idle: Deno.TcpConn[] = [];

await compare({
  name: "pool: get, echo, put",
  unit: "round trips of 64 B/s",
  rounds: 15,
  contenders: {
    "Deno.Conn in an array": () =>
      rate(TRIPS, async () => {
        const buffer = new Uint8Array(64);
        for (let n = 0; n < TRIPS; n++) {
          let conn = idle.pop();
          if (conn === undefined) {
            conn = await Deno.connect(options);
            await conn.write(Uint8Array.of(PURPOSE.echo));
          }
          await conn.write(message);
          for (let at = 0; at < 64;) at += (await conn.read(buffer.subarray(at)))!;
          idle.push(conn);
        }
      }),
    "one socket of ours, no pool": () =>
      rate(TRIPS, async () => {
        for (let n = 0; n < TRIPS; n++) {
          await kept.send(message);
          await unwrap(kept.receive(64));
        }
      }),
    "connect(), setkeepalive()": () =>
      rate(TRIPS, async () => {
        for (let n = 0; n < TRIPS; n++) {
          const sock = await unwrap(connect("127.0.0.1", peer.port));
          if (sock.getreusedtimes() === 0) await sock.send(Uint8Array.of(PURPOSE.echo));
          await sock.send(message);
          await unwrap(sock.receive(64));
          unwrap(sock.setkeepalive());
        }
      }),
  },
});
for (const conn of idle) conn.close();
await kept.close();
await pool_close();
