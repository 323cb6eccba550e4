import {
  afterTurn,
  checkTimeout,
  dying,
  type Encoding,
  IoError,
  now,
  refusal,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { BufferedStream, Channel, DEFAULT_TIMEOUT } from "../stream/mod.ts";
import type { Socket } from "node:net";
import { type Call, callOf, checkOptions, checkWhole, nameOf, NO_OPTIONS } from "./_call.ts";
import {
  closedMeanwhile,
  dieIfKilled,
  type NodeOptions,
  NodeTransport,
  notConnected,
  type Target,
  targetOf,
  TcpDial,
  type TcpTarget,
  USUAL,
  whatTo,
} from "./_dial.ts";
import { dialResolved } from "./_resolve.ts";
import { handshake, identity, type Role, TlsTransport } from "./_tls.ts";
import { traceFromEnv } from "./_trace.ts";
import { Settling, Steps, type UnderWay } from "./_under_way.ts";
import { ConnTransport, type SocketOption, type Transport } from "./_transport.ts";
import { acquire, ask, IDLE_LIFE, type Member, Pool, poolOf, settled } from "./pool.ts";
import type {
  Address,
  ConnectOptions,
  ConnectTarget,
  HandshakeOptions,
  KeepaliveOptions,
  OpenOptions,
  PeerCert,
  ServerHandshakeOptions,
  SslOptions,
  TcpOptions,
} from "./types.ts";

/** It is not the network that took too long. */
const NO_PLACE = "no place in its pool came free";

/** Makes a socket and connects it; what only the class itself can, in one promise. */
let open: <E extends Encoding>(
  call: Call,
  options: TcpOptions<E>,
) => Promise<Result<TcpSocket<E>>>;

/**
 * A TCP, TLS or Unix socket: a `Stream` that can be connected, kept alive in a pool,
 * and connected again.
 *
 * From aLiLua (`cosocket.tcp`) and OpenResty (`ngx.socket.tcp`). It differs from the
 * first in what a timeout does: the socket stays open and nothing is lost.
 *
 * @example A line from a server
 * ```ts
 * import { tcp } from "@alilua/coevent/cosocket";
 *
 * const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * const greeting = listener.accept().then(async (conn) => {
 *   await conn.write(new TextEncoder().encode("hello\r\n"));
 *   conn.close();
 *   listener.close();
 * });
 *
 * const sock = tcp();
 * const [, err] = await sock.connect("127.0.0.1", listener.addr.port);
 * if (err) throw err;
 * console.log(await sock.receive()); // [ "hello", null ]
 * await sock.close();
 * await greeting;
 * ```
 */
export class TcpSocket<E extends Encoding = "lines"> extends BufferedStream<E> {
  readonly #ssl: boolean | SslOptions;
  #connectTimeout: number;
  #member: Member | null = null;
  /** The connect or the handshake that was begun last. */
  #underWay: UnderWay | null = null;
  /** Options set before there was a connection. */
  #early: Map<SocketOption, boolean | number> | null = null;
  /** What the pool is called without the part that tells TLS apart. */
  #poolName = "";
  #tlsIdentity = "";

  /** Made by {@linkcode tcp}. */
  constructor(options: TcpOptions<E> = {}) {
    const { ssl = false, timeout = DEFAULT_TIMEOUT } = options;
    super(null, options);
    this.#ssl = ssl;
    this.#connectTimeout = timeout;
  }

  /**
   * Connects to a host and port, or to the path of a Unix socket (it begins with `/`).
   *
   * With `pool_size`, at most so many sockets of the pool are open at a time, and more
   * callers wait in line. A socket that rests in the pool is used first. One timeout
   * covers the wait for the pool, the lookup, the connection and the TLS handshake;
   * given up, nothing stays behind. Errors: `timeout`, `cancelled`, `refused`,
   * `unreachable`, `reset`, `dns`, `tls`, `not_found` (path), `exhausted`, `busy`
   * (already connected). Requires `--allow-net=host:port`, or for a path
   * `--allow-read` and `--allow-write` of it. From aLiLua; the pool's line from
   * OpenResty.
   */
  connect(
    host: string,
    port: number,
    pool_size?: number,
    pool_key?: string,
  ): Promise<Result<true>>;
  /** Connects to a host and port, with options. */
  connect(host: string, port: number, options: ConnectOptions): Promise<Result<true>>;
  /** Connects to a Unix socket. */
  connect(path: string, pool_size?: number, pool_key?: string): Promise<Result<true>>;
  /** Connects to a Unix socket, with options. */
  connect(path: string, options: ConnectOptions): Promise<Result<true>>;
  /** Connects to what the options name. */
  connect(target: ConnectTarget): Promise<Result<true>>;
  connect(
    host: string | ConnectTarget,
    second?: number | ConnectOptions,
    third?: number | string | ConnectOptions,
    fourth?: string,
  ): Promise<Result<true>> {
    return this.#open(callOf(host, second, third, fourth), true);
  }

  static {
    open = (call, options) => {
      const sock = new TcpSocket(options);
      return sock.#open(call, sock);
    };
  }

  /** Connects, and gives `value` then. */
  #open<T>({ target, options }: Call, value: T): Promise<Result<T>> {
    checkOptions(options);
    const timeout = checkTimeout(options.timeout ?? this.#connectTimeout);
    if (dying !== 0) {
      const refused = refusal();
      if (refused !== null) return refused;
    }
    if (this.#busy || !this.closed()) {
      const words = `Cannot connect to ${target.name}: this socket is connected already`;
      return afterTurn<Result<T>>([null, new IoError("busy", words)]);
    }
    const node = this.#kind(target, options);
    const { signal, resolver } = options;
    const settling = settled(this.#key());
    if (settling !== null) return this.#settle(settling, { target, options }, value);
    const asked = signal?.aborted === true ? null : ask(this.#key(), options.pool_size);
    // The usual ways are short ones: nobody can give up what is there, and what takes one
    // step needs no more than one promise.
    if (asked !== null && !(asked instanceof Pool)) {
      this.#reuse(asked, node);
      return Promise.resolve([value, null]);
    }
    const usual = this.#ssl === false && resolver === undefined && node === USUAL;
    if (asked !== null && usual && target.family === "tcp") {
      return this.#dial(asked, target, timeout, signal, value);
    }
    return this.#begin(signal, whatTo(target), async (either) => {
      const [, err] = await this.#connect(asked, target, node, timeout, {
        ...options,
        signal: either,
      });
      return err === null ? [value, null] : await afterTurn<Result<T>>([null, err]);
    });
  }

  async #settle<T>(settling: Promise<void>, call: Call, value: T): Promise<Result<T>> {
    const own = this.#underWay = new Settling();
    await settling;
    own.over = true;
    return own.aborted ? [null, closedMeanwhile(whatTo(call.target))] : this.#open(call, value);
  }

  /** Connects with a pool's leave, where there is nothing to do before or after it. */
  #dial<T>(
    pool: Pool,
    target: TcpTarget,
    timeout: number,
    signal: AbortSignal | undefined,
    value: T,
  ): Promise<Result<T>> {
    const dial = new TcpDial(target, timeout, signal, (transport, term) => {
      this.#underWay = null;
      this.#use(pool.opened(new Channel(transport, target.name), transport, term));
      return value;
    }, pool);
    this.#underWay = dial;
    return dial.promise;
  }

  /** A connect or a handshake is under way. */
  get #busy(): boolean {
    return this.#underWay !== null && !this.#underWay.over;
  }

  /** Runs a connect or a handshake of several steps so that `close` can end it. */
  async #begin<T>(
    signal: AbortSignal | undefined,
    what: string,
    run: (signal: AbortSignal) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const steps = this.#underWay = new Steps();
    try {
      const result = await run(steps.signal(signal));
      if (!steps.aborted) return result;
      super.close_immediately();
      return [null, closedMeanwhile(what)];
    } finally {
      steps.over = true;
    }
  }

  /** Closes it; a connect or handshake under way gets `closed`. Otherwise as any stream. */
  override close(): Promise<Result<true>> {
    this.#underWay?.abort();
    return super.close();
  }

  /** Closes it without letting accepted sends go out; see {@linkcode TcpSocket.close}. */
  override close_immediately(): Result<true> {
    this.#underWay?.abort();
    return super.close_immediately();
  }

  /** Takes over a connection that was accepted; see {@linkcode from_conn}. */
  static from<E extends Encoding>(
    conn: Deno.TcpConn | Deno.UnixConn,
    options: TcpOptions<E>,
  ): TcpSocket<E> {
    return TcpSocket.#over(new ConnTransport(conn), options);
  }

  static #over<E extends Encoding>(transport: Transport, options: TcpOptions<E>): TcpSocket<E> {
    transport.set("nodelay", true);
    const { remote } = transport;
    const name = remote.family === "tcp"
      ? targetOf(remote.ip, remote.port).name
      : `unix:${remote.path}`;
    const sock = new TcpSocket<E>(options);
    // A pool of its own, that no connect ever asks.
    sock.#use(new Pool(name).opened(new Channel(transport, name), transport));
    return sock;
  }

  /**
   * Takes over a socket of `node:net`, as another process has handed it to this one.
   *
   * @internal
   */
  static of_socket<E extends Encoding>(socket: Socket, options: TcpOptions<E>): TcpSocket<E> {
    socket.allowHalfOpen = true;
    return TcpSocket.#over(new NodeTransport(socket), options);
  }

  /**
   * Gives the `node:net` socket that this one stands on, to hand it to another process:
   * if it was accepted there, and nothing was received, sent or begun; else `null`. This
   * one is closed then.
   *
   * @internal
   */
  give_socket(): Socket | null {
    const member = this.#member;
    if (member === null || member.channel.unfit(false) !== null) return null;
    const { transport } = member;
    const socket = transport instanceof NodeTransport ? transport.give() : null;
    if (socket !== null) this.close_immediately();
    return socket;
  }

  /**
   * Takes over an accepted connection that a pool counts already.
   *
   * @internal
   */
  take(member: Member): void {
    this.#use(member);
  }

  /** Makes up what its pool is called, and gives what makes it another kind of socket. */
  #kind(target: Target, options: ConnectOptions): NodeOptions {
    this.#tlsIdentity = identity(this.#ssl, hostOf(target));
    const node = this.#nodeOptions(options);
    this.#poolName = options.pool ?? nameOf(target, node);
    return node;
  }

  /** All steps there can be. `asked` is the leave to open one, or `null` to wait for it. */
  async #connect(
    asked: Pool | null,
    target: Target,
    node: NodeOptions,
    timeout: number,
    options: ConnectOptions,
  ): Promise<Result<true>> {
    const until = timeout === 0 ? Infinity : now() + timeout;
    const left = (): WaitOptions => {
      const wait = options.signal === undefined ? {} : { signal: options.signal };
      // A deadline that has just passed must not become "no limit".
      return until === Infinity ? wait : { ...wait, timeout: Math.max(until - now(), 0.01) };
    };
    let pool = asked;
    if (pool === null) {
      const backlog = options.backlog ?? Infinity;
      const [grant, err] = await acquire(this.#key(), options.pool_size, backlog, left());
      if (err !== null) return [null, told(err, target, timeout, NO_PLACE)];
      if (grant.member !== null) {
        this.#keepUnlessKilled(grant.member);
        this.#reuse(grant.member, node);
        return [true, null];
      }
      pool = grant.pool;
    }
    const own = pool;
    const [transport, dialError] = await dialResolved(
      target,
      options.resolver,
      node,
      left,
      () => own.leave(),
    );
    if (dialError !== null) return [null, told(dialError, target, timeout)];
    const member = own.opened(new Channel(transport, target.name), transport);
    if (this.#ssl !== false) {
      const options = this.#ssl === true ? {} : this.#ssl;
      const role: Role = { as: "client", host: hostOf(target), options };
      const tlsError = await raise(member, role, left());
      if (tlsError !== null) return [null, told(tlsError, target, timeout)];
    }
    this.#keepUnlessKilled(member);
    this.#use(member);
    return [true, null];
  }

  #reuse(member: Member, node: NodeOptions): void {
    if (node.keepidle !== undefined) member.transport.set("keepidle", node.keepidle);
    this.#use(member);
  }

  /** Nobody will use what a thread got that was killed just before it could run on. */
  #keepUnlessKilled(member: Member): void {
    try {
      dieIfKilled();
    } catch (killed) {
      member.channel.close_immediately();
      throw killed;
    }
  }

  #key(): string {
    return this.#tlsIdentity === "" ? this.#poolName : `${this.#poolName} ${this.#tlsIdentity}`;
  }

  #nodeOptions({ keepidle, local_address, local_port }: ConnectOptions): NodeOptions {
    const early = this.#early?.get("keepidle") as number | undefined;
    return (keepidle ?? early ?? local_address ?? local_port) === undefined
      ? USUAL
      : { keepidle: keepidle ?? early, local_address, local_port };
  }

  #use(member: Member): void {
    this.#member = member;
    this.adopt(member.channel);
    if (this.#early !== null) {
      for (const [name, value] of this.#early) member.transport.set(name, value);
    }
    traceFromEnv(member.channel);
    member.channel.trace?.(member.reused > 0 ? `reused, ${member.reused}` : "connected");
  }

  /**
   * Puts TLS on a connected socket, as client (STARTTLS), or as server with `server`.
   *
   * Plain bytes that are still unread are refused as `dirty`, for they would pass for
   * bytes that came under TLS; a receive that waits makes it `busy`. As server, `reply`
   * is the go-ahead in plain text, sent when that has been checked. When the handshake
   * fails (`tls`, `timeout`, `cancelled`, `reset`), the socket is closed.
   * From OpenResty (`sslhandshake`), which has the client's role only.
   */
  async sslhandshake(
    options: HandshakeOptions | ServerHandshakeOptions = {},
  ): Promise<Result<true>> {
    const timeout = checkTimeout(options.timeout ?? this.#connectTimeout);
    const killed = dying === 0 ? null : refusal();
    if (killed !== null) return await killed;
    const member = this.#member;
    if (member === null || this.closed()) {
      return await afterTurn<Result<true>>([null, notConnected("shake hands (TLS)")]);
    }
    const unfit = this.#busy
      ? new IoError("busy", `Cannot shake hands (TLS) with ${member.channel.name}: another waits`)
      : unready(member.channel);
    if (unfit !== null) return await afterTurn<Result<true>>([null, unfit]);
    return await this.#begin(
      options.signal,
      `shake hands (TLS) with ${member.channel.name}`,
      (signal) => this.#shakeHands(member, options, { timeout, signal }),
    );
  }

  async #shakeHands(
    member: Member,
    options: HandshakeOptions | ServerHandshakeOptions,
    wait: WaitOptions,
  ): Promise<Result<true>> {
    let role: Role;
    if (options.server !== undefined) {
      role = { as: "server", options: options.server };
      if (options.reply !== undefined) {
        const [, err] = await this.send(options.reply, wait);
        if (err !== null) return [null, err];
      }
    } else {
      const { remote } = member.transport;
      const host = this.#hostName ?? (remote.family === "tcp" ? remote.ip : "localhost");
      role = { as: "client", host, options };
    }
    this.detach(true);
    const err = await raise(member, role, wait);
    if (err !== null) return [null, err];
    this.#tlsIdentity = role.as === "client" ? identity(role.options, role.host) : "";
    this.#keepUnlessKilled(member);
    this.#use(member);
    return [true, null];
  }

  get #hostName(): string | null {
    const parts = /^\[?([^\]/]*?)\]?:\d+$/.exec(this.#member?.channel.name ?? "");
    return parts?.[1] || null;
  }

  /**
   * Puts the socket to rest in its pool, or hands it to the first who waits there, and
   * leaves this object unconnected. Never waits.
   *
   * It is refused, and closed, as `dirty` when something is unread, in flight or half
   * sent, when a receive timed out or was killed, when one side was shut down, or when
   * nothing was received since the last send (`unanswered: true` allows that, for
   * protocols whose last word is a send); as `closed` when the peer has ended. With a
   * receive waiting it is `busy` and stays open, for its waiter.
   *
   * `size` is how many may rest under the key, 30 by default: of more, the least
   * recently used is closed. `key` is the pool it was connected from, by default. What
   * bytes alone cannot show, the rest of a reply that has not left the server yet, is
   * yours to know. From aLiLua (`setkeepalive(size, key)`); OpenResty takes the idle
   * time and the size.
   */
  setkeepalive(size?: number, key?: string, options?: KeepaliveOptions): Result<true>;
  /** Puts the socket to rest in its own pool. */
  setkeepalive(size: number, options: KeepaliveOptions): Result<true>;
  setkeepalive(
    size = 30,
    key?: string | KeepaliveOptions,
    more: KeepaliveOptions = NO_OPTIONS,
  ): Result<true> {
    if (typeof key === "number") {
      throw new TypeError(
        `setkeepalive wants (size, key?, { idle }): got two numbers, as for OpenResty's (idle, size)`,
      );
    }
    checkWhole(size, "setkeepalive: size", 0);
    const { unanswered = false, idle = IDLE_LIFE } = typeof key === "object" ? key : more;
    checkTimeout(idle, "idle");
    const member = this.#member;
    if (member === null) return [null, notConnected("keep alive")];
    if (this.#poolName === "" && typeof key !== "string") {
      const words = `Cannot keep ${member.channel.name} alive: it was accepted, not connected`;
      return [null, new IoError("unsupported", words)];
    }
    const err = member.channel.unfit(unanswered);
    if (err !== null) {
      member.channel.trace?.(`pool refuse: ${err.message}`);
      // Its place in the pool is wanted: only what was sent just now may hold it up.
      if (err.code === "dirty" && member.channel.outgoing.busy) this.close();
      else if (err.code !== "busy") this.close_immediately();
      return [null, err];
    }
    if (typeof key === "string") this.#poolName = key;
    const pool = poolOf(this.#key());
    if (!pool.adopt(member)) {
      this.close();
      const words = `Cannot keep ${member.channel.name} alive: the pool ${pool.key} is full`;
      return [null, new IoError("exhausted", words)];
    }
    this.#member = null;
    this.detach();
    pool.put(member, size, idle);
    return [true, null];
  }

  /** How often this connection came out of a pool: 0 when it is fresh. */
  getreusedtimes(): number {
    return this.#member?.reused ?? 0;
  }

  /** Sets the timeout of all calls, `connect` included, in milliseconds; 0 for no limit. */
  override settimeout(ms: number): void {
    super.settimeout(ms);
    this.#connectTimeout = ms;
  }

  /**
   * Sets the timeouts of `connect`, `send` and `receive` apart, in milliseconds; 0 for
   * no limit. From OpenResty.
   */
  settimeouts(connect: number, send: number, receive: number): void {
    checkTimeout(connect, "settimeouts: connect");
    this.setTimeouts(send, receive);
    this.#connectTimeout = connect;
  }

  /**
   * Sets an option of the socket: `"nodelay"` (on by default) or `"keepalive"` with a
   * boolean, `"keepidle"` (milliseconds of silence before TCP asks whether the peer is
   * there). Before `connect` it is kept for the connection. `keepidle` needs another
   * kind of socket than the usual: set it before `connect`. What cannot be set is
   * `unsupported`.
   */
  setoption(name: "nodelay" | "keepalive", value: boolean): Result<true>;
  /** Sets the milliseconds before TCP asks whether the peer is there. */
  setoption(name: "keepidle", ms: number): Result<true>;
  /** Any other option is `unsupported`. */
  setoption(name: string, value: boolean | number): Result<true>;
  setoption(name: string, value: boolean | number): Result<true> {
    if (name !== "nodelay" && name !== "keepalive" && name !== "keepidle") {
      const words = `Cannot set '${name}': Deno has no way to set this option of a socket`;
      return [null, new IoError("unsupported", words)];
    }
    if (name === "keepidle") checkWhole(value as number, "setoption: keepidle", 1);
    else if (typeof value !== "boolean") {
      throw new TypeError(`setoption: ${name} wants true or false: got ${typeof value}`);
    }
    const member = this.#member;
    if (member === null || this.closed()) {
      (this.#early ??= new Map()).set(name, value);
      return [true, null];
    }
    if (member.transport.set(name, value)) return [true, null];
    const words = `Cannot set '${name}' on ${member.channel.name}: set it before connect, ` +
      `or it is no option of this kind of socket`;
    return [null, new IoError("unsupported", words)];
  }

  /** Our end's address. */
  localaddr(): Result<Address> {
    return this.#address("local");
  }

  /** The peer's address. */
  remoteaddr(): Result<Address> {
    return this.#address("remote");
  }

  /** The protocol agreed on by ALPN; `null` where there is none. */
  alpn(): string | null {
    const transport = this.#member?.transport;
    return transport !== undefined && "alpn" in transport ? transport.alpn as string | null : null;
  }

  /** The certificate that the peer has shown under TLS; `null` where there is none. */
  peercert(): PeerCert | null {
    const transport = this.#member?.transport;
    return transport instanceof TlsTransport && !this.closed() ? transport.peerCert : null;
  }

  /** The name that the client asked this server for under TLS (SNI); `null` without one. */
  servername(): string | null {
    const transport = this.#member?.transport;
    return transport instanceof TlsTransport ? transport.serverName : null;
  }

  #address(end: "local" | "remote"): Result<Address> {
    const member = this.#member;
    if (member === null || this.closed()) return [null, notConnected(`tell the ${end} address`)];
    return [member.transport[end], null];
  }
}

