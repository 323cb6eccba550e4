import { constants } from "node:os";
import process from "node:process";
import { own } from "../core/mod.ts";

/** The signals that a thread with children listens to, to end them before the program. */
const FATAL = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

let listening = false;

/**
 * From now on these signals end the program, unless it handles them. A thread that is given
 * up may have listened to them for its children, and hears nothing any more; but as long as
 * anyone listens, the system does not end the program by itself.
 */
export function hearSignals(): void {
  const signals = listening || Deno.build.os === "windows" ? [] : FATAL;
  listening = true;
  for (const signal of signals) Deno.addSignalListener(signal, () => end(signal));
}

function end(signal: typeof FATAL[number]): void {
  const number = constants.signals[signal];
  if (Atomics.load(own.handled, number) === 1 || process.listenerCount(signal) > 0) return;
  // As a shell tells of a signal: another one to ourselves would not end us either.
  Deno.exit(128 + number);
}
