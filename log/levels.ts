/** How much a line matters: 1 (`DEBUG`) to 6 (`ERR`). From aLiLua. */
export type Level = 1 | 2 | 3 | 4 | 5 | 6;

/** The name of a level, as `open_log` takes it and as a line shows it. */
export type LevelName = "DEBUG" | "INFO" | "NOTICE" | "WARN" | "ALERT" | "ERR";

/**
 * 1: of interest to who looks for a fault.
 *
 * @example Usage
 * ```ts
 * import { DEBUG, LOG } from "@alilua/coevent/log";
 *
 * LOG(DEBUG, "asked the cache");
 * ```
 */
export const DEBUG = 1;
/**
 * 2: what happened, in the normal course.
 *
 * @example Usage
 * ```ts
 * import { INFO, LOG } from "@alilua/coevent/log";
 *
 * LOG(INFO, "user 7 has come");
 * ```
 */
export const INFO = 2;
/**
 * 3: out of the ordinary, but in order. What a log lets through if nothing else is said.
 *
 * @example Usage
 * ```ts
 * import { NOTICE, LOG } from "@alilua/coevent/log";
 *
 * LOG(NOTICE, "listening on port 80");
 * ```
 */
export const NOTICE = 3;
/**
 * 4: not as it should be. The level of a `LOG` that names none.
 *
 * @example Usage
 * ```ts
 * import { WARN, LOG } from "@alilua/coevent/log";
 *
 * LOG(WARN, "no answer within 500 ms");
 * ```
 */
export const WARN = 4;
/**
 * 5: someone should look at it soon.
 *
 * @example Usage
 * ```ts
 * import { ALERT, LOG } from "@alilua/coevent/log";
 *
 * LOG(ALERT, "disk is 97 % full");
 * ```
 */
export const ALERT = 5;
/**
 * 6: something failed. Such lines are written at once.
 *
 * @example Usage
 * ```ts
 * import { ERR, LOG } from "@alilua/coevent/log";
 *
 * LOG(ERR, "the database is gone");
 * ```
 */
export const ERR = 6;
/**
 * 7: as the level of a log, lets nothing through. No line has it.
 *
 * @example Usage
 * ```ts
 * import { close_log, LOG, NO, open_log } from "@alilua/coevent/log";
 *
 * const path = await Deno.makeTempFile();
 * const [, err] = open_log({ path, level: NO });
 * if (err) throw err;
 * LOG("nobody hears of it");
 * close_log();
 * await Deno.remove(path);
 * ```
 */
export const NO = 7;
