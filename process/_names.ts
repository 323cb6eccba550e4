import { constants } from "node:os";
import { IoError } from "../core/mod.ts";

/** This system's signals by name, `SIGINT` and so on. */
const NUMBERS: ReadonlyMap<string, number> = new Map(Object.entries(constants.signals));

/** The names by number; of several, the usual one comes first. */
const NAMES: ReadonlyMap<number, Deno.Signal> = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name as Deno.Signal] as const)
    .reverse(),
);

/** The number of a signal; upper or lower case, with `SIG` or without. */
export function numberOf(name: string): number | null {
  const upper = name.toUpperCase();
  return NUMBERS.get(upper.startsWith("SIG") ? upper : `SIG${upper}`) ?? null;
}

/** The name of a signal's number. */
export function nameOf(number: number): Deno.Signal | null {
  return NAMES.get(number) ?? null;
}

/** The usual name of a signal that is given by name or number. */
export function signalOf(signal: string | number, caller: string): Deno.Signal | IoError {
  if (typeof signal !== "string" && typeof signal !== "number") {
    throw new TypeError(`${caller}: signal must be a name or a number: got ${typeof signal}`);
  }
  const number = typeof signal === "string" ? numberOf(signal) : signal;
  const name = number === null ? null : nameOf(number);
  if (name !== null) return name;
  return new IoError("unsupported", `${caller}: this system has no signal '${signal}'`);
}
