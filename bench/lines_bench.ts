/**
 * Lines of 60 bytes over TCP, beside plain Deno with a TextDecoderStream and a split.
 *
 *     deno task bench lines
 */
import { connect, type TcpSocket, unwrap } from "../cosocket/mod.ts";
import { compare, rate } from "./compare.ts";
import { LINES, PURPOSE, startPeer } from "./peer.ts";

await using peer = await startPeer();
const PURPOSE_LINES = Uint8Array.of(PURPOSE.lines);

/** The lines of each chunk: what plain Deno is fastest with. */
async function* chunks(): AsyncGenerator<string[]> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: peer.port });
  await conn.write(PURPOSE_LINES);
  let rest = "";
  for await (const text of conn.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield lines;
  }
}

/** One line after the other, as a protocol wants them. */
async function* oneByOne(): AsyncGenerator<string> {
  for await (const lines of chunks()) yield* lines;
}

/** Opens a socket, lets `count` count its lines, and checks the count. */
async function ours(count: (sock: TcpSocket) => Promise<number>): Promise<number> {
  const sock = await unwrap(connect("127.0.0.1", peer.port));
  await unwrap(sock.send(PURPOSE_LINES));
  const counted = await count(sock);
  await sock.close();
  return counted;
}

const WAYS: Record<string, () => Promise<number>> = {
  "Deno: a generator of lines": async () => {
    let count = 0;
    for await (const _ of oneByOne()) count++;
    return count;
  },
  "Deno: a generator of chunks of lines": async () => {
    let count = 0;
    for await (const lines of chunks()) count += lines.length;
    return count;
  },
  'await receive("*l")': () =>
    ours(async (sock) => {
      for (let count = 0;; count++) if ((await sock.receive("*l"))[0] === null) return count;
    }),
  "for await of lines()": () =>
    ours(async (sock) => {
      let count = 0;
      for await (const _ of sock.lines()) count++;
      return count;
    }),
  "lines({ batch: true })": () =>
    ours(async (sock) => {
      let count = 0;
      for await (const lines of sock.lines({ batch: true })) count += lines.length;
      return count;
    }),
};

await compare({
  name: "lines",
  unit: "lines of 60 B/s",
  contenders: Object.fromEntries(
    Object.entries(WAYS).map(([name, way]) => [
      name,
      () =>
        rate(LINES.count, async () => {
          const count = await way();
          if (count !== LINES.count) throw new Error(`${name} counted ${count} lines`);
        }),
    ]),
  ),
});
