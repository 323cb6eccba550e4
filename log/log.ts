import { fail, fromOs, ok, type Result } from "../core/mod.ts";
import { takeSite } from "./_caller.ts";
import { programLog, setProgramLog } from "./_program.ts";
import { Sink } from "./_sink.ts";
import { isLevel, specOf } from "./_spec.ts";
import { textOf } from "./_text.ts";
import { WARN } from "./levels.ts";
import type { LogOptions, LogStats } from "./types.ts";

/**
 * Opens the program's log: `"path[,level][,rotate]"`, such as `"app.log,INFO,d7"`, or an
 * object that spells it out.
 *
 * From then on {@linkcode LOG} and every `logger()` write there; what waited for the log
 * before is written, and that log closed. The level is what is let through: 1 to 6, a
 * name (`DEBUG INFO NOTICE WARN ALERT ERR`), or `NO` (7) for nothing; `NOTICE` by default.
 * The rotation is `h`, `d`, `w` or `m` (each hour, day, week, month) or a size (`10M`),
 * and the number of old files kept: `d7`, `10Mx5`. Path `-` is stderr.
 *
 * A file that is moved or deleted is opened anew before the next line. Whatever the log
 * cannot do later (a full disk) it says once on stderr, or to `thread.on_error`; the
 * lines are counted, and the log says how many once it can write again.
 *
 * Errors: `no_permission`, `not_found` (the folder), `is_dir`, `denied`, `no_space`; then
 * the log before stays in use. A wrong type throws `TypeError`, a level or rotation that
 * does not exist `RangeError`. Needs `--allow-write` of the file; with rotation
 * `--allow-read` and `--allow-write` of its folder. From aLiLua (`open_log`).
 *
 * @example Usage
 * ```ts
 * import { close_log, LOG, open_log, WARN } from "@alilua/coevent/log";
 *
 * const path = await Deno.makeTempFile();
 * const [, err] = open_log(`${path},WARN`);
 * if (err) throw err;
 * LOG(WARN, "disk is 91 % full");
 * close_log();
 * await Deno.remove(path);
 * ```
 */
export function open_log(spec: string | LogOptions): Result<true> {
  const checked = specOf("open_log", spec);
  try {
    const opened = new Sink(checked);
    setProgramLog(opened);
    return ok(true);
  } catch (error) {
    return fail(fromOs(error, `Cannot open the log '${checked.path}'`));
  }
}

/**
 * Writes a line to the program's log: `LOG([level,] ...)`.
 *
 * A first argument from 1 (`DEBUG`) to 6 (`ERR`) with others behind it is the level; without
 * one it is `WARN`. The arguments are joined by TABs; if the first is a list, its
 * elements are joined by nothing. Objects are shown as `Deno.inspect` shows them.
 * Control characters are escaped, so one call is one line, whatever it is given; a text
 * above 64 Ki characters is cut, and says so. A line whose level is not let through costs
 * next to nothing. Never throws, needs no permission but that of `open_log`.
 *
 * `ERR` is written in the call, anything else in the event loop's next turn, at the end
 * of the program, or when over 1 MiB waits. From aLiLua (`LOG`), without its TAB at the end.
 *
 * @example Usage
 * ```ts
 * import { INFO, LOG } from "@alilua/coevent/log";
 *
 * LOG(INFO, "user", 7, "came from", "192.0.2.7"); // below NOTICE: not shown
 * LOG("no answer within", 500, "ms"); // a WARN
 * LOG(["a list is ", "joined without ", "gaps"]);
 * ```
 */
export function LOG(...args: unknown[]): void {
  const [first] = args;
  const named = args.length > 1 && isLevel(first);
  const level = named ? first : WARN;
  const log = programLog();
  if (level < log.level) return;
  log.add(level, textOf(named ? args.slice(1) : args), takeSite(LOG));
}

/**
 * Writes the lines that wait. Only needed before something that ends the program without
 * a word, such as a signal to oneself.
 *
 * Errors: those of the write (`no_space`, ...); the lines are then lost, and counted.
 *
 * @example Usage
 * ```ts
 * import { flush_log, LOG } from "@alilua/coevent/log";
 *
 * LOG("about to do something dangerous");
 * const [, err] = flush_log();
 * if (err) console.error(err.message);
 * ```
 */
export function flush_log(): Result<true> {
  const err = programLog().flush();
  return err === null ? ok(true) : fail(err);
}

/**
 * Writes the lines that wait and closes the program's log; lines after that go to stderr
 * again. Closing twice is no mistake. Errors: as `flush_log`.
 *
 * @example Usage
 * ```ts
 * import { close_log } from "@alilua/coevent/log";
 *
 * close_log();
 * ```
 */
export function close_log(): Result<true> {
  const err = setProgramLog(null);
  return err === null ? ok(true) : fail(err);
}

/**
 * What the program's log has done so far: lines written, lost and waiting.
 *
 * @example Usage
 * ```ts
 * import { log_stats } from "@alilua/coevent/log";
 *
 * const { path, lost } = log_stats();
 * console.log(path, lost); // - 0
 * ```
 */
export function log_stats(): LogStats {
  return programLog().stats();
}
