import type { Bytes } from "../core/mod.ts";
import { Operations } from "./_operation.ts";
import { quote } from "./_path.ts";
import type { Caller } from "./_question.ts";

/** So much goes to the system at once: between two pieces a call can be given up. */
export const PIECE = 1024 * 1024;

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
  /** The calls that wait for it. */
  readonly operations: Operations = new Operations();
  /** What those do that read, and that write. */
  readonly reading: () => string;
  readonly writing: () => string;
  /** Who reads ahead on it: kept as long as this is, and closed with it. */
  reader: { close(): void } | null = null;
  readonly #file: Deno.FsFile;
  // Invariant: while count is 0, last is resolved and nothing is under way.
  /** How many operations are under way or stand behind the one that is. */
  #count = 0;
  /** When the last of them has ended. */
  #last: Promise<void> = Promise.resolve();
  /** Where the system's cursor stands; -1 if that is not known. */
  #at = 0;
  #closed = false;

  constructor(file: Deno.FsFile, path: string, append: boolean) {
    this.#file = file;
    this.path = path;
    this.append = append;
    // Of the path alone: what waits must not keep the handle alive.
    this.reading = () => `read ${quote(path)}`;
    this.writing = () => `write ${quote(path)}`;
  }

  /** Gives up to a buffer's worth of bytes from `offset` on; `null` at the end. */
  read(offset: number, into: Bytes, caller: Caller): Promise<number | null> {
    return this.#alone(caller, (file) => {
      this.#moveTo(offset);
      return file.read(into);
    }, this.#moved);
  }

  /** Writes bytes at `offset`, or at the end of an appended file; gives how many were taken. */
  write(offset: number, bytes: Uint8Array, caller: Caller): Promise<number> {
    return this.#alone(caller, (file) => {
      if (!this.append) this.#moveTo(offset);
      return file.write(bytes);
    }, this.append ? this.#appended : this.#moved);
  }

  /** Where the next append would have left the cursor: behind what was written last. */
  get written(): number {
    return this.#at;
  }

  /** Where the end is. */
  end(caller: Caller): Promise<number> {
    return this.#alone(caller, (file) => file.seek(0, Deno.SeekMode.End), (at) => {
      this.#count -= 1;
      this.#at = at;
    });
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
    while (this.#count > 0) await this.#last;
    this.operations.close();
    this.#file.close();
  }

  #moveTo(offset: number): void {
    // The system only notes the number: this does not wait.
    if (this.#at !== offset) this.#at = this.#file.seekSync(offset, Deno.SeekMode.Start);
  }

  /** Runs `run` when everything before it has ended; not at all if its caller has gone by then. */
  #alone<T>(
    caller: Caller,
    run: (file: Deno.FsFile) => Promise<T>,
    ended: (value: T) => void = this.#ended,
  ): Promise<T> {
    const mine = this.#count === 0 ? this.#begin(run) : this.#last.then(() => {
      if (caller.gone) throw new Error("Nobody waits any more");
      return run(this.#file);
    });
    this.#count += 1;
    this.#last = mine.then(ended, this.#failed);
    return mine;
  }

  #begin<T>(run: (file: Deno.FsFile) => Promise<T>): Promise<T> {
    try {
      return run(this.#file);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  readonly #ended = (): void => {
    this.#count -= 1;
  };

  readonly #failed = (): void => {
    this.#count -= 1;
    this.#at = -1;
  };

  readonly #moved = (count: number | null): void => {
    this.#count -= 1;
    this.#at += count ?? 0;
  };

  readonly #appended = (): void => {
    this.#count -= 1;
    this.#at = this.#file.seekSync(0, Deno.SeekMode.Current);
  };
}
