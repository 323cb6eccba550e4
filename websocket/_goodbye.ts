import { park, root, runIn } from "../core/mod.ts";
import { GOING_AWAY } from "./_codes.ts";
import type { Wire } from "./_wire.ts";

/** Connections have so long to answer the goodbye at a shutdown, and handlers to end. */
export const GRACE = 5_000;

/** What a shutdown takes. */
export interface ShutdownOptions {
  /** Milliseconds that the other sides have to answer; 5,000 by default, 0 for none. */
  grace?: number;
}

/** Tells all of them that we go away (1001); the promise is kept when all have answered. */
export function sayGoodbye(wires: readonly Wire[]): Promise<unknown> {
  // Not as the thread that calls: it may be killed meanwhile, and all must be told.
  return runIn(root, () => Promise.all(wires.map((wire) => wire.close(GOING_AWAY, ""))), []);
}

/** The same; waits until all have answered, or the time has passed, and tells how many have not. */
export async function parted(wires: readonly Wire[], grace: number): Promise<number> {
  const all = sayGoodbye(wires);
  if (grace > 0) {
    await park<true>(() => "say goodbye", { timeout: grace }, (wake) => {
      all.then(() => wake(true));
      return () => {};
    });
  }
  return wires.filter((wire) => !wire.released).length;
}
