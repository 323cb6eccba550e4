import { setImmediate } from "node:timers";
import { Deadline, now } from "../core/mod.ts";
import type { Caller } from "./_question.ts";

/** So often is asked again in the same breath: whoever is writing is writing on. */
const AT_ONCE = 8;

/** The longest pause between two questions, in milliseconds. */
const LONGEST = 16;

/**
 * Asks until there is an answer, ever more seldom: every 16 ms in the end.
 *
 * Nothing else tells when a FIFO, a terminal or a lock is ready: Deno would wait for it
 * in one of its 32 threads for files, and could not be called back. With all 32 taken no
 * other call on a file would ever run.
 */
export async function until<T>(
  caller: Caller,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  for (let tries = 0;; tries++) {
    const answer = await attempt();
    if (answer !== undefined) return answer;
    if (!caller.gone) {
      if (tries < AT_ONCE) await new Promise<void>((resolve) => setImmediate(resolve));
      else await pause(caller, Math.min(2 ** (tries - AT_ONCE), LONGEST));
    }
    if (caller.gone) throw new Error("Nobody waits any more");
  }
}

function pause(caller: Caller, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const deadline = new Deadline(resolve, true);
    deadline.set(now() + ms);
    caller.onGone = () => {
      deadline.remove();
      resolve();
    };
  });
}