/** Puts TLS on a connection; gives the error. */
async function raise(member: Member, role: Role, wait: WaitOptions): Promise<IoError | null> {
  const [raised, err] = await handshake(member.channel, member.transport, role, wait);
  if (err !== null) return err;
  member.pool.raise(member, raised.channel, raised.transport);
  return null;
}

/** Why TLS must not be put on a channel now. */
function unready(channel: Channel): IoError | null {
  const refuse = (code: "busy" | "dirty", why: string) =>
    new IoError(code, `Cannot shake hands (TLS) with ${channel.name}: ${why}`);
  const { pending } = channel.incoming.inbox;
  if (channel.incoming.busy) return refuse("busy", "a receive is waiting");
  if (pending > 0) return refuse("dirty", `${pending} bytes in plain text were not read`);
  if (channel.outgoing.ending) return refuse("dirty", "its sending side was shut down");
  if (channel.outgoing.corked) return refuse("dirty", "it is corked");
  return null;
}

/** A timeout is told as the caller knows it: the whole, not what was left of it. */
function told(err: IoError, target: Target, timeout: number, what = "not"): IoError {
  if (err.code !== "timeout") return err;
  const words = `Cannot connect to ${target.name}: ${what} within ${timeout} ms`;
  return new IoError("timeout", words, { cause: err });
}

