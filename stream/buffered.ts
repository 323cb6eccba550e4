import {
  afterTurn,
  all,
  any,
  atOnce,
  behindTurn,
  type Bytes,
  checkTimeout,
  type Codec,
  codecOf,
  count,
  type Data,
  due,
  dying,
  type Encoding,
  type Inbox,
  into,
  IoError,
  type Line,
  line,
  partsOf,
  type Pattern,
  type Payload,
  peek,
  type ReadResult,
  refusal,
  report,
  type Result,
  type Taken,
  until,
  type WaitOptions,
} from "../core/mod.ts";
import type { ReceiveWait } from "./_incoming.ts";
import { BatchIterator, LineIterator } from "./_lines.ts";
import type { SendWait } from "./_message.ts";
import { sendFile } from "./_sendfile.ts";
import { Channel, type DisconnectHandler, type TraceHandler } from "./channel.ts";
import {
  decoded,
  encoded,
  frame,
  type FrameCodec,
  framed,
  Framing,
  type RwOptions,
  UNFRAMED,
} from "./framing.ts";
import type { Peer, Source } from "./source.ts";
import type {
  EncodedReceiveOptions,
  FileLike,
  LinesOptions,
  ReceiveOptions,
  SendOptions,
  Stream,
  TryOptions,
  UntilOptions,
  UntilPiece,
  UntilPieceOptions,
} from "./types.ts";

/**
 * A call waits so long, in milliseconds, unless told otherwise.
 *
 * @example Usage
 * ```ts
 * import { DEFAULT_TIMEOUT } from "@alilua/coevent/stream";
 *
 * console.log(DEFAULT_TIMEOUT); // 30000
 * ```
 */
export const DEFAULT_TIMEOUT = 30_000;

/** The longest line, in bytes, unless `max` says otherwise. */
const LONGEST_LINE = 64 * 1024;

/** The most that is held for one receive, in bytes, unless `max` says otherwise. */
const MOST_HELD = 64 * 1024 * 1024;

/** How a call waits; those that do not say share one. */
type CallWait = ReceiveWait & SendWait;

/** What a stream is made with. */
export interface StreamOptions<E extends Encoding> {
  /** How bytes become text and back; `"lines"` by default. */
  encoding?: E;
  /** The other side, for messages and the wire log. */
  name?: string;
  /** Milliseconds that a call waits; 30,000 by default, 0 for no limit. */
  timeout?: number;
  /** The longest line, in bytes, where a call does not say; 65,536 by default. */
  max_line?: number;
  /** The most bytes that one receive holds, where a call does not say; 64 MiB by default. */
  max?: number;
}

/** Closes what was dropped without `close`: nothing else would ever give it back. */
const dropped = new FinalizationRegistry<Channel>((channel) => {
  if (channel.closed) return;
  const { ended, inbox } = channel.incoming;
  if (channel.source.receives_only === true && ended && inbox.pending === 0) {
    channel.close();
    return;
  }
  const err = new IoError("closed", "It was dropped without close() and has been closed now");
  report(err, `stream ${channel.name}`);
  channel.close();
});

/**
 * A {@linkcode Stream} over a {@linkcode Source}: patterns, deadlines, one reader and
 * one writer, kill and close, from four functions.
 *
 * A stream that is dropped without `close` is closed when it is collected, as coevent's
 * README promises, and named once through `thread.on_error`.
 *
 * @example A stream over a web stream
 * ```ts
 * import { BufferedStream } from "@alilua/coevent/stream";
 *
 * const text = new Blob(["one\ntwo\n"]).stream().getReader({ mode: "byob" });
 * await using words = new BufferedStream({
 *   async read(into) {
 *     const { value } = await text.read(new Uint8Array(into.length));
 *     if (value === undefined || value.length === 0) return null;
 *     into.set(value);
 *     return value.length;
 *   },
 *   write: (bytes) => Promise.resolve(bytes.length),
 *   end: () => Promise.resolve(),
 *   close: () => {},
 *   keeps_alive: true,
 * });
 * console.log(await words.receive(), await words.receive()); // [ "one", null ] [ "two", null ]
 * ```
 */
