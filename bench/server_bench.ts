/**
 * Servers beside a plain `Deno.listen` loop, and beside other runtimes where these are there: echo of lines for 1 and 100 clients, connections a
 * second, and what an idle connection costs. Each server is a process of its own, with the
 * same clients of plain Deno.
 *
 *     deno task bench server
 */
import { listen, unwrap } from "../cosocket/mod.ts";
import { compare, rate } from "./compare.ts";
import { ByLines, type Foreign, foreigners, type ForeignServer } from "./foreign.ts";

/** How many idle connections are counted; each end needs a descriptor in its process. */
const IDLE = 2_000;

/** Plain Deno as one writes it by hand: no timeouts, no lines, no limits. */
async function servePlain(): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  ready(listener.addr.port);
  for await (const conn of listener) {
    conn.setNoDelay(true);
    echoPlain(conn).catch(() => {}).finally(() => conn.close());
  }
}

async function echoPlain(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(1_024);
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) return;
    for (let at = 0; at < count;) at += await conn.write(buffer.subarray(at, count));
  }
}

/** Ours, by lines, with a timeout on every receive. */
async function serveOurs(): Promise<void> {
  const server = await unwrap(listen("127.0.0.1", 0));
  ready(server.port);
  await server.autospawn(async (sock) => {
    for (;;) {
      const [line] = await sock.receive("*l");
      if (line === null) return;
      await sock.send([line, "\n"]);
    }
  });
}

/** Ours, one accept after the other: without a thread for each connection. */
async function serveAccepted(): Promise<void> {
  const server = await unwrap(listen("127.0.0.1", 0));
  ready(server.port);
  for await (const sock of server) {
    (async () => {
      for (;;) {
        const [bytes] = await sock.receiveany(1_024);
        if (bytes === null) return await sock.close();
        await sock.send(bytes);
      }
    })();
  }
}

const SERVERS: Record<string, () => Promise<void>> = {
  "Deno.listen": servePlain,
  "autospawn, lines": serveOurs,
  "for await, bytes": serveAccepted,
};

/** Says the port. */
function ready(port: number): void {
  console.log(port);
}

/** Keeps the clients, this process, to the first processor; `false` where it cannot. */
function pin(): boolean {
  try {
    const args = ["-a", "-cp", "0", String(Deno.pid)];
    return new Deno.Command("taskset", { args, stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

const PIN = Deno.args.length === 0 && pin();

/**
 * Where the scheduler puts a server beside its one client decides between 15 and 60
 * thousand round trips; so each has its own processor, where that can be said.
 */
const WITHIN = PIN ? ["taskset", "-c", "1"] : [];

const others: Map<string, Foreign> = new Map();

/** Starts a server in a process of its own. */
async function start(name: string): Promise<ForeignServer> {
  const other = others.get(name);
  if (other !== undefined) return await other.serve(WITHIN);
  const own = new URL(import.meta.url).pathname;
  const ours = [Deno.execPath(), "run", "-q", "-A", "--no-check", own, name];
  return await new ByLines(name, ours, []).serve(WITHIN);
}

/** The memory of a process, where the system shows it; `NaN` elsewhere. */
async function rssOf({ pid }: ForeignServer): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) * 1024;
}

async function dial({ port, greeting }: ForeignServer): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  if (greeting.length > 0) await conn.write(greeting);
  return conn;
}

const message = new Uint8Array(64).fill(120);
message[63] = 10;

async function trips(conn: Deno.TcpConn, count: number): Promise<void> {
  const buffer = new Uint8Array(64);
  for (let n = 0; n < count; n++) {
    await conn.write(message);
    for (let at = 0; at < 64;) at += (await conn.read(buffer.subarray(at)))!;
    if (buffer[0] !== 120 || buffer[63] !== 10) throw new Error("something else came back");
  }
}

/** Connects, has one line echoed and closes, in 10 rows. */
async function visits(server: ForeignServer, count: number): Promise<void> {
  let left = count;
  await Promise.all(Array.from({ length: 10 }, async () => {
    while (left-- > 0) {
      using conn = await dial(server);
      await trips(conn, 1);
    }
  }));
}

/** What one of many idle connections costs, in bytes, once each has echoed. */
async function idle(name: string): Promise<number> {
  await using server = await start(name);
  await visits(server, 500);
  const before = await rssOf(server);
  const conns: Deno.TcpConn[] = [];
  for (let n = 0; n < IDLE; n++) {
    const conn = await dial(server);
    conns.push(conn);
    await trips(conn, 1);
  }
  const bytes = (await rssOf(server) - before) / IDLE;
  for (const conn of conns) conn.close();
  return bytes;
}

async function main(): Promise<void> {
  for (const other of await foreigners()) others.set(other.name, other);
  const names = [...Object.keys(SERVERS), ...others.keys()];
  const servers = await Promise.all(names.map(start));
  for (const [clients, count, rounds] of [[1, 1_000, 15], [100, 30, 15]] as const) {
    const conns = await Promise.all(
      servers.map((server) => Promise.all(Array.from({ length: clients }, () => dial(server)))),
    );
    const all = clients * count;
    await compare({
      name: `server echo, ${clients} client${clients === 1 ? "" : "s"}`,
      unit: "round trips of 64 B/s",
      rounds,
      contenders: Object.fromEntries(names.map((name, at) => [
        name,
        () => rate(all, () => Promise.all(conns[at]!.map((conn) => trips(conn, count)))),
      ])),
    });
    for (const conn of conns.flat()) conn.close();
  }
  await compare({
    name: "server connections",
    unit: "connections, one line each, and closes/s",
    rounds: 9,
    contenders: Object.fromEntries(names.map((name, at) => [
      name,
      () => rate(1_000, () => visits(servers[at]!, 1_000)),
    ])),
  });
  for (const server of servers) await server[Symbol.asyncDispose]();
  await compare({
    name: "memory of an idle connection",
    unit: "B",
    rounds: 3,
    less: true,
    contenders: Object.fromEntries(names.map((name) => [name, () => idle(name)])),
  });
}

const [server] = Deno.args;
if (server === undefined) await main();
else await SERVERS[server]!();
