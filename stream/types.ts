import type {
  Bytes,
  Data,
  Encoding,
  IoError,
  Line,
  Payload,
  ReadResult,
  Result,
  WaitOptions,
} from "../core/mod.ts";
import type { DisconnectHandler, TraceHandler } from "./channel.ts";
import type { FrameCodec, RwOptions } from "./framing.ts";
import type { Peer } from "./source.ts";

/** What a receive takes as its last argument. */
export interface ReceiveOptions extends WaitOptions {
  /** Decodes this one answer otherwise than the stream does. */
  encoding?: Encoding;
  /** The most bytes that it may be: 65,536 for a line, 64 MiB for the rest, by default. */
  max?: number;
}

/** What `try_receive` takes, which never waits. */
export type TryOptions = Pick<ReceiveOptions, "encoding" | "max">;

/** {@linkcode ReceiveOptions} that choose an encoding, so that the type is known. */
export interface EncodedReceiveOptions<E extends Encoding> extends ReceiveOptions {
  /** Decodes this one answer so. */
  encoding: E;
}

/** What `receiveuntil` takes. */
export interface UntilOptions extends ReceiveOptions {
  /** Give the boundary along with what stands before it; off by default. */
  inclusive?: boolean;
}

/** What `receiveuntil` takes to give its part in pieces. */
export interface UntilPieceOptions extends UntilOptions {
  /** Pieces of this many bytes; the one at the boundary is shorter, and may be empty. */
  size: number;
}

/** A piece of what stands before a boundary; `last` says that the boundary was reached. */
export type UntilPiece<T> =
  | [value: T, err: null, last: boolean]
  | [value: null, err: null]
  | [value: null, err: IoError];

/** What `lines` takes. */
export interface LinesOptions extends ReceiveOptions {
  /** Give arrays of all lines at hand, instead of one line a step. */
  batch?: boolean;
}

/**
 * What a send takes as its last argument.
 *
 * @example Half a second at most
 * ```ts
 * import { pair } from "@alilua/coevent/stream";
 *
 * const [ours, theirs] = pair();
 * console.log(await ours.send("hello\n", { timeout: 500 })); // [ 6, null ]
 * await ours.close();
 * await theirs.close();
 * ```
 */
export interface SendOptions extends WaitOptions {
  /** Encodes this one message otherwise than the stream does. */
  encoding?: Encoding;
}

/** A file that can be sent: what `eio.open` gives, or anything that reads at an offset. */
export interface FileLike {
  /** Gives up to `length` bytes from `offset` on, and `[null, null]` at the end. */
  read(length: number, offset: number): Promise<ReadResult<Uint8Array>>;
  /** Reads into memory that is there already, and gives the count: faster, where it is. */
  read_into?(into: Bytes, offset: number): Promise<ReadResult<number>>;
  /** Gives its size, so that one that shrinks while it is sent is noticed. */
  size?(): Promise<Result<number>>;
}

/**
 * A connection to something that sends and receives bytes: a socket, a pipe, a file,
 * another place in the same program. All of them keep this one contract.
 *
 * A receive gives the whole of what was asked for, or consumes nothing: after a
 * `timeout`, `cancelled`, `too_long`, `bad_text`, `eof` or a kill, what had arrived is
 * still there for the next call. There is one reader at a time (a second gets `busy`);
 * sends queue up, each whole. Every call that waits takes `timeout` in milliseconds
 * (`0` for no limit) and `signal`.
 */
export interface Stream<E extends Encoding = "lines"> extends AsyncDisposable {
  /**
   * Receives a line (`"*l"`, the default): what stands before the next LF, without it
   * and without one CR before it. `[null, null]` is the clean end; an unfinished line
   * there is `eof`, and `receive("*a")` or `receiveany()` still gives it.
   */
  receive(pattern?: "*l", options?: ReceiveOptions & { encoding?: never }): Promise<
    ReadResult<Line<E>>
  >;
  /** Receives a line under another encoding, for this once. */
  receive<F extends Encoding>(
    pattern: "*l",
    options: EncodedReceiveOptions<F>,
  ): Promise<ReadResult<Line<F>>>;
  /** Receives everything to the end (`"*a"`): nothing left is an empty value. */
  receive(pattern: "*a", options?: ReceiveOptions & { encoding?: never }): Promise<Result<Data<E>>>;
  /** Receives everything to the end under another encoding, for this once. */
  receive<F extends Encoding>(
    pattern: "*a",
    options: EncodedReceiveOptions<F>,
  ): Promise<Result<Data<F>>>;
  /** Receives exactly so many bytes; 0 gives an empty value at once. */
  receive(
    count: number,
    options?: ReceiveOptions & { encoding?: never },
  ): Promise<ReadResult<Data<E>>>;
  /** Receives exactly so many bytes under another encoding, for this once. */
  receive<F extends Encoding>(
    count: number,
    options: EncodedReceiveOptions<F>,
  ): Promise<ReadResult<Data<F>>>;

