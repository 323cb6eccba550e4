import { beginSlice, checkTimeout, type Clock, useWheel, Wheel } from "../core/mod.ts";
import { setImmediate } from "node:timers";

/**
 * A clock that stands still until you move it, for tests of programs with timeouts.
 *
 * From `new FakeClock()` until it is disposed, every sleep and timeout that begins
 * waits for {@linkcode FakeClock.tick}. Waits that began before stay with the real time.
 *
 * @example A timeout of a minute, tested in no time
 * ```ts
 * import { deadline, FakeClock, newthread, sleep, wait } from "@alilua/coevent/thread";
 *
 * using clock = new FakeClock();
 * const patient = newthread(() => deadline(60_000, () => sleep(3_600_000)));
 * await clock.tick(60_000);
 * const [, err] = await wait(patient);
 * console.log(err?.code); // timeout
 * ```
 */
export class FakeClock implements Disposable {
  readonly #clock = new StoppedClock();
  readonly #before = useWheel(new Wheel(this.#clock));

  /** Puts it in. */
  constructor() {
    beginSlice();
  }

  /** The fake time in milliseconds; begins at 0. */
  get now(): number {
    return this.#clock.now();
  }

  /**
   * Moves the time on by `ms` milliseconds. Everything that comes due on the way is
   * called at its own moment, and what it wakes runs before the time moves on.
   */
  async tick(ms = 1): Promise<void> {
    if (checkTimeout(ms, "tick: ms") === Infinity) {
      throw new RangeError("tick: ms must be finite: there is no last moment");
    }
    const until = this.#clock.now() + ms;
    await settled();
    while (this.#clock.advance(until)) await settled();
  }

  /** Gives the real time back. Waits that still wait on this clock never end. */
  [Symbol.dispose](): void {
    useWheel(this.#before);
    beginSlice();
  }
}

class StoppedClock implements Clock {
  readonly exact = true;
  #now = 0;
  #at = Infinity;
  #fire: (() => void) | null = null;

  now(): number {
    return this.#now;
  }

  arm(at: number, fire: () => void): void {
    this.#at = at;
    this.#fire = fire;
  }

  disarm(): void {
    this.#at = Infinity;
    this.#fire = null;
  }

  keep(): void {}

  soon(then: () => void): void {
    then();
  }

  poll(then: () => void): void {
    queueMicrotask(then);
  }

  /** Goes on to the next alarm, or to `until`; true if an alarm was there. */
  advance(until: number): boolean {
    if (this.#at > until) {
      this.#now = until;
      return false;
    }
    this.#now = Math.max(this.#now, this.#at);
    const fire = this.#fire;
    this.disarm();
    fire?.();
    return true;
  }
}

/** Lets all promises that can settle do so: a turn of the event loop, twice. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
