import process from "node:process";
import { fail, fromOs, IoError, ok, own, type Result } from "../core/mod.ts";
import { endAttached, endBy, SIGNAL_TAKES } from "./_attached.ts";
import { handlers } from "./_handlers.ts";
import { numberOf, signalOf } from "./_names.ts";
import { unregister } from "./signal.ts";

/**
 * The id of this process.
 *
 * @example Usage
 * ```ts
 * import { pid } from "@alilua/coevent/process";
 *
 * console.log(pid > 0); // true
 * ```
 */
export const pid: number = Deno.pid;

/**
 * The command line: the runtime's path, the program, then its arguments. From LuaIO.
 *
 * @example Usage
 * ```ts
 * import { argv } from "@alilua/coevent/process";
 *
 * const [runtime, program, ...args] = argv;
 * console.log(runtime, program, args.length);
 * ```
 */
export const argv: readonly string[] = process.argv;

/** The signals that do not end a program by themselves. */
const HARMLESS: ReadonlySet<string> = new Set([
  "SIGCHLD",
  "SIGCONT",
  "SIGSTOP",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGURG",
  "SIGWINCH",
]);

/**
 * The working directory. Errors: `not_found` if it was removed. Needs no permission.
 * From LuaIO, where it is a field.
 *
 * @example Usage
 * ```ts
 * import { cwd } from "@alilua/coevent/process";
 *
 * const [path, err] = cwd();
 * console.log(err ? err.message : path);
 * ```
 */
export function cwd(): Result<string> {
  try {
    return ok(Deno.cwd());
  } catch (error) {
    return fail(fromOs(error, "Cannot tell the working directory"));
  }
}

/**
 * Changes the working directory, for the whole program, its workers included.
 *
 * Errors: `not_found`, `not_dir`, `denied`, `no_permission`. Needs
 * `--allow-read=<path>`. From LEM (`lfs.chdir`).
 *
 * @example Usage
 * ```ts
 * import { chdir } from "@alilua/coevent/process";
 *
 * const [, err] = chdir("/nowhere");
 * console.log(err?.code); // not_found
 * ```
 */
export function chdir(path: string | URL): Result<true> {
  if (typeof path !== "string" && !(path instanceof URL)) {
    throw new TypeError(`chdir wants a path: got ${typeof path}`);
  }
  try {
    Deno.chdir(path);
    return ok<true>(true);
  } catch (error) {
    return fail(fromOs(error, `Cannot change to ${path}`));
  }
}

/**
 * Ends the program: with a status from 0 (the default) to 255, or by a signal of that
 * name, so that whoever waits for us sees us ended by it. Needs no permission.
 *
 * Children that are not `detached` are ended before: SIGTERM, 100 ms at most, SIGKILL.
 * With a status, `unload` listeners run; with a signal they do not, nor do handlers of
 * that signal. In a worker a status ends the worker only. A name that is no signal
 * which ends a program throws `RangeError`.
 *
 * LuaIO's source has the number, its README the signal.
 *
 * @example Usage
 * ```ts
 * import { exit } from "@alilua/coevent/process";
 *
 * if (Deno.args.includes("--version")) exit(0);
 * ```
 */
export function exit(status: number | string = 0): never {
  if (typeof status === "number") {
    if (!Number.isInteger(status) || status < 0 || status > 255) {
      throw new RangeError(`exit: status must be a whole number from 0 to 255: got ${status}`);
    }
    Deno.exit(status);
  }
  const signal = signalOf(status, "exit");
  if (signal instanceof IoError || HARMLESS.has(signal)) {
    throw new RangeError(`exit: '${status}' is no signal that ends a program`);
  }
  if (handlers.has(signal)) unregister(signal);
  own.endOthers();
  endBy(signal);
  // Where there was a listener, the runtime ends us from another thread, in a moment.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SIGNAL_TAKES);
  // Still here: the program listens to it past this module. It ends all the same.
  Deno.exit(128 + numberOf(signal)!);
}

/**
 * Ends the program at once by SIGABRT, with a core file where the system writes them.
 * Nothing is cleaned up but the children that are not `detached`. Needs no permission.
 *
 * Comes back only in a worker, which may not end the program so: `unsupported`.
 * From LuaIO (`process.abort`).
 *
 * @example Usage
 * ```ts
 * import { abort, uptime } from "@alilua/coevent/process";
 *
 * if (uptime() < 0) abort(); // what must not be: leave a core file behind
 * ```
 */
export function abort(): [value: null, err: IoError] {
  if (!inWorker()) {
    own.endOthers();
    endAttached();
  }
  try {
    process.abort();
  } catch (error) {
    const words = "Cannot abort: only the main thread may";
    return [null, new IoError("unsupported", words, { cause: error })];
  }
}

/** Workers, of the web and of Node.js, have a global scope of their own kind. */
function inWorker(): boolean {
  return "DedicatedWorkerGlobalScope" in globalThis;
}

/**
 * How long the program has been running, in seconds with fractions; in a worker, the
 * worker. Needs no permission. From LuaIO's README (`process.uptime`).
 *
 * @example Usage
 * ```ts
 * import { uptime } from "@alilua/coevent/process";
 *
 * console.log(`up for ${uptime().toFixed(3)} s`);
 * ```
 */
export function uptime(): number {
  return performance.now() / 1_000;
}
