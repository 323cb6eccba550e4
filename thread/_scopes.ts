import type { Scope } from "../core/mod.ts";

/** The scopes that the root thread has opened: the loops of the program. */
export const outermost: Set<Scope> = new Set();
