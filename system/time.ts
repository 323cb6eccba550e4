import process from "node:process";
import type { Result } from "../core/mod.ts";
import { ask } from "./_ask.ts";

/**
 * The time in nanoseconds since some fixed moment; never goes back.
 *
 * For measuring how long something took. The moment differs between the program and
 * each of its workers, so only values of one thread can be compared. Needs no
 * permission. From LuaIO (`system.hrtime`), as a bigint, since a number is exact for
 * 104 days of nanoseconds only.
 *
 * @example Usage
 * ```ts
 * import { hrtime } from "@alilua/coevent/system";
 *
 * const begun = hrtime();
 * JSON.parse("[1, 2, 3]");
 * console.log(`${hrtime() - begun} ns`);
 * ```
 */
export function hrtime(): bigint {
  return process.hrtime.bigint();
}

/**
 * How long the machine has been up, in whole seconds.
 *
 * Errors: `no_permission`. Needs `--allow-sys=osUptime`. From LuaIO (`system.uptime`).
 *
 * @example Usage
 * ```ts
 * import { uptime } from "@alilua/coevent/system";
 *
 * const [seconds, err] = uptime();
 * console.log(err ? err.message : `up for ${seconds} s`);
 * ```
 */
export function uptime(): Result<number> {
  return ask("the uptime", () => Deno.osUptime());
}
