import { fail, fromOs, ok, type Result } from "../core/mod.ts";

/** Asks the system and turns its refusal into a result; `what` is "the load". */
export function ask<T>(what: string, read: () => T): Result<T> {
  try {
    return ok(read());
  } catch (error) {
    return fail(fromOs(error, `Cannot read ${what}`));
  }
}
