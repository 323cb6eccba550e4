import { endianness, type as osType } from "node:os";
import type { Result } from "../core/mod.ts";
import { ask } from "./_ask.ts";

/**
 * The system's name as `uname` says it: `Linux`, `Darwin`, `Windows_NT`. From LuaIO.
 *
 * @example Usage
 * ```ts
 * import { type } from "@alilua/coevent/system";
 *
 * console.log(type); // Linux
 * ```
 */
export const type: string = osType();

/**
 * How this machine orders the bytes of a number: `LE` or `BE`. From LuaIO.
 *
 * @example Usage
 * ```ts
 * import { endian } from "@alilua/coevent/system";
 *
 * console.log(endian); // LE
 * ```
 */
export const endian: "LE" | "BE" = endianness();

/**
 * The release of the operating system's kernel, such as `6.18.44`.
 *
 * Errors: `no_permission`. Needs `--allow-sys=osRelease`. From LuaIO, where it is a field;
 * here the permission decides, so it is a call.
 *
 * @example Usage
 * ```ts
 * import { release, type } from "@alilua/coevent/system";
 *
 * const [version, err] = release();
 * console.log(err ? err.message : `${type} ${version}`);
 * ```
 */
export function release(): Result<string> {
  return ask("the system's release", () => Deno.osRelease());
}

/**
 * The name that this machine gives itself.
 *
 * Errors: `no_permission`. Needs `--allow-sys=hostname`.
 *
 * @example Usage
 * ```ts
 * import { hostname } from "@alilua/coevent/system";
 *
 * const [name, err] = hostname();
 * console.log(err ? err.message : name);
 * ```
 */
export function hostname(): Result<string> {
  return ask("the host name", () => Deno.hostname());
}

/**
 * The average number of programs that ran or wanted to, over the last 1, 5 and 15
 * minutes. On Windows, which does not count them, all three are 0.
 *
 * Errors: `no_permission`. Needs `--allow-sys=loadavg`. From LuaIO (`system.loadavg`).
 *
 * @example Usage
 * ```ts
 * import { loadavg, parallelism } from "@alilua/coevent/system";
 *
 * const [load, err] = loadavg();
 * if (err) console.log(err.message);
 * else if (load[0] > parallelism()) console.log("more work than processors");
 * ```
 */
export function loadavg(): Result<[one: number, five: number, fifteen: number]> {
  return ask("the load", () => {
    const [one = 0, five = 0, fifteen = 0] = Deno.loadavg();
    return [one, five, fifteen];
  });
}
