/**
 * One message to 10,000 sockets over TCP: by `broadcast`, by a `send_frame` for each, and by
 * plain Deno, which encodes it once and writes it to each connection.
 *
 *     deno task bench broadcast -- 10000
 *
 * All three send over the same connections, to a sink in a process of its own.
 */
import { from_conn, type TcpSocket } from "../cosocket/mod.ts";
import { compare, rate } from "./compare.ts";
import { broadcast, type FrameCodec } from "../stream/mod.ts";

const [first = "10000"] = Deno.args;

/** A message as a game or a ticker sends it, about 1 KB as JSON. */
const message = {
  type: "positions",
  at: 1_795_246_000_000,
  players: Array.from({ length: 20 }, (_, id) => ({ id, x: id * 1.5, y: id * 2.5, hp: 100 })),
};

let encodings = 0;
const encoder = new TextEncoder();

/** A length of 4 bytes, then JSON. */
function encode(value: unknown): Uint8Array {
  encodings += 1;
  const body = encoder.encode(JSON.stringify(value));
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, 4);
  return frame;
}

const codec: FrameCodec<unknown> = { encode, decode: () => null };

if (first === "sink") await sink();
else await main(Number(first));

/** Takes connections and throws away what comes. */
async function sink(): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  console.log(listener.addr.port);
  for await (const conn of listener) {
    (async () => {
      const buffer = new Uint8Array(2_048);
      while (await conn.read(buffer) !== null);
    })().catch(() => {}).finally(() => conn.close());
  }
}

async function main(count: number): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-net=127.0.0.1", import.meta.filename!, "sink"],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const port = Number(new TextDecoder().decode((await reader.read()).value));
  const conns: Deno.TcpConn[] = [];
  while (conns.length < count) {
    const some = Math.min(200, count - conns.length);
    const connects = Array.from({ length: some }, () => Deno.connect({ port }));
    conns.push(...await Promise.all(connects));
  }
  const socks: TcpSocket[] = conns.map((conn) => from_conn(conn));

  const ways: Record<string, () => Promise<unknown>> = {
    "deno: encode once, conn.write": () => {
      const frame = encode(message);
      return Promise.all(conns.map((conn) => conn.write(frame)));
    },
    "send_frame for each": () => Promise.all(socks.map((sock) => sock.send_frame(message, codec))),
    "broadcast": () => broadcast(socks, message, { codec }),
  };

  await compare({
    name: `a message of ${encode(message).length} B to ${count} sockets`,
    unit: "sockets/s",
    contenders: Object.fromEntries(
      Object.entries(ways).map(([name, way]) => [name, () => rate(count, way)]),
    ),
  });
  encodings = 0;
  await ways.broadcast!();
  if (encodings !== 1) throw new Error(`broadcast has encoded ${encodings} times`);

  await Promise.all(socks.map((sock) => sock.close_immediately()));
  child.kill();
  await reader.cancel();
  await child.status;
}
