/**
 * The file behind a log.
 *
 * How it works. Each write is whole lines, appended in one call (O_APPEND), which the
 * kernel does not mix with those of other processes. Before it, one look at the path
 * says whether the file there is still ours: if it was moved or deleted, it is opened
 * anew. That look also tells the size, for rotation. It takes leave to read; without
 * that, which a rotation has, the file is opened for each write.
 *
 * Several processes may rotate the same file: who gets its lock and finds it still
 * under its name renames it, and the others find a new file at their next look. Nobody
 * waits for a lock.
 */
import { dirname, resolve } from "node:path";
import { fromOs, IoError } from "../core/mod.ts";
import { oldPath, periodStart, removeOld } from "./_rotate.ts";
import type { Rotation } from "./_spec.ts";

/** After a rotation that failed, the file is written on for so many milliseconds. */
const PAUSE = 60_000;

const LF = 10;
const LINE_FEED = new Uint8Array([LF]);

/** Where lines go. */
export interface Target {
  readonly path: string;
  /** Writes whole lines at once; throws where it cannot, and says in `taken` how far it came. */
  write(bytes: Uint8Array, now: number): void;
  /** How many bytes of the last write went out. */
  readonly taken: number;
  close(): void;
}

/** The terminal, or whatever stands for it. */
export class Stderr implements Target {
  readonly path = "-";
  taken = 0;

  write(bytes: Uint8Array): void {
    this.taken = 0;
    while (this.taken < bytes.length) {
      this.taken += Deno.stderr.writeSync(bytes.subarray(this.taken));
    }
  }

  close(): void {}
}

/** A file that is appended to. */
export class LogFile implements Target {
  readonly path: string;
  taken = 0;
  readonly #rotation: Rotation | null;
  readonly #onTrouble: (err: IoError) => void;
  readonly #mayLook: boolean;
  #file: Deno.FsFile | null = null;
  // Invariant: while #file is not null, these are its device and its number there.
  #dev = 0;
  #ino: number | null = null;
  /** When the period began that the file's lines are of. */
  #began = 0;
  /** The file ends in the middle of a line: the disk was full. */
  #torn = false;
  #rotateAfter = 0;

  /** Opens the file; throws what the runtime throws. A rotation's failures go to `onTrouble`. */
  constructor(path: string, rotation: Rotation | null, onTrouble: (err: IoError) => void) {
    // The program may go to another directory later; resolving costs no permission.
    const full = resolve(path);
    if (rotation !== null) checkFolder(dirname(full));
    this.#mayLook = mayStat(full);
    // Of a link, what is rotated is the file, not the link.
    this.path = rotation !== null && statIfThere(full) !== null ? Deno.realPathSync(full) : full;
    this.#rotation = rotation;
    this.#onTrouble = onTrouble;
    this.#open(Date.now());
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  write(bytes: Uint8Array, now: number): void {
    this.taken = 0;
    while (this.taken < bytes.length) {
      const size = this.#look(now);
      const length = this.#fitting(bytes.subarray(this.taken), size, now);
      if (length > 0) this.#append(bytes.subarray(this.taken, this.taken + length));
    }
  }

  /** Makes sure that the file under our path is the one that is open; gives its size. */
  #look(now: number): number {
    try {
      if (this.#file !== null && this.#mayLook) {
        const info = statIfThere(this.path);
        if (info !== null && this.#isOpen(info)) return info.size;
      }
      return this.#open(now);
    } catch (error) {
      const size = this.#sizeOfOld(error);
      if (size === null) throw error;
      return size;
    }
  }

  /** A file that was moved away, with nothing to be put in its place, still takes lines. */
  #sizeOfOld(error: unknown): number | null {
    if (this.#file === null) return null;
    // Without a look, only what has nothing to do with the path can be told apart.
    if (!this.#mayLook) return fromOs(error, "").code === "exhausted" ? 0 : null;
    const info = this.#file.statSync();
    return info.nlink === 0 ? null : info.size;
  }

  #isOpen(info: Deno.FileInfo): boolean {
    return info.ino === this.#ino && info.dev === this.#dev;
  }

  #open(now: number): number {
    const file = Deno.openSync(this.path, { append: true, create: true, read: false });
    if (!this.#mayLook) {
      this.#file?.close();
      this.#file = file;
      return 0;
    }
    const info = file.statSync();
    if (this.#file !== null && this.#isOpen(info)) {
      file.close();
      return info.size;
    }
    this.#file?.close();
    this.#file = file;
    this.#dev = info.dev;
    this.#ino = info.ino;
    this.#torn = false;
    const { period } = this.#rotation ?? { period: null };
    if (period !== null) {
      const last = info.size > 0 ? info.mtime?.getTime() ?? now : now;
      this.#began = periodStart(period, last);
    }
    // Only a regular file can be rotated: a pipe or a device has no size to speak of.
    if (!info.isFile) this.#rotateAfter = Infinity;
    return info.size;
  }

