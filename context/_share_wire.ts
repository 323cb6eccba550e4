/** A way from context to context beside their mailboxes, which are the program's own. */
import { IoError, root, runIn } from "../core/mod.ts";
import { inside } from "./create.ts";
import { current, type Home } from "./_home.ts";
import type { Inside } from "./types.ts";

/** Hears what a context has posted; `from` is the id of that context. */
export type Taker = (value: unknown, from: number) => void;

/** By line; those that every context may have are told apart by its id. */
const takers = new Map<number, { to: number; taker: Taker }>();

let lines = 0;

/** A line that is not in use in this thread; 0 is one that every context has. */
export function newLine(): number {
  return ++lines;
}

function keyOf(line: number, to: number): number {
  return line === 0 ? -1 - to : line;
}

/** Hears what comes in on a line that nobody takes from, or not any more. */
let stray: (value: unknown, from: number, line: number, to: number) => void = () => {};

/** Says who hears it; there is one such in a thread. */
export function takeStray(taker: typeof stray): void {
  stray = taker;
}

/** This thread's place among the others, ready to take what is posted. */
export function wiredHome(): Home {
  // The main thread's own is made by the first who asks for it.
  if (current.home === null) inside();
  const home = current.home!;
  home.office.beside = ({ to, from, session: line, value }) => {
    const found = takers.get(keyOf(line, to));
    // What comes in belongs to no thread, whoever may have posted it just now.
    if (found?.to === to) runIn(root, found.taker, [value, from]);
    else runIn(root, stray, [value, from, line, to]);
  };
  return home;
}

/** The id of the context that calls; the main thread need not say who it is. */
export function selfOf(inside: Inside | undefined, caller: string): number {
  if (inside !== undefined) return inside.self.id;
  if (wiredHome().office.cells.has(0)) return 0;
  throw new TypeError(`${caller} in a context wants { inside }, what its function got`);
}

/** Takes what is posted to a line of a context of this thread; gives the way to stop. */
export function takeFrom(id: number, line: number, taker: Taker): () => void {
  wiredHome();
  const key = keyOf(line, id);
  takers.set(key, { to: id, taker });
  return () => {
    if (takers.get(key)?.taker === taker) takers.delete(key);
  };
}

/**
 * Posts to a line of a context anywhere. The value is the receiver's from now on. Order is
 * kept; what is for one that has ended is lost.
 */
export function postTo(to: number, line: number, from: number, value: unknown): void {
  wiredHome().office.postBeside(to, line, from, value);
}

/** An error in a form that can be copied. */
export interface PackedError {
  code: IoError["code"];
  message: string;
  reason?: IoError["reason"];
  errno?: IoError["errno"];
}

/** Takes an error apart: a copy of one has neither its class nor its code. */
export function packError({ code, message, reason, errno }: IoError): PackedError {
  return { code, message, reason, errno };
}

/** Puts an error together again. */
export function unpackError({ code, message, reason, errno }: PackedError): IoError {
  return new IoError(code, message, {
    ...(reason === undefined ? {} : { reason }),
    ...(errno === undefined ? {} : { errno }),
  });
}
