/**
 * 256 MiB received, and sent in pieces of 64 KiB, beside plain `Deno.Conn`.
 *
 *     deno task bench bulk
 */
import { connect, type TcpSocket, unwrap } from "../cosocket/mod.ts";
import { compare, rate } from "./compare.ts";
import { BULK, PURPOSE, startPeer } from "./peer.ts";

await using peer = await startPeer();
const piece = new Uint8Array(64 * 1024);

async function plain(purpose: number): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: peer.port });
  await conn.write(Uint8Array.of(purpose));
  return conn;
}

async function ours(purpose: number): Promise<TcpSocket> {
  const sock = await unwrap(connect("127.0.0.1", peer.port));
  await unwrap(sock.send(Uint8Array.of(purpose)));
  return sock;
}

await compare({
  name: "bulk receive",
  unit: "bytes/s",
  contenders: {
    "Deno.Conn, reads of 64 KiB": () =>
      rate(BULK, async () => {
        using conn = await plain(PURPOSE.bytes);
        const buffer = new Uint8Array(64 * 1024);
        for (let at = 0; at < BULK;) at += (await conn.read(buffer))!;
      }),
    "Deno.Conn, new memory each": () =>
      rate(BULK, async () => {
        using conn = await plain(PURPOSE.bytes);
        for (let at = 0; at < BULK;) at += (await conn.read(new Uint8Array(64 * 1024)))!;
      }),
    "receive_into": () =>
      rate(BULK, async () => {
        const sock = await ours(PURPOSE.bytes);
        const buffer = new Uint8Array(64 * 1024);
        for (let at = 0; at < BULK;) at += await unwrap(sock.receive_into(buffer)) ?? BULK;
        await sock.close();
      }),
    "receiveany(65536)": () =>
      rate(BULK, async () => {
        const sock = await ours(PURPOSE.bytes);
        for (let at = 0; at < BULK;) at += (await unwrap(sock.receiveany(65_536)))!.length;
        await sock.close();
      }),
    "receive(65536)": () =>
      rate(BULK, async () => {
        const sock = await ours(PURPOSE.bytes);
        for (let at = 0; at < BULK;) at += (await unwrap(sock.receive(65_536)))!.length;
        await sock.close();
      }),
  },
});

await compare({
  name: "bulk send",
  unit: "bytes/s",
  contenders: {
    "Deno.Conn, writes of 64 KiB": () =>
      rate(BULK, async () => {
        using conn = await plain(PURPOSE.sink);
        for (let at = 0; at < BULK; at += piece.length) {
          for (let sent = 0; sent < piece.length;) sent += await conn.write(piece.subarray(sent));
        }
        await conn.read(new Uint8Array(1));
      }),
    "send()": () =>
      rate(BULK, async () => {
        const sock = await ours(PURPOSE.sink);
        for (let at = 0; at < BULK; at += piece.length) await sock.send(piece);
        await unwrap(sock.receive(1));
        await sock.close();
      }),
  },
});
