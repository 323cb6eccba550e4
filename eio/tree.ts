import type { IoError, Result, WaitOptions } from "../core/mod.ts";
import { ask, done } from "./_operation.ts";
import { join, pathOf, quote } from "./_path.ts";
import { type Perm, permOf } from "./_perm.ts";
import { ifThere, typeOf } from "./_stat.ts";
import type { FileType } from "./types.ts";

/** The rights of a new directory, before the umask takes some: aLiLua's. */
const NEW_FOLDER = 0o700;

/**
 * Makes a directory; its parent must be there. `perm` is `0o700` by default, less the
 * umask. Requires `--allow-write`. Errors: `exists`, `not_found`, `not_dir`, `no_space`,
 * `denied`, `no_permission`. From aLiLua.
 *
 * @example Usage
 * ```ts
 * import { mkdir } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * console.log(await mkdir(`${folder}/private`)); // [ true, null ]
 * console.log((await mkdir(`${folder}/private`))[1]?.code); // exists
 * ```
 */
export function mkdir(
  path: string | URL,
  perm: Perm = NEW_FOLDER,
  options: WaitOptions = {},
): Promise<Result<true>> {
  const name = pathOf(path);
  const mode = permOf(perm, "perm");
  return done(() => `mkdir ${quote(name)}`, options, () => Deno.mkdir(name, { mode }));
}

/**
 * Makes a directory and all that are missing above it, each with `perm`. One that is
 * there already is as good (a file in its place is `exists`). Otherwise as
 * {@linkcode mkdir}. From LuaIO, where a directory that is there is a failure.
 *
 * @example Usage
 * ```ts
 * import { isdir, mkdirp, unwrap } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * await unwrap(mkdirp(`${folder}/a/b/c`, 0o755));
 * console.log(await isdir(`${folder}/a/b/c`)); // [ true, null ]
 * ```
 */
export function mkdirp(
  path: string | URL,
  perm: Perm = NEW_FOLDER,
  options: WaitOptions = {},
): Promise<Result<true>> {
  const name = pathOf(path);
  const mode = permOf(perm, "perm");
  return done(
    () => `mkdirp ${quote(name)}`,
    options,
    () => Deno.mkdir(name, { mode, recursive: true }),
  );
}

/** What `walk` takes. `timeout` bounds each directory. */
export interface WalkOptions extends WaitOptions {
  /** So deep below the root it goes: 1 gives what is in the root itself. No limit by default. */
  max_depth?: number;
  /** Goes into directories behind links as well, into each once; off by default. */
  follow?: boolean;
}

/** What `walk` has come to. */
export interface WalkEntry {
  /** The root's path and the names below it. */
  path: string;
  /** Its own name. */
  name: string;
  /** What it is; a link is `"link"` even when it is followed. */
  type: FileType;
  /** 1 for what is in the root itself. */
  depth: number;
}

/**
 * Gives everything below a directory, each directory before what is in it, names in order.
 * What disappears while it walks is left out; other failures are thrown as `IoError`.
 * Requires `--allow-read`.
 *
 * @example All TypeScript files
 * ```ts
 * import { walk } from "@alilua/coevent/eio";
 *
 * for await (const { path, type } of walk("eio")) {
 *   if (type === "file" && path.endsWith(".ts")) console.log(path);
 * }
 * ```
 */
export function walk(
  root: string | URL,
  options: WalkOptions = {},
): AsyncIterableIterator<WalkEntry> {
  const { max_depth = Infinity } = options;
  if (!(max_depth >= 1)) {
    throw new RangeError(`walk: max_depth must be 1 or more: got ${max_depth}`);
  }
  return below(pathOf(root, "root"), 1, options, new Set());
}

async function* below(
  folder: string,
  depth: number,
  options: WalkOptions,
  seen: Set<string>,
): AsyncIterableIterator<WalkEntry> {
  const { max_depth = Infinity, follow = false } = options;
  if (follow) {
    const [real, err] = await ask(
      () => `walk ${quote(folder)}`,
      options,
      () => Deno.realPath(folder),
    );
    if (err !== null) return give(err, depth);
    if (seen.has(real)) return;
    seen.add(real);
  }
  const [entries, err] = await listed(folder, options);
  if (err !== null) return give(err, depth);
  for (const { name, type } of entries) {
    const path = join(folder, name);
    yield { path, name, type, depth };
    if (depth >= max_depth) continue;
    if (type === "directory" || (type === "link" && follow && await leadsToFolder(path, options))) {
      yield* below(path, depth + 1, options, seen);
    }
  }
}

/** Below the root, what is gone by now is no failure. */
function give(err: IoError, depth: number): void {
  if (depth === 1 || (err.code !== "not_found" && err.code !== "not_dir")) throw err;
}

function listed(
  folder: string,
  options: WaitOptions,
): Promise<Result<{ name: string; type: FileType }[]>> {
  return ask(() => `walk ${quote(folder)}`, options, async () => {
    const entries: { name: string; type: FileType }[] = [];
    for await (const { name, isFile, isDirectory, isSymlink } of Deno.readDir(folder)) {
      const type = isFile ? "file" : isDirectory ? "directory" : isSymlink ? "link" : null;
      entries.push({ name, type: type ?? await special(join(folder, name)) });
    }
    return entries.sort((a, b) => a.name < b.name ? -1 : 1);
  });
}

/** What a directory's list does not tell apart: FIFOs, sockets, devices. */
async function special(path: string): Promise<FileType> {
  const info = await ifThere(Deno.lstat(path));
  return info === null ? "other" : typeOf(info);
}

async function leadsToFolder(path: string, options: WaitOptions): Promise<boolean> {
  const [info, err] = await ask(() => `walk ${quote(path)}`, options, () => Deno.stat(path));
  // A link that leads nowhere, or round in a circle, is only a link.
  return err === null && info.isDirectory;
}
