import { Deadline, now, root, runIn } from "../core/mod.ts";
import { GOING_AWAY } from "./_codes.ts";
import type { Wire } from "./_wire.ts";

/** Connections have so long to answer the goodbye at a shutdown, and handlers to end. */
export const GRACE = 5_000;

/** What a shutdown takes. */
export interface ShutdownOptions {
  /** Milliseconds that the other sides have to answer; 5,000 by default, 0 for none. */
  grace?: number;
}

/**
 * Tells all of them that we go away (1001), and waits until all have answered, or the
 * time has passed; gives how many have not.
 */
export async function sayGoodbye(wires: readonly Wire[], grace: number): Promise<number> {
  // Not as the thread that calls: it may be killed meanwhile, and all must be told.
  const closings = wires.map((wire) => runIn(root, () => wire.close(GOING_AWAY, ""), []));
  if (grace > 0) {
    await new Promise<void>((resolve) => {
      const limit = new Deadline(resolve, true);
      if (grace !== Infinity) limit.set(now() + grace);
      Promise.all(closings).then(() => {
        limit.remove();
        resolve();
      });
    });
  }
  return wires.filter((wire) => !wire.released).length;
}
