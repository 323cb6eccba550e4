import {
  afterTurn,
  checkTimeout,
  current,
  Deadline,
  type Encoding,
  evenKilled,
  fromOs,
  IoError,
  now,
  park,
  report,
  type Result,
  root,
  runIn,
  ThreadKilled,
  type WaitOptions,
} from "../core/mod.ts";
import { setImmediate } from "node:timers";
import { Channel } from "../stream/mod.ts";
import { kill, newthread, self, type Thread } from "../thread/mod.ts";
import { type Door, open } from "./_door.ts";
import { Guests } from "./_guests.ts";
import { at, checkListen, nameOf } from "./_listen_options.ts";
import { Spawning, type Taker } from "./_taker.ts";
import { checkSsl } from "./_certificates.ts";
import type { Transport } from "./_transport.ts";
import type { Member } from "./pool.ts";
import type { AutospawnOptions, Handler, ListenOptions, ShutdownOptions } from "./server_types.ts";
import { TcpSocket } from "./tcp.ts";
import type { Address, SslServerOptions, TcpOptions } from "./types.ts";

/** Connections have so long to end by themselves at a shutdown, and killed handlers to unwind. */
const GRACE = 5_000;

/** A TLS handshake may take so long, so that silent clients do not pile up. */
const HANDSHAKE = 10_000;

/** Where descriptors have run out, the next connection is asked for after so long. */
const PAUSE = 100;

/** The class of the sockets. */
type Kind<E extends Encoding, S> = new (options: TcpOptions<E>) => S;

/** A connection that is ready to be served. */
interface Guest<S> {
  sock: S;
  member: Member;
}

/**
 * A listening socket, as {@linkcode listen} gives it: accept connections one by one, in a
 * loop, or with a thread for each.
 *
 * Nothing is accepted ahead of time. While nobody waits for a connection, or
 * `maxconnections` are open, the kernel queues. A server keeps the program alive while
 * somebody waits for a connection of it, unless `unref` was called.
 *
 * From LEM (`autospawn`, `accept`, `interrupt`, `busy`, `closed`, `close`) and LuaIO
 * (`address`, `connections`). They differ in what a handler's error does: it ends the
 * process there, and one connection here.
 *
 * @example A thread for each connection
 * ```ts
 * import { connect, listen, unwrap } from "@alilua/coevent/cosocket";
 * import { newthread } from "@alilua/coevent/thread";
 *
 * await using server = await unwrap(listen("127.0.0.1", 0));
 * newthread(() =>
 *   server.autospawn(async (sock) => {
 *     for await (const line of sock.lines()) await sock.send(`${line}\n`);
 *   })
 * );
 *
 * await using sock = await unwrap(connect("127.0.0.1", server.port));
 * await sock.send("hello\n");
 * console.log(await sock.receive()); // [ "hello", null ]
 * ```
 */
