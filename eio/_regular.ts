import {
  afterTurn,
  type Bytes,
  checkTimeout,
  type Codec,
  codecOf,
  type Data,
  type Encoding,
  fail,
  IoError,
  ok,
  type Payload,
  type ReadResult,
  report,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { DEFAULT_TIMEOUT, type LinesOptions } from "../stream/mod.ts";
import { bytesToWrite, checkBytes, checkMemory, joined, offsetAnd } from "./_arguments.ts";
import { ask, type CallOptions, done, osError } from "./_call.ts";
import type { Descriptor } from "./_descriptor.ts";
import type { Access } from "./_mode.ts";
import { quote } from "./_path.ts";
import { until } from "./_poll.ts";
import { FileLines, Reader } from "./_reader.ts";
import { statOf } from "./_stat.ts";
import { textOf } from "./_text.ts";
import type { FileHandle, FileStat, Whence, WriteOptions } from "./types.ts";

/** So much goes to the system at once: between two pieces a call can be given up. */
const PIECE = 1024 * 1024;

/** The memory for a read of unknown size: at first, and later at most. */
const LEAST = 64 * 1024;
const MOST = 64 * 1024 * 1024;

/** Closes what was dropped without `close`: nothing else would ever give it back. */
const dropped = new FinalizationRegistry<Descriptor>((descriptor) => {
  const err = new IoError("closed", "It was dropped without close() and has been closed now");
  report(err, `file ${quote(descriptor.path)}`);
  descriptor.close();
});

/** A file with a cursor: a regular one, or a device that never makes one wait. */
export class RegularFile<E extends Encoding> implements FileHandle<E> {
  readonly #descriptor: Descriptor;
  readonly #access: Access;
  readonly #codec: Codec;
  #timeout = DEFAULT_TIMEOUT;
  // Invariant: while #reader is not null, the cursor is the reader's, and this is stale.
  #cursor = 0;
  #reader: Reader | null = null;
  /** A call that uses the cursor is under way. */
  #taken = false;
  #closed = false;

  constructor(descriptor: Descriptor, access: Access, encoding: Encoding) {
    this.#descriptor = descriptor;
    this.#access = access;
    this.#codec = codecOf(encoding);
    dropped.register(this, descriptor, this);
  }

  get path(): string {
    return this.#descriptor.path;
  }

  read(
    length: number,
    offset?: number | null | WaitOptions,
    options?: WaitOptions,
  ): Promise<ReadResult<Data<E>>> {
    checkBytes(length, "read: length");
    const [at, limits] = offsetAnd(offset, options);
    if (!this.#access.read) throw this.#misuse("read");
    const reading = at === null
      ? this.#onCursor("read", () => this.#readOn(length, limits))
      : this.#ifOpen("read", () => this.#readAt(at, length, limits).then(([result]) => result));
    return reading as Promise<ReadResult<Data<E>>>;
  }

  async #readOn(length: number, options: WaitOptions): Promise<ReadResult<Bytes | string>> {
    const [result, consumed] = await this.#readAt(this.#cursor, length, options);
    this.#cursor += consumed;
    return result;
  }

  async #readAt(
    offset: number,
    length: number,
    options: WaitOptions,
  ): Promise<[ReadResult<Bytes | string>, consumed: number]> {
    const [bytes, err] = await this.#bytesAt(offset, length, options);
    if (err !== null) return [fail(err), 0];
    if (bytes.length === 0 && length > 0) return [[null, null], 0];
    return textOf(bytes, this.#codec, bytes.length < length);
  }

  /** Up to `length` bytes from `offset` on, fewer only at the end. */
  async #bytesAt(offset: number, length: number, options: WaitOptions): Promise<Result<Bytes>> {
    let room = length;
    if (length > PIECE) {
      // Memory for what is there, not for what was asked.
      const [size, err] = await this.size(options);
      if (err !== null) return fail(err);
      room = Math.min(length, Math.max(size - offset, LEAST));
    }
    let more = PIECE;
    const pieces: Bytes[] = [];
    let total = 0;
    while (total < length) {
      const piece = new Uint8Array(room);
      const [filled, err] = await this.#fill(offset + total, piece, options);
      if (err !== null) return fail(err);
      pieces.push(filled === room ? piece : shortened(piece, filled));
      total += filled;
      if (filled < room) break;
      // It may have grown, or have no size to speak of: look further, ever more at once.
      room = Math.min(length - total, more);
      more = Math.min(2 * more, MOST);
    }
    return ok(pieces.length === 1 ? pieces[0]! : joined(pieces, total));
  }

  /** Fills `into` from `offset` on; gives how far, which is all of it but for the end. */
  async #fill(offset: number, into: Bytes, options: WaitOptions): Promise<Result<number>> {
    let filled = 0;
    while (filled < into.length) {
      const piece = into.subarray(filled, filled + PIECE);
      const [count, err] = await ask(
        () => `read ${quote(this.path)}`,
        this.#limits(options),
        (caller) => this.#descriptor.read(offset + filled, piece, caller),
      );
      if (err !== null) return fail(err);
      if (count === 0) break;
      filled += count;
    }
    return ok(filled);
  }

  read_into(
    into: Bytes,
    offset?: number | null | WaitOptions,
    options?: WaitOptions,
  ): Promise<ReadResult<number>> {
    checkMemory(into);
    const [at, limits] = offsetAnd(offset, options);
    if (!this.#access.read) throw this.#misuse("read");
    const fill = async (from: number): Promise<ReadResult<number>> => {
      const [count, err] = await this.#fill(from, into, limits);
      if (err !== null) return fail(err);
      return count === 0 && into.length > 0 ? [null, null] : ok(count);
    };
    if (at !== null) return this.#ifOpen("read", () => fill(at));
    return this.#onCursor("read", async () => {
      const result = await fill(this.#cursor);
      this.#cursor += result[0] ?? 0;
      return result;
    });
  }

  write(
    data: Payload,
    offset?: number | null | WriteOptions,
    options?: WriteOptions,
  ): Promise<Result<number>> {
    const [at, limits] = offsetAnd(offset, options);
    const pieces = bytesToWrite(data, this.#codec, limits.encoding);
    if (!this.#access.write) throw this.#misuse("write");
    return at === null
      ? this.#onCursor("write", () => this.#writeOn(pieces, limits))
      : this.#ifOpen("write", () => {
        this.#forgetAhead();
        return this.#writeAt(at, pieces, limits, () => {});
      });
  }

  #writeOn(pieces: Uint8Array[], options: WaitOptions): Promise<Result<number>> {
    const from = this.#cursor;
    const { append } = this.#access;
    return this.#writeAt(from, pieces, options, (sent) => {
      this.#cursor = append ? this.#descriptor.written : from + sent;
    });
  }

  /** Writes all pieces, and tells of every step how far it came: a kill ends it anywhere. */
  async #writeAt(
    offset: number,
    pieces: Uint8Array[],
    options: WaitOptions,
    stepped: (sent: number) => void,
  ): Promise<Result<number>> {
    let sent = 0;
    for (const bytes of pieces) {
      for (let at = 0; at < bytes.length;) {
        const piece = bytes.subarray(at, at + PIECE);
        const [count, err] = await ask(
          () => `write ${quote(this.path)}`,
          this.#limits(options),
          (caller) => this.#descriptor.write(offset + sent, piece, caller),
        );
        if (err !== null) return fail(withSent(err, sent));
        at += count;
        sent += count;
        stepped(sent);
      }
    }
    return ok(sent);
  }

  seek(pos: number, whence: Whence = "set", options: WaitOptions = {}): Promise<Result<number>> {
    if (whence !== "set" && whence !== "cur" && whence !== "end") {
      throw new TypeError(`seek(pos, whence) wants "set", "cur" or "end": got '${whence}'`);
    }
    if (typeof pos !== "number") {
      throw new TypeError(`seek: pos must be a number of bytes: got ${typeof pos}`);
    }
    if (!Number.isSafeInteger(pos)) {
      throw new RangeError(`seek: pos must be a whole number of bytes: got ${pos}`);
    }
    return this.#onCursor("seek in", async () => {
      let from = whence === "cur" ? this.#cursor : 0;
      if (whence === "end") {
        const [end, err] = await this.#ask(
          "seek in",
          options,
          (caller) => this.#descriptor.end(caller),
        );
        if (err !== null) return fail(err);
        from = end;
      }
      if (from + pos < 0) {
        const words = `Cannot seek in ${quote(this.path)}: ${from + pos} is before its beginning`;
        return fail(new IoError("io", words, { errno: "EINVAL" }));
      }
      this.#cursor = from + pos;
      return ok(this.#cursor);
    });
  }

  sync(options: WaitOptions = {}): Promise<Result<true>> {
    return this.#ifOpen("sync", () =>
      done(
        () => `sync ${quote(this.path)}`,
        this.#limits(options),
        (caller) => this.#descriptor.sync(caller),
      ));
  }

  async size(options: WaitOptions = {}): Promise<Result<number>> {
    const [stat, err] = await this.stat(options);
    return err === null ? ok(stat.size) : fail(err);
  }

  stat(options: WaitOptions = {}): Promise<Result<FileStat>> {
    return this.#ifOpen(
      "stat",
      () =>
        this.#ask("stat", options, async (caller) => statOf(await this.#descriptor.stat(caller))),
    );
  }

  truncate(length = 0, options: WaitOptions = {}): Promise<Result<true>> {
    checkBytes(length, "truncate: length");
    if (!this.#access.write) throw this.#misuse("write");
    return this.#ifOpen("truncate", () => {
      this.#forgetAhead();
      return done(
        () => `truncate ${quote(this.path)}`,
        this.#limits(options),
        (caller) => this.#descriptor.truncate(length, caller),
      );
    });
  }

  lines<T>(options: LinesOptions = {}): AsyncIterableIterator<T> {
    if (!this.#access.read) throw this.#misuse("read");
    // The encoding of the file holds, unless this call chooses its own.
    return new FileLines<T>(this, { encoding: this.#codec.name, ...options });
  }

  /** The reader in use; for its iterators. */
  get reader(): Reader | null {
    return this.#reader;
  }

  /** A reader from the cursor on, in place of the one in use; for iterators. */
  newReader(): Reader {
    const err = this.#refusal("read", true);
    if (err !== null) throw err;
    this.#settle();
    return this.#reader = new Reader(this.#descriptor, this.#cursor, this.#timeout);
  }

  lock(mode: "r" | "w" = "w", options: WaitOptions = {}): Promise<Result<true>> {
    const exclusive = isExclusive(mode);
    return this.#ifOpen(
      "lock",
      () =>
        this.#ask(
          "lock",
          options,
          (caller) =>
            until(caller, () => Promise.resolve(this.#tryLock(exclusive) ? true : undefined)),
          () => {
            // Nobody knows of it, so nobody would ever give it back.
            this.unlock();
          },
        ),
    );
  }

  try_lock(mode: "r" | "w" = "w"): Result<true> {
    const exclusive = isExclusive(mode);
    const err = this.#refusal("lock", false);
    if (err !== null) return fail(err);
    try {
      if (this.#tryLock(exclusive)) return ok(true);
    } catch (error) {
      return fail(osError(error, `Cannot lock ${quote(this.path)}`));
    }
    return fail(new IoError("busy", `Cannot lock ${quote(this.path)}: its lock is taken`));
  }

  #tryLock(exclusive: boolean): boolean {
    const err = this.#refusal("lock", false);
    if (err !== null) throw err;
    return this.#descriptor.tryLock(exclusive);
  }

  unlock(): Result<true> {
    if (this.#closed) return ok(true);
    try {
      this.#descriptor.unlock();
      return ok(true);
    } catch (error) {
      return fail(osError(error, `Cannot unlock ${quote(this.path)}`));
    }
  }

  async close(): Promise<Result<true>> {
    this.#closed = true;
    dropped.unregister(this);
    this.#reader?.close();
    await this.#descriptor.close();
    return ok(true);
  }

  closed(): boolean {
    return this.#closed;
  }

  busy(): boolean {
    return this.#taken || this.#reader?.stream.busy() === true;
  }

  settimeout(ms: number): void {
    this.#timeout = checkTimeout(ms, "settimeout: ms");
  }

  /** Closes it, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #limits({ timeout = this.#timeout, signal }: WaitOptions): CallOptions {
    const { limits } = this.#descriptor;
    return signal === undefined ? { timeout, limits } : { timeout, limits, signal };
  }

  #ask<T>(
    action: string,
    options: WaitOptions,
    run: Parameters<typeof ask<T>>[2],
    late?: (value: T) => void,
  ): Promise<Result<T>> {
    return ask(() => `${action} ${quote(this.path)}`, this.#limits(options), run, late);
  }

  /** What was read ahead is about to change. */
  #forgetAhead(): void {
    if (!this.busy()) this.#settle();
  }

  /** Makes the cursor ours again: what was read ahead may be stale after this call. */
  #settle(): void {
    if (this.#reader === null) return;
    this.#cursor = this.#reader.cursor;
    this.#reader.close();
    this.#reader = null;
  }

  #refusal(action: string, usesCursor: boolean): IoError | null {
    const refuse = (code: "closed" | "busy", why: string) =>
      new IoError(code, `Cannot ${action} ${quote(this.path)}: ${why}`);
    if (this.#closed) return refuse("closed", "it was closed");
    return usesCursor && this.busy() ? refuse("busy", "another call uses its cursor") : null;
  }

  #misuse(action: string): TypeError {
    const { mode } = this.#access;
    return new TypeError(`Cannot ${action} ${quote(this.path)}: it was opened with "${mode}"`);
  }

  #ifOpen<R extends ReadResult<unknown>>(action: string, run: () => Promise<R>): Promise<R> {
    const err = this.#refusal(action, false);
    return err === null ? run() : afterTurn(fail(err) as R);
  }

  async #onCursor<R extends ReadResult<unknown>>(
    action: string,
    run: () => Promise<R>,
  ): Promise<R> {
    const err = this.#refusal(action, true);
    if (err !== null) return afterTurn(fail(err) as R);
    this.#settle();
    this.#taken = true;
    try {
      return await run();
    } finally {
      this.#taken = false;
    }
  }
}

function isExclusive(mode: "r" | "w"): boolean {
  if (mode !== "r" && mode !== "w") throw new TypeError(`lock wants "r" or "w": got '${mode}'`);
  return mode === "w";
}

/** The part that was filled; a copy where most of the memory would be held for nothing. */
function shortened(piece: Bytes, filled: number): Bytes {
  return filled < piece.length / 2 ? piece.slice(0, filled) : piece.subarray(0, filled);
}

function withSent(err: IoError, sent: number): IoError {
  const { code, message, cause, errno } = err;
  return new IoError(code, message, errno === undefined ? { cause, sent } : { cause, sent, errno });
}