export class BufferedStream<E extends Encoding = "lines"> implements Stream<E> {
  #channel: Channel | null = null;
  readonly #codec: Codec;
  readonly #longestLine: number;
  readonly #mostHeld: number;
  /** How a call waits that does not say. */
  #sendWait: CallWait;
  #receiveWait: CallWait;
  #trace: TraceHandler | null = null;
  #framing: Framing = UNFRAMED;
  #disconnected: DisconnectHandler | null = null;
  /** The channel that another is being made of, for TLS. */
  #below: Channel | null = null;
  #readable: ReadableStream<Bytes> | null = null;
  #writable: WritableStream<Payload> | null = null;

  /** Makes a stream over a source, or one without a channel yet. */
  constructor(source: Source | null, options: StreamOptions<E> = {}) {
    const { encoding = "lines", name = "stream", timeout = DEFAULT_TIMEOUT } = options;
    this.#codec = codecOf(encoding);
    const { max_line = LONGEST_LINE, max = MOST_HELD } = options;
    this.#longestLine = checkCount(max_line, "max_line", 1);
    this.#mostHeld = checkCount(max, "max", 1);
    this.#sendWait = this.#receiveWait = this.#waitFor(checkTimeout(timeout));
    if (source !== null) this.adopt(new Channel(source, name));
  }

  /** The channel in use; `null` while there is none. For kinds of streams, not for programs. */
  protected get channel(): Channel | null {
    return this.#channel;
  }

