import { clearImmediate, setImmediate } from "node:timers";
import { fail, fromOs, IoError, ok, park, type Result, type WaitOptions } from "../core/mod.ts";
import { signalOf } from "./_names.ts";
import { livingChild, outcomeOf } from "./_registry.ts";
import type { Child, ExitStatus } from "./types.ts";

/**
 * Sends a signal, `SIGTERM` by default, to a process by its id, or to a child and all
 * that it has started.
 *
 * The signal goes by name, with or without `SIG`, or by number; the number 0 only asks
 * whether the process is there. A negative id is a process group, as everywhere; 0 and
 * -1, which mean all that we could reach, throw `RangeError`.
 *
 * Needs `--allow-run`, without a list, for processes that are not ours, and for groups.
 * A child itself needs nothing more than its start did. Under a list its group is
 * reached through `sh` or `kill`, where one is on it: `--allow-run=ffmpeg,kill`. Else
 * the signal reaches the child alone, and what it has started is left.
 *
 * Errors: `not_found` (no such process), `gone` (the child has ended), `denied`,
 * `no_permission`, `unsupported` (no such signal here). From LuaIO (`process.kill`).
 *
 * @example Usage
 * ```ts
 * import { exec, kill, unwrap } from "@alilua/coevent/process";
 *
 * const child = unwrap(exec(["sleep", "60"]));
 * unwrap(kill(child, "int"));
 * console.log((await unwrap(child.wait())).signal); // SIGINT
 * ```
 */
export function kill(target: number | Child, signal: string | number = "SIGTERM"): Result<true> {
  if (typeof target === "object" && target !== null) return target.kill(signal);
  const pid = checkPid(target, "kill");
  if (pid === 0 || pid === -1) {
    throw new RangeError(`kill: pid ${pid} would mean all processes: name one, or a group`);
  }
  const name = signal === 0 ? 0 : signalOf(signal, "kill");
  if (name instanceof IoError) return fail(name);
  const child = livingChild(pid);
  if (child !== null && name !== 0) return child.killAlone(name);
  try {
    // Signal 0 is not in the types; Deno hands it on as it is.
    Deno.kill(pid, name as Deno.Signal);
    return ok<true>(true);
  } catch (error) {
    return fail(fromOs(error, `Cannot send ${name} to process ${pid}`));
  }
}

/**
 * Waits for a child of this program by its process id and gives how it ended, also for
 * one that has ended before (the last 1,024 are known).
 *
 * `timeout` in milliseconds (none by default), `signal` and a kill of the waiting thread
 * leave the child running. Errors: `not_found` for what is no child of this program,
 * `timeout`, `cancelled`. Needs no permission. From LEM's fork (`os.waitpid`).
 *
 * @example Usage
 * ```ts
 * import { exec, unwrap, waitpid } from "@alilua/coevent/process";
 *
 * const { pid } = unwrap(exec("exit 7"));
 * const [status, err] = await waitpid(pid, { timeout: 5_000 });
 * console.log(err ? err.message : status.code); // 7
 * ```
 */
export function waitpid(pid: number, options: WaitOptions = {}): Promise<Result<ExitStatus>> {
  const child = livingChild(checkPid(pid, "waitpid"));
  if (child !== null) return child.wait(options);
  return park<Result<ExitStatus>>(() => `wait for process ${pid}`, options, (wake) => {
    // In a turn of its own: it is the same however often it is asked for.
    const told = setImmediate(() => wake(outcomeOf(pid)));
    return () => clearImmediate(told);
  });
}

function checkPid(pid: number, caller: string): number {
  if (typeof pid !== "number") {
    throw new TypeError(`${caller} wants a process id or a child: got ${typeof pid}`);
  }
  if (!Number.isInteger(pid)) throw new RangeError(`${caller}: pid must be whole: got ${pid}`);
  return pid;
}
