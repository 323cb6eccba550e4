import { close, constants, open } from "node:fs";
import {
  readdir as readNames,
  rmdir as removeFolder,
  unlink as removeFile,
} from "node:fs/promises";
import { promisify } from "node:util";
import { IoError, type Result, type WaitOptions } from "../core/mod.ts";
import { errnoOf, isRefused } from "./_errors.ts";
import { ask, done } from "./_operation.ts";
import { pathOf, quote } from "./_path.ts";

const openFile = promisify(open);
const closeFile = promisify(close);

/**
 * Removes a file, or a link itself; the file's bytes go with its last name and its last
 * open handle. Requires `--allow-write`; without `--allow-read` too, a link to a directory is
 * taken for one. Errors: `not_found`, `is_dir` (see {@linkcode rmdir}), `denied`,
 * `no_permission`. From aLiLua.
 *
 * @example Usage
 * ```ts
 * import { unlink, unwrap, writefile } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * await unwrap(writefile(`${folder}/a`, "x"));
 * console.log(await unlink(`${folder}/a`)); // [ true, null ]
 * console.log((await unlink(`${folder}/a`))[1]?.code); // not_found
 * ```
 */
export function unlink(path: string | URL, options: WaitOptions = {}): Promise<Result<true>> {
  const name = pathOf(path);
  return done(() => `unlink ${quote(name)}`, options, async () => {
    // The runtime's own unlink removes an empty directory as well.
    if (await isFolder(name)) {
      throw new IoError("is_dir", `Cannot unlink ${quote(name)}: it is a directory`);
    }
    await removeFile(name);
  });
}

/** Whether it is a directory, itself and not through a link. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isDirectory;
  } catch (error) {
    if (!isRefused(error)) throw error;
  }
  // Who may only write learns it by what opening says, which never succeeds: a directory
  // cannot be written to (EISDIR), and all else is none (ENOTDIR).
  const { O_WRONLY, O_DIRECTORY, O_NONBLOCK, O_NOFOLLOW } = constants;
  const flags = O_WRONLY | O_DIRECTORY | O_NONBLOCK | O_NOFOLLOW;
  const said: unknown = await openFile(path, flags).then(closeFile, (error) => error);
  if (isRefused(said)) throw said;
  return errnoOf(said) === "EISDIR";
}

/**
 * Removes an empty directory. Requires `--allow-write`. Errors: `not_found`, `not_dir`,
 * `not_empty`, `denied`, `no_permission`. From aLiLua.
 *
 * @example Usage
 * ```ts
 * import { rmdir } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * console.log(await rmdir(folder)); // [ true, null ]
 * ```
 */
export function rmdir(path: string | URL, options: WaitOptions = {}): Promise<Result<true>> {
  const name = pathOf(path);
  return done(() => `rmdir ${quote(name)}`, options, () => removeFolder(name));
}

/**
 * Gives a file or directory another name, in place of what had it. It happens at once or
 * not at all, within one file system (`io`, `EXDEV`, from one to another). Requires
 * `--allow-read` and `--allow-write`. Errors: `not_found`, `is_dir`, `not_dir`,
 * `not_empty`, `denied`, `no_permission`. From aLiLua.
 *
 * @example Usage
 * ```ts
 * import { readfile, rename, unwrap, writefile } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * await unwrap(writefile(`${folder}/new`, "new"));
 * await unwrap(rename(`${folder}/new`, `${folder}/name`));
 * console.log(await readfile(`${folder}/name`, { encoding: "utf-8" })); // [ "new", null ]
 * ```
 */
export function rename(
  from: string | URL,
  to: string | URL,
  options: WaitOptions = {},
): Promise<Result<true>> {
  const [old, fresh] = [pathOf(from, "from"), pathOf(to, "to")];
  const what = () => `rename ${quote(old)} to ${quote(fresh)}`;
  return done(what, options, () => Deno.rename(old, fresh));
}

