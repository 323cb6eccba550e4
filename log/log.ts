import { fail, fromOs, ok, type Result } from "../core/mod.ts";
import { takeSite } from "./_caller.ts";
import { Sink } from "./_sink.ts";
import { specOf } from "./_spec.ts";
import { textOf } from "./_text.ts";
import { type Level, NOTICE, WARN } from "./levels.ts";
import type { LogOptions, LogStats } from "./types.ts";

/** The program's log; made when it is first needed. */
let current: Sink | null = null;

/** The program's log: what was opened, or else stderr. */
export function programLog(): Sink {
  return current ??= new Sink({ path: "-", level: NOTICE, rotation: null, format: "text" });
}
