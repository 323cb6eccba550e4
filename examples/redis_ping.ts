/**
 * Speaks RESP to a Redis server over a pool of two sockets, from five threads.
 *
 *     deno run --allow-net examples/redis_ping.ts 127.0.0.1 6379
 *     npx -y deno@2.9.6 task example redis_ping 127.0.0.1 6379
 */
import { pool_close, pool_stats, tcp, type TcpSocket } from "@alilua/coevent/cosocket";
import { newthread, type ReadResult, startloop, wait } from "@alilua/coevent/thread";

const [host = "127.0.0.1", port = "6379"] = Deno.args;

/** One command and its reply: a status line, a number, or a bulk string. */
async function command(sock: TcpSocket<"utf-8">, ...words: string[]): Promise<ReadResult<string>> {
  const bulks = words.map((word) => `$${new TextEncoder().encode(word).length}\r\n${word}\r\n`);
  const [, err] = await sock.send([`*${words.length}\r\n`, bulks]);
  if (err) return [null, err];
  const [line, readErr] = await sock.receive("*l");
  if (line === null) return [null, readErr];
  if (!line.startsWith("$")) return [line, null];
  if (line === "$-1") return ["(nothing)", null];
  const [bulk, bulkErr] = await sock.receive(Number(line.slice(1)) + 2);
  return bulk === null ? [null, bulkErr] : [bulk.slice(0, -2), null];
}

async function ping(n: number): Promise<ReadResult<string>> {
  const sock = tcp({ encoding: "utf-8" });
  const [, err] = await sock.connect(host, Number(port), { pool_size: 2 });
  if (err) return [null, err];
  const [pong, pingErr] = await command(sock, "PING");
  const [echo, echoErr] = await command(sock, "ECHO", `I am ${n}`);
  const reused = sock.getreusedtimes() > 0 ? "a reused socket" : "a fresh socket";
  // Refused, and closed, if anything were left unread on it.
  sock.setkeepalive(2);
  if (echo === null) return [null, pingErr ?? echoErr];
  return [`${pong} ${echo}, over ${reused}`, null];
}

await startloop(async () => {
  const results = await wait([1, 2, 3, 4, 5].map((n) => newthread(ping, n)));
  for (const [reply, err] of results) {
    console.log(err ? err.message : reply);
    if (err) Deno.exitCode = 1;
  }
  for (const { key, open, pool_size } of pool_stats()) {
    console.log(`pool ${key}: ${open} open of ${pool_size}`);
  }
  await pool_close();
});
