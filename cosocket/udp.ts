import { Buffer } from "node:buffer";
import * as dgram from "node:dgram";
import { isIP } from "node:net";
import {
  afterTurn,
  type Bytes,
  bytesOf,
  checkTimeout,
  type Codec,
  codecOf,
  type Data,
  dying,
  type Encoding,
  fromOs,
  IoError,
  park,
  partsOf,
  type Payload,
  refusal,
  report,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { DEFAULT_TIMEOUT } from "../stream/mod.ts";
import { Datagrams } from "./_datagrams.ts";
import { unpermitted } from "./_lookup.ts";
import { plainIp } from "./_transport.ts";
import { addressOf, checkAddress, checkIp, nameOf } from "./_udp_address.ts";
import { hops, setterOf, type UdpOption, type UdpValue } from "./_udp_options.ts";

export type { UdpOption, UdpValue };

/** What `udp` takes. */
export interface UdpOptions<E extends Encoding> {
  /** How bytes become text and back; by default a datagram is bytes. */
  encoding?: E;
  /** Milliseconds that a call waits; 30,000 by default, 0 for no limit. */
  timeout?: number;
  /** So many datagrams wait to be received; 1,024 by default. More are dropped. */
  max_queue?: number;
  /** So many bytes of them; 4 MiB by default. */
  max_bytes?: number;
}

/** One end of UDP. */
export interface UdpAddress {
  /** `udp`. */
  family: "udp";
  /** An IP address. */
  ip: string;
  /** A port. */
  port: number;
}

/** What one datagram holds at most, over IPv4. */
const MOST = 65_507;

/** The longest time that a timer takes. */
const LONGEST = 2 ** 31 - 1;

const dropped = new FinalizationRegistry<{ socket: dgram.Socket; name: string }>(
  ({ socket, name }) => {
    const err = new IoError("closed", "It was dropped without close() and has been closed now");
    report(err, `udp ${name}`);
    socket.close();
  },
);

/**
 * A UDP socket: datagrams, each received as it was sent, one a call. Made by
 * {@linkcode udp}.
 *
 * The runtime hands datagrams over as they come, so those that nobody waits for are kept
 * here, up to `max_queue` and `max_bytes`; what comes then is dropped, and counted in
 * `dropped`. A receive that fails takes none. UDP itself may lose datagrams, and this
 * runtime does not tell that nobody listens at the other end (`refused`).
 *
 * A socket keeps the program alive while somebody waits in a receive.
 *
 * @example Usage
 * ```ts
 * import { udp, unwrap } from "@alilua/coevent/cosocket";
 *
 * await using server = udp({ encoding: "utf-8" });
 * await unwrap(server.bind("127.0.0.1", 0));
 *
 * await using client = udp({ encoding: "utf-8" });
 * await unwrap(client.setpeername("127.0.0.1", unwrap(server.localaddr()).port));
 * await client.send("ping");
 *
 * const [text, from] = await unwrap(server.receivefrom());
 * await server.sendto(`${text} pong`, from.ip, from.port);
 * console.log(await client.receive()); // [ "ping pong", null ]
 * ```
 */
export class UdpSocket<E extends Encoding = "lines"> implements AsyncDisposable {
  readonly #codec: Codec;
  readonly #datagrams: Datagrams;
  #timeout: number;
  #socket: dgram.Socket | null = null;
  #family: 4 | 6 = 4;
  #peer: UdpAddress | null = null;
  #name = "udp";
  #closed = false;
  /** The bind under way. */
  #binding: Promise<Result<true>> | null = null;

  /** Made by {@linkcode udp}. */
  constructor(options: UdpOptions<E> = {}) {
    const { encoding = "lines", timeout = DEFAULT_TIMEOUT } = options;
    const { max_queue = 1_024, max_bytes = 4 * 1024 * 1024 } = options;
    for (const [name, value] of Object.entries({ max_queue, max_bytes })) {
      if (!(value >= 1)) throw new RangeError(`udp: ${name} must be 1 or more: got ${value}`);
    }
    this.#codec = codecOf(encoding);
    this.#timeout = checkTimeout(timeout);
    this.#datagrams = new Datagrams(max_queue, max_bytes);
  }

  /** Datagrams at hand that nobody has received. */
  get pending(): number {
    return this.#datagrams.pending;
  }

  /** How many datagrams came when the queue was full. */
  get dropped(): number {
    return this.#datagrams.dropped;
  }

  /**
   * Takes an address and port of ours: to be sent to by others. Port 0 is any that is
   * free, `"*"` every address of IPv4, `"::"` of both.
   *
   * Errors: `in_use`, `unreachable` (no address of ours), `busy` (bound already), `dns`,
   * `no_permission`. Requires `--allow-net=host:port`. From LuaSocket (`setsockname`).
   */
  bind(host: string, port: number, options: WaitOptions = {}): Promise<Result<true>> {
    checkAddress("bind", host, port, 0);
    return this.#bound(host === "*" ? "0.0.0.0" : host, port, options, true);
  }

  /**
   * Chooses who is sent to by `send`, and whose datagrams `receive` gives: those of others
   * are dropped from then on. A name is looked up once.
   *
   * Errors: `dns`, `timeout`, `cancelled`, `no_permission`, `unsupported` (an IPv6 peer of a
   * socket bound to IPv4). Requires `--allow-net` for `host:port`, for the address of a
   * name too, and, where `bind` was not called, for `0.0.0.0:0`. From aLiLua.
   */
  async setpeername(
    host: string,
    port: number,
    options: WaitOptions = {},
  ): Promise<Result<true>> {
    checkAddress("setpeername", host, port, 1);
    const [to, err] = await this.#target("set the peer", host, port, options);
    if (err !== null) return [null, err];
    this.#peer = { family: "udp", ...to };
    this.#name = nameOf(to.ip, port);
    return [true, null];
  }

  /**
   * Sends one datagram to the peer and gives its byte count.
   *
   * Errors: `closed` (no peer, or the socket was closed), `too_long` (over 65,507 bytes),
   * `no_permission`, `timeout`, `cancelled`, `io` (no route, or `broadcast` is off: the
   * runtime does not say which). One that was given up may have left. From aLiLua, which
   * gives `true`.
   */
  send(data: Payload, options: WaitOptions = {}): Promise<Result<number>> {
    const bytes = this.#bytes(data);
    if (this.#peer === null) {
      return this.#refuse("closed", "Cannot send: setpeername() has not been called");
    }
    return this.#send(bytes, this.#peer, options);
  }

  /**
   * Sends one datagram to an address. A name is looked up each time. Errors: as `send`,
   * and `dns`. From LuaSocket.
   */
  async sendto(
    data: Payload,
    host: string,
    port: number,
    options: WaitOptions = {},
  ): Promise<Result<number>> {
    const bytes = this.#bytes(data);
    checkAddress("sendto", host, port, 1);
    const [to, err] = await this.#target("send", host, port, options);
    return err === null ? this.#send(bytes, to, options) : [null, err];
  }

  /**
   * Receives one datagram, whole, never joined with another. An empty one is an empty value.
   *
   * Errors: `timeout`, `cancelled`, `busy`, `closed` (not bound and no peer, or closed),
   * `bad_text` (it stays). From OpenResty; aLiLua joins datagrams into a stream.
   */
  async receive(options: WaitOptions = {}): Promise<Result<Data<E>>> {
    const [received, err] = await this.receivefrom(options);
    return err === null ? [received[0], null] : [null, err];
  }

  /** Receives one datagram and the address it came from. Errors: as `receive`. */
  receivefrom(options: WaitOptions = {}): Promise<Result<[data: Data<E>, from: UdpAddress]>> {
    const wait = this.#wait(options);
    if (dying !== 0) {
      const refused = refusal();
      if (refused !== null) return refused;
    }
    if (this.#closed) {
      return this.#refuse("closed", `Cannot receive from ${this.#name}: it was closed`);
    }
    if (this.#socket === null) {
      return this.#refuse("closed", "Cannot receive: neither bind() nor setpeername() was called");
    }
    return this.#datagrams.receive(this.#name, this.#codec, wait).then(([received, err]) => {
      if (err !== null) return [null, err];
      const [data, { ip, port }] = received;
      return [[data as Data<E>, { family: "udp", ip, port }], null];
    });
  }

  /** Wakes who waits in a receive with `cancelled`; `idle` if nobody does. From LEM. */
  interrupt(): Result<true> {
    const words = `Cannot receive from ${this.#name}: it was interrupted`;
    if (this.#datagrams.giveUp(new IoError("cancelled", words))) return [true, null];
    return [null, new IoError("idle", `Cannot interrupt ${this.#name}: nobody waits`)];
  }

  /**
   * Sets an option of a bound socket: `broadcast` and `multicast_loopback` on or off, `ttl`
   * and `multicast_ttl` from 1 to 255, `multicast_interface` an address of ours, by which
   * datagrams to a group leave. Errors: `closed` (not bound), `unsupported`
   * (`multicast_ttl` of a socket of IPv6: the runtime has none), `io`.
   */
  setoption(name: UdpOption, value: UdpValue): Result<true> {
    const set = setterOf(name);
    if (name === "multicast_ttl" && this.#socket !== null && this.#family === 6) {
      hops(name, value);
      return [null, new IoError("unsupported", `Cannot set ${name} of ${this.#name}: it is IPv6`)];
    }
    return this.#on(`set ${name}`, (socket) => set(socket, value));
  }

  /**
   * Joins a multicast group, on one interface or as the system chooses. Errors: `closed`
   * (not bound), `no_permission`, `unreachable`, `io`.
   */
  join_group(group: string, of_interface?: string): Result<true> {
    checkIp("join_group: group", group);
    return this.#on(`join ${group}`, (socket) => socket.addMembership(group, of_interface));
  }

  /** Leaves a multicast group. Errors: as `join_group`. */
  leave_group(group: string, of_interface?: string): Result<true> {
    checkIp("leave_group: group", group);
    return this.#on(`leave ${group}`, (socket) => socket.dropMembership(group, of_interface));
  }

  /** Our address; `closed` if the socket is not bound. */
  localaddr(): Result<UdpAddress> {
    let address: UdpAddress | null = null;
    const [, err] = this.#on("tell the address", (socket) => {
      const { address: ip, port } = socket.address();
      address = { family: "udp", ip: plainIp(ip), port };
    });
    return err === null ? [address!, null] : [null, err];
  }

  /** The peer's address; `null` if there is none. */
  remoteaddr(): UdpAddress | null {
    return this.#peer;
  }

  /** Sets the timeout of all calls, in milliseconds; 0 for no limit. */
  settimeout(ms: number): void {
    this.#timeout = checkTimeout(ms, "settimeout: ms");
  }

  /** Whether somebody waits in a receive. */
  busy(): boolean {
    return this.#datagrams.busy;
  }

  /** Whether `close` was called. */
  closed(): boolean {
    return this.#closed;
  }

  /** Closes it; who waits gets `closed`, what was not received is dropped. Idempotent. */
  async close(): Promise<Result<true>> {
    if (!this.#closed) {
      this.#closed = true;
      const words = `Cannot receive from ${this.#name}: it was closed`;
      this.#datagrams.giveUp(new IoError("closed", words));
    }
    await this.#binding?.catch(() => {});
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) {
      dropped.unregister(this);
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    }
    return [true, null];
  }

  /** Closes it, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #wait({ timeout = this.#timeout, signal }: WaitOptions): WaitOptions {
    return signal === undefined ? { timeout } : { timeout, signal };
  }

  #refuse<T>(
    code: "closed" | "busy" | "unsupported" | "too_long",
    words: string,
  ): Promise<Result<T>> {
    return afterTurn<Result<T>>([null, new IoError(code, words)]);
  }

  #bytes(data: Payload): Uint8Array {
    const parts = partsOf(data, this.#codec);
    const codec = this.#codec;
    const pieces = (Array.isArray(parts) ? parts : [parts])
      .map((part) => typeof part === "string" ? bytesOf(part, codec) : part);
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  /** The address of a host, permitted to be sent to, with the socket bound. */
  async #target(
    action: string,
    host: string,
    port: number,
    options: WaitOptions,
  ): Promise<Result<{ ip: string; port: number }>> {
    if (this.#closed) return this.#refuse("closed", `Cannot ${action}: the socket was closed`);
    const what = `${action} to ${nameOf(host, port)}`;
    const [ip, err] = await addressOf(
      what,
      host,
      this.#socket && this.#family,
      this.#wait(options),
    );
    if (err !== null) return [null, err];
    const refused = unpermitted(`Cannot ${what}`, nameOf(ip, port));
    if (refused !== null) return await afterTurn<Result<never>>([null, refused]);
    if (this.#socket === null) {
      const any = isIP(ip) === 6 ? "::" : "0.0.0.0";
      const [, bindErr] = await this.#bound(any, 0, options, false);
      if (bindErr !== null) return [null, bindErr];
    }
    if (isIP(ip) === 6 && this.#family === 4) {
      return this.#refuse("unsupported", `Cannot ${what}: the socket is bound to IPv4`);
    }
    return [{ ip, port }, null];
  }

  /** Binds it, once. `alone`: it is an error if it is bound already. */
  async #bound(
    host: string,
    port: number,
    options: WaitOptions,
    alone: boolean,
  ): Promise<Result<true>> {
    const what = `bind to ${nameOf(host, port)}`;
    if (this.#closed) return this.#refuse("closed", `Cannot ${what}: the socket was closed`);
    if (this.#socket !== null || this.#binding !== null) {
      if (alone) return this.#refuse("busy", `Cannot ${what}: the socket is bound already`);
      if (this.#binding === null) return [true, null];
      // If it was killed who binds, that is no news of ours: then it is our turn.
      return await this.#binding.catch(() => this.#bound(host, port, options, alone));
    }
    this.#binding = this.#bind(what, host, port, this.#wait(options));
    try {
      return await this.#binding;
    } finally {
      this.#binding = null;
    }
  }

  async #bind(
    what: string,
    host: string,
    port: number,
    wait: WaitOptions,
  ): Promise<Result<true>> {
    const [ip, err] = await addressOf(what, host, null, wait);
    if (err !== null) return [null, err];
    // What the runtime's socket holds must not lead to ours: it could never be collected.
    const family = this.#family = isIP(ip) === 6 ? 6 : 4;
    const socket = dgram.createSocket({
      type: family === 6 ? "udp6" : "udp4",
      // It has been looked up. At once, so that what the runtime refuses is thrown here.
      lookup: (address: string, _: unknown, then: Looked) => then(null, address, family),
    } as dgram.SocketOptions);
    // Before its first read, or it would keep the program alive for good.
    socket.unref();
    let bound = false;
    try {
      const [, failed] = await park<Result<true>>(() => what, wait, (wake) => {
        const fail = (error: unknown) => wake([null, fromOs(error, `Cannot ${what}`)]);
        socket.once("error", fail);
        try {
          socket.bind({ port, address: ip }, () => {
            socket.off("error", fail);
            wake([true, null]);
          });
        } catch (error) {
          fail(error);
        }
        return () => {};
      });
      // A loop that asks for a port until it is free would let nobody free it.
      if (failed !== null) return await afterTurn<Result<true>>([null, failed]);
      bound = true;
      this.#use(socket);
      return [true, null];
    } finally {
      // Whatever it was that came between, a kill above all.
      if (!bound) socket.close();
    }
  }

  #use(socket: dgram.Socket): void {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.#name = nameOf(plainIp(address), port);
    // The handlers must not hold the socket of ours: it could never be collected.
    const datagrams = this.#datagrams;
    const ours = new WeakRef(this);
    socket.on("message", (message: Buffer, from: { address: string; port: number }) => {
      const ip = plainIp(from.address);
      const peer = ours.deref()?.remoteaddr() ?? null;
      if (peer !== null && (peer.ip !== ip || peer.port !== from.port)) return;
      const bytes = new Uint8Array(message.length);
      bytes.set(message);
      datagrams.put({ bytes: bytes as Bytes, ip, port: from.port });
    });
    socket.on("error", (error: unknown) => {
      datagrams.giveUp(fromOs(error, `Cannot receive from ${nameOf(address, port)}`));
    });
    // Its own ref() would hold for good: the read that is under way keeps what it began with.
    let held: ReturnType<typeof setInterval> | undefined;
    datagrams.onWait = (waits) => {
      clearInterval(held);
      held = waits ? setInterval(() => {}, LONGEST) : undefined;
    };
    dropped.register(this, { socket, name: this.#name }, this);
  }

  async #send(
    bytes: Uint8Array,
    to: { ip: string; port: number },
    options: WaitOptions,
  ): Promise<Result<number>> {
    const what = `send to ${nameOf(to.ip, to.port)}`;
    const socket = this.#socket;
    if (socket === null) return this.#refuse("closed", `Cannot ${what}: the socket was closed`);
    if (bytes.length > MOST) {
      const words =
        `Cannot ${what}: ${bytes.length} bytes are more than a datagram holds (${MOST})`;
      return this.#refuse("too_long", words);
    }
    return await park<Result<number>>(() => what, this.#wait(options), (wake) => {
      // It keeps the program alive until it has left.
      socket.send(bytes, to.port, to.ip, (error) => {
        wake(error ? [null, unsent(error, what, nameOf(to.ip, to.port))] : [bytes.length, null]);
      });
      return () => {};
    });
  }

  #on(action: string, run: (socket: dgram.Socket) => void): Result<true> {
    const socket = this.#socket;
    if (socket === null) {
      return [null, new IoError("closed", `Cannot ${action}: the socket is not bound`)];
    }
    try {
      run(socket);
      return [true, null];
    } catch (error) {
      if (error instanceof RangeError || error instanceof TypeError) throw error;
      return [null, fromOs(error, `Cannot ${action} of ${this.#name}`)];
    }
  }
}

