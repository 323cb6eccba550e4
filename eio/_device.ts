import { close, constants, fstat, open, read, type Stats, writeSync } from "node:fs";
import { promisify } from "node:util";
import type { Bytes } from "../core/mod.ts";
import type { Source } from "../stream/mod.ts";
import { errnoOf } from "./_errors.ts";
import type { Access } from "./_mode.ts";
import { until } from "./_poll.ts";
import type { Caller } from "./_question.ts";

const openFile = promisify(open);
const closeFile = promisify(close);
const statFile: (fd: number) => Promise<Stats> = promisify(fstat);

/** So much is looked at to learn that somebody writes. */
const FIRST = 4096;

/** POSIX's PIPE_BUF, as Linux has it, or less: a FIFO takes so much whole or not at all. */
const FIFO_ATOM = Deno.build.os === "linux" ? 4096 : 512;

/** A terminal may take any part of what it is given. */
const OTHER_ATOM = 1;

/** So much is written in one turn, at most. */
const MOST_AT_ONCE = 64 * 1024;

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
  #closed: Promise<void> | null = null;
  /** The last look for bytes. */
  #reading: Promise<number | undefined> | null = null;
  /** What the system writes whole or not at all. */
  readonly #atom: number;

  private constructor(fd: number, access: Access, fifo: boolean) {
    this.#fd = fd;
    this.#access = access;
    this.#begun = !fifo || access.write;
    this.#atom = fifo ? FIFO_ATOM : OTHER_ATOM;
  }

  /** Opens it; a FIFO that is opened one way only waits for the other side, as POSIX says. */
  static async open(
    path: string,
    access: Access,
    fifo: boolean,
    caller: Caller,
    opened: number | null = null,
  ): Promise<Device> {
    const { O_NONBLOCK, O_NOCTTY, O_RDWR, O_RDONLY, O_WRONLY } = constants;
    const way = access.read ? access.write ? O_RDWR : O_RDONLY : O_WRONLY;
    const flags = way | O_NONBLOCK | O_NOCTTY;
    const fd = opened ?? await until(caller, () =>
      openFile(path, flags).catch((error) => {
        // Nobody has it open for reading yet.
        if (fifo && errnoOf(error) === "ENXIO") return undefined;
        throw error;
      }));
    const device = new Device(fd, access, fifo);
    try {
      if (!device.#begun) await until(caller, () => device.#peek());
    } catch (error) {
      await device.close();
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
    return this.#reading = new Promise<number | undefined>((resolve, reject) => {
      read(this.#fd, into, 0, into.length, null, (error, count) => {
        if (!error) resolve(count);
        else if (errnoOf(error) === "EAGAIN") resolve(undefined);
        // A terminal or its other end has gone.
        else if (errnoOf(error) === "EIO") resolve(0);
        else reject(error);
      });
    });
  }

  /**
   * The runtime writes on until all is written, and then an `EAGAIN` does not tell how
   * much was. So it gets only what the system writes whole or not at all.
   */
  write(bytes: Uint8Array): Promise<number> {
    return until(this.#caller, () => {
      const end = Math.min(bytes.length, MOST_AT_ONCE);
      let sent = 0;
      try {
        while (sent < end) {
          sent += writeSync(this.#fd, bytes.subarray(sent, Math.min(sent + this.#atom, end)));
        }
      } catch (error) {
        if (sent === 0) {
          return errnoOf(error) === "EAGAIN" ? Promise.resolve(undefined) : Promise.reject(error);
        }
      }
      return Promise.resolve(sent);
    });
  }

  /** What was opened to be written only ends by being closed. */
  end(): Promise<void> {
    if (this.#access.read) {
      return Promise.reject(new Deno.errors.NotSupported("It has one end for both ways"));
    }
    return this.close();
  }

  /** What the system says of it. */
  async stat(): Promise<Deno.FileInfo> {
    const info = await statFile(this.#fd);
    const { atime, mtime, ctime, birthtime } = info;
    return {
      ...info,
      // These are no properties of its own.
      ...{ atime, mtime, ctime, birthtime },
      isFile: info.isFile(),
      isDirectory: info.isDirectory(),
      isSymlink: info.isSymbolicLink(),
      isSocket: info.isSocket(),
      isFifo: info.isFIFO(),
      isCharDevice: info.isCharacterDevice(),
      isBlockDevice: info.isBlockDevice(),
    };
  }

  /** Closes it, after the look under way: its number may be another's then. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#caller.gone = true;
    this.#caller.onGone?.();
    await Promise.allSettled([this.#reading]);
    await closeFile(this.#fd);
  }
}
