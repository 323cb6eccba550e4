import {
  checkTimeout,
  IoError,
  type ReadResult,
  report,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { checkClose, NORMAL } from "./_codes.ts";
import { type SocketWait, TIMEOUT } from "./_options.ts";
import type { Wire } from "./_wire.ts";
import type { DisconnectHandler, Message } from "./types.ts";

/**
 * Sockets that nobody holds any more, while their connection is open. One that is over is
 * taken out: the stack of the error that tells of its end leads back to the socket, and what
 * stands here is held, so that neither could ever be collected.
 */
const dropped = new FinalizationRegistry<Wire>((wire) => {
  const err = new IoError("closed", "It was dropped without close() and has been closed now");
  report(err, `websocket ${wire.name}`);
  wire.close(NORMAL, "");
});

/** The connection behind a socket; throws for what is none of ours. */
export let wireOf: (socket: MessageSocket, what: string) => Wire;

/**
 * One end of a WebSocket, as {@linkcode upgrade} and {@linkcode connect} give it: a stream
 * of messages under the contract of all our sockets.
 *
 * A receive gives a whole message, or consumes nothing: after a timeout, an abort or a
 * kill the message that comes later is the next call's. There is one reader at a time.
 * Sends leave in order, each whole or not at all. `for await` gives all messages to the
 * end, and throws the `IoError` of what fails.
 *
 * A socket that is dropped without `close` is closed when it is collected, and named once
 * through `thread.on_error`.
 *
 * @example Messages, and a timeout that loses none
 * ```ts
 * import { connect, serve, unwrap } from "@alilua/coevent/websocket";
 *
 * await using echo = serve(async (socket) => {
 *   for await (const message of socket) await socket.send(message);
 * });
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, echo.fetch);
 * const socket = await unwrap(connect(`ws://127.0.0.1:${server.addr.port}`));
 * const [, err] = await socket.receive({ timeout: 10 });
 * console.log(err?.code); // timeout
 * await socket.send("hello");
 * console.log(await socket.receive()); // [ "hello", null ]
 * await socket.close();
 * await server.shutdown();
 * ```
 */
export class MessageSocket implements AsyncDisposable, AsyncIterable<Message> {
  readonly #wire: Wire;
  /** What `settimeout` has set. */
  #timeout: number | null = null;

  static {
    wireOf = (socket, what) => {
      if (!(socket instanceof MessageSocket)) throw new TypeError(`${what} wants sockets of ours`);
      return socket.#wire;
    };
  }

  /**
   * Made by {@linkcode upgrade} and {@linkcode connect}.
   *
   * @internal
   */
  constructor(wire: Wire) {
    this.#wire = wire;
    dropped.register(this, wire, wire);
    wire.whenOver(() => dropped.unregister(wire));
  }

  /**
   * Receives the next message: a string, or bytes.
   *
   * `[null, null]` is the clean end: the other side has closed with 1000, 1001, a code of
   * the program's own (3000 to 4999) or none; `code` and `reason` say which. Errors:
   * `timeout`, `cancelled`, `busy`, `closed` (by us), and for what ended the connection
   * `reset` (without a close, code 1006, or with 1011 to 1013), `protocol` (1002, 1003,
   * 1010), `bad_text` (1007), `too_long` (1009), `denied` (1008), `exhausted` (more came
   * than may wait). What had arrived before the end is given first. Consumes nothing when
   * it fails.
   */
  receive(options: WaitOptions = {}): Promise<ReadResult<Message>> {
    return this.#wire.incoming.receive(this.#wait(options, "receive"));
  }

  /** Takes a message if one is here, and never waits: `timeout` says that none is. */
  try_receive(): ReadResult<Message> {
    return this.#wire.incoming.attempt();
  }

  /**
   * Sends one message: a string as text, bytes as binary. `true` says that the runtime has
   * it, behind `high_mark` bytes at most; while more wait to leave, it waits too, and asks
   * again after 1 to 16 ms, for the runtime tells nothing.
   *
   * Errors: `timeout`, `cancelled`, then the message was taken back whole and nothing is
   * harmed; `closed` (by us), `reset` (the connection is over). Anything but a string or
   * bytes throws `TypeError`. While it waits, the bytes must stay as they are.
   */
  send(message: string | Uint8Array, options: WaitOptions = {}): Promise<Result<true>> {
    checkMessage(message, "send");
    return this.#wire.outgoing.send(message, this.#wait(options, "send"));
  }

  /**
   * Closes it with a code and a reason: what waits to be sent goes out first, then the
   * other side is told, and its answer waited for, `close_timeout` milliseconds at most.
   *
   * A waiting receive gets `closed`, and what nobody has received is dropped. Idempotent.
   * A code other than 1000 and 3000 to 4999, or a reason of more than 123 bytes, throws.
   * The runtime gives no way to cut a connection: one whose other side never answers is
   * held, silent, until that ends.
   */
  close(code = NORMAL, reason = ""): Promise<Result<true>> {
    checkClose(code, reason);
    return this.#wire.close(code, reason);
  }

  /** Wakes the waiting receive with `cancelled`; `idle` if none waits. */
  interrupt(): Result<true> {
    const { incoming, name } = this.#wire;
    const words = `Cannot receive from ${name}: it was interrupted`;
    if (incoming.giveUp(new IoError("cancelled", words))) return [true, null];
    return [null, new IoError("idle", `Cannot interrupt ${name}: nobody waits for a message`)];
  }

  /**
   * Always `unsupported`: the runtime sends pings by itself (`idle_timeout` of
   * {@linkcode upgrade}), answers those that come, and lets no program do it.
   */
  ping(): Result<true> {
    const words = `Cannot ping ${this.#wire.name}: the runtime lets no program send a ping; ` +
      "a server's idle_timeout makes it send them by itself";
    return [null, new IoError("unsupported", words)];
  }

  /** Has a function called once, when the connection is over; `null` takes it back. */
  on_disconnect(handler: DisconnectHandler | null): void {
    if (handler !== null && typeof handler !== "function") {
      throw new TypeError(`on_disconnect wants a function or null: got ${typeof handler}`);
    }
    this.#wire.tell(handler);
  }

  /**
   * Sets the timeout of all calls, in milliseconds; 0 for no limit. At first it is 30,000,
   * but `for await` waits without a limit: a server's pings notice who is gone.
   */
  settimeout(ms: number): void {
    this.#timeout = checkTimeout(ms, "settimeout: ms");
  }

  /** How many messages have arrived and were not received. */
  get pending(): number {
    return this.#wire.incoming.pending;
  }

  /** How many bytes wait to leave. */
  get buffered(): number {
    return this.#wire.buffered;
  }

  /** What it was closed with, by whoever closed it first; `null` while it is open. */
  get code(): number | null {
    return this.#wire.closing?.code ?? null;
  }

  /** The words it was closed with; empty while it is open. */
  get reason(): string {
    return this.#wire.closing?.reason ?? "";
  }

  /** The subprotocol that both speak; empty without one. */
  get protocol(): string {
    return this.#wire.protocol;
  }

  /** The address that was connected to. */
  get url(): string {
    return this.#wire.url;
  }

  /** Whether a receive or a send waits. */
  busy(): boolean {
    return this.#wire.incoming.busy || this.#wire.outgoing.busy;
  }

  /** Whether the connection is over, on whichever side. */
  closed(): boolean {
    return this.#wire.closing !== null;
  }

  /** All messages to the end, however long they take. Throws the `IoError` of what fails; leaving it closes nothing. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, void> {
    for (;;) {
      const [message, err] = await this.receive({ timeout: this.#timeout ?? 0 });
      if (err !== null) throw err;
      if (message === null) return;
      yield message;
    }
  }

  /** Closes it with 1000, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #wait({ timeout, signal }: WaitOptions, what: string): SocketWait {
    return {
      timeout: timeout === undefined
        ? this.#timeout ?? TIMEOUT
        : checkTimeout(timeout, `${what}: timeout`),
      signal,
      owner: this,
    };
  }
}

/** Throws unless it can be a message. */
export function checkMessage(message: string | Uint8Array, what: string): void {
  if (typeof message === "string") return;
  if (message instanceof Uint8Array) {
    if (message.buffer instanceof ArrayBuffer) return;
    throw new TypeError(`${what} wants bytes of its own: got shared memory, which may change`);
  }
  const got = message === null ? "null" : typeof message;
  throw new TypeError(`${what} wants a string or bytes: got ${got}`);
}
