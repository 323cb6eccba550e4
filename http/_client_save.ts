import { type Bytes, fromOs, IoError, type Result, type WaitOptions } from "../core/mod.ts";
import { type FileHandle, open, rename, unlink } from "../eio/mod.ts";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What takes a body piece by piece under the name `write`: an open file of `eio`. */
export interface BodyWriter {
  /** Takes a piece, all of it, and says so when there is room for the next one. */
  write(piece: Bytes, options?: WaitOptions): Promise<Result<unknown>>;
}

/** What takes a body piece by piece under the name `send`: a socket, a pipe. */
export interface BodySender {
  /** Takes a piece, all of it, and says so when there is room for the next one. */
  send(piece: Bytes, options?: WaitOptions): Promise<Result<unknown>>;
}

/** Where a body is saved: a path, an open file of `eio`, or a stream that sends it on. */
export type SaveTarget = string | URL | BodyWriter | BodySender;

/** What takes the pieces of a body. */
export interface Sink {
  write(piece: Bytes): Promise<Result<unknown>>;
  /** All of it has been written. */
  finish(): Promise<Result<true>>;
  /** Not all of it has come. Never waits as a thread does: it may have been killed. */
  drop(): Promise<void>;
}

/** Opens what a body is saved to. */
export async function sinkOf(target: SaveTarget, wait: WaitOptions): Promise<Result<Sink>> {
  if (typeof target === "string" || target instanceof URL) {
    return await besideSink(target instanceof URL ? fileURLToPath(target) : target, wait);
  }
  const { send, write } = (target ?? {}) as Partial<BodySender & BodyWriter>;
  if (typeof send === "function") {
    return [openSink((piece) => send.call(target, piece, wait)), null];
  }
  if (typeof write === "function") {
    return [openSink((piece) => write.call(target, piece, wait)), null];
  }
  throw new TypeError("save wants a path, an open file or a stream");
}

/** A sink that is open already, and stays so. */
function openSink(write: Sink["write"]): Sink {
  return { write, finish: () => Promise.resolve([true, null]), drop: () => Promise.resolve() };
}

/** A file beside the one that is meant, which it replaces when it is whole. */
async function besideSink(path: string, wait: WaitOptions): Promise<Result<Sink>> {
  const bits = crypto.getRandomValues(new Uint8Array(8)).toHex();
  // Short enough for any file system, whatever the characters take.
  const beside = join(dirname(path), `.${basename(path).slice(0, 40)}.${bits}.tmp`);
  const action = `Cannot open '${path}'`;
  try {
    // No call of ours, which could be given up while the system goes on to make the file.
    (await Deno.open(beside, { write: true, createNew: true })).close();
  } catch (error) {
    return [null, named(fromOs(error, action), beside, path)];
  }
  let opened = false;
  try {
    const [file, err] = await open(beside, "r+", wait);
    opened = err === null;
    return opened ? [sinkInto(file!, beside, path, wait), null] : [null, named(err!, beside, path)];
  } finally {
    // Also for a thread that was killed meanwhile.
    if (!opened) await Deno.remove(beside).catch(() => {});
  }
}

/**
 * Who is refused the file beside it needs the folder, for that name is another one each time;
 * else the path itself is the matter.
 */
function named(err: IoError, beside: string, path: string): IoError {
  const { code, message, cause, errno } = err;
  const words = code === "no_permission"
    ? message.replace(`'${beside}'`, `'${path}'`).replaceAll(beside, dirname(path))
    : message.replaceAll(beside, path);
  return new IoError(code, words, errno === undefined ? { cause } : { cause, errno });
}

/** A file that takes another's place in the end. */
function sinkInto(file: FileHandle, beside: string, path: string, wait: WaitOptions): Sink {
  return {
    write: (piece) => file.write(piece, wait),
    async finish() {
      await file.close();
      const [, renameErr] = await rename(beside, path, wait);
      if (renameErr !== null) await unlink(beside);
      return renameErr === null ? [true, null] : [null, named(renameErr, beside, path)];
    },
    async drop() {
      await file.close();
      // No call of ours: this must happen in a killed thread, too.
      await Deno.remove(beside).catch(() => {});
    },
  };
}
