/** The handlers of `signal.register`, apart from it, since the end of the program asks for them. */
import { own } from "../core/mod.ts";
import { numberOf } from "./_names.ts";
import type { SignalHandler } from "./signal.ts";

/** The handlers of each signal, in the order in which they were registered. */
export const handlers: Map<Deno.Signal, SignalHandler[]> = new Map();

/** A signal has handlers now, or has none any more: the main thread speaks for all. */
export function tellHandled(signal: Deno.Signal): void {
  if (own.brood === null) {
    Atomics.store(own.handled, numberOf(signal)!, Number(handlers.has(signal)));
  }
}

/** The program has said what this signal is to mean. */
export function handled(signal: Deno.Signal): boolean {
  return handlers.has(signal) || Atomics.load(own.handled, numberOf(signal)!) === 1;
}
