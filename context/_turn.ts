import { setImmediate } from "node:timers";
import { now, poll } from "../core/mod.ts";

/** So many milliseconds may go by in one turn of the event loop before the next message. */
const LONG = 10;

/** When a message was first taken in the turn that is under way. */
let since = NaN;

function forget(): void {
  since = NaN;
}

/**
 * Whether messages have been worked on for long without a turn of the event loop. What lies
 * in a mailbox is given at once, so that somebody who computes for each message would send
 * no answer and give no sign of life until the last of them.
 */
export function tired(): boolean {
  if (!Number.isNaN(since)) return now() - since > LONG;
  since = now();
  setImmediate(forget);
  return false;
}

/** Lets out what was sent, and in what has come: the kernel is asked too, for a process. */
export function rest(): Promise<void> {
  return new Promise((resolve) => poll(resolve));
}
