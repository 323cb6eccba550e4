import { root, runIn } from "./task.ts";
import { now } from "./wheel.ts";

/** Something that is to be done when all that runs at the moment has run. */
export interface Late {
  /** Called once, with the time of the clock in use. */
  turnOver(time: number): void;
}

let late: Late[] = [];

/**
 * Calls `turnOver` behind what runs at the moment. With a hundred sockets at work, one
 * microtask and one look at the clock are then enough for all of them: both cost more
 * than what is mostly done there.
 */
export function atTurnOver(thing: Late): void {
  // Whose turn it happens to be may be killed: what the others have begun is not his.
  if (late.push(thing) === 1) queueMicrotask(() => runIn(root, turnOver, []));
}

function turnOver(): void {
  const things = late;
  late = [];
  const time = now();
  let at = 0;
  try {
    while (at < things.length) things[at++]!.turnOver(time);
  } catch (error) {
    // What one of them throws, such as a source of somebody's own, is nothing to the others.
    for (const thing of things.slice(at)) atTurnOver(thing);
    throw error;
  }
}