/** The runtime says `UNKNOWN` of all that fails but too long datagrams. */
function unsent(error: unknown, what: string, host: string): IoError {
  const { state } = Deno.permissions.querySync({ name: "net", host });
  if (state === "granted") return fromOs(error, `Cannot ${what}`);
  const words = `Cannot ${what}: it needs --allow-net=${host}`;
  return new IoError("no_permission", words, { cause: error });
}

type Looked = (error: Error | null, address: string, family: number) => void;

/**
 * Makes a UDP socket, unbound. Needs no permission until it is used. From aLiLua
 * (`cosocket.udp`) and OpenResty (`ngx.socket.udp`); receives whole datagrams, where
 * aLiLua joins them into a stream.
 *
 * @example Usage
 * ```ts
 * import { udp, unwrap } from "@alilua/coevent/cosocket";
 *
 * await using server = udp({ encoding: "utf-8" });
 * await unwrap(server.bind("127.0.0.1", 0));
 * const { port } = unwrap(server.localaddr());
 * await using client = udp();
 * await unwrap(client.sendto("hello", "127.0.0.1", port));
 * console.log((await unwrap(server.receivefrom()))[0]); // hello
 * ```
 */
export function udp<E extends Encoding = "lines">(options: UdpOptions<E> = {}): UdpSocket<E> {
  return new UdpSocket<E>(options);
}
