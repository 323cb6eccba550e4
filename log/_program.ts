import type { IoError } from "../core/mod.ts";
import { Sink } from "./_sink.ts";
import { NOTICE } from "./levels.ts";

/** The program's log; made when it is first needed. */
let current: Sink | null = null;

/** The program's log: what was opened, or else stderr. */
export function programLog(): Sink {
  return current ??= new Sink({ path: "-", level: NOTICE, rotation: null, format: "text" });
}

/** Puts another log in its place, or stderr; the one before is written out and closed. */
export function setProgramLog(next: Sink | null): IoError | null {
  const before = current;
  current = next;
  return before?.close() ?? null;
}
