/**
 * A log file that survives what happens to log files: rotation, a file moved or deleted
 * under it, many processes that append to it, a full disk, and text from outside.
 *
 * {@linkcode open_log} opens the program's log, {@linkcode LOG} writes a line to it, with
 * local time, process id, and the caller's file and line. Without `open_log`, lines
 * from `NOTICE` on go to stderr. {@linkcode logger} writes lines with named fields, and
 * {@linkcode open_logger} gives a logger a file of its own, as text or as JSON lines.
 * From aLiLua (`open_log`, `LOG`); the page `docs/log.md` has all of it.
 *
 * A line is queued and written in the event loop's next turn, together with all others
 * of that turn, in one append of whole lines: lines of many threads, workers and
 * processes never tear. `ERR`, a queue over 1 MiB, and the end of the program (a return,
 * `Deno.exit`, an uncaught error) write at once. A `kill -9`, or a signal that nobody
 * handles, loses the lines of the current turn.
 *
 * Needs `--allow-write` of the file; with rotation `--allow-read` and `--allow-write` of
 * its folder. Depends on no package. No other module of this collection writes to it.
 *
 * ```ts
 * import { close_log, ERR, INFO, LOG, open_log } from "@alilua/coevent/log";
 *
 * const folder = await Deno.makeTempDir();
 * const [, err] = open_log(`${folder}/app.log,INFO,d7`);
 * if (err) console.error(err.message);
 *
 * LOG(INFO, "listening on", 8080);
 * LOG(ERR, "no answer from", "10.0.0.7");
 * close_log();
 * // Sat, 21 Nov 2026 00:23:52 [4711-server.ts:7] INFO listening on	8080
 * console.log(await Deno.readTextFile(`${folder}/app.log`));
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * @module
 */
export { type ErrorCode, type GoneReason, IoError, type IoErrorOptions } from "../core/mod.ts";
export { type Result, unwrap, type Unwrapped } from "../core/mod.ts";
export * from "./levels.ts";
export * from "./log.ts";
export * from "./logger.ts";
export * from "./types.ts";
