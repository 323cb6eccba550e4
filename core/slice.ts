import type { Clock } from "./clock.ts";
import type { Result } from "./result.ts";
import { wheel } from "./wheel.ts";
import { setImmediate } from "node:timers";

/** The threads may go on for twice so many milliseconds before timers are let through. */
const SLICE = 5;

/** After so many milliseconds the kernel is asked too, which takes many turns. */
const LONG = 20;

/** So many steps go by between two looks at the clock, at most: a look costs more than a step. */
const STRIDE = 128;

/** Looks are to be about so many milliseconds apart, where steps take less. */
const APART = 0.25;

/** So many make a slice where the clock stands still, and says nothing of how long they took. */
const STILL_STRIDE = 1_024;

/** How many steps go by between two looks, and until the next. */
let stride = 1;
let left = 0;

/** When the clock was looked at last. */
let lookedAt = 0;
/** When the event loop is known to have turned last. */
let turnedAt = 0;
/** Since when it is watched whether it turns; `NaN` if it is not. */
let watchedFrom = NaN;

/** When the kernel was last asked for news. */
let askedAt = -Infinity;

let late = false;
let turning: Promise<Result<true>> | null = null;

/**
 * Counts a step that needed no event. Whether the event loop must turn before the next one:
 * true until it has, for while anybody goes on it cannot.
 *
 * The longer the steps take, the fewer go by between two looks at the clock. A loop that was
 * not turned from here for a slice may well have turned by itself, as it does while a program
 * waits for I/O; so it is watched for another before it is made to.
 */
export function due(): boolean {
  return --left < 0 && look(wheel.clock);
}

function look(clock: Clock): boolean {
  if (late || clock.exact) return late = true;
  const time = clock.now();
  if (time - watchedFrom >= SLICE) return late = true;
  if (time - turnedAt >= SLICE && Number.isNaN(watchedFrom)) {
    watchedFrom = time;
    setImmediate(turned);
  }
  stride = time - lookedAt < APART ? Math.min(stride * 2, STRIDE) : Math.max(stride >> 1, 1);
  lookedAt = time;
  left = stride - 1;
  return false;
}

function turned(): void {
  late = turning !== null;
  watchedFrom = NaN;
  turnedAt = wheel.clock.now();
  beginSlice();
}

/** A slice begins; also where another clock is put in, so that what runs by it can be replayed. */
export function beginSlice(): void {
  stride = 1;
  left = wheel.clock.exact ? STILL_STRIDE : 0;
}

/** Lets timers and what has come through; all who ask for it meanwhile share the turn. */
export function turn(): Promise<Result<true>> {
  return turning ??= new Promise((resolve) => {
    const { clock } = wheel;
    const over = () => {
      turning = null;
      turned();
      resolve([true, null]);
    };
    // A clock that stands still has no kernel to ask.
    if (clock.exact || clock.now() - askedAt < LONG) return setImmediate(over);
    clock.poll(() => {
      askedAt = clock.now();
      over();
    });
  });
}

/** Gives an answer that may need no event, behind a turn if one is due. */
export function fairly<T>(answer: Promise<T>): Promise<T> {
  if (!due()) return answer;
  // It may have turned by the time that the answer is there.
  const later = answer.then((value) => late ? turn().then(() => value) : value);
  // Of a killed thread that no longer awaits it.
  later.catch(() => {});
  return later;
}

/** Gives an answer that needed no event, behind a turn if one is due. */
export function atOnce<T>(answer: T): Promise<T> {
  return due() ? behindTurn(answer) : Promise.resolve(answer);
}

/** What `atOnce` gives when a turn is due; where a line costs 70 ns, its call would be 25 more. */
export function behindTurn<T>(answer: T): Promise<T> {
  return turn().then(() => answer);
}
