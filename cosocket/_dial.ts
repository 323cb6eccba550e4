import { setImmediate } from "node:timers";
import {
  afterTurn,
  Asked,
  cancelled,
  current,
  Deadline,
  dying,
  fromOs,
  IoError,
  now,
  park,
  type Result,
  type ThreadKilled,
  type WaitOptions,
} from "../core/mod.ts";
import { ConnTransport, plainIp, type SocketOption, type Transport } from "./_transport.ts";
import { DuplexSource } from "./_duplex.ts";
import type { UnderWay } from "./_under_way.ts";
import type { Address } from "./types.ts";
import * as net from "node:net";

/** A host and port to connect to. */
export interface TcpTarget {
  readonly family: "tcp";
  readonly host: string;
  readonly port: number;
  readonly name: string;
}

/** Where to connect to. */
export type Target =
  | TcpTarget
  | { readonly family: "unix"; readonly path: string; readonly name: string };

/** What only `node:net` can do. */
export interface NodeOptions {
  keepidle: number | undefined;
  local_address: string | undefined;
  local_port: number | undefined;
}

/** Nothing that takes `node:net`. */
export const USUAL: NodeOptions = {
  keepidle: undefined,
  local_address: undefined,
  local_port: undefined,
};

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
    if (target.family === "tcp" && node === USUAL) {
      const { timeout = 0, signal } = wait;
      if (signal?.aborted) {
        return await afterTurn<Result<Transport>>([null, cancelled(whatOf(target), signal)]);
      }
      begun = true;
      const made = (transport: Transport, term: Term | null) => {
        term?.remove();
        return transport;
      };
      return await new TcpDial(target, timeout, signal, made, { leave: gone }).promise;
    }
    return await park<Result<Transport>>(() => whatOf(target), wait, (wake) => {
      begun = true;
      return attemptFor(target, node)(wake, gone);
    });
  } finally {
    if (!begun) gone();
  }
}

function whatOf({ name }: Target): string {
  return `connect ${name}`;
}

function attemptFor(target: Target, node: NodeOptions): Attempt {
  return target.family === "unix"
    ? (wake, gone) => dialUnix(target, wake, gone)
    : (wake, gone) => dialNode(target, node, wake, gone);
}

/**
 * The deadline of one connection: of its dial, and later of its rest in a pool. It stays in
 * the wheel in between, where the next moment that it is set to is a number and no more.
 */
export class Term extends Deadline {
  /** What is to be done when it has passed; `null` while nothing is. */
  due: (() => void) | null = null;

  constructor() {
    // The connection itself keeps the program alive, where it should.
    super(() => this.due?.(), false);
  }
}

/**
 * A TCP connection on its way: all of its wait in one object, with one promise, for
 * some programs do little else than connect.
 */
export class TcpDial<T> extends Asked<Result<T>> implements UnderWay {
  over = false;
  readonly #target: TcpTarget;
  readonly #made: (transport: Transport, term: Term | null) => T;
  readonly #pool: { leave(): void };
  readonly #abort = new AbortController();
  readonly #timeout: number;
  readonly #term: Term | null = null;
  readonly #signal: AbortSignal | undefined;

  /**
   * Begins at once. `made` turns the connection into what the promise gives, and removes the
   * term when it is closed; the place in
   * `pool` is given back where none comes of it, as soon as the system has none left.
   */
  constructor(
    target: TcpTarget,
    timeout: number,
    signal: AbortSignal | undefined,
    made: (transport: Transport, term: Term | null) => T,
    pool: { leave(): void },
  ) {
    super();
    this.#target = target;
    this.#made = made;
    this.#pool = pool;
    this.#timeout = timeout;
    this.#signal = signal;
    const since = now();
    this.enter(since);
    if (timeout > 0 && timeout !== Infinity) {
      this.#term = new Term();
      this.#term.due = () => this.#late();
      this.#term.set(since + timeout);
    }
    signal?.addEventListener("abort", this);
    const { host, port } = target;
    Deno.connect({ hostname: host, port, signal: this.#abort.signal })
      .then((conn) => this.#arrived(conn), (error) => this.#failed(error));
  }

  #arrived(conn: Deno.TcpConn): void {
    if (!this.#end()) {
      conn.close();
      return this.#pool.leave();
    }
    conn.setNoDelay(true);
    this.resolve([this.#made(new ConnTransport(conn), this.#term), null]);
  }

  #failed(error: unknown): void {
    this.#pool.leave();
    // What is refused at once would be the same however often it is asked for: in a turn of
    // its own, or a loop that tries for ever would spin in microtasks.
    setImmediate(() => {
      if (!this.#end()) return;
      this.#term?.remove();
      this.resolve([null, fromOs(error, `Cannot connect to ${this.#target.name}`)]);
    });
  }

  /** Ends the wait once; false if it had ended before. */
  #end(): boolean {
    if (this.over) return false;
    this.over = true;
    this.leave();
    this.#signal?.removeEventListener("abort", this);
    if (this.#term !== null) {
      this.#term.due = null;
      this.#term.clear();
    }
    return true;
  }

  /** Ends the wait and takes the attempt back. */
  #withdraw(): boolean {
    if (!this.#end()) return false;
    this.#term?.remove();
    // In a turn of its own: an abort that comes between the end of the runtime's operation
    // and its continuation would have it throw away the connection, open.
    setImmediate(() => this.#abort.abort());
    return true;
  }

  #late(): void {
    const words = `Cannot connect to ${this.#target.name}: not within ${
      Math.ceil(this.#timeout)
    } ms`;
    if (this.#withdraw()) this.resolve([null, new IoError("timeout", words)]);
  }

  abort(): void {
    if (this.#withdraw()) this.resolve([null, closedMeanwhile(whatTo(this.#target))]);
  }

  /** The caller's signal was aborted. */
  handleEvent(): void {
    this.#withdraw();
    this.resolve([null, cancelled(this.describe(), this.#signal!)]);
  }

  override describe(): string {
    return whatOf(this.#target);
  }

  override kill(error: ThreadKilled): void {
    if (this.#withdraw()) this.reject(error);
  }
}

/** What is done, for the error of a socket that was closed meanwhile. */
export function whatTo({ name }: Target): string {
  return `connect to ${name}`;
}

/** The error of what was under way when its socket was closed. */
export function closedMeanwhile(what: string): IoError {
  return new IoError("closed", `Cannot ${what}: the socket was closed meanwhile`);
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
  const socket = net.connect({
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    ...(local_address === undefined ? {} : { localAddress: local_address }),
    ...(local_port === undefined ? {} : { localPort: local_port }),
  });
  const failed = (error: unknown) => {
    socket.off("close", gone);
    gone();
    wake([null, fromOs(error, `Cannot connect to ${name}`)]);
  };
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

/** The one asked for last: mostly it is asked for again. */
let lastTarget: TcpTarget | null = null;

/** What is wrong with an address is the caller's fault. */
export function targetOf(host: unknown, port: unknown): Target {
  const last = lastTarget;
  if (last !== null && host === last.host && port === last.port) return last;
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
  return lastTarget = { family: "tcp", host, port, name: `${shown}:${port}` };
}

function show(value: unknown): string {
  return value === "" ? "an empty string" : value === null ? "null" : typeof value;
}

/** An error for a socket that has nothing to connect to. */
export function notConnected(action: string): IoError {
  return new IoError("closed", `Cannot ${action}: it is not connected`);
}