function hostOf(target: Target): string {
  return target.family === "tcp" ? target.host : "localhost";
}

/**
 * Makes a socket, not connected yet: `tcp()`, `tcp(true)` for TLS, or with options.
 *
 * TLS verifies the peer unless `ssl.verify` is off. From aLiLua (`cosocket.tcp`).
 *
 * @example Usage
 * ```ts
 * import { tcp } from "@alilua/coevent/cosocket";
 *
 * const plain = tcp();
 * const secure = tcp({ ssl: { alpn: ["http/1.1"] }, encoding: "latin1" });
 * console.log(plain.closed(), secure.closed()); // true true
 * ```
 */
export function tcp<E extends Encoding = "lines">(
  options: boolean | TcpOptions<E> = {},
): TcpSocket<E> {
  if (typeof options === "boolean") return new TcpSocket<E>({ ssl: options });
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `tcp wants true or options: got ${options === null ? "null" : typeof options}`,
    );
  }
  return new TcpSocket<E>(options);
}

/**
 * Makes a socket and connects it, in one step; the options are those of {@linkcode tcp}
 * and of its `connect`.
 *
 * @example Usage
 * ```ts
 * import { connect } from "@alilua/coevent/cosocket";
 *
 * const [sock, err] = await connect("127.0.0.1", 1, { timeout: 500 });
 * console.log(sock, err?.code); // null refused
 * ```
 */
