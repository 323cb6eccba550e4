/**
 * WebSockets: echo round trips of 64 bytes over one connection and over 100, by our client
 * and by our server, and one message of 1 KB to 1,000 sockets; beside plain Deno, and npm's
 * `ws` on Node where Node is here. Each server is a process of its own.
 *
 *     deno task bench websocket
 */
import { connect, hub, type MessageSocket, serve, unwrap } from "../websocket/mod.ts";
import { compare, rate } from "./compare.ts";
import "ws"; // So that it is in Deno's cache, from where Node takes it.

type Fetch = (request: Request) => Response;

function beServer(fetch: Fetch): void {
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(port),
  }, fetch);
}

/** What begins with it goes to all. */
const TO_ALL = "!";

function ours(): Fetch {
  const all = hub();
  const endpoint = serve(async (socket) => {
    all.join(socket);
    for await (const message of socket) {
      if (typeof message === "string" && message.startsWith(TO_ALL)) all.send(message);
      else await socket.send(message);
    }
  });
  return endpoint.fetch;
}

function plain(): Fetch {
  const all = new Set<WebSocket>();
  return (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    all.add(socket);
    socket.onclose = () => all.delete(socket);
    socket.onmessage = ({ data }) => {
      if (typeof data === "string" && data.startsWith(TO_ALL)) {
        for (const other of all) if (other.readyState === WebSocket.OPEN) other.send(data);
      } else {
        socket.send(data);
      }
    };
    return response;
  };
}

/** A server in a process of its own. */
interface Server extends AsyncDisposable {
  url: string;
}

/**
 * Gives a process a processor of its own, where that can be done: two that run on one, or
 * on two that wake each other, differ by more than what is compared.
 */
async function pin(pid: number, processor: number): Promise<void> {
  try {
    await new Deno.Command("taskset", { args: ["-acp", String(processor), String(pid)] }).output();
  } catch {
    // Not on this system.
  }
}

async function start(program: string, args: string[]): Promise<Server> {
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "piped" }).spawn();
  await pin(child.pid, 0);
  const reader = child.stdout.getReader();
  const port = new TextDecoder().decode((await reader.read()).value).trim();
  return {
    url: `ws://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill();
      await reader.cancel();
      await child.status;
    },
  };
}

/** The servers that can be had here. */
async function servers(): Promise<Record<string, Server>> {
  const file = new URL(import.meta.url).pathname;
  const config = new URL("../deno.local.json", import.meta.url).pathname;
  const local = await Deno.stat(config).then(() => ["--config", config], () => []);
  const deno = (kind: string) =>
    start(Deno.execPath(), ["run", ...local, "--no-check", "-A", file, "serve", kind]);
  const all: Record<string, Server> = { "Deno.upgradeWebSocket": await deno("plain") };
  all["serve"] = await deno("ours");
  try {
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] })
      .output();
    const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
    // The cache has a folder for each registry.
    const [registry] = await Array.fromAsync(Deno.readDir(npmCache));
    const ws = `${npmCache}/${registry!.name}/ws/8.23.0/wrapper.mjs`;
    await Deno.stat(ws);
    const script = new URL("./foreign/websocket_node.mjs", import.meta.url).pathname;
    all["ws on Node"] = await start("node", [script, ws]);
  } catch (error) {
    console.error(`without ws on Node: ${error instanceof Error ? error.message : error}`);
  }
  return all;
}

async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  return socket;
}

const many = <T>(count: number, make: () => Promise<T>) =>
  Promise.all(Array.from({ length: count }, make));

const text = "x".repeat(64);

function plainTrips(socket: WebSocket, count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    socket.onmessage = () => {
      if (--left === 0) resolve();
      else socket.send(text);
    };
    socket.send(text);
  });
}

async function ourTrips(socket: MessageSocket, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await socket.send(text);
    const [got, err] = await socket.receive();
    if (got === null) throw err;
  }
}

/** One message to all: over when the last one has it. */
function toAll(sockets: WebSocket[], message: string): Promise<void> {
  return new Promise((resolve) => {
    let left = sockets.length;
    for (const socket of sockets) {
      socket.onmessage = () => {
        if (--left === 0) resolve();
      };
    }
    sockets[0]!.send(message);
  });
}

async function measure(): Promise<void> {
  await pin(Deno.pid, 1);
  const all = await servers();
  const [plainServer] = Object.values(all);
  for (const [connections, trips, rounds] of [[1, 1_000, 31], [100, 30, 15]] as const) {
    const name = `${connections} connection${connections === 1 ? "" : "s"}`;
    const count = connections * trips;
    const unit = "round trips of 64 B/s";

    const plains = await many(connections, () => open(plainServer!.url));
    const own = await many(connections, () => unwrap(connect(plainServer!.url)));
    await compare({
      name: `websocket client, ${name}`,
      unit,
      rounds,
      contenders: {
        "WebSocket": () => rate(count, () => Promise.all(plains.map((s) => plainTrips(s, trips)))),
        "connect": () => rate(count, () => Promise.all(own.map((s) => ourTrips(s, trips)))),
      },
    });
    for (const socket of plains) socket.close();
    await Promise.all(own.map((socket) => socket.close()));

    const clients = new Map<string, WebSocket[]>();
    for (const [kind, { url }] of Object.entries(all)) {
      clients.set(kind, await many(connections, () => open(url)));
    }
    await compare({
      name: `websocket server, ${name}`,
      unit,
      rounds,
      contenders: Object.fromEntries(
        [...clients].map(([kind, sockets]) => [
          kind,
          () => rate(count, () => Promise.all(sockets.map((s) => plainTrips(s, trips)))),
        ]),
      ),
    });
    for (const socket of [...clients.values()].flat()) socket.close();
  }

  const count = 1_000;
  const message = TO_ALL + "x".repeat(1_023);
  const clients = new Map<string, WebSocket[]>();
  for (const [kind, { url }] of Object.entries(all)) {
    clients.set(kind, await many(count, () => open(url)));
  }
  await compare({
    name: "websocket broadcast, 1,000 sockets",
    unit: "messages of 1 KB/s",
    contenders: Object.fromEntries(
      [...clients].map(([kind, sockets]) => [
        kind,
        () =>
          rate(10 * count, async () => {
            for (let n = 0; n < 10; n++) await toAll(sockets, message);
          }),
      ]),
    ),
  });
  for (const socket of [...clients.values()].flat()) socket.close();
  for (const server of Object.values(all)) await server[Symbol.asyncDispose]();
}

const [role, kind] = Deno.args;
if (role === "serve") beServer(kind === "ours" ? ours() : plain());
else await measure();