export class Server<E extends Encoding = "lines", S extends TcpSocket<E> = TcpSocket<E>>
  implements AsyncDisposable {
  readonly #door: Door;
  readonly #name: string;
  readonly #options: ListenOptions<E, S>;
  readonly #socketOptions: TcpOptions<E>;
  readonly #limit: number;
  readonly #guests: Guests;
  /** Who waits for a connection, the next one first. */
  readonly #takers: Taker<Guest<S>>[] = [];
  /** Accepted while nobody waited any more: the next accept gets them. */
  readonly #ready: Guest<S>[] = [];
  /** The TLS handshakes under way. */
  readonly #greeting: Set<Guest<S>> = new Set();
  /** The threads of `autospawn`, and what each was started for. */
  readonly #handlers: Map<Thread, Member> = new Map();
  readonly #pause: Deadline = new Deadline(() => {
    this.#paused = false;
    this.#pump();
  }, true);
  #paused = false;
  #ssl: SslServerOptions | undefined;
  #accepting: Promise<void> | null = null;
  #closed = false;
  #keepsAlive = true;
  /** Called whenever a connection or a handler has ended, while a shutdown waits. */
  readonly #onLeft: Set<() => void> = new Set();

  /**
   * Made by {@linkcode listen}.
   *
   * @internal
   */
  constructor(door: Door, name: string, options: ListenOptions<E, S>) {
    this.#door = door;
    this.#name = name;
    this.#options = options;
    this.#ssl = options.ssl;
    this.#limit = options.maxconnections ?? Infinity;
    const { encoding, timeout, max_line, max } = options;
    const given = Object.entries({ encoding, timeout, max_line, max });
    this.#socketOptions = Object.fromEntries(given.filter(([, value]) => value !== undefined));
    this.#guests = new Guests(name, () => this.#left());
    door.ref(false);
  }

  /**
   * Waits for a connection and gives its socket.
   *
   * A timeout (milliseconds; none by default) loses nothing: what comes later is the
   * next call's. Several callers are served in their order. Under TLS the handshake is
   * done, and one that fails is no connection (`onerror` hears of it). Errors: `timeout`,
   * `cancelled` (signal, `interrupt`), `closed`, and `io` with the system's own.
   * From LEM and node-lua; there the next connection after a timeout is lost.
   *
   * @example Usage
   * ```ts
   * import { listen, unwrap } from "@alilua/coevent/cosocket";
   *
   * await using server = await unwrap(listen("127.0.0.1", 0));
   * const [sock, err] = await server.accept({ timeout: 20 });
   * console.log(sock, err?.code); // null timeout
   * ```
   */
  async accept(options: WaitOptions = {}): Promise<Result<S>> {
    checkTimeout(options.timeout ?? 0);
    if (this.#closed) return await afterTurn<Result<S>>([null, this.#closedError()]);
    const [guest, err] = await park<Result<Guest<S>>>(this.#waiting, options, (wake) => {
      const ready = this.#ready.shift();
      if (ready !== undefined) {
        wake([ready, null]);
        return () => {};
      }
      const taker: Taker<Guest<S>> = {
        once: true,
        take: (next) => wake([next, null]),
        end: (error) => wake([null, error ?? this.#closedError()]),
      };
      this.#wait(taker);
      return () => this.#forget(taker);
    });
    return err === null ? [guest.sock, null] : [null, err];
  }

  /**
   * Runs `handler` in a thread of its own for each connection, until the server is
   * closed (`true`), interrupted or the signal aborted (`cancelled`).
   *
   * The threads belong to the scope that called. The socket is closed when the handler
   * has ended, unless it returned the socket: then it has handed it on. A handler that
   * throws ends its connection, is reported to `thread.on_error`, and the server goes on.
   * From LEM, where the socket stays open and an error ends the process.
   */
  autospawn(handler: Handler<E, S>, options: AutospawnOptions = {}): Promise<Result<true>> {
    if (typeof handler !== "function") {
      throw new TypeError(`autospawn wants a function: got ${typeof handler}`);
    }
    if (this.#closed) return afterTurn<Result<true>>([null, this.#closedError()]);
    const spawning = new Spawning<Guest<S>>(this.#waiting, {
      take: (guest) => void newthread(() => this.#serve(handler, guest)),
      withdraw: (taker) => this.#forget(taker),
      giveBack: (guest) => this.#deliver(guest),
    });
    return spawning.begin(options.signal, () => {
      this.#wait(spawning);
      for (const guest of this.#ready.splice(0)) spawning.take(guest);
    });
  }

  /** Ends every wait for a connection with `cancelled`; nobody waiting is `idle`. From LEM. */
  interrupt(): Result<true> {
    if (this.#takers.length === 0) {
      const words = `Cannot interrupt the server on ${this.#name}: nobody waits for a connection`;
      return [null, new IoError("idle", words)];
    }
    const words = `Cannot accept on ${this.#name}: it was interrupted`;
    this.#endTakers(new IoError("cancelled", words));
    return [true, null];
  }

  /** Whether somebody waits for a connection. From LEM. */
  busy(): boolean {
    return this.#takers.length > 0;
  }

  /** Whether it was closed. From LEM. */
  closed(): boolean {
    return this.#closed;
  }

  /** Where it listens; the port is the real one if 0 was asked for. From LuaIO. */
  address(): Address {
    return this.#door.address;
  }

  /** The port it listens on; 0 for a Unix socket. */
  get port(): number {
    const { address } = this.#door;
    return address.family === "tcp" ? address.port : 0;
  }

  /** How many of its connections are open, those in a TLS handshake included. From LuaIO. */
  get connections(): number {
    return this.#guests.members.size;
  }

  /**
   * Shows other certificates from the next handshake on; connections that are open stay
   * as they are. What cannot be used is `tls`, and the old ones stay. On a server that was
   * not made with `ssl` it is `unsupported`.
   */
  setssl(ssl: SslServerOptions): Result<true> {
    if (this.#ssl === undefined) {
      const words = `Cannot set certificates on ${this.#name}: it speaks plain text`;
      return [null, new IoError("unsupported", words)];
    }
    const err = checkSsl(ssl, `Cannot set certificates on ${this.#name}`);
    if (err !== null) return [null, err];
    this.#ssl = ssl;
    return [true, null];
  }

  /** Lets the program end while only this server waits for connections. */
  unref(): void {
    this.#keepsAlive = false;
    this.#door.ref(false);
  }

  /** Takes {@linkcode Server.unref} back. */
  ref(): void {
    this.#keepsAlive = true;
    this.#door.ref(this.#takers.length > 0);
  }

  /**
   * Stops listening. Who waits for a connection gets `closed`; connections that nobody
   * has been given are closed, those in use stay open. Idempotent; gives `true` when the
   * port is free again.
   */
  async close(): Promise<Result<true>> {
    if (!this.#closed) {
      this.#closed = true;
      this.#resume();
      // Or the program might end before the runtime has let go of the port.
      this.#door.ref(true);
      this.#door.close();
      this.#endTakers(null);
      for (const { sock } of this.#ready.splice(0)) sock.close_immediately();
      for (const { sock } of this.#greeting) sock.close_immediately();
    }
    await this.#accepting;
    return [true, null];
  }

  /**
   * Stops listening, gives the connections `grace` milliseconds to end (5,000 by default,
   * 0 for none), then kills the handlers that are left and closes what is open. Gives the
   * number of connections that were cut; `timeout` where killed handlers do not unwind.
   *
   * A handler may call it: its own connection is not waited for. A kill of the caller cuts
   * the grace short.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<Result<number>> {
    const grace = checkTimeout(options.grace ?? GRACE, "shutdown: grace");
    const thread = self();
    const own = this.#handlers.get(thread);
    const open = () => [...this.#guests.members].filter((member) => member !== own);
    const running = () => [...this.#handlers.keys()].filter((handler) => handler !== thread);
    const gone = () => open().length + running().length === 0;
    await this.close();
    let cut = 0;
    try {
      if (grace > 0) await this.#settled(gone, grace);
    } finally {
      // Also when the caller was killed while it waited.
      cut = open().length;
      for (const handler of running()) kill(handler, `the server on ${this.#name} was shut down`);
      for (const { channel } of open()) channel.close_immediately();
    }
    const [, err] = await this.#settled(gone, GRACE);
    return err === null ? [cut, null] : [null, err];
  }

  /** Shuts it down, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await evenKilled(this.shutdown());
  }

  /** Gives its connections one by one, and ends when it is closed; a failure is thrown. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<S> {
    for (;;) {
      const [sock, err] = await this.accept();
      if (err === null) yield sock;
      else if (err.code === "closed") return;
      else throw err;
    }
  }

  readonly #waiting = (): string => `accept on ${this.#name}`;

  #closedError(): IoError {
    return new IoError("closed", `Cannot accept on ${this.#name}: the server was closed`);
  }

  #wait(taker: Taker<Guest<S>>): void {
    this.#takers.push(taker);
    if (this.#keepsAlive) this.#door.ref(true);
    this.#pump();
  }

  #forget(taker: Taker<Guest<S>>): void {
    const at = this.#takers.indexOf(taker);
    if (at >= 0) this.#takers.splice(at, 1);
    if (this.#takers.length === 0 && !this.#closed) this.#door.ref(false);
  }

  #endTakers(err: IoError | null): void {
    for (const taker of [...this.#takers]) {
      this.#forget(taker);
      taker.end(err);
    }
  }

  /** Asks for the next connection, if somebody waits for one and there is room for it. */
  #pump(): void {
    if (this.#accepting !== null || this.#paused || this.#closed) return;
    if (this.#takers.length === 0 || this.connections >= this.#limit) return;
    // Whoever asks may be killed; what it has begun goes on for the others.
    if (current() === root) this.#ask();
    else runIn(root, () => this.#ask(), []);
  }

  #ask(): void {
    this.#accepting = this.#door.accept().then(this.#arrived, this.#failed);
  }

  readonly #arrived = (transport: Transport): void => {
    this.#accepting = null;
    if (this.#closed) return void transport.close(true);
    const { nodelay = true, keepalive, keepidle } = this.#options;
    transport.set("nodelay", nodelay);
    if (keepalive === true) transport.set("keepalive", true);
    if (keepidle !== undefined) transport.set("keepidle", keepidle);
    const name = nameOf(transport.remote, this.#name);
    const channel = new Channel(transport, name);
    const member = this.#guests.opened(channel, transport);
    const sock = this.#made();
    if (sock === null) return channel.close_immediately();
    sock.take(member);
    if (this.#ssl === undefined) this.#deliver({ sock, member });
    else this.#greet({ sock, member }, this.#ssl);
    this.#pump();
  };

  /** A socket of the class that was asked for; `null` where it throws. */
  #made(): S | null {
    const kind = this.#options.class ?? TcpSocket as unknown as Kind<E, S>;
    try {
      return new kind(this.#socketOptions);
    } catch (error) {
      report(error, `the socket class of the server on ${this.#name}`);
      return null;
    }
  }

  /** The handshake takes as long as the client likes; others are accepted meanwhile. */
  async #greet(guest: Guest<S>, ssl: SslServerOptions): Promise<void> {
    this.#greeting.add(guest);
    const timeout = this.#options.handshake_timeout ?? HANDSHAKE;
    const [, err] = await guest.sock.sslhandshake({ server: ssl, timeout });
    this.#greeting.delete(guest);
    if (err === null) this.#deliver(guest);
    else if (!this.#closed) this.#tell(err);
  }

  #deliver(guest: Guest<S>): void {
    if (this.#closed) return void guest.sock.close_immediately();
    const taker = this.#takers[0];
    if (taker === undefined) return void this.#ready.push(guest);
    if (taker.once) this.#forget(taker);
    else if (this.#takers.length > 1) this.#takers.push(this.#takers.shift()!);
    taker.take(guest);
  }

  readonly #failed = (error: unknown): void => {
    this.#accepting = null;
    if (this.#closed) return;
    const err = fromOs(error, `Cannot accept on ${this.#name}`);
    if (err.code === "reset" || (error as { code?: unknown }).code === "ENOTCONN") {
      // The client has gone before it was its turn.
      setImmediate(() => this.#pump());
    } else if (err.code === "exhausted" || err.errno === "ENOMEM") {
      // The connection is still in the kernel's queue.
      this.#paused = true;
      this.#pause.set(now() + PAUSE);
      this.#tell(err);
    } else {
      this.#endTakers(err);
    }
  };

  #resume(): void {
    this.#paused = false;
    this.#pause.remove();
  }

  /** A connection or a handler has ended: there may be room, or descriptors, again. */
  #left(): void {
    if (this.#paused) this.#resume();
    this.#pump();
    if (this.#onLeft.size > 0) { for (const look of this.#onLeft) look(); }
  }

  #tell(err: IoError): void {
    try {
      this.#options.onerror?.(err);
    } catch (error) {
      report(error, `onerror of the server on ${this.#name}`);
    }
  }

  async #serve(handler: Handler<E, S>, { sock, member }: Guest<S>): Promise<void> {
    const thread = self();
    const { name } = member.channel;
    thread.name = `${handler.name || "handler"} ${name}`;
    this.#handlers.set(thread, member);
    let handedOn = false;
    try {
      handedOn = await handler(sock, this) === sock;
    } catch (error) {
      if (error instanceof ThreadKilled) {
        sock.close_immediately();
        throw error;
      }
      report(error, `handler of ${name}`);
    } finally {
      if (!handedOn) await sock.close();
      this.#handlers.delete(thread);
      this.#left();
    }
  }

  /** Waits, so long at most, until everything has gone. */
  #settled(gone: () => boolean, timeout: number): Promise<Result<true>> {
    return park<Result<true>>(() => `shut down ${this.#name}`, { timeout }, (wake) => {
      const look = () => {
        if (!gone()) return;
        this.#onLeft.delete(look);
        wake([true, null]);
      };
      this.#onLeft.add(look);
      look();
      return () => this.#onLeft.delete(look);
    });
  }
}

/**
 * Listens for TCP connections on a host's address and port, 0 for any free one; `"*"` is
 * every address of both families, a name whatever the system looks up for it.
 *
 * With `ssl` it speaks TLS. `reuseport` and `keepidle` go through `node:net`, which accepts
 * by itself: what is over `maxconnections` then waits in the program, unread, up to
 * `backlog`, and takes descriptors; running out of them is the end of such a server.
 * Errors: `in_use`, `denied` (ports below 1024), `unreachable` (not an address of this
 * machine), `dns`, `tls` (certificates), `unsupported` (all of IPv6 alone), `no_permission`.
 * Requires `--allow-net=host:port`; for `"*"`, `--allow-net=[::]:port`; for a name with
 * `family`, of the name and of its address.
 *
 * From LEM (`tcp.listen`), LuaIO (`createServer`, whose options these are) and node-lua.
 *
 * @example Connections one by one
 * ```ts
 * import { connect, listen, unwrap } from "@alilua/coevent/cosocket";
 *
 * const server = await unwrap(listen("127.0.0.1", 0, { timeout: 5_000 }));
 * const client = connect("127.0.0.1", server.port);
 * for await (const sock of server) {
 *   await sock.send("hello\n");
 *   await sock.close();
 *   await server.close(); // ends the loop
 * }
 * const [sock] = await client;
 * console.log(await sock?.receive()); // [ "hello", null ]
 * await sock?.close();
 * ```
 */
export function listen<E extends Encoding = "lines", S extends TcpSocket<E> = TcpSocket<E>>(
  host: string,
  port: number,
  options?: ListenOptions<E, S>,
): Promise<Result<Server<E, S>>>;
/**
 * Listens on the path of a Unix socket. A socket file that a dead server left is replaced;
 * one that somebody answers on, or another file, is `in_use`. Closing removes the file.
 * Requires `--allow-read`, `--allow-write` and `--allow-net=unix:path`.
 */
export function listen<E extends Encoding = "lines", S extends TcpSocket<E> = TcpSocket<E>>(
  path: string,
  options?: ListenOptions<E, S>,
): Promise<Result<Server<E, S>>>;
export async function listen<E extends Encoding = "lines", S extends TcpSocket<E> = TcpSocket<E>>(
  host: string,
  second?: number | ListenOptions<E, S>,
  third: ListenOptions<E, S> = {},
): Promise<Result<Server<E, S>>> {
  const isPath = typeof host === "string" && host.startsWith("/");
  const options = (isPath ? second : third) as ListenOptions<E, S> | undefined ?? {};
  const target = checkListen(host, isPath ? 0 : second, options);
  if (options.ssl !== undefined) {
    const err = checkSsl(options.ssl, `Cannot listen on ${target.name}`);
    if (err !== null) return await afterTurn<Result<Server<E, S>>>([null, err]);
  }
  const [door, err] = await open(target);
  // A loop that asks for a port until it is free would let nobody free it.
  if (err !== null) return await afterTurn<Result<Server<E, S>>>([null, err]);
  // Any free port was asked for: from here on it has its own name.
  const { address } = door;
  const name = address.family === "tcp" && target.port === 0
    ? at(target.host, address.port)
    : target.name;
  return [new Server<E, S>(door, name, options), null];
}