  /**
   * Takes a line if one is here, and never waits: `timeout` says that not all of it is
   * here yet, and that it has been asked for. `select` tells when to try again. Errors:
   * `busy` and all of `receive`. From the libev RPC, whose reads give nil then.
   */
  try_receive(
    pattern?: "*l",
    options?: TryOptions & { encoding?: never },
  ): ReadResult<Line<E>>;
  /** Takes a line under another encoding, if one is here. */
  try_receive<F extends Encoding>(
    pattern: "*l",
    options: TryOptions & { encoding: F },
  ): ReadResult<Line<F>>;
  /** Takes exactly so many bytes, or everything to the end, if all of it is here. */
  try_receive(
    pattern: "*a" | number,
    options?: TryOptions & { encoding?: never },
  ): ReadResult<Data<E>>;
  /** Takes so many bytes, or everything to the end, under another encoding. */
  try_receive<F extends Encoding>(
    pattern: "*a" | number,
    options: TryOptions & { encoding: F },
  ): ReadResult<Data<F>>;

  /** Receives whatever is there, at least one byte and at most `max` (65,536). */
  receiveany(
    max?: number,
    options?: ReceiveOptions & { encoding?: never },
  ): Promise<ReadResult<Data<E>>>;
  /** Receives whatever is there under another encoding, for this once. */
  receiveany<F extends Encoding>(
    max: number,
    options: EncodedReceiveOptions<F>,
  ): Promise<ReadResult<Data<F>>>;

  /**
   * Receives whatever is there into memory of yours, at least one byte and as many as it has
   * room for, and gives the count; `[null, null]` at the end. Twice as fast as `receiveany`
   * where much comes and the same memory is used again, for that makes new memory each time.
   *
   * It is written in the moment of the answer: a call that fails has written and consumed
   * nothing, and nothing is written later, as `Deno.Conn.read` would. Memory that was given
   * away (detached) while the call waits is `failed`. Bytes, whatever the encoding.
   */
  receive_into(memory: Uint8Array, options?: WaitOptions): Promise<ReadResult<number>>;

  /** Receives up to a boundary, which is consumed and not given unless `inclusive`. */
  receiveuntil(
    boundary: string | Uint8Array,
    options?: UntilOptions & { size?: never; encoding?: never },
  ): Promise<ReadResult<Data<E>>>;
  /** Receives up to a boundary under another encoding, for this once. */
  receiveuntil<F extends Encoding>(
    boundary: string | Uint8Array,
    options: UntilOptions & { size?: never; encoding: F },
  ): Promise<ReadResult<Data<F>>>;
  /** The same in pieces of `size` bytes; the third element is true with the last. */
  receiveuntil(
    boundary: string | Uint8Array,
    options: UntilPieceOptions & { encoding?: never },
  ): Promise<UntilPiece<Data<E>>>;
  /** In pieces, under another encoding, for this once. */
  receiveuntil<F extends Encoding>(
    boundary: string | Uint8Array,
    options: UntilPieceOptions & { encoding: F },
  ): Promise<UntilPiece<Data<F>>>;

  /** Waits for so many bytes and gives them without consuming any. */
  peek(count: number, options?: ReceiveOptions): Promise<ReadResult<Bytes>>;

  /**
   * All lines to the end, for `for await`; the unfinished last one too. Throws the
   * `IoError` of what fails. Leaving the loop leaves the stream open.
   */
  lines(
    options?: LinesOptions & { batch?: false; encoding?: never },
  ): AsyncIterableIterator<Line<E>>;
  /** All lines, under another encoding. */
  lines<F extends Encoding>(
    options: LinesOptions & { batch?: false; encoding: F },
  ): AsyncIterableIterator<Line<F>>;
  /** All lines, in arrays of those at hand: the fastest way to read lines. */
  lines(
    options: LinesOptions & { batch: true; encoding?: never },
  ): AsyncIterableIterator<Line<E>[]>;
  /** All lines in arrays, under another encoding. */
  lines<F extends Encoding>(
    options: LinesOptions & { batch: true; encoding: F },
  ): AsyncIterableIterator<Line<F>[]>;

  /**
   * Sends text, bytes, numbers or lists of them; gives the byte count when the kernel
   * has all of it. Given up while queued (`timeout`, `cancelled`, a kill), it is
   * withdrawn whole. Given up later, `err.sent` is a lower bound, and later sends
   * give `dirty`; receiving goes on.
   */
  send(data: Payload, options?: SendOptions): Promise<Result<number>>;

