/**
 * One message to 10,000 sockets over TCP: by `broadcast`, by a `send_frame` for each, and by
 * plain Deno, which encodes it once and writes it to each connection.
 *
 *     deno run --allow-net=127.0.0.1 --allow-run bench/broadcast_bench.ts 10000
 *
 * All three send over the same connections, to a sink in a process of its own. Several
 * rounds, all ways in each; medians, and ratios within the rounds.
 */
import { from_conn, type TcpSocket } from "../cosocket/mod.ts";
import { broadcast, type FrameCodec } from "../stream/mod.ts";

const ROUNDS = 7;
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
else await compare(Number(first));

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

async function compare(count: number): Promise<void> {
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

  const times: Record<string, number[]> = {};
  const encoded: Record<string, number> = {};
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, way] of Object.entries(ways)) {
      encodings = 0;
      const begun = performance.now();
      await way();
      // The first round only warms up.
      if (round > 0) (times[name] ??= []).push(performance.now() - begun);
      encoded[name] = encodings;
    }
  }
  await Promise.all(socks.map((sock) => sock.close_immediately()));
  child.kill();
  await reader.cancel();
  await child.status;

  const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  const plain = times["deno: encode once, conn.write"]!;
  const size = encode(message).length;
  console.log(`deno ${Deno.version.deno}, ${count} sockets, ${size} B, ${ROUNDS} rounds\n`);
  console.log(`${"way".padEnd(30)} ${"ms".padStart(8)} ${"encodings".padStart(10)}   x plain`);
  for (const [name, own] of Object.entries(times)) {
    const ratio = median(plain.map((time, round) => time / own[round]!)).toFixed(2);
    const ms = median(own).toFixed(0).padStart(8);
    console.log(
      `${name.padEnd(30)} ${ms} ${String(encoded[name]).padStart(10)} ${ratio.padStart(9)}`,
    );
  }
}
