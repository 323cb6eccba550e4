/**
 * Connections made and closed, and taken from and put back to a pool, beside plain
 * `Deno.connect`. Ours sets `nodelay` and can give up; so does the second contender.
 *
 *     deno task bench connect
 */
import { connect, pool_close, unwrap } from "../cosocket/mod.ts";
import { compare, rate } from "./compare.ts";
import { PURPOSE, startPeer } from "./peer.ts";

await using peer = await startPeer();
const options = { hostname: "127.0.0.1", port: peer.port };
const CONNECTS = 1_000;

await compare({
  name: "connect and close",
  unit: "connections/s",
  rounds: 11,
  contenders: {
    "Deno.connect": () =>
      rate(CONNECTS, async () => {
        for (let n = 0; n < CONNECTS; n++) (await Deno.connect(options)).close();
      }),
    "Deno.connect, signal, nodelay": () =>
      rate(CONNECTS, async () => {
        for (let n = 0; n < CONNECTS; n++) {
          const { signal } = new AbortController();
          const conn = await Deno.connect({ ...options, signal });
          conn.setNoDelay(true);
          conn.close();
        }
      }),
    "connect()": () =>
      rate(CONNECTS, async () => {
        for (let n = 0; n < CONNECTS; n++) {
          (await unwrap(connect("127.0.0.1", peer.port))).close_immediately();
        }
      }),
  },
});

const TRIPS = 1_000;
const message = new Uint8Array(64).fill(120);
const idle: Deno.TcpConn[] = [];

await compare({
  name: "pool: get, echo, put",
  unit: "round trips of 64 B/s",
  rounds: 21,
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
await pool_close();
