import { fail, IoError, ok, type Result, unwrap, type WaitOptions } from "../core/mod.ts";
import { PIECE } from "./_descriptor.ts";
import { ask } from "./_operation.ts";
import { pathOf, quote } from "./_path.ts";
import type { Perm } from "./_perm.ts";
import { ifThere } from "./_stat.ts";
import { open } from "./open.ts";

/** What `copy` takes. */
export interface CopyOptions extends WaitOptions {
  /** The rights of a new file; those of the copied one by default, less the umask. */
  perm?: Perm;
}

/** The memory for a copy, however small the file seems to be: it may grow meanwhile. */
const LEAST = 64 * 1024;

/**
 * Copies a file's bytes, in place of what the other held, and gives their count. A new
 * file gets the rights of the old one, less the umask. `timeout` bounds each wait for
 * progress; a copy that is given up leaves the `err.sent` bytes that it had come to.
 *
 * Requires `--allow-read` and `--allow-write`. Errors: those of {@linkcode open},
 * `no_space`, `exists` (both are the same file).
 *
 * @example Usage
 * ```ts
 * import { copy, isfile, unwrap, writefile } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * await unwrap(writefile(`${folder}/a`, "x"));
 * await unwrap(copy(`${folder}/a`, `${folder}/b`));
 * console.log(await isfile(`${folder}/b`)); // [ true, null ]
 * ```
 */
export async function copy(
  from: string | URL,
  to: string | URL,
  options: CopyOptions = {},
): Promise<Result<number>> {
  const { perm, ...limits } = options;
  const target = pathOf(to, "to");
  const [source, err] = await open(pathOf(from, "from"), "r", limits);
  if (err !== null) return fail(err);
  await using _closed = source;
  const [info, infoErr] = await ask(() => `copy to ${quote(target)}`, limits, async () => {
    const info = await unwrap(source.stat(limits));
    const there = await ifThere(Deno.stat(target));
    if (there === null || there.dev !== info.dev || there.ino !== info.ino) return info;
    const words = `Cannot copy ${quote(source.path)} to ${quote(target)}: they are one file`;
    throw new IoError("exists", words);
  });
  if (infoErr !== null) return fail(infoErr);
  const rights = perm ?? (info.mode ?? 0o644) & 0o777;
  const [sink, sinkErr] = await open(target, "w", rights, limits);
  if (sinkErr !== null) return fail(sinkErr);
  await using _done = sink;
  const memory = new Uint8Array(Math.min(Math.max(info.size, LEAST), PIECE));
  for (let total = 0;;) {
    const [count, readErr] = await source.read_into(memory, limits);
    if (readErr !== null) {
      return fail(new IoError(readErr.code, readErr.message, { cause: readErr, sent: total }));
    }
    if (count === null) return ok(total);
    const [, writeErr] = await sink.write(memory.subarray(0, count), limits);
    if (writeErr !== null) {
      const sent = total + (writeErr.sent ?? 0);
      return fail(new IoError(writeErr.code, writeErr.message, { cause: writeErr, sent }));
    }
    total += count;
  }
}
