/** The handlers of `signal.register`, apart from it, since the end of the program asks for them. */
import type { SignalHandler } from "./signal.ts";

/** The handlers of each signal, in the order in which they were registered. */
export const handlers: Map<Deno.Signal, SignalHandler[]> = new Map();

/** The program has said what this signal is to mean. */
export function handled(signal: Deno.Signal): boolean {
  return handlers.has(signal);
}
