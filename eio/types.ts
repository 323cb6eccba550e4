import type {
  Bytes,
  Data,
  Encoding,
  Line,
  Payload,
  ReadResult,
  Result,
  WaitOptions,
} from "../core/mod.ts";
import type { LinesOptions } from "../stream/mod.ts";

/** What a path of the file system is, in aLiLua's words. */
export type FileType =
  | "file"
  | "directory"
  | "link"
  | "socket"
  | "named pipe"
  | "char device"
  | "block device"
  | "other";

/** What `stat` gives: aLiLua's table. Times are seconds since 1970, with their fraction. */
export interface FileStat {
  /** The device that it is on. */
  dev: number;
  /** Its number there; `null` where the system has none. */
  ino: number | null;
  /** The access rights as a number: `0o644`. `null` where the system has none. */
  mode: number | null;
  /** How many names it has. */
  nlink: number | null;
  /** Whose it is. */
  uid: number | null;
  /** Which group's it is. */
  gid: number | null;
  /** Which device it stands for, if it is one. */
  rdev: number | null;
  /** What it is. */
  type: FileType;
  /** When it was last read. */
  access: number | null;
  /** When its bytes last changed. */
  modification: number | null;
  /** When its bytes, rights or names last changed. */
  change: number | null;
  /** When it was made. */
  birth: number | null;
  /** Its length in bytes. */
  size: number;
  /** How many bytes are best read at once. */
  blksize: number | null;
  /** How many blocks of 512 bytes it takes up: fewer than its size in a sparse file. */
  blocks: number | null;
}

/** From where `seek` counts: the beginning, the cursor, the end. */
export type Whence = "set" | "cur" | "end";

/** What `open` takes as its last argument. */
export interface OpenOptions<E extends Encoding = "lines"> extends WaitOptions {
  /** How bytes become text and back; `"lines"` by default: lines are text, the rest bytes. */
  encoding?: E;
}

/** What a write takes as its last argument. */
export interface WriteOptions extends WaitOptions {
  /** Encodes this one text otherwise than the file does. */
  encoding?: Encoding;
}

/**
 * An open file: aLiLua's `eio` handle.
 *
 * The handle keeps a cursor. Calls without an offset go on from there, one at a time: a
 * second one meanwhile gets `busy`. Calls with an offset neither use nor move it, and
 * may overlap. A call that fails leaves the cursor where it was, or behind what it had
 * written. Every call that waits takes `timeout` in milliseconds (30,000 by default, `0`
 * for no limit) and `signal`. A write that is given up may still reach the disk, up to
 * the piece of 1 MiB that was under way.
 *
 * On a FIFO, a terminal or another device that makes one wait, there is no cursor: what
 * needs one gives `unsupported`.
 */
export interface FileHandle<E extends Encoding = "lines"> extends AsyncDisposable {
  /** The path that it was opened by. */
  readonly path: string;

  /**
   * Reads up to `length` bytes: fewer at the end of the file, then `[null, null]`. From a
   * FIFO or a device: what is there, at least one byte. Under `"utf-8"`, characters stay
   * whole: those that are cut by `length` are left for the next read.
   *
   * Errors: `busy`, `closed`, `timeout`, `cancelled`, `bad_text`, `io`; the cursor stays.
   */
  read(length: number, options?: WaitOptions): Promise<ReadResult<Data<E>>>;
  /** Reads from `offset` on, without moving the cursor. */
  read(
    length: number,
    offset: number | null | undefined,
    options?: WaitOptions,
  ): Promise<ReadResult<Data<E>>>;

  /**
   * Reads into memory of yours and gives the byte count: as many as `into` has room for,
   * fewer at the end of the file, then `[null, null]`. Faster than `read` for whoever uses
   * the same memory again. After a call that was given up, the system may still write into
   * it. From LuaIO.
   */
  read_into(into: Bytes, options?: WaitOptions): Promise<ReadResult<number>>;
  /** Reads into memory of yours from `offset` on, without moving the cursor. */
  read_into(
    into: Bytes,
    offset: number | null | undefined,
    options?: WaitOptions,
  ): Promise<ReadResult<number>>;

  /**
   * Writes text, bytes, numbers or lists of them, all of it, and gives the byte count.
   * After an error, `err.sent` bytes are in the file. What is handed over as bytes must
   * not be changed while the call waits.
   *
   * Errors: `no_space`, `too_long` (the largest size a file may have), `busy`, `closed`,
   * `timeout`, `cancelled`, `io`.
   */
  write(data: Payload, options?: WriteOptions): Promise<Result<number>>;
  /**
   * Writes at `offset`, without moving the cursor. A file that was opened to append to
   * takes it at its end all the same, as Linux does.
   */
  write(
    data: Payload,
    offset: number | null | undefined,
    options?: WriteOptions,
  ): Promise<Result<number>>;

  /** Moves the cursor and gives where it stands now. Before the beginning is `io`. */
  seek(pos: number, whence?: Whence, options?: WaitOptions): Promise<Result<number>>;
  /** Waits until all that was written is on the disk, through a crash of the machine. */
  sync(options?: WaitOptions): Promise<Result<true>>;
  /** Gives the file's size in bytes. */
  size(options?: WaitOptions): Promise<Result<number>>;
  /** What `stat` gives, of the open file, whatever its path leads to by now. */
  stat(options?: WaitOptions): Promise<Result<FileStat>>;
  /** Cuts the file off, or fills it up with zeros, at `length` bytes; 0 by default. */
  truncate(length?: number, options?: WaitOptions): Promise<Result<true>>;

  /**
   * All lines from the cursor to the end, for `for await`, without LF and the CR before
   * it; an unfinished last line too. The cursor stands behind the line given last, also
   * when the loop is left. Throws the `IoError` of what fails.
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
   * Waits for the file's lock, which other handles and other programs may have: `"r"`
   * with other readers, `"w"` alone. It is advice (`flock`): it keeps nobody from reading
   * or writing who does not ask for it. Ends with `unlock`, `close` or the program.
   */
  lock(mode?: "r" | "w", options?: WaitOptions): Promise<Result<true>>;
  /** Takes the lock if it is free; `busy` if it is not. Never waits. */
  try_lock(mode?: "r" | "w"): Result<true>;
  /** Gives the lock back. */
  unlock(): Result<true>;

  /** Closes it, after what is under way has ended. Idempotent; never throws `ThreadKilled`. */
  close(): Promise<Result<true>>;
  /** Whether `close` was called. */
  closed(): boolean;
  /** Whether a call that uses the cursor waits. */
  busy(): boolean;
  /** Sets the timeout of all calls, in milliseconds; 30,000 at first, 0 for no limit. */
  settimeout(ms: number): void;
}
