import {
  type Bytes,
  codecOf,
  type Data,
  type Encoding,
  fail,
  IoError,
  ok,
  type Payload,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { bytesToWrite, checkBytes, joined } from "./_arguments.ts";
import { PIECE } from "./_descriptor.ts";
import { ask } from "./_operation.ts";
import { pathOf, quote } from "./_path.ts";
import type { Perm } from "./_perm.ts";
import { RegularFile } from "./_regular.ts";
import { textOf } from "./_text.ts";
import { open } from "./open.ts";
import type { FileHandle } from "./types.ts";

/** The most that `readfile` holds unless `max` says otherwise: 1 GiB. */
const MOST_READ = 1024 ** 3;

/** What `readfile` takes. */
export interface ReadFileOptions<E extends Encoding = "bytes"> extends WaitOptions {
  /** `"utf-8"` or `"latin1"` give a string; bytes by default. */
  encoding?: E;
  /** The most bytes it may have: 1 GiB by default. More is `too_long`. */
  max?: number;
}

/** What `writefile` and `appendfile` take. */
export interface WriteFileOptions extends WaitOptions {
  /** The rights of a new file; `0o644` by default, less the umask. */
  perm?: Perm;
  /** How text becomes bytes; UTF-8 by default. */
  encoding?: Encoding;
}

/**
 * Reads a whole file. `timeout` bounds each wait for progress.
 *
 * Requires `--allow-read`. Errors: those of {@linkcode open}, `too_long`, `bad_text`.
 * From LuaIO (`readFile`).
 *
 * @example Usage
 * ```ts
 * import { readfile, unwrap } from "@alilua/coevent/eio";
 *
 * const text = await unwrap(readfile("deno.json", { encoding: "utf-8" }));
 * console.log(JSON.parse(text).name); // @alilua/coevent
 * ```
 */
export async function readfile<E extends Encoding = "bytes">(
  path: string | URL,
  options: ReadFileOptions<E> = {},
): Promise<Result<Data<E>>> {
  const { max = MOST_READ, encoding = "bytes", ...limits } = options;
  if (max !== Infinity) checkBytes(max, "readfile: max");
  const codec = codecOf(encoding);
  const name = pathOf(path);
  const [small, smallErr] = await ask(
    () => `open ${quote(name)}`,
    limits,
    () => ifSmall(name, max),
  );
  if (smallErr !== null) return fail(smallErr);
  const [bytes, err] = small !== null && small.length <= max
    ? ok(small)
    : await large(name, Math.min(max, Number.MAX_SAFE_INTEGER - 1), limits);
  if (err !== null) return fail(err);
  const [[value, textErr]] = textOf(bytes, codec, true);
  if (value !== null) return ok(value as Data<E>);
  return fail(textErr!);
}

/**
 * The bytes of a small regular file, by the runtime's own call: one way to another thread
 * and back in place of five. `null` for anything else, and where that fails: what is wrong
 * is told by opening it.
 */
async function ifSmall(path: string, max: number): Promise<Bytes | null> {
  try {
    const { isFile, size } = await Deno.stat(path);
    const small = isFile && size > 0 && size <= Math.min(max, PIECE);
    return small ? await Deno.readFile(path) : null;
  } catch {
    return null;
  }
}

async function large(path: string, max: number, limits: WaitOptions): Promise<Result<Bytes>> {
  const [file, err] = await open(path, "r", { ...limits, encoding: "bytes" });
  if (err !== null) return fail(err);
  await using _closed = file;
  if (file instanceof RegularFile) {
    // Refused before gigabytes of it are in memory. It may still grow: what is read is counted.
    const [stat, statErr] = await file.stat(limits);
    if (statErr !== null) return fail(statErr);
    if (stat.size > max) return fail(tooLong(path, max));
  }
  return await everything(file, max, limits);
}

function tooLong(path: string, max: number): IoError {
  return new IoError("too_long", `Cannot read ${quote(path)}: it has more than ${max} bytes`);
}

async function everything(
  file: FileHandle<"bytes">,
  max: number,
  limits: WaitOptions,
): Promise<Result<Bytes>> {
  const pieces: Bytes[] = [];
  let total = 0;
  for (;;) {
    const wanted = max + 1 - total;
    const [piece, err] = await file.read(wanted, limits);
    if (err !== null) return fail(err);
    if (piece === null) break;
    pieces.push(piece);
    total += piece.length;
    if (total > max) return fail(tooLong(file.path, max));
    // A regular file gives less only at its end.
    if (file instanceof RegularFile && piece.length < wanted) break;
  }
  return ok(pieces.length === 1 ? pieces[0]! : joined(pieces, total));
}

/**
 * Writes a file, in place of what it held, and gives the byte count. A crash in the
 * middle leaves half of it: see {@linkcode write_atomic}. `timeout` bounds each wait for
 * progress.
 *
 * Requires `--allow-write`. Errors: those of {@linkcode open}, and `no_space`; `err.sent`
 * bytes are in the file then. From LuaIO (`writeFile`).
 *
 * @example Usage
 * ```ts
 * import { readfile, unwrap, writefile } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * console.log(await unwrap(writefile(`${folder}/a`, ["one\n", "two\n"]))); // 8
 * console.log(await unwrap(readfile(`${folder}/a`, { encoding: "utf-8" })));
 * ```
 */
export function writefile(
  path: string | URL,
  data: Payload,
  options: WriteFileOptions = {},
): Promise<Result<number>> {
  return put(path, "w", data, options);
}

/**
 * Writes to the end of a file, which is made if it is not there, and gives the byte
 * count. Otherwise as {@linkcode writefile}. From LuaIO (`appendFile`).
 *
 * @example Usage
 * ```ts
 * import { appendfile, readfile, unwrap } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * await unwrap(appendfile(`${folder}/a`, "one, "));
 * await unwrap(appendfile(`${folder}/a`, "two"));
 * console.log(await readfile(`${folder}/a`, { encoding: "utf-8" })); // [ "one, two", null ]
 * ```
 */
export function appendfile(
  path: string | URL,
  data: Payload,
  options: WriteFileOptions = {},
): Promise<Result<number>> {
  return put(path, "a", data, options);
}

async function put(
  path: string | URL,
  mode: "w" | "a",
  data: Payload,
  options: WriteFileOptions,
): Promise<Result<number>> {
  const { perm, encoding = "utf-8", ...limits } = options;
  // Before anything is truncated for it.
  const pieces = bytesToWrite(data, codecOf(encoding));
  const [file, err] = await open(path, mode, perm, limits);
  if (err !== null) return fail(err);
  await using _closed = file;
  return await file.write(pieces, limits);
}
