import {
  afterTurn,
  type Bytes,
  type Data,
  type Encoding,
  fail,
  IoError,
  ok,
  type Payload,
  type ReadResult,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { BufferedStream, type LinesOptions } from "../stream/mod.ts";
import { checkBytes, checkMemory, offsetAnd } from "./_arguments.ts";
import { ask } from "./_operation.ts";
import type { Device } from "./_device.ts";
import { quote } from "./_path.ts";
import { statOf } from "./_stat.ts";
import type { FileHandle, FileStat, WriteOptions } from "./types.ts";

/** A FIFO, a terminal or another device that makes one wait, as a file without a cursor. */
export class WaitingFile<E extends Encoding> implements FileHandle<E> {
  readonly path: string;
  readonly #device: Device;
  readonly #stream: BufferedStream<E>;

  constructor(device: Device, path: string, encoding: E) {
    this.path = path;
    this.#device = device;
    this.#stream = new BufferedStream<E>(device, { name: path, encoding });
  }

  read(
    length: number,
    offset?: number | null | WaitOptions,
    options?: WaitOptions,
  ): Promise<ReadResult<Data<E>>> {
    checkBytes(length, "read: length");
    const [at, limits] = offsetAnd(offset, options);
    if (at !== null) return this.#refuse("read at an offset in");
    return length === 0 ? this.#stream.receive(0, limits) : this.#stream.receiveany(length, limits);
  }

  async read_into(
    into: Bytes,
    offset?: number | null | WaitOptions,
    options?: WaitOptions,
  ): Promise<ReadResult<number>> {
    checkMemory(into);
    const [at, limits] = offsetAnd(offset, options);
    if (at !== null) return this.#refuse("read at an offset in");
    if (into.length === 0) return ok(0);
    const [bytes, err] = await this.#stream.receiveany(into.length, {
      ...limits,
      encoding: "bytes",
    });
    if (bytes === null) return err === null ? [null, null] : fail(err);
    into.set(bytes);
    return ok(bytes.length);
  }

  write(
    data: Payload,
    offset?: number | null | WriteOptions,
    options?: WriteOptions,
  ): Promise<Result<number>> {
    const [at, limits] = offsetAnd(offset, options);
    if (at !== null) return this.#refuse("write at an offset in");
    return this.#stream.send(data, limits);
  }

  lines<T>(options: LinesOptions = {}): AsyncIterableIterator<T> {
    const lines: AsyncIterableIterator<unknown> = this.#stream.lines(options as object);
    return lines as AsyncIterableIterator<T>;
  }

  stat(options: WaitOptions = {}): Promise<Result<FileStat>> {
    const what = () => `stat ${quote(this.path)}`;
    return ask(what, options, async () => statOf(await this.#device.stat()));
  }

  seek(): Promise<Result<number>> {
    return this.#refuse("seek in");
  }

  size(): Promise<Result<number>> {
    return this.#refuse("tell the size of");
  }

  truncate(): Promise<Result<true>> {
    return this.#refuse("truncate");
  }

  /** Nothing of it is on a disk. */
  sync(): Promise<Result<true>> {
    return this.#refuse("sync");
  }

  lock(): Promise<Result<true>> {
    return this.#refuse("lock");
  }

  try_lock(): Result<true> {
    return [null, this.#unsupported("lock")];
  }

  unlock(): Result<true> {
    return ok(true);
  }

  close(): Promise<Result<true>> {
    return this.#stream.close();
  }

  closed(): boolean {
    return this.#stream.closed();
  }

  busy(): boolean {
    return this.#stream.busy();
  }

  settimeout(ms: number): void {
    this.#stream.settimeout(ms);
  }

  /** Closes it, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #refuse(action: string): Promise<[value: null, err: IoError]> {
    return afterTurn([null, this.#unsupported(action)]);
  }

  #unsupported(action: string): IoError {
    return new IoError("unsupported", `Cannot ${action} ${quote(this.path)}: it is not a file`);
  }
}