  /**
   * Says how long the length in front of frames is, for {@linkcode Stream.receive_frame}
   * and {@linkcode Stream.send_frame}; receives by other patterns go on as they are.
   * Holds for the calls that follow, at any time. What is wrong throws, and changes
   * nothing. From node-lua, where it must be done before the first read or write.
   */
  set_rwopt(options: RwOptions): void;
  /** All options of frames, as they are. From node-lua. */
  get_rwopt(): Required<RwOptions>;
  /**
   * Receives one frame, without its head; without frames (`read_head_bytes` 0), whatever
   * is there, at most 64 KiB. A frame of no bytes is an empty value.
   *
   * A frame that is longer than `read_head_max`, or than `max`, is `too_long`: nothing is
   * consumed, its head included, so that every such call says so again, while
   * `receive(n)`, `receive_frame({ max })` or a larger `read_head_max` go on. An end in
   * the middle is `eof`, and the rest can still be fetched. From node-lua (`tcp.read`).
   */
  receive_frame(
    options?: ReceiveOptions & { encoding?: never },
  ): Promise<ReadResult<Data<E>>>;
  /** Receives one frame under another encoding, for this once. */
  receive_frame<F extends Encoding>(
    options: EncodedReceiveOptions<F>,
  ): Promise<ReadResult<Data<F>>>;
  /** Receives one frame that a codec of yours finds, of at most `max` bytes (64 MiB). */
  receive_frame<T>(codec: FrameCodec<T>, options?: ReceiveOptions): Promise<ReadResult<T>>;
  /**
   * Sends one frame, its head in front, and gives the count of both. Longer than
   * `write_head_max` is `too_long`: nothing is sent, and nothing else harmed. From
   * node-lua (`tcp.write`).
   */
  send_frame(data: Payload, options?: SendOptions & { encode?: never }): Promise<Result<number>>;
  /** Sends what a codec of yours makes of a value. */
  send_frame<T>(value: T, codec: FrameCodec<T>, options?: SendOptions): Promise<Result<number>>;

  /**
   * Holds what is sent from now on, so that `uncork` sends it as one. A send gives its
   * count at once: it is held, not sent, and a copy of its bytes; more than 64 MiB in all
   * are `exhausted`. `close` and `shutdown` uncork first. From LEM, where the kernel holds
   * it, and sends it after 200 ms all the same.
   */
  cork(): Result<true>;
  /** Sends what was held since `cork`, and gives its count as a send does. From LEM. */
  uncork(options?: WaitOptions): Promise<Result<number>>;
  /**
   * Sends a file from `offset` on, `count` bytes of it or all to its end, and gives the
   * count. It is read piece by piece, 128 KiB at a time; other sends wait until it is
   * through. After `cork`, what is held goes in front of it.
   *
   * A file that ends too early (before `count`, or before the size it had at the
   * beginning) is `eof`, and what its read gives is passed on. Once bytes of it have left,
   * such an end, a timeout, an abort or a kill leaves a message half sent: `err.sent` tells
   * how much, and later sends give `dirty`. A timeout bounds each wait for progress, of
   * the file and of the peer. From LEM, whose order is (file, size, offset).
   */
  sendfile(
    file: FileLike,
    offset?: number,
    count?: number,
    options?: WaitOptions,
  ): Promise<Result<number>>;

  /** Tells the other side that no more will be sent; receiving goes on. */
  shutdown(direction: "send", options?: WaitOptions): Promise<Result<true>>;

  /** Lets accepted sends go out, then closes; a waiting receive gets `closed`. Idempotent. */
  close(): Promise<Result<true>>;
  /** Closes without letting accepted sends go out. */
  close_immediately(): Result<true>;
  /** Wakes the waiting receive with `cancelled`; `idle` if none waits. */
  interrupt(): Result<true>;

  /** Sets the timeout of all calls, in milliseconds; 30,000 at first, 0 for no limit. */
  settimeout(ms: number): void;
  /** How many bytes have arrived and were not consumed. */
  readonly pending: number;
  /** Whether a receive or a send waits. */
  busy(): boolean;
  /** Whether it is not open (any more) on our side. */
  closed(): boolean;
  /** Who is at the other end; `unsupported` for what has no address. From LEM. */
  getpeer(): Result<Peer>;
  /**
   * Has a function called once a connection, when it is over: the other side has ended
   * or `close` has sent all (`null`), a read or write has failed (its error), or it was
   * closed before all was sent (`closed`). In place of an earlier function; `null` takes
   * it back. To hear of an end that nobody receives, it reads ahead, up to 64 KiB: an end
   * behind more is heard when that has been received. From the libev RPC (`disconnect`).
   */
  on_disconnect(handler: DisconnectHandler | null): void;
  /**
   * Turns the wire log on or, with `null`, off. What the handler itself does to the stream is
   * not logged; what it throws goes to `thread.on_error`, and the stream goes on.
   */
  trace(handler: TraceHandler | null): void;
  /** A view of what is received as a web stream; it reads nothing ahead. */
  readonly readable: ReadableStream<Bytes>;
  /** A view of what is sent as a web stream; closing it is `shutdown("send")`. */
  readonly writable: WritableStream<Payload>;
}
