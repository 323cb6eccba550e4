import { app } from "./app.ts";
import type { FetchApp, Handler, RequestLimits } from "./types.ts";

/** What a worker prints when it serves; whoever has started it takes it out. */
export function markOf(id: string): string {
  return `ready ${id}\n`;
}

/**
 * What each worker of `run` does: it loads the module and gives what `deno serve` wants.
 *
 * A worker is a thread, and the runtime lets one that dies of an error go without a word
 * while the others serve on, with a part of the connections lost: so it ends the process.
 */
export async function serveModule(
  load: () => Promise<{ default?: unknown }>,
  limits: RequestLimits,
  id: string,
): Promise<FetchApp & { onListen(): void }> {
  heedErrors();
  try {
    const { default: handler } = await load();
    const { fetch } = app(handler as Handler, limits);
    // Last in the row: what the module takes care of itself is no end.
    heedErrors();
    // When it listens, which is after this has returned.
    setTimeout(() => Deno.stdout.writeSync(new TextEncoder().encode(markOf(id))), 0);
    return { fetch, onListen() {} };
  } catch (error) {
    return die(error);
  }
}

function heedErrors(): void {
  removeEventListener("error", onError);
  removeEventListener("unhandledrejection", onRejection);
  addEventListener("error", onError);
  addEventListener("unhandledrejection", onRejection);
}

function onError(event: ErrorEvent): void {
  if (!event.defaultPrevented) die(event.error);
}

function onRejection(event: PromiseRejectionEvent): void {
  if (!event.defaultPrevented) die(event.reason);
}

function die(error: unknown): never {
  console.error("error: Uncaught", error);
  Deno.exit(1);
}
