import { close, constants, fstat, open, read, type Stats, writeSync } from "node:fs";
import { promisify } from "node:util";
import type { Bytes } from "../core/mod.ts";
import type { Source } from "../stream/mod.ts";
import { type Caller, errnoOf } from "./_call.ts";
import type { Access } from "./_mode.ts";
import { until } from "./_poll.ts";

const openFile = promisify(open);
const statFile: (fd: number) => Promise<Stats> = promisify(fstat);

/** So much is looked at to learn that somebody writes. */
const FIRST = 4096;

/**
 * A FIFO, a terminal or another device that makes one wait, opened so that no call to
 * the system ever does: what is not ready says so (`EAGAIN`) and is asked again.
 */
export class Device implements Source {
  readonly keeps_alive = true;
  readonly #fd: number;
  readonly #access: Access;
  readonly #caller: Caller = { gone: false, onGone: null };
  /** A FIFO without a writer seems to have ended, though nobody has begun. */
  #begun: boolean;
  /** What came with the news that somebody writes. */
  #first: Bytes | null = null;
  #closed = false;

  private constructor(fd: number, access: Access, begun: boolean) {
    this.#fd = fd;
    this.#access = access;
    this.#begun = begun;
  }

  /** Opens it; a FIFO that is opened one way only waits for the other side, as POSIX says. */
  static async open(path: string, access: Access, fifo: boolean, caller: Caller): Promise<Device> {
    const { O_NONBLOCK, O_NOCTTY, O_RDWR, O_RDONLY, O_WRONLY } = constants;
    const way = access.read ? access.write ? O_RDWR : O_RDONLY : O_WRONLY;
    const flags = way | O_NONBLOCK | O_NOCTTY;
    const fd = await until(caller, () =>
      openFile(path, flags).catch((error) => {
        // Nobody has it open for reading yet.
        if (fifo && errnoOf(error) === "ENXIO") return undefined;
        throw error;
      }));
    const device = new Device(fd, access, !fifo || access.write);
    try {
      if (!device.#begun) await until(caller, () => device.#peek());
    } catch (error) {
      device.close();
      throw error;
    }
    return device;
  }

  /** Whether somebody writes: then there are bytes, or there could be. */
  async #peek(): Promise<true | undefined> {
    const into = new Uint8Array(FIRST);
    const count = await this.#try(into);
    if (count === 0) return undefined;
    this.#begun = true;
    if (count !== undefined) this.#first = into.subarray(0, count);
    return true;
  }

  async read(into: Bytes): Promise<number | null> {
    if (this.#first !== null) return this.#takeFirst(into);
    const count = await until(this.#caller, () => this.#try(into));
    return count === 0 ? null : count;
  }

  #takeFirst(into: Bytes): number {
    const first = this.#first!;
    const count = Math.min(first.length, into.length);
    into.set(first.subarray(0, count));
    this.#first = count < first.length ? first.subarray(count) : null;
    return count;
  }

  /** The bytes at hand; 0 if nobody writes (any more), `undefined` if none have come. */
  #try(into: Bytes): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      read(this.#fd, into, 0, into.length, null, (error, count) => {
        if (!error) resolve(count);
        else if (errnoOf(error) === "EAGAIN") resolve(undefined);
        // A terminal or its other end has gone.
        else if (errnoOf(error) === "EIO") resolve(0);
        else reject(error);
      });
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    return until(this.#caller, () => {
      try {
        return Promise.resolve(writeSync(this.#fd, bytes));
      } catch (error) {
        return errnoOf(error) === "EAGAIN" ? Promise.resolve(undefined) : Promise.reject(error);
      }
    });
  }

  /** What was opened to be written only ends by being closed. */
  end(): Promise<void> {
    if (this.#access.read) {
      return Promise.reject(new Deno.errors.NotSupported("It has one end for both ways"));
    }
    this.close();
    return Promise.resolve();
  }

  /** What the system says of it. */
  async stat(): Promise<Deno.FileInfo> {
    const info = await statFile(this.#fd);
    return {
      ...info,
      isFile: info.isFile(),
      isDirectory: info.isDirectory(),
      isSymlink: info.isSymbolicLink(),
      isSocket: info.isSocket(),
      isFifo: info.isFIFO(),
      isCharDevice: info.isCharacterDevice(),
      isBlockDevice: info.isBlockDevice(),
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#caller.gone = true;
    this.#caller.onGone?.();
    close(this.#fd, () => {});
  }
}