export function connect<E extends Encoding = "lines">(
  host: string,
  port: number,
  options?: OpenOptions<E>,
): Promise<Result<TcpSocket<E>>>;
/** Makes a socket and connects it to the path of a Unix socket. */
export function connect<E extends Encoding = "lines">(
  path: string,
  options?: OpenOptions<E>,
): Promise<Result<TcpSocket<E>>>;
export function connect<E extends Encoding = "lines">(
  host: string,
  second?: number | OpenOptions<E>,
  third?: OpenOptions<E>,
): Promise<Result<TcpSocket<E>>> {
  try {
    const options = (typeof second === "object" ? second : third) ?? NO_OPTIONS;
    const isPath = typeof host === "string" && host.startsWith("/");
    return open<E>(callOf(host, isPath ? options : second, options), options);
  } catch (misuse) {
    return Promise.reject(misuse);
  }
}

/**
 * Makes a socket of a connection that `Deno.listen` accepted, with patterns, timeouts
 * and all the rest. The connection belongs to the socket from now on; do not read or
 * write it otherwise. No permission is needed.
 *
 * @example A server of one line
 * ```ts
 * import { connect, from_conn, unwrap } from "@alilua/coevent/cosocket";
 *
 * const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * const client = connect("127.0.0.1", listener.addr.port);
 * await using served = from_conn(await listener.accept());
 * await using sock = await unwrap(client);
 * await sock.send("hello\n");
 * console.log(await served.receive()); // [ "hello", null ]
 * listener.close();
 * ```
 */
export function from_conn<E extends Encoding = "lines">(
  conn: Deno.TcpConn | Deno.UnixConn,
  options: Omit<TcpOptions<E>, "ssl"> = {},
): TcpSocket<E> {
  return TcpSocket.from<E>(conn, options);
}