  /** How many of the bytes go into this file; 0 after it was rotated away: look again. */
  #fitting(bytes: Uint8Array, size: number, now: number): number {
    const rotation = this.#rotation;
    if (rotation === null || now < this.#rotateAfter) return bytes.length;
    if (rotation.period !== null) {
      const began = periodStart(rotation.period, now);
      // The first line decides which period a file is of.
      if (size === 0) this.#began = began;
      const over = began > this.#began;
      return over && this.#rotate(this.#began, rotation.keep, now) ? 0 : bytes.length;
    }
    const room = rotation.size - size;
    if (bytes.length <= room) return bytes.length;
    const lines = room > 0 ? bytes.lastIndexOf(LF, room - 1) + 1 : 0;
    if (lines > 0) return lines;
    // A line that is longer than a file may be has one of its own.
    if (size === 0) return bytes.indexOf(LF) + 1;
    return this.#rotate(now, rotation.keep, now) ? 0 : bytes.length;
  }

  /** Renames the file, or finds that another process has; false if it must be written on. */
  #rotate(stamp: number, keep: number, now: number): boolean {
    const file = this.#file!;
    try {
      if (!file.tryLockSync(true)) return false;
      const info = statIfThere(this.path);
      const ours = info !== null && this.#isOpen(info);
      if (ours) Deno.renameSync(this.path, oldPath(this.path, stamp));
      this.close();
      if (ours) removeOld(this.path, keep);
      return true;
    } catch (error) {
      this.#rotateAfter = now + PAUSE;
      this.#onTrouble(fromOs(error, `Cannot rotate the log '${this.path}'`));
      // Gives the lock back, too; the next look opens the file again.
      this.close();
      return true;
    }
  }

  #append(bytes: Uint8Array): void {
    const file = this.#file!;
    if (this.#torn) {
      file.writeSync(LINE_FEED);
      this.#torn = false;
    }
    // The kernel takes all of it in one call, unless the disk is full.
    for (let at = 0; at < bytes.length;) {
      let count: number;
      try {
        count = file.writeSync(bytes.subarray(at));
      } catch (error) {
        this.#torn = at > 0 && bytes[at - 1] !== LF;
        throw error;
      }
      at += count;
      this.taken += count;
    }
  }
}

/** Rotation reads and changes the folder; better told when the log is opened than at midnight. */
function checkFolder(folder: string): void {
  for (const _ of Deno.readDirSync(folder)) break;
  if (Deno.permissions.querySync({ name: "write", path: folder }).state !== "granted") {
    const words = `Cannot rotate files in '${folder}': it needs --allow-write=${folder}`;
    throw new IoError("no_permission", words);
  }
}

/** Looking takes leave to read. Without it, the file is opened for each write, at thrice the cost. */
function mayStat(path: string): boolean {
  try {
    statIfThere(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

function statIfThere(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
