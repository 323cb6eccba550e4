import { fail, ok, type Result, type WaitOptions } from "../core/mod.ts";
import { isMissing } from "./_errors.ts";
import { ask } from "./_operation.ts";
import { pathOf, quote } from "./_path.ts";
import { statOf } from "./_stat.ts";
import type { FileStat } from "./types.ts";

/**
 * Says what a path leads to, through links: aLiLua's table, with the access rights as a
 * number and the times in seconds. Requires `--allow-read`. Errors: `not_found`,
 * `not_dir`, `denied`, `no_permission`. From aLiLua.
 *
 * @example Usage
 * ```ts
 * import { stat, unwrap } from "@alilua/coevent/eio";
 *
 * const { type, mode } = await unwrap(stat("/"));
 * console.log(type, mode?.toString(8)); // directory 755
 * ```
 */
export function stat(path: string | URL, options: WaitOptions = {}): Promise<Result<FileStat>> {
  const name = pathOf(path);
  return ask(() => `stat ${quote(name)}`, options, async () => statOf(await Deno.stat(name)));
}

/**
 * Says what a path is, a link itself included. Otherwise as {@linkcode stat}. From LuaIO.
 *
 * @example Usage
 * ```ts
 * import { lstat, symlink, unwrap } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * await unwrap(symlink("nowhere", `${folder}/link`));
 * console.log((await unwrap(lstat(`${folder}/link`))).type); // link
 * ```
 */
export function lstat(path: string | URL, options: WaitOptions = {}): Promise<Result<FileStat>> {
  const name = pathOf(path);
  return ask(() => `lstat ${quote(name)}`, options, async () => statOf(await Deno.lstat(name)));
}

/**
 * Says whether a path leads to a directory; `false` where there is nothing. Requires
 * `--allow-read`. Errors: `denied`, `no_permission`, `io`. From aLiLua, where a missing
 * path is a failure.
 *
 * @example Usage
 * ```ts
 * import { isdir } from "@alilua/coevent/eio";
 *
 * console.log(await isdir("."), await isdir("no-such-thing")); // [ true, null ] [ false, null ]
 * ```
 */
export async function isdir(
  path: string | URL,
  options: WaitOptions = {},
): Promise<Result<boolean>> {
  const [type, err] = await exists(path, options);
  return err === null ? ok(type === "dir") : fail(err);
}

/**
 * Says whether a path leads to a regular file; `false` where there is nothing, and for
 * FIFOs and devices. Otherwise as {@linkcode isdir}.
 *
 * @example Usage
 * ```ts
 * import { isfile } from "@alilua/coevent/eio";
 *
 * console.log(await isfile("deno.json"), await isfile(".")); // [ true, null ] [ false, null ]
 * ```
 */
export async function isfile(
  path: string | URL,
  options: WaitOptions = {},
): Promise<Result<boolean>> {
  const [info, err] = await stat(path, options);
  if (err === null) return ok(info.type === "file");
  return isMissing(err) ? ok(false) : fail(err);
}

/**
 * Says what a path leads to: `"dir"`, `"file"` for anything else, `false` where there is
 * nothing (also at the end of a link). Otherwise as {@linkcode isdir}.
 *
 * @example Usage
 * ```ts
 * import { exists } from "@alilua/coevent/eio";
 *
 * console.log(await exists("/"), await exists("/no/such/path")); // [ "dir", null ] [ false, null ]
 * ```
 */
export async function exists(
  path: string | URL,
  options: WaitOptions = {},
): Promise<Result<"dir" | "file" | false>> {
  const [info, err] = await stat(path, options);
  if (err === null) return ok(info.type === "directory" ? "dir" : "file");
  return isMissing(err) ? ok<false>(false) : fail(err);
}
