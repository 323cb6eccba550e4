import type { Result, WaitOptions } from "../core/mod.ts";
import { done } from "./_operation.ts";
import { checkOwner, idOf, type Owner } from "./_owner.ts";
import { pathOf, quote } from "./_path.ts";
import { type Perm, permOf } from "./_perm.ts";

/**
 * Changes access rights: `0o600` by default. `perm` is the number itself, or octal digits
 * in a string. Requires `--allow-write`. Errors: `not_found`, `denied`, `no_permission`.
 * From aLiLua, where decimal digits are read as octal.
 *
 * @example Usage
 * ```ts
 * import { chmod, stat, unwrap, writefile } from "@alilua/coevent/eio";
 *
 * const path = `${await Deno.makeTempDir()}/secret`;
 * await unwrap(writefile(path, "x"));
 * await unwrap(chmod(path, "640"));
 * console.log((await unwrap(stat(path))).mode === 0o640); // true
 * ```
 */
export function chmod(
  path: string | URL,
  perm: Perm = 0o600,
  options: WaitOptions = {},
): Promise<Result<true>> {
  const name = pathOf(path);
  const rights = permOf(perm, "perm");
  return done(() => `chmod ${quote(name)}`, options, () => Deno.chmod(name, rights));
}

/**
 * Changes whose it is, and which group's; without `group` (or with `null`), the group
 * stays. Names are looked up in `/etc/passwd` and `/etc/group`, which requires
 * `--allow-read=/etc/passwd,/etc/group`; numbers require only `--allow-write`.
 *
 * Errors: `not_found` (also an unknown name), `denied` (only root may give files away),
 * `no_permission`, `unsupported` (Windows). From aLiLua, where the group left out is the
 * program's own.
 *
 * @example Usage
 * ```ts
 * import { chown, unwrap, writefile } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * await unwrap(writefile(`${folder}/a`, "x"));
 * // To whom it belongs already: for anybody else it takes rights.
 * const { uid, gid } = await Deno.stat(`${folder}/a`);
 * console.log((await chown(`${folder}/a`, uid!, gid!))[1]); // null
 * ```
 */
export function chown(
  path: string | URL,
  user: Owner | null,
  group: Owner | null = null,
  options: WaitOptions = {},
): Promise<Result<true>> {
  const name = pathOf(path);
  if (user !== null) checkOwner(user, "chown: user");
  if (group !== null) checkOwner(group, "chown: group");
  return done(() => `chown ${quote(name)}`, options, async () => {
    const uid = user === null ? null : await idOf(user, "/etc/passwd");
    const gid = group === null ? null : await idOf(group, "/etc/group");
    await Deno.chown(name, uid, gid);
  });
}

/**
 * Sets when a file was last read and last changed: seconds since 1970, or a `Date`.
 * Requires `--allow-write`. Errors: `not_found`, `denied`, `no_permission`. From LuaIO.
 *
 * @example Usage
 * ```ts
 * import { unwrap, utime, writefile } from "@alilua/coevent/eio";
 *
 * const folder = await Deno.makeTempDir();
 * await unwrap(writefile(`${folder}/a`, "x"));
 * await unwrap(utime(`${folder}/a`, 1_000_000_000, 1_000_000_000));
 * console.log((await Deno.stat(`${folder}/a`)).mtime?.getTime()); // 1000000000000
 * ```
 */
export function utime(
  path: string | URL,
  access: number | Date,
  modification: number | Date = access,
  options: WaitOptions = {},
): Promise<Result<true>> {
  const name = pathOf(path);
  checkTime(access, "utime: access");
  checkTime(modification, "utime: modification");
  return done(
    () => `utime ${quote(name)}`,
    options,
    () => Deno.utime(name, access, modification),
  );
}

function checkTime(time: number | Date, name: string): void {
  const seconds = time instanceof Date ? time.getTime() : time;
  if (typeof seconds !== "number") {
    throw new TypeError(`${name} must be seconds or a Date: got ${typeof time}`);
  }
  if (!Number.isFinite(seconds)) throw new RangeError(`${name} must be a time: got ${time}`);
}