/**
 * Gives a file another name beside its own. Requires `--allow-read` and `--allow-write`.
 * Errors: `not_found`, `exists`, `denied` (a directory), `no_permission`. From LuaIO.
 *
 * @example Usage
 * ```ts
 * import { link, readfile, unlink, unwrap, writefile } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * await unwrap(writefile(`${folder}/a`, "kept"));
 * await unwrap(link(`${folder}/a`, `${folder}/b`));
 * await unwrap(unlink(`${folder}/a`));
 * console.log(await readfile(`${folder}/b`, { encoding: "utf-8" })); // [ "kept", null ]
 * ```
 */
export function link(
  existing: string | URL,
  path: string | URL,
  options: WaitOptions = {},
): Promise<Result<true>> {
  const [old, fresh] = [pathOf(existing, "existing"), pathOf(path)];
  const what = () => `link ${quote(fresh)} to ${quote(old)}`;
  return done(what, options, () => Deno.link(old, fresh));
}

/**
 * Makes a link that holds `target` as it is, there or not; a relative one counts from the
 * link. Requires `--allow-read` and `--allow-write` for every path: what a link leads to
 * is only known when it is followed. Errors: `exists`, `not_found` (no such directory),
 * `denied`, `no_permission`. From LuaIO.
 *
 * @example Usage
 * ```ts
 * import { readlink, symlink, unwrap } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * await unwrap(symlink("not-there-yet", `${folder}/link`));
 * console.log(await readlink(`${folder}/link`)); // [ "not-there-yet", null ]
 * ```
 */
export function symlink(
  target: string,
  path: string | URL,
  options: WaitOptions & { type?: "file" | "dir" | "junction" } = {},
): Promise<Result<true>> {
  const [old, fresh] = [pathOf(target, "target"), pathOf(path)];
  const { type } = options;
  const what = () => `symlink ${quote(fresh)} to ${quote(old)}`;
  return done(what, options, async () => {
    try {
      await Deno.symlink(old, fresh, type === undefined ? undefined : { type });
    } catch (error) {
      if (!isRefused(error)) throw error;
      const flags = "--allow-read and --allow-write, both for every path";
      throw new IoError("no_permission", `Cannot ${what()}: it needs ${flags}`, { cause: error });
    }
  });
}

/**
 * Gives what a link holds. Requires `--allow-read`. Errors: `not_found`, `io` (`EINVAL`:
 * it is no link), `denied`, `no_permission`. From LuaIO.
 *
 * @example Usage
 * ```ts
 * import { readlink } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * console.log((await readlink(folder))[1]?.errno); // EINVAL: it is no link
 * ```
 */
export function readlink(path: string | URL, options: WaitOptions = {}): Promise<Result<string>> {
  const name = pathOf(path);
  return ask(() => `readlink ${quote(name)}`, options, () => Deno.readLink(name));
}

/**
 * Gives the absolute path, without links and dots. Requires `--allow-read`, for a relative
 * path of the working directory too. Errors: `not_found`, `not_dir`, `io` (`ELOOP`),
 * `denied`, `no_permission`.
 *
 * @example Usage
 * ```ts
 * import { realpath, unwrap } from "@alilua/coevent/eio";
 *
 * console.log((await unwrap(realpath("."))) === Deno.cwd()); // true
 * ```
 */
export function realpath(path: string | URL, options: WaitOptions = {}): Promise<Result<string>> {
  const name = pathOf(path);
  return ask(() => `realpath ${quote(name)}`, options, () => Deno.realPath(name));
}

/**
 * Gives the names in a directory, without `.` and `..`, in the directory's own order.
 * Bytes that are no UTF-8 come as U+FFFD. Requires `--allow-read`. Errors: `not_found`,
 * `not_dir`, `denied`, `no_permission`. From aLiLua.
 *
 * @example Usage
 * ```ts
 * import { mkdir, readdir, unwrap } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * await unwrap(mkdir(`${folder}/one`));
 * console.log(await readdir(folder)); // [ [ "one" ], null ]
 * ```
 */
export function readdir(path: string | URL, options: WaitOptions = {}): Promise<Result<string[]>> {
  const name = pathOf(path);
  return ask(() => `readdir ${quote(name)}`, options, () => readNames(name));
}
