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
import type { LinesOptions } from "../stream/mod.ts";
import { bytesToWrite, checkBytes, checkMemory, offsetAnd } from "./_arguments.ts";
import { Cursor, Place } from "./_cursor.ts";
import type { Descriptor } from "./_descriptor.ts";
import { FileLock, isExclusive } from "./_lock.ts";
import type { Access } from "./_mode.ts";
import { quote } from "./_path.ts";
import { type Caller, plain } from "./_question.ts";
import { fill, take } from "./_reading.ts";
import { FileLines, type Reader } from "./_reader.ts";
import { statOf } from "./_stat.ts";
import { put } from "./_writing.ts";
import type { FileHandle, FileStat, Whence, WriteOptions } from "./types.ts";

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
  readonly #cursor = new Cursor();
  readonly #lock: FileLock;
  #closed = false;

  constructor(descriptor: Descriptor, access: Access, encoding: Encoding) {
    this.#descriptor = descriptor;
    this.#access = access;
    this.#codec = codecOf(encoding);
    this.#lock = new FileLock(descriptor, () => this.#refusal("lock"));
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
    const place = this.#placeToRead(at);
    const reading = place instanceof IoError
      ? afterTurn(fail(place))
      : take(this.#descriptor, place, length, this.#codec, limits);
    return reading as Promise<ReadResult<Data<E>>>;
  }

  read_into(
    into: Bytes,
    offset?: number | null | WaitOptions,
    options?: WaitOptions,
  ): Promise<ReadResult<number>> {
    checkMemory(into);
    const [at, limits] = offsetAnd(offset, options);
    const place = this.#placeToRead(at);
    if (place instanceof IoError) return afterTurn(fail(place));
    return fill(this.#descriptor, place, into, limits);
  }

  write(
    data: Payload,
    offset?: number | null | WriteOptions,
    options?: WriteOptions,
  ): Promise<Result<number>> {
    const [at, limits] = offsetAnd(offset, options);
    const pieces = bytesToWrite(data, this.#codec, limits.encoding);
    if (!this.#access.write) throw this.#misuse("write");
    const place = this.#place(at, "write");
    if (place instanceof IoError) return afterTurn(fail(place));
    if (at !== null) this.#cursor.forgetAhead();
    return put(this.#descriptor, place, pieces, limits);
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
    const place = this.#place(null, "seek in");
    return place instanceof IoError
      ? afterTurn(fail(place))
      : this.#seek(place, pos, whence, options);
  }

  async #seek(
    place: Place,
    pos: number,
    whence: Whence,
    options: WaitOptions,
  ): Promise<Result<number>> {
    try {
      let from = whence === "cur" ? place.at : 0;
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
        return await afterTurn(fail(new IoError("io", words, { errno: "EINVAL" })));
      }
      place.at = from + pos;
      return ok(place.at);
    } finally {
      place.leave();
    }
  }

  sync(options: WaitOptions = {}): Promise<Result<true>> {
    return this.#done("sync", options, (caller) => this.#descriptor.sync(caller));
  }

  async size(options: WaitOptions = {}): Promise<Result<number>> {
    const [stat, err] = await this.stat(options);
    return err === null ? ok(stat.size) : fail(err);
  }

  stat(options: WaitOptions = {}): Promise<Result<FileStat>> {
    const stat = async (caller: Caller) => statOf(await this.#descriptor.stat(caller));
    return this.#ask("stat", options, stat);
  }

  truncate(length = 0, options: WaitOptions = {}): Promise<Result<true>> {
    checkBytes(length, "truncate: length");
    if (!this.#access.write) throw this.#misuse("write");
    this.#cursor.forgetAhead();
    return this.#done("truncate", options, (caller) => this.#descriptor.truncate(length, caller));
  }

  lines<T>(options: LinesOptions = {}): AsyncIterableIterator<T> {
    if (!this.#access.read) throw this.#misuse("read");
    // The encoding of the file holds, unless this call chooses its own.
    return new FileLines<T>(this, { encoding: this.#codec.name, ...options });
  }

  /** The reader in use; for its iterators. */
  get reader(): Reader | null {
    return this.#cursor.reader;
  }

  /** A reader from the cursor on, in place of the one in use; for iterators. */
  newReader(): Reader {
    const err = this.#refusal("read", true);
    if (err !== null) throw err;
    return this.#cursor.lend(this.#descriptor);
  }

  lock(mode: "r" | "w" = "w", options: WaitOptions = {}): Promise<Result<true>> {
    const exclusive = isExclusive(mode);
    const err = this.#refusal("lock");
    return err === null ? this.#lock.take(exclusive, options) : afterTurn(fail(err));
  }

  try_lock(mode: "r" | "w" = "w"): Result<true> {
    return this.#lock.try(isExclusive(mode));
  }

  unlock(): Result<true> {
    return this.#lock.give();
  }

  async close(): Promise<Result<true>> {
    this.#closed = true;
    dropped.unregister(this);
    this.#cursor.reader?.close();
    await this.#descriptor.close();
    return ok(true);
  }

  closed(): boolean {
    return this.#closed;
  }

  busy(): boolean {
    return this.#cursor.busy();
  }

  settimeout(ms: number): void {
    this.#descriptor.operations.timeout = checkTimeout(ms, "settimeout: ms");
  }

  /** Closes it, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Asks for what neither uses nor moves the cursor. */
  #ask<T>(
    action: string,
    options: WaitOptions,
    run: (caller: Caller) => Promise<T>,
  ): Promise<Result<T>> {
    const err = this.#refusal(action);
    if (err !== null) return afterTurn(fail(err) as Result<T>);
    const { path, operations } = this.#descriptor;
    return operations.ask(plain(() => `${action} ${quote(path)}`, run), options);
  }

  #done(
    action: string,
    options: WaitOptions,
    run: (caller: Caller) => Promise<void>,
  ): Promise<Result<true>> {
    return this.#ask(action, options, (caller) => run(caller).then(() => true as const));
  }

  #placeToRead(offset: number | null): Place | IoError {
    if (!this.#access.read) throw this.#misuse("read");
    return this.#place(offset, "read");
  }

  /** An offset, or else the cursor, which is the call's alone until it leaves; or why not. */
  #place(offset: number | null, action: string): Place | IoError {
    const err = this.#refusal(action, offset === null);
    if (err !== null) return err;
    return offset === null ? this.#cursor.take() : new Place(offset);
  }

  /** Why a call is not taken; `null` if it is. */
  #refusal(action: string, usesCursor = false): IoError | null {
    const refuse = (code: "closed" | "busy", why: string) =>
      new IoError(code, `Cannot ${action} ${quote(this.path)}: ${why}`);
    if (this.#closed) return refuse("closed", "it was closed");
    return usesCursor && this.busy() ? refuse("busy", "another call uses its cursor") : null;
  }

  #misuse(action: string): TypeError {
    const { mode } = this.#access;
    return new TypeError(`Cannot ${action} ${quote(this.path)}: it was opened with "${mode}"`);
  }
}
