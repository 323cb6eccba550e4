/**
 * A server of lines whose handler works 0.2 ms for each, and one that only echoes: in one
 * thread with `cosocket.listen`, and in 1 and 2 workers, threads and processes. The clients
 * are a process of plain Deno.
 *
 *     deno task bench listen
 */
import { listen, type Shard, type ShardOptions, unwrap } from "../context/mod.ts";
import { listen as listenAlone, type TcpSocket } from "../cosocket/mod.ts";
import { compare } from "./compare.ts";

const CLIENTS = 32;
/** Milliseconds of work for a line that asks for it. */
const WORK = 0.2;

/** Answers each line; one that begins with `w` after some work. */
export default async function handler(sock: TcpSocket, _shard?: Shard): Promise<void> {
  for (;;) {
    const [line] = await sock.receive();
    if (line === null) return;
    if (line.startsWith("w")) work(WORK);
    await sock.send([line, "\n"]);
  }
}

function work(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
}

/** The clients: for each line of input, `PORT LETTER COUNT`, they say round trips a second. */
async function clients(): Promise<void> {
  const decoder = new TextDecoder();
  for await (const input of Deno.stdin.readable) {
    const [port, letter, count] = decoder.decode(input).trim().split(" ");
    const conns = await Promise.all(
      Array.from(
        { length: CLIENTS },
        () => Deno.connect({ hostname: "127.0.0.1", port: Number(port) }),
      ),
    );
    const message = new TextEncoder().encode(`${letter}${"x".repeat(62)}\n`);
    const trips = async (conn: Deno.TcpConn) => {
      conn.setNoDelay(true);
      const buffer = new Uint8Array(64);
      for (let n = 0; n < Number(count); n++) {
        await conn.write(message);
        for (let at = 0; at < 64;) at += (await conn.read(buffer.subarray(at)))!;
      }
    };
    const begun = performance.now();
    await Promise.all(conns.map(trips));
    console.log(CLIENTS * Number(count) / (performance.now() - begun) * 1_000);
    for (const conn of conns) conn.close();
  }
}

/** Something that listens. */
interface Listening {
  port: number;
  end(): Promise<unknown>;
}

async function alone(): Promise<Listening> {
  const server = await unwrap(listenAlone("127.0.0.1", 0));
  void server.autospawn((sock) => handler(sock));
  return { port: server.port, end: () => server.shutdown({ grace: 0 }) };
}

async function sharded(options: ShardOptions): Promise<Listening> {
  const server = await unwrap(listen("127.0.0.1", 0, new URL(import.meta.url), options));
  return { port: server.port, end: () => server.shutdown({ grace: 0 }) };
}

async function main(): Promise<void> {
  const isolated = { isolated: true, permissions: ["--allow-net=127.0.0.1"] };
  const servers: Record<string, Listening> = {
    "cosocket.listen, this thread": await alone(),
    "1 worker, a thread": await sharded({ workers: 1 }),
    "2 workers, threads": await sharded({ workers: 2 }),
    "2 workers, processes": await sharded({ workers: 2, ...isolated }),
  };
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", new URL(import.meta.url).pathname, "clients"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  const output = child.stdout.getReader();
  const measure = async (port: number, letter: string, count: number) => {
    await input.write(new TextEncoder().encode(`${port} ${letter} ${count}\n`));
    return Number(new TextDecoder().decode((await output.read()).value));
  };
  for (const [name, letter, count] of [["0.2 ms of work", "w", 60], ["echo", "e", 200]] as const) {
    await compare({
      name: `sharded server, ${name}`,
      unit: `lines/s, ${CLIENTS} clients`,
      contenders: Object.fromEntries(
        Object.entries(servers).map((
          [server, { port }],
        ) => [server, () => measure(port, letter, count)]),
      ),
    });
  }
  await input.close();
  await output.cancel();
  await child.status;
  await Promise.all(Object.values(servers).map((server) => server.end()));
}

if (import.meta.main) await (Deno.args[0] === "clients" ? clients() : main());
