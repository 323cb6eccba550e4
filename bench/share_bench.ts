/**
 * What it costs to use a socket that another context has: round trips of 64 bytes over one
 * and over 50 sockets, and bytes in bulk, in a thread that has the socket itself, that has
 * claimed it of the main thread, and in a process that has; and what is left of that where
 * the socket itself is moved to the process.
 *
 *     deno task bench share
 */
import { claim, type Context, create, type Inside, share, unwrap } from "../context/mod.ts";
import { connect, listen, type TcpSocket } from "../cosocket/mod.ts";
import type { BufferedStream } from "../stream/mod.ts";
import { compare, rate } from "./compare.ts";
import { BULK, PURPOSE, startPeer } from "./peer.ts";

interface Order {
  do: "own" | "claim" | "echo" | "trips" | "receive" | "send" | "close";
  port?: number;
  purpose?: number;
  addresses?: string[];
  count?: number;
}

const message = new Uint8Array(64).fill(120);
message[63] = 10;

async function dial(port: number, purpose: number): Promise<TcpSocket> {
  const sock = await unwrap(connect("127.0.0.1", port));
  await unwrap(sock.send(Uint8Array.of(purpose)));
  return sock;
}

async function trips(sock: BufferedStream, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await sock.send(message);
    const [line, err] = await sock.receive("*l");
    if (line === null) throw err;
  }
}

async function receiveAll(sock: BufferedStream): Promise<void> {
  for (let at = 0; at < BULK;) at += (await unwrap(sock.receiveany(65_536)))!.length;
}

async function sendAll(sock: BufferedStream): Promise<void> {
  const piece = new Uint8Array(64 * 1024);
  for (let at = 0; at < BULK; at += piece.length) await sock.send(piece, { timeout: 0 });
  await sock.receive(1);
}

async function echo(sock: BufferedStream): Promise<void> {
  for (;;) {
    const [line] = await sock.receive("*l", { timeout: 0 });
    if (line === null) return void await sock.close();
    await sock.send([line, "\n"]);
  }
}

/** A context that has sockets of its own, or others'. */
export default async function user(inside: Inside<Order, unknown>): Promise<void> {
  const socks: BufferedStream[] = [];
  for (;;) {
    const asked = unwrap(await inside.recv());
    const { do: what, port = 0, purpose = 0, addresses = [], count = 0 } = asked.value;
    let result: unknown;
    if (what === "own") {
      for (let n = 0; n < count; n++) socks.push(await dial(port, purpose));
    } else if (what === "claim") {
      for (const one of addresses) socks.push(await unwrap(claim(one, { inside })));
    } else if (what === "echo") {
      for (const one of addresses) {
        const sock = await unwrap(claim(one, { inside }));
        inside.run(() => echo(sock));
      }
    } else if (what === "trips") {
      result = await rate(
        count * socks.length,
        () => Promise.all(socks.map((sock) => trips(sock, count))),
      );
    } else if (what === "receive") result = await rate(BULK, () => receiveAll(socks[0]!));
    else if (what === "send") result = await rate(BULK, () => sendAll(socks[0]!));
    else await Promise.all(socks.splice(0).map((sock) => sock.close()));
    inside.reply(asked, result);
  }
}

async function main(): Promise<void> {
  await using peer = await startPeer();
  const { port } = peer;
  const url = new URL(import.meta.url);
  const permissions = ["--allow-net=127.0.0.1"];
  const ask = async (ctx: Context<Order>, order: Order) => unwrap(await ctx.query(order)) as number;
  const make = async (options = {}) => unwrap(await create<Order>(url, options));
  const [own, thread, process] = [
    await make(),
    await make(),
    await make({ isolated: true, permissions }),
  ];

  /** Gives a context so many sockets, its own or ours. */
  async function equip(ctx: Context<Order>, purpose: number, count: number): Promise<void> {
    if (ctx === own) return void await ask(ctx, { do: "own", port, purpose, count });
    const socks = await Promise.all(Array.from({ length: count }, () => dial(port, purpose)));
    await ask(ctx, { do: "claim", addresses: socks.map((sock) => unwrap(share(sock))) });
  }

  const all = { "its own": own, "claimed, in a thread": thread, "claimed, in a process": process };
  const entries = Object.entries(all);
  for (const [connections, count] of [[1, 1_000], [50, 50]] as const) {
    for (const [, ctx] of entries) await equip(ctx, PURPOSE.echo, connections);
    await compare({
      name: `shared socket, ${connections} connection${connections === 1 ? "" : "s"}`,
      unit: "round trips of 64 B/s",
      contenders: Object.fromEntries(
        entries.map(([name, ctx]) => [name, () => ask(ctx, { do: "trips", count })]),
      ),
    });
    for (const [, ctx] of entries) await ask(ctx, { do: "close" });
  }
  for (const [what, purpose] of [["receive", PURPOSE.bytes], ["send", PURPOSE.sink]] as const) {
    await compare({
      name: `shared socket, ${what} in bulk`,
      unit: "bytes/s",
      rounds: 5,
      contenders: Object.fromEntries(entries.map(([name, ctx]) => [name, async () => {
        await equip(ctx, purpose, 1);
        const result = await ask(ctx, { do: what });
        await ask(ctx, { do: "close" });
        return result;
      }])),
    });
  }

  // Accepted here, and served here or there; the clients are a thread with sockets of its own.
  const server = await unwrap(listen("127.0.0.1", 0, { reuseport: true }));
  /** Has 50 connections served, and measures them. */
  const served = (serve: (socks: TcpSocket[]) => unknown) => async () => {
    const accepted = Promise.all(Array.from({ length: 50 }, () => unwrap(server.accept())));
    const client: Order = { do: "own", port: server.port, purpose: "\n".charCodeAt(0), count: 50 };
    await ask(own, client);
    const socks = await accepted;
    await serve(socks);
    const result = await ask(own, { do: "trips", count: 50 });
    await ask(own, { do: "close" });
    return result;
  };
  const shared = (move: boolean) => (socks: TcpSocket[]) =>
    ask(process, { do: "echo", addresses: socks.map((sock) => unwrap(share(sock, { move }))) });
  await compare({
    name: "accepted socket, 50 connections",
    unit: "round trips of 64 B/s",
    contenders: {
      "served here": served((socks) => socks.forEach(echo)),
      "claimed, in a process": served(shared(false)),
      "moved to a process": served(shared(true)),
    },
  });
  await server.close();
  for (const [, ctx] of entries) ctx.destroy();
}

if (import.meta.main) await main();
