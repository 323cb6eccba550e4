/**
 * Listens to the signals that the program gets, and knows their names and numbers.
 *
 * ```ts
 * import { signal } from "@alilua/coevent/process";
 *
 * signal.register("SIGTERM", (signum) => console.log(`got ${signal.lookup(signum)}`));
 * signal.unregister("SIGTERM");
 * ```
 *
 * @module
 */
import { fail, fromOs, IoError, ok, report, type Result } from "../core/mod.ts";
import { handlers, tellHandled } from "./_handlers.ts";
import { nameOf, numberOf, signalOf } from "./_names.ts";
import { onChildEnd } from "./_registry.ts";
import { inRoot } from "./_root.ts";
import type { ExitStatus } from "./types.ts";

/** What a handler of SIGCHLD learns about the child. */
export interface ChildInfo {
  /** It came to its own end, or a signal ended it. */
  type: "exited" | "signaled";
  /** Its process id. */
  pid: number;
  /** What it gave to exit; `null` if a signal ended it. */
  status: number | null;
  /** The signal's number; `null` if none ended it. */
  signal: number | null;
}

/** Is called with the signal's number and, for SIGCHLD, with how the child ended. */
export type SignalHandler = (signum: number, info?: ChildInfo) => unknown;

/** How to stop listening to a signal that has handlers. */
const stops = new Map<Deno.Signal, () => void>();

/**
 * Calls `fn` whenever the program gets a signal. Needs no permission.
 *
 * The name is in any case, with `SIG` or without. Several handlers of one signal are
 * called in order, in one new thread; each may wait, and what one throws goes to
 * `thread.on_error` and stops no other. Handlers do not keep the program alive. A
 * signal with a handler does not end the program any more, nor its children.
 *
 * SIGCHLD tells of every child of this module, with how it ended.
 *
 * Errors: `unsupported` for a signal that this system does not have, or that no program
 * may hear (SIGKILL, SIGSTOP). From LEM (`signal.register`).
 *
 * @example Usage
 * ```ts
 * import { signal } from "@alilua/coevent/process";
 *
 * const reload = () => console.log("read the configuration again");
 * signal.register("hup", reload);
 * signal.unregister("hup", reload);
 * ```
 */
export function register(name: string, fn: SignalHandler): Result<true> {
  if (typeof fn !== "function") {
    throw new TypeError(`signal.register wants a function: got ${typeof fn}`);
  }
  const signal = signalOf(checkName(name, "signal.register"), "signal.register");
  if (signal instanceof IoError) return fail(signal);
  const registered = handlers.get(signal);
  if (registered !== undefined) {
    registered.push(fn);
    return ok<true>(true);
  }
  try {
    stops.set(signal, listen(signal));
  } catch (error) {
    const { message } = fromOs(error, `Cannot listen to ${signal}`);
    return fail(new IoError("unsupported", message, { cause: error }));
  }
  handlers.set(signal, [fn]);
  tellHandled(signal);
  return ok<true>(true);
}

/**
 * Takes a handler back, as often as it was registered, or with no function all handlers
 * of the signal. After the last one the signal means again what it means by itself.
 *
 * Errors: `not_found` if it was not registered, `unsupported` for a signal that this
 * system does not have. From LEM (`signal.unregister`).
 */
export function unregister(name: string, fn?: SignalHandler): Result<true> {
  const signal = signalOf(checkName(name, "signal.unregister"), "signal.unregister");
  if (signal instanceof IoError) return fail(signal);
  const registered = handlers.get(signal) ?? [];
  const left = fn === undefined ? [] : registered.filter((handler) => handler !== fn);
  if (left.length === registered.length) {
    const words = `Cannot unregister from ${signal}: no such handler is registered`;
    return fail(new IoError("not_found", words));
  }
  if (left.length > 0) {
    handlers.set(signal, left);
  } else {
    handlers.delete(signal);
    tellHandled(signal);
    stops.get(signal)?.();
    stops.delete(signal);
  }
  return ok<true>(true);
}

/** Gives the number of a signal's name; `null` if this system has no such signal. */
export function lookup(signal: string): number | null;
/** Gives the name of a signal's number, `SIGINT`; `null` if this system has none. */
export function lookup(signal: number): string | null;
export function lookup(signal: string | number): number | string | null {
  if (typeof signal === "number") return nameOf(signal);
  return numberOf(checkName(signal, "signal.lookup"));
}

function checkName(name: string, caller: string): string {
  if (typeof name === "string") return name;
  throw new TypeError(`${caller} wants the name of a signal: got ${typeof name}`);
}

function listen(signal: Deno.Signal): () => void {
  if (signal === "SIGCHLD") return onChildEnd((status) => deliver(signal, infoOf(status)));
  const listener = () => deliver(signal);
  Deno.addSignalListener(signal, listener);
  return () => Deno.removeSignalListener(signal, listener);
}

function deliver(signal: Deno.Signal, info?: ChildInfo): void {
  const number = numberOf(signal)!;
  const called = handlers.get(signal) ?? [];
  inRoot(`handlers of ${signal}`, async () => {
    for (const handler of called) {
      try {
        await handler(number, info);
      } catch (error) {
        report(error, `handler of ${signal}`);
      }
    }
  });
}

function infoOf({ pid, code, signal }: ExitStatus): ChildInfo {
  return signal === null
    ? { type: "exited", pid, status: code, signal: null }
    : { type: "signaled", pid, status: null, signal: numberOf(signal) };
}
