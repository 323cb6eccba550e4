import type { Bytes } from "../core/mod.ts";
import { type Caller, Limits } from "./_call.ts";

/**
 * An open file of the system's, and the one operation under way on it.
 *
 * It has no cursor of its own: every read and write says where, and the system's cursor
 * is moved there first unless it stands there. As only one operation runs at a time and
 * nobody else has this descriptor, that is as good as `pread` and `pwrite`, which Deno
 * offers in `node:fs` only, where writes hold up the event loop.
 */
export class Descriptor {
  readonly path: string;
  readonly append: boolean;
  /** The time limits of the operations on it. */
  readonly limits: Limits = new Limits();
  /** Who reads ahead on it: kept as long as this is, and closed with it. */
  reader: { close(): void } | null = null;
  readonly #file: Deno.FsFile;
  #running: Promise<void> | null = null;
  /** Where the system's cursor stands; -1 if that is not known. */
  #at = 0;
  #closed = false;

  constructor(file: Deno.FsFile, path: string, append: boolean) {
    this.#file = file;
    this.path = path;
    this.append = append;
  }

  /** Gives up to a buffer's worth of bytes from `offset` on; 0 at the end. */
  read(offset: number, into: Bytes, caller: Caller): Promise<number> {
    return this.#alone(caller, async (file) => {
      this.#moveTo(offset);
      const count = await file.read(into) ?? 0;
      this.#at = offset + count;
      return count;
    });
  }

  /** Writes bytes at `offset`, or at the end of an appended file; gives how many were taken. */
  write(offset: number, bytes: Uint8Array, caller: Caller): Promise<number> {
    return this.#alone(caller, async (file) => {
      if (!this.append) this.#moveTo(offset);
      const count = await file.write(bytes);
      this.#at = this.append ? file.seekSync(0, Deno.SeekMode.Current) : offset + count;
      return count;
    });
  }

  /** Where the next append would have left the cursor: behind what was written last. */
  get written(): number {
    return this.#at;
  }

  /** Where the end is. */
  end(caller: Caller): Promise<number> {
    return this.#alone(caller, async (file) => this.#at = await file.seek(0, Deno.SeekMode.End));
  }

  stat(caller: Caller): Promise<Deno.FileInfo> {
    return this.#alone(caller, (file) => file.stat());
  }

  sync(caller: Caller): Promise<void> {
    return this.#alone(caller, (file) => file.sync());
  }

  truncate(length: number, caller: Caller): Promise<void> {
    return this.#alone(caller, (file) => file.truncate(length));
  }

  /** Takes the file's lock if it is free. Never waits. */
  tryLock(exclusive: boolean): boolean {
    return this.#file.tryLockSync(exclusive);
  }

  unlock(): void {
    this.#file.unlockSync();
  }

  /** Gives the file back when what is under way has come to its end. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.reader?.close();
    while (this.#running !== null) await this.#running;
    this.limits.close();
    this.#file.close();
  }

  #moveTo(offset: number): void {
    // The system only notes the number: this does not wait.
    if (this.#at !== offset) this.#at = this.#file.seekSync(offset, Deno.SeekMode.Start);
  }

  /** Runs `run` when everything before it has ended; not at all if its caller has gone by then. */
  #alone<T>(caller: Caller, run: (file: Deno.FsFile) => Promise<T>): Promise<T> {
    const begin = async () => {
      if (caller.gone) throw new Error("Nobody waits any more");
      try {
        return await run(this.#file);
      } catch (error) {
        this.#at = -1;
        throw error;
      }
    };
    const mine = this.#running === null ? begin() : this.#running.then(begin);
    const over = mine.then(() => {}, () => {}).then(() => {
      if (this.#running === over) this.#running = null;
    });
    this.#running = over;
    return mine;
  }
}
