import { setImmediate } from "node:timers";

/** The time under every sleep and timeout. One alarm is all that it is asked to hold. */
export interface Clock {
  /** Every deadline fires at its own millisecond, however far away it was set. */
  readonly exact: boolean;
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Calls `fire` at `at` or later, once; replaces the alarm set before. */
  arm(at: number, fire: () => void): void;
  /** Takes the alarm back. */
  disarm(): void;
  /** Whether the alarm keeps the program alive, from now on: only told when it changes. */
  keep(alive: boolean): void;
  /**
   * Calls `then` when what runs at the moment has run: who works in a loop sets one deadline
   * after the other, and an alarm that is taken back and set each time would cost him 4 us.
   */
  soon(then: () => void): void;
  /** Calls `then` after the event loop has asked the kernel for news once more. */
  poll(then: () => void): void;
}

/** The runtime's longest timer; a longer wait is armed again when it fires. */
const LONGEST = 2 ** 31 - 1;

/**
 * So many turns make sure that the kernel was asked: the runtime looks at I/O when its
 * loop has nothing to do, or else every 61 turns. They take about 0.3 ms.
 */
const TURNS_PER_POLL = 64;

/** Deno's own clock and timers. */
class SystemClock implements Clock {
  readonly exact = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #alive = true;

  now(): number {
    return performance.now();
  }

  arm(at: number, fire: () => void): void {
    clearTimeout(this.#timer);
    // Deno's timers take a millisecond longer than they are asked to.
    const wait = Math.ceil(at - performance.now()) - 1;
    const timer = setTimeout(fire, Math.min(Math.max(wait, 0), LONGEST));
    if (!this.#alive) Deno.unrefTimer(timer);
    this.#timer = timer;
  }

  disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  keep(alive: boolean): void {
    this.#alive = alive;
    if (this.#timer === undefined) return;
    if (alive) Deno.refTimer(this.#timer);
    else Deno.unrefTimer(this.#timer);
  }

  soon(then: () => void): void {
    setImmediate(then);
  }

  poll(then: () => void): void {
    let left = TURNS_PER_POLL;
    const turn = () => {
      if (--left === 0) then();
      else setImmediate(turn);
    };
    setImmediate(turn);
  }
}

/** Deno's own time. */
export const systemClock: Clock = new SystemClock();
