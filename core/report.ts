/** Where failures go that nobody waits for: a thread, a handler, a socket that was dropped. */
import { root, runIn } from "./task.ts";

/** Hears of a failure; `about` names what failed: `thread 'worker'`. */
export type ErrorHandler = (error: unknown, about: string) => void;

const handlers: ErrorHandler[] = [];

/** Adds a handler in place of the line on stderr; gives the way to take it back. */
export function onError(handler: ErrorHandler): () => void {
  if (typeof handler !== "function") {
    throw new TypeError(`on_error wants a function: got ${typeof handler}`);
  }
  handlers.push(handler);
  return () => {
    const at = handlers.indexOf(handler);
    if (at >= 0) handlers.splice(at, 1);
  };
}

/** Tells all handlers, or stderr where there is none. A handler that throws stops no other. */
export function report(error: unknown, about: string): void {
  if (handlers.length === 0) return print(error, about);
  for (const handler of [...handlers]) {
    try {
      // The thread that runs may be a killed one, in whose name nothing could be written.
      runIn(root, handler, [error, about]);
    } catch (thrown) {
      print(thrown, `error handler, on ${about}`);
      print(error, about);
    }
  }
}

function print(error: unknown, about: string): void {
  const words = error instanceof Error ? error.stack ?? String(error) : String(error);
  console.error(`coevent: ${about}: ${words}`);
}
