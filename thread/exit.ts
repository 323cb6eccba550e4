import { checkTimeout, current, Deadline, now, refusal, root } from "../core/mod.ts";
import { scopes } from "./_run.ts";
import { outermost } from "./_scopes.ts";

/** Milliseconds that the threads have to unwind. */
const GRACE = 5_000;

/** How the program is to end. */
export interface ExitOptions {
  /** Milliseconds that the threads have to unwind; 5,000 by default, 0 for none. */
  grace?: number;
}

/**
 * Ends the program with a status from 0 (the default) to 255, in order: every thread is
 * killed, and what stands in its `finally` and `using` is done, then the program ends;
 * at the latest when `grace` has passed. Does not come back: the thread that calls is
 * killed like the others. Another number throws `RangeError`. Needs no permission.
 *
 * `process.exit` ends it at once. From LEM (`utils.exit`), which wants a status.
 *
 * @example Usage
 * ```ts
 * import { exit } from "@alilua/coevent/thread";
 *
 * if (Deno.args.includes("--version")) {
 *   console.log("0.1.0");
 *   await exit(0);
 * }
 * ```
 */
export function exit(status: number = 0, options: ExitOptions = {}): Promise<never> {
  if (!Number.isInteger(status) || status < 0 || status > 255) {
    throw new RangeError(`exit: status must be a whole number from 0 to 255: got ${status}`);
  }
  const grace = checkTimeout(options.grace ?? GRACE, "grace");
  const caller = current();
  const end = () => Deno.exit(status);
  const endIfLast = () => {
    for (const scope of scopes) if (scope.tasks.size > 0) return;
    end();
  };
  // From now on a loop of the program tells nobody how it ended: the status is ours.
  const ours = [root.scope, ...outermost];
  for (const scope of ours) scope.onChange = endIfLast;
  for (const scope of ours) for (const task of [...scope.tasks]) task.kill("exit");
  endIfLast();
  if (grace === 0) end();
  if (grace !== Infinity) new Deadline(end, true).set(now() + grace);
  return caller.killed === null ? new Promise(() => {}) : refusal()!;
}
