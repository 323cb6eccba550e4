import type { Office } from "./_office.ts";
import type { Asked } from "./_packet.ts";

/** What this thread is: the main one, or one that runs contexts. */
export interface Home {
  readonly office: Office;
  /** Starts a context; `made` is called once. Gives the way to call it off before. */
  create(
    url: string,
    options: Asked,
    parent: number,
    made: (id: number, fault: string | null) => void,
  ): () => void;
}

/** Set by a worker's start; the main thread makes its own at the first use. */
export const current: { home: Home | null } = { home: null };
