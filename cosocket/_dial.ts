import { setImmediate } from "node:timers";
import {
  current,
  Deadline,
  dying,
  fromOs,
  IoError,
  now,
  park,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { ConnTransport, plainIp, type SocketOption, type Transport } from "./_transport.ts";
import { DuplexSource } from "./_duplex.ts";
import type { Address } from "./types.ts";
import * as net from "node:net";

/** Where to connect to. */
export type Target =
  | { family: "tcp"; host: string; port: number; name: string }
  | { family: "unix"; path: string; name: string };

/** What only `node:net` can do. */
export interface NodeOptions {
  keepidle: number | undefined;
  local_address: string | undefined;
  local_port: number | undefined;
}

/**
 * Throws in a killed thread. Its next wait would do so too, or never settle; whoever
 * holds something that must be given back looks here first.
 */
export function dieIfKilled(): void {
  if (dying === 0) return;
  const { killed } = current();
  if (killed !== null) throw killed;
}

/** A Unix socket whose backlog is full refuses at once; ask again after so long. */
const UNIX_RETRY = 5;

/** One attempt to connect: it calls `wake`, or when given up `gone`; gives the way to give up. */
type Attempt = (wake: (result: Result<Transport>) => void, gone: () => void) => () => void;

/**
 * Connects. Given up, the attempt is taken back, and what comes late is closed. Where
 * no connection comes of it, `gone` is called as soon as the system has none left.
 */
export async function dial(
  target: Target,
  node: NodeOptions,
  wait: WaitOptions,
  gone: () => void,
): Promise<Result<Transport>> {
  let begun = false;
  try {
    dieIfKilled();
    return await park<Result<Transport>>(() => `connect ${target.name}`, wait, (wake) => {
      begun = true;
      return attemptFor(target, node)(wake, gone);
    });
  } finally {
    if (!begun) gone();
  }
}

function attemptFor(target: Target, node: NodeOptions): Attempt {
  if (target.family === "unix") return (wake, gone) => dialUnix(target, wake, gone);
  const wanted = [node.keepidle, node.local_address, node.local_port];
  return wanted.some((option) => option !== undefined)
    ? (wake, gone) => dialNode(target, node, wake, gone)
    : (wake, gone) => dialTcp(target, wake, gone);
}

function dialTcp(
  { host, port, name }: Target & { family: "tcp" },
  wake: (result: Result<Transport>) => void,
  gone: () => void,
): () => void {
  const abort = new AbortController();
  let over = false;
  Deno.connect({ hostname: host, port, signal: abort.signal }).then(
    (conn) => {
      if (over) {
        conn.close();
        return gone();
      }
      conn.setNoDelay(true);
      wake([new ConnTransport(conn), null]);
    },
    (error) => {
      gone();
      wake([null, fromOs(error, `Cannot connect to ${name}`)]);
    },
  );
  return () => {
    over = true;
    // In a turn of its own: an abort that comes between the end of the runtime's operation
    // and its continuation would have it throw away the connection, open.
    setImmediate(() => abort.abort());
  };
}

function dialUnix(
  { path, name }: Target & { family: "unix" },
  wake: (result: Result<Transport>) => void,
  gone: () => void,
): () => void {
  let over = false;
  let asked = false;
  const again = new Deadline(() => attempt(), true);
  const attempt = () => {
    asked = true;
    Deno.connect({ transport: "unix", path }).then(
      (conn) => {
        asked = false;
        if (over) {
          conn.close();
          return gone();
        }
        wake([new ConnTransport(conn), null]);
      },
      (error) => {
        asked = false;
        if (over) return gone();
        const err = fromOs(error, `Cannot connect to ${name}`);
        if (err.code === "busy") return again.set(now() + UNIX_RETRY);
        gone();
        wake([null, err]);
      },
    );
  };
  attempt();
  return () => {
    over = true;
    again.remove();
    if (!asked) gone();
  };
}

function dialNode(
  { host, port, name }: Target & { family: "tcp" },
  { keepidle, local_address, local_port }: NodeOptions,
  wake: (result: Result<Transport>) => void,
  gone: () => void,
): () => void {
  let socket: net.Socket | null = null;
  const failed = (error: unknown) => {
    socket?.off("close", gone);
    gone();
    wake([null, fromOs(error, `Cannot connect to ${name}`)]);
  };
  try {
    socket = net.connect({
      host,
      port,
      noDelay: true,
      allowHalfOpen: true,
      ...(local_address === undefined ? {} : { localAddress: local_address }),
      ...(local_port === undefined ? {} : { localPort: local_port }),
    });
  } catch (error) {
    failed(error);
    return () => {};
  }
  socket.once("error", failed);
  socket.once("close", gone);
  socket.once("connect", () => {
    socket.off("error", failed);
    socket.off("close", gone);
    if (keepidle !== undefined) socket.setKeepAlive(true, keepidle);
    wake([new NodeTransport(socket), null]);
  });
  return () => {
    socket.once("error", () => {});
    socket.destroy();
  };
}

/** A `node:net` socket: slower, and needed for what `Deno.Conn` cannot do. */
export class NodeTransport extends DuplexSource implements Transport {
  readonly lingers = true;
  readonly local: Address;
  readonly remote: Address;
  readonly #socket: net.Socket;
  #given = false;

  constructor(socket: net.Socket) {
    // One that was accepted is paused until somebody reads.
    super(socket, socket.readableFlowing !== false);
    this.#socket = socket;
    this.local = addressOf(socket.localAddress, socket.localPort);
    this.remote = addressOf(socket.remoteAddress, socket.remotePort);
  }

  override async close(): Promise<void> {
    if (this.#given) return;
    const closed = this.#socket.closed
      ? null
      : new Promise((resolve) => this.#socket.once("close", resolve));
    this.#socket.destroy();
    await closed;
  }

  /** Gives the socket itself away, if nothing was read; this is of no use then. */
  give(): net.Socket | null {
    if (this.giveUp() === null) return null;
    this.#given = true;
    return this.#socket;
  }

  ref(alive: boolean): void {
    if (alive) this.#socket.ref();
    else this.#socket.unref();
  }

  set(name: SocketOption, value: boolean | number): boolean {
    if (name === "nodelay") this.#socket.setNoDelay(Boolean(value));
    else if (name === "keepalive") this.#socket.setKeepAlive(Boolean(value));
    else this.#socket.setKeepAlive(Number(value) > 0, Number(value));
    return true;
  }
}

function addressOf(ip: string | undefined, port: number | undefined): Address {
  return { family: "tcp", ip: plainIp(ip ?? ""), port: port ?? 0 };
}

/** What is wrong with an address is the caller's fault. */
export function targetOf(host: unknown, port: unknown): Target {
  if (typeof host !== "string" || host === "") {
    throw new TypeError(`connect wants a host name, an address or a path: got ${show(host)}`);
  }
  if (host.startsWith("/")) return { family: "unix", path: host, name: `unix:${host}` };
  if (typeof port !== "number") {
    throw new TypeError(`connect wants a port, a number: got ${show(port)}`);
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new RangeError(`connect wants a port from 1 to 65535: got ${port}`);
  }
  const shown = host.includes(":") ? `[${host}]` : host;
  return { family: "tcp", host, port, name: `${shown}:${port}` };
}

function show(value: unknown): string {
  return value === "" ? "an empty string" : value === null ? "null" : typeof value;
}

/** An error for a socket that has nothing to connect to. */
export function notConnected(action: string): IoError {
  return new IoError("closed", `Cannot ${action}: it is not connected`);
}
