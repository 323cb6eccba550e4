/** Where connections come in: a listening socket of the runtime, of one kind or another. */
import { fromOs, IoError, type Result } from "../core/mod.ts";
import { lookup } from "node:dns/promises";
import * as net from "node:net";
import { NodeTransport } from "./_dial.ts";
import { addressOf, ConnTransport, type Transport } from "./_transport.ts";
import { openUnix } from "./_unix.ts";
import type { Address } from "./types.ts";

/** A listening socket. */
export interface Door {
  readonly address: Address;
  /** Waits for the next connection; one call at a time. Rejects when it is closed. */
  accept(): Promise<Transport>;
  /** Stops listening; what it has accepted and not given is closed. */
  close(): void;
  /** Whether waiting for a connection keeps the program alive. */
  ref(alive: boolean): void;
}

/** Where to listen, and what decides how. */
export interface DoorOptions {
  host: string;
  port: number;
  family: 4 | 6 | undefined;
  backlog: number | undefined;
  reuseport: boolean;
  keepidle: number | undefined;
  mode: number | undefined;
  name: string;
}

/** The kernel's queue, as the runtime has it by default too. */
const BACKLOG = 511;

/** Begins to listen. */
export async function open(options: DoorOptions): Promise<Result<Door>> {
  const { host, port, family, name } = options;
  const action = `Cannot listen on ${name}`;
  try {
    if (host.startsWith("/")) return openPath(options, action);
    const [address, err] = await addressFor(host, family, action);
    if (err !== null) return [null, err];
    if (family === 6 && address === "::") {
      // Such a socket takes IPv4 along, and the runtime has no way to tell the kernel not to.
      const words = `${action}: Deno cannot listen on all of IPv6 alone; name an address`;
      return [null, new IoError("unsupported", words)];
    }
    if (options.reuseport || options.keepidle !== undefined) {
      return await NodeDoor.open(address, options, action);
    }
    return [openTcp(address, port, options, host === "*"), null];
  } catch (error) {
    return [null, fromOs(error, action)];
  }
}

function openPath({ host, mode, ...options }: DoorOptions, action: string): Promise<Result<Door>> {
  const { backlog, reuseport, keepidle } = options;
  const given = Object.entries({ backlog, keepidle, reuseport: reuseport || undefined })
    .filter(([, value]) => value !== undefined);
  if (given.length > 0) {
    const words = `${action}: a Unix socket has no '${given[0]![0]}' here`;
    return Promise.resolve([null, new IoError("unsupported", words)]);
  }
  return openUnix(host, mode, action).then(([listener, err]) =>
    err === null ? [new ConnDoor(listener), null] : [null, err]
  );
}

/** The address to listen on. A name is the runtime's to look up, unless a family is asked for. */
async function addressFor(
  host: string,
  family: 4 | 6 | undefined,
  action: string,
): Promise<Result<string>> {
  if (host === "*") return [family === 4 ? "0.0.0.0" : "::", null];
  const bare = /^\[(.*)\]$/.exec(host)?.[1] ?? host;
  if (family === undefined || net.isIP(bare) !== 0) return [bare, null];
  try {
    return [(await lookup(bare, { family })).address, null];
  } catch (error) {
    const err = fromOs(error, action);
    if ((error as { code?: unknown }).code !== "EPERM") return [null, err];
    const words = `${action}: it needs --allow-net=${bare}`;
    return [null, new IoError("no_permission", words, { cause: error })];
  }
}

function openTcp(hostname: string, port: number, { backlog }: DoorOptions, both: boolean): Door {
  const tcpBacklog = backlog ?? BACKLOG;
  try {
    return new ConnDoor(Deno.listen({ hostname, port, tcpBacklog }));
  } catch (error) {
    // A machine may have been told to do without IPv6.
    const lacking = both && /EAFNOSUPPORT|EADDRNOTAVAIL/.test(String(Object(error).code));
    if (!lacking) throw error;
    return new ConnDoor(Deno.listen({ hostname: "0.0.0.0", port, tcpBacklog }));
  }
}

function transportOf(conn: Deno.TcpConn | Deno.UnixConn): Transport {
  return new ConnTransport(conn);
}

/** A `Deno.Listener`: the fastest, and the usual one. It accepts no more than is asked for. */
class ConnDoor implements Door {
  readonly address: Address;
  readonly #listener: Deno.TcpListener | Deno.UnixListener;

  constructor(listener: Deno.TcpListener | Deno.UnixListener) {
    this.#listener = listener;
    this.address = addressOf(listener.addr);
  }

  accept(): Promise<Transport> {
    return this.#listener.accept().then(transportOf);
  }

  close(): void {
    this.#listener.close();
  }

  ref(alive: boolean): void {
    if (alive) this.#listener.ref();
    else this.#listener.unref();
  }
}

/** A `node:net` server, for what `Deno.listen` cannot do. It accepts by itself. */
class NodeDoor implements Door {
  readonly address: Address;
  readonly #server: net.Server;
  readonly #arrived: net.Socket[] = [];
  #waiting: { resolve(transport: Transport): void; reject(error: unknown): void } | null = null;
  #failure: Error | null = null;

  static async open(
    host: string,
    { port, backlog = BACKLOG, reuseport }: DoorOptions,
    action: string,
  ): Promise<Result<Door>> {
    const shown = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    // Without it, the runtime would throw where nobody can catch.
    const { state } = Deno.permissions.requestSync({ name: "net", host: shown });
    if (state !== "granted") {
      return [null, new IoError("no_permission", `${action}: it needs --allow-net=${shown}`)];
    }
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        const done = () => {
          server.off("error", reject);
          resolve();
        };
        const reuse = reuseport ? { reusePort: true } : {};
        server.listen({ host, port, backlog, ...reuse }, done);
      });
    } catch (error) {
      // It says EINVAL for an address that is not ours; the other road has the reason.
      if ((error as { code?: unknown }).code === "EINVAL") {
        Deno.listen({ hostname: host, port }).close();
      }
      throw error;
    }
    return [new NodeDoor(server, backlog), null];
  }

  constructor(server: net.Server, backlog: number) {
    this.#server = server;
    const { address, port } = server.address() as net.AddressInfo;
    this.address = { family: "tcp", ip: address, port };
    server.on("connection", (socket) => {
      const waiting = this.#waiting;
      this.#waiting = null;
      if (waiting !== null) waiting.resolve(new NodeTransport(socket));
      // What the kernel would do with a queue that is full.
      else if (this.#arrived.length >= backlog) socket.destroy();
      else this.#queue(socket);
    });
    server.on("error", (error) => {
      const waiting = this.#waiting;
      this.#waiting = null;
      if (waiting === null) this.#failure = error;
      else waiting.reject(error);
    });
  }

  #queue(socket: net.Socket): void {
    // It may fail before anybody has it; its reader will be told.
    socket.on("error", () => {});
    this.#arrived.push(socket);
  }

  accept(): Promise<Transport> {
    const socket = this.#arrived.shift();
    if (socket !== undefined) return Promise.resolve(new NodeTransport(socket));
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) return Promise.reject(failure);
    return new Promise((resolve, reject) => this.#waiting = { resolve, reject });
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#arrived.splice(0)) socket.destroy();
    this.#waiting?.reject(new IoError("closed", "The server was closed"));
    this.#waiting = null;
  }

  ref(alive: boolean): void {
    if (alive) this.#server.ref();
    else this.#server.unref();
  }
}
