import { AsyncLocalStorage } from "node:async_hooks";
import { current, root } from "./task.ts";
import { now } from "./wheel.ts";

/** Something that is to be done when all that runs at the moment has run. */
export interface Late {
  /** Called once, with the time of the clock in use. */
  turnOver(time: number): void;
}

const NOTHING: Late = { turnOver: () => {} };

// Two lists that take turns and keep their room, for there is one of these a turn.
let late: Late[] = [];
let spare: Late[] = [];
let count = 0;

/** Whose turn it happens to be may be killed: what the others have begun is not theirs. */
const inNobodysName: () => void = AsyncLocalStorage.bind(turnOver);

/**
 * Calls `turnOver` behind what runs at the moment. With a hundred sockets at work, one
 * microtask and one look at the clock are then enough for all of them: both cost more
 * than what is mostly done there.
 */
export function atTurnOver(thing: Late): void {
  late[count++] = thing;
  if (count === 1) queueMicrotask(current() === root ? turnOver : inNobodysName);
}

function turnOver(): void {
  const things = late;
  const last = count;
  late = spare;
  count = 0;
  const time = now();
  let at = 0;
  try {
    while (at < last) things[at++]!.turnOver(time);
  } catch (error) {
    // What one of them throws, such as a source of somebody's own, is nothing to the others.
    while (at < last) atTurnOver(things[at++]!);
    throw error;
  } finally {
    things.fill(NOTHING, 0, last);
    spare = things;
  }
}