  /** Takes a channel over. */
  protected adopt(channel: Channel): void {
    this.#below?.tell(null);
    this.#below = null;
    this.#channel = channel;
    this.#readable = this.#writable = null;
    if (this.#trace !== null) channel.trace_to(this.#trace);
    if (this.#disconnected !== null) channel.tell(this.#disconnected);
    dropped.register(this, channel, this);
  }

  /**
   * Lets go of the channel without closing it. With `listening`, the end of it is the end
   * of this stream until another is adopted.
   */
  protected detach(listening = false): void {
    if (listening) this.#below = this.#channel;
    else this.#channel?.tell(null);
    this.#channel = null;
    dropped.unregister(this);
  }

  /**
   * The channel of any stream, for what looks at several.
   *
   * @internal
   */
  static channel_of(stream: BufferedStream<Encoding>): Channel | null {
    return stream.#channel;
  }

  /** The error of an operation where there is no channel. */
  protected unconnected(action: string): IoError {
    return new IoError("closed", `Cannot ${action}: it is not connected`);
  }

  receive(
    pattern?: "*l",
    options?: ReceiveOptions & { encoding?: never },
  ): Promise<ReadResult<Line<E>>>;
  receive<F extends Encoding>(
    pattern: "*l",
    options: EncodedReceiveOptions<F>,
  ): Promise<ReadResult<Line<F>>>;
  receive(pattern: "*a", options?: ReceiveOptions & { encoding?: never }): Promise<Result<Data<E>>>;
  receive<F extends Encoding>(
    pattern: "*a",
    options: EncodedReceiveOptions<F>,
  ): Promise<Result<Data<F>>>;
  receive(
    count: number,
    options?: ReceiveOptions & { encoding?: never },
  ): Promise<ReadResult<Data<E>>>;
  receive<F extends Encoding>(
    count: number,
    options: EncodedReceiveOptions<F>,
  ): Promise<ReadResult<Data<F>>>;
  receive(pattern: "*l" | "*a" | number = "*l", options?: ReceiveOptions): Promise<unknown> {
    if (pattern === "*l" && options === undefined) {
      // The hot path: a line at hand costs no more than its promise.
      const found = this.#atHand()?.line(this.#codec.line, this.#longestLine);
      if (typeof found === "string" || found instanceof Uint8Array) {
        return due() ? behindTurn([found, null]) : Promise.resolve([found, null]);
      }
    }
    const wanted = this.#patternOf(pattern, options, "receive");
    return wanted instanceof IoError ? this.#fail(wanted) : this.#receive(wanted, options);
  }

  #patternOf(
    pattern: "*l" | "*a" | number,
    options: ReceiveOptions | undefined,
    name: string,
  ): Pattern | IoError {
    const codec = this.#codecFor(options);
    if (pattern === "*l") return line(codec, checkMax(options, this.#longestLine));
    const max = checkMax(options, this.#mostHeld);
    if (pattern === "*a") return all(codec, max);
    if (typeof pattern !== "number") {
      throw new TypeError(`${name} wants "*l", "*a" or a number of bytes: got '${pattern}'`);
    }
    checkCount(pattern, name);
    if (pattern <= max) return count(codec, pattern);
    const words = `Cannot receive ${pattern} bytes: more than ${max} at once need a larger max`;
    return new IoError("too_long", words);
  }

  try_receive(
    pattern?: "*l",
    options?: TryOptions & { encoding?: never },
  ): ReadResult<Line<E>>;
  try_receive<F extends Encoding>(
    pattern: "*l",
    options: TryOptions & { encoding: F },
  ): ReadResult<Line<F>>;
  try_receive(
    pattern: "*a" | number,
    options?: TryOptions & { encoding?: never },
  ): ReadResult<Data<E>>;
  try_receive<F extends Encoding>(
    pattern: "*a" | number,
    options: TryOptions & { encoding: F },
  ): ReadResult<Data<F>>;
  try_receive(
    pattern: "*l" | "*a" | number = "*l",
    options?: TryOptions,
  ): ReadResult<never> {
    const wanted = this.#patternOf(pattern, options, "try_receive");
    if (wanted instanceof IoError) return [null, wanted];
    const channel = this.#channel;
    if (channel === null) return [null, this.unconnected("receive")];
    return channel.incoming.attempt(wanted) as ReadResult<never>;
  }

  receiveany(
    max?: number,
    options?: ReceiveOptions & { encoding?: never },
  ): Promise<ReadResult<Data<E>>>;
  receiveany<F extends Encoding>(
    max: number,
    options: EncodedReceiveOptions<F>,
  ): Promise<ReadResult<Data<F>>>;
  receiveany(max = LONGEST_LINE, options?: ReceiveOptions): Promise<unknown> {
    const codec = this.#codecFor(options);
    checkCount(max, "receiveany: max", leastPiece(codec));
    return this.#receive(any(codec, max), options);
  }

  receive_into(memory: Uint8Array, options?: WaitOptions): Promise<ReadResult<number>> {
    if (!(memory instanceof Uint8Array)) {
      throw new TypeError(`receive_into wants a Uint8Array: got ${typeof memory}`);
    }
    if (memory.length === 0) throw new RangeError("receive_into: the memory has no room");
    return this.#receiveInto(memory, options);
  }

  async #receiveInto(
    memory: Uint8Array,
    options: WaitOptions | undefined,
  ): Promise<ReadResult<number>> {
    let count = 0;
    const [taken, err] = await this.#receive(into(memory, (found) => count = found), options);
    if (err !== null) return [null, err];
    return taken === null ? [null, null] : [count, null];
  }

  receiveuntil(
    boundary: string | Uint8Array,
    options?: UntilOptions & { size?: never; encoding?: never },
  ): Promise<ReadResult<Data<E>>>;
  receiveuntil<F extends Encoding>(
    boundary: string | Uint8Array,
    options: UntilOptions & { size?: never; encoding: F },
  ): Promise<ReadResult<Data<F>>>;
  receiveuntil(
    boundary: string | Uint8Array,
    options: UntilPieceOptions & { encoding?: never },
  ): Promise<UntilPiece<Data<E>>>;
  receiveuntil<F extends Encoding>(
    boundary: string | Uint8Array,
    options: UntilPieceOptions & { encoding: F },
  ): Promise<UntilPiece<Data<F>>>;
  receiveuntil(
    boundary: string | Uint8Array,
    options: UntilOptions & { size?: number } = {},
  ): Promise<unknown> {
    const codec = this.#codecFor(options);
    const bytes = boundaryBytes(boundary, codec);
    const { inclusive = false, size = null } = options;
    if (size !== null) {
      const least = Math.max(leastPiece(codec), inclusive ? bytes.length : 1);
      checkCount(size, "receiveuntil: size", least);
    }
    const max = checkMax(options, this.#mostHeld);
    return this.#receive(until(codec, bytes, { inclusive, size, max }), options);
  }

  peek(count: number, options?: ReceiveOptions): Promise<ReadResult<Bytes>> {
    checkCount(count, "peek");
    const max = checkMax(options, this.#mostHeld);
    if (count > max) {
      const words = `Cannot peek at ${count} bytes: more than ${max} at once need a larger max`;
      return this.#fail(new IoError("too_long", words));
    }
    const promise = this.#receive(peek(codecOf("bytes"), count), options);
    return promise as Promise<ReadResult<Bytes>>;
  }

  lines(
    options?: LinesOptions & { batch?: false; encoding?: never },
  ): AsyncIterableIterator<Line<E>>;
  lines<F extends Encoding>(
    options: LinesOptions & { batch?: false; encoding: F },
  ): AsyncIterableIterator<Line<F>>;
  lines(
    options: LinesOptions & { batch: true; encoding?: never },
  ): AsyncIterableIterator<Line<E>[]>;
  lines<F extends Encoding>(
    options: LinesOptions & { batch: true; encoding: F },
  ): AsyncIterableIterator<Line<F>[]>;
  lines(options: LinesOptions = {}): AsyncIterableIterator<unknown> {
    const codec = this.#codecFor(options);
    const max = checkMax(options, this.#longestLine);
    const source = {
      atHand: () => this.#atHand(),
      receive: (pattern: Pattern) => this.#receive(pattern, options),
    };
    return options.batch === true
      ? new BatchIterator(source, codec, max)
      : new LineIterator(source, codec, max);
  }

  set_rwopt(options: RwOptions): void {
    const framing = this.#framing === UNFRAMED ? new Framing() : this.#framing;
    framing.set(options);
    this.#framing = framing;
  }

  get_rwopt(): Required<RwOptions> {
    return this.#framing.get();
  }

  receive_frame(
    options?: ReceiveOptions & { encoding?: never },
  ): Promise<ReadResult<Data<E>>>;
  receive_frame<F extends Encoding>(
    options: EncodedReceiveOptions<F>,
  ): Promise<ReadResult<Data<F>>>;
  receive_frame<T>(codec: FrameCodec<T>, options?: ReceiveOptions): Promise<ReadResult<T>>;
  receive_frame(
    first?: ReceiveOptions | FrameCodec<unknown>,
    options?: ReceiveOptions,
  ): Promise<unknown> {
    if (isCodec(first)) return this.#receiveDecoded(first, options);
    const head = this.#framing.reads;
    const pattern = frame(this.#codecFor(first), head, checkMax(first, head.max));
    return this.#receive(pattern, first);
  }

  async #receiveDecoded<T>(
    codec: FrameCodec<T>,
    options: ReceiveOptions | undefined,
  ): Promise<ReadResult<T>> {
    let value: T;
    const pattern = decoded(codec, checkMax(options, this.#mostHeld), (found: T) => value = found);
    const [taken, err] = await this.#receive(pattern, options);
    if (err !== null) return [null, err];
    return taken === null ? [null, null] : [value!, null];
  }

  send_frame(data: Payload, options?: SendOptions & { encode?: never }): Promise<Result<number>>;
  send_frame<T>(value: T, codec: FrameCodec<T>, options?: SendOptions): Promise<Result<number>>;
  send_frame(
    value: unknown,
    second?: SendOptions | FrameCodec<unknown>,
    third?: SendOptions,
  ): Promise<Result<number>> {
    const [codec, options] = isCodec(second) ? [second, third] : [null, second];
    const bytes = this.#encode(value, codec, options?.encoding);
    return bytes instanceof IoError ? this.#fail(bytes) : this.send(bytes, options);
  }

  /** The bytes of a frame. */
  #encode(
    value: unknown,
    codec: FrameCodec<unknown> | null,
    encoding: Encoding | undefined,
  ): Bytes | IoError {
    const payload = codec === null ? value as Payload : encoded(codec, value);
    if (payload instanceof IoError) return payload;
    const text = encoding === undefined ? this.#codec : codecOf(encoding);
    const head = codec === null ? this.#framing.writes : UNFRAMED.writes;
    return framed(partsOf(payload, text), text, head);
  }

  /**
   * The bytes of a frame, made once for all streams that would make the same of it.
   *
   * @internal
   */
  frame_for(
    value: unknown,
    codec: FrameCodec<unknown> | null,
    encoding: Encoding | undefined,
    made: Map<string, Bytes | IoError>,
  ): Bytes | IoError {
    const key = codec === null ? this.#framing.key : "";
    const name = `${key} ${encoding ?? this.#codec.name}`;
    let bytes = made.get(name);
    if (bytes === undefined) made.set(name, bytes = this.#encode(value, codec, encoding));
    return bytes;
  }

  send(data: Payload, options?: SendOptions): Promise<Result<number>> {
    const codec = options?.encoding === undefined ? this.#codec : codecOf(options.encoding);
    const parts = partsOf(data, codec);
    const channel = this.#channel;
    if (channel === null) return this.#refuse("send");
    const wait = this.#waitOf(options, this.#sendWait);
    if (channel.outgoing.corked) return channel.outgoing.hold(parts, codec);
    return channel.outgoing.send(parts, codec, wait);
  }

  cork(): Result<true> {
    const channel = this.#channel;
    return channel === null
      ? [null, this.unconnected("cork")]
      : channel.outgoing.cork(this.#sendWait.timeout);
  }

  uncork(options?: WaitOptions): Promise<Result<number>> {
    const channel = this.#channel;
    if (channel === null) return this.#refuse("uncork");
    // Sent even when it is empty: what is wrong with the stream is told all the same.
    return this.send(channel.outgoing.uncork(), options);
  }

  sendfile(
    file: FileLike,
    offset = 0,
    count?: number,
    options: WaitOptions = {},
  ): Promise<Result<number>> {
    if (typeof file?.read !== "function") {
      throw new TypeError("sendfile wants a file with read(length, offset)");
    }
    checkPlace(offset, "sendfile: offset");
    if (count !== undefined) checkPlace(count, "sendfile: count");
    const timeout = checkTimeout(options.timeout ?? this.#sendWait.timeout);
    const channel = this.#channel;
    if (channel === null) return this.#refuse("send a file");
    // Of its own, for it also tells whose turn it is.
    const wait = { timeout, signal: options.signal, owner: this };
    return sendFile(channel, { file, offset, count }, wait);
  }

  async shutdown(direction: "send", options: WaitOptions = {}): Promise<Result<true>> {
    if (direction !== "send") {
      throw new TypeError(`shutdown wants "send": got ${JSON.stringify(direction)}`);
    }
    const channel = this.#channel;
    if (channel === null) return this.#refuse("shut down");
    const wait = this.#waitOf(options, this.#sendWait);
    const uncorked = channel.outgoing.corked ? this.uncork(options) : null;
    const [, err] = await channel.outgoing.end(wait);
    const unsent = (await uncorked)?.[1] ?? err;
    return unsent === null ? [true, null] : [null, unsent];
  }

  close(): Promise<Result<true>> {
    const channel = this.#channel;
    if (channel === null) return atOnce<Result<true>>([true, null]);
    dropped.unregister(this);
    return channel.close();
  }

  close_immediately(): Result<true> {
    dropped.unregister(this);
    this.#channel?.close_immediately();
    return [true, null];
  }

  interrupt(): Result<true> {
    const name = this.#channel?.name ?? "stream";
    const words = `Cannot receive from ${name}: it was interrupted`;
    const selected = this.#channel?.incoming.selected === true;
    if (this.#channel?.incoming.giveUp(new IoError("cancelled", words))) {
      // The answer may still come, as after a timeout.
      if (!selected) this.#channel.taint("a receive was interrupted");
      return [true, null];
    }
    return [null, new IoError("idle", `Cannot interrupt ${name}: no receive is waiting`)];
  }

  settimeout(ms: number): void {
    this.#sendWait = this.#receiveWait = this.#waitFor(checkTimeout(ms, "settimeout: ms"));
  }

  /** Sets the timeouts of sends and receives apart; for kinds of streams. */
  protected setTimeouts(send: number, receive: number): void {
    this.#sendWait = this.#waitFor(checkTimeout(send, "settimeouts: send"));
    this.#receiveWait = this.#waitFor(checkTimeout(receive, "settimeouts: receive"));
  }

  get pending(): number {
    return this.#channel?.incoming.inbox.pending ?? 0;
  }

  busy(): boolean {
    const channel = this.#channel;
    return channel !== null && (channel.incoming.busy || channel.outgoing.busy);
  }

  closed(): boolean {
    return this.#channel === null || this.#channel.closed;
  }

  getpeer(): Result<Peer> {
    const channel = this.#channel;
    if (channel === null || channel.closed) return [null, this.unconnected("tell the peer")];
    const { name, source: { remote } } = channel;
    if (remote !== undefined) return [remote, null];
    return [null, new IoError("unsupported", `Cannot tell the peer of ${name}: it has none`)];
  }

  on_disconnect(handler: DisconnectHandler | null): void {
    if (handler !== null && typeof handler !== "function") {
      throw new TypeError(`on_disconnect wants a function or null: got ${typeof handler}`);
    }
    this.#disconnected = handler;
    (this.#channel ?? this.#below)?.tell(handler);
  }

  trace(handler: TraceHandler | null): void {
    this.#trace = handler;
    this.#channel?.trace_to(handler);
  }

  get readable(): ReadableStream<Bytes> {
    return this.#readable ??= new ReadableStream<Bytes>({
      pull: async (controller) => {
        const [bytes, err] = await this.receiveany(LONGEST_LINE, { encoding: "bytes", timeout: 0 });
        if (err !== null) controller.error(err);
        else if (bytes === null) controller.close();
        else controller.enqueue(bytes);
      },
      cancel: () => {
        this.interrupt();
      },
    }, { highWaterMark: 0 });
  }

  get writable(): WritableStream<Payload> {
    const check = ([, err]: [unknown, IoError | null]) => {
      if (err !== null) throw err;
    };
    return this.#writable ??= new WritableStream<Payload>({
      write: async (chunk) => check(await this.send(chunk)),
      close: async () => check(await this.shutdown("send")),
      abort: () => {
        this.close_immediately();
      },
    });
  }

  /** Closes it, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The inbox, if a receive may look into it without asking anyone. */
  #atHand(): Inbox | null {
    const channel = this.#channel;
    if (channel === null || dying !== 0) return null;
    return channel.closed || channel.incoming.busy ? null : channel.incoming.inbox;
  }

  #receive(pattern: Pattern, options: ReceiveOptions | undefined): Promise<Taken> {
    const channel = this.#channel;
    if (channel === null) return this.#refuse("receive");
    return channel.incoming.receive(pattern, this.#waitOf(options, this.#receiveWait));
  }

  #waitOf(options: WaitOptions | undefined, usual: CallWait): CallWait {
    if (options === undefined) return usual;
    const { timeout, signal } = options;
    return this.#waitFor(timeout === undefined ? usual.timeout : checkTimeout(timeout), signal);
  }

  #waitFor(timeout: number, signal?: AbortSignal): CallWait {
    return { timeout, signal, owner: this };
  }

  #fail(err: IoError): Promise<[value: null, err: IoError]> {
    const refused = dying === 0 ? null : refusal();
    return refused ?? this.#channel?.incoming.fail(err) ?? afterTurn([null, err]);
  }

  /** There is no channel. A loop that takes no heed of that must not freeze the program. */
  #refuse(action: string): Promise<[value: null, err: IoError]> {
    return afterTurn([null, this.unconnected(action)]);
  }

  #codecFor(options: ReceiveOptions | undefined): Codec {
    return options?.encoding === undefined ? this.#codec : codecOf(options.encoding);
  }
}

function checkMax(options: ReceiveOptions | undefined, standard: number): number {
  const max = options?.max;
  if (max === undefined) return standard;
  checkCount(max, "max");
  return max;
}

function isCodec(given: object | undefined): given is FrameCodec<unknown> {
  return given !== undefined && "encode" in given && "decode" in given;
}

/** The least size of a piece that may not cut a character in two. */
function leastPiece(codec: Codec): number {
  return codec.data === "utf-8" ? 4 : 1;
}

function checkCount(value: number, name: string, least = 0): number {
  if (typeof value !== "number") {
    throw new TypeError(`${name} wants a number of bytes: got ${typeof value}`);
  }
  if (!(Number.isInteger(value) || value === Infinity) || value < least) {
    throw new RangeError(`${name} wants ${least} bytes or more: got ${value}`);
  }
  return value;
}

/** A place in a file, or a length of it. */
function checkPlace(value: number, name: string): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new RangeError(`${name} must be a whole number of bytes, 0 or more: got ${value}`);
}

function boundaryBytes(boundary: string | Uint8Array, codec: Codec): Uint8Array {
  if (typeof boundary !== "string" && !(boundary instanceof Uint8Array)) {
    throw new TypeError(`receiveuntil wants a boundary of text or bytes: got ${typeof boundary}`);
  }
  if (boundary.length === 0) throw new RangeError("receiveuntil: the boundary is empty");
  if (typeof boundary !== "string") return boundary.slice();
  partsOf(boundary, codec);
  return codec.line === "latin1"
    ? Uint8Array.from(boundary, (character) => character.charCodeAt(0))
    : new TextEncoder().encode(boundary);
}
