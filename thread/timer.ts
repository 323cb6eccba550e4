/**
 * Timers: functions that run later, once or again and again, each in a thread of its own.
 *
 * @example Again and again, until it is enough
 * ```ts
 * import { sleep, timer } from "@alilua/coevent/thread";
 *
 * let runs = 0;
 * const ticking = timer.every(1, () => {
 *   runs += 1;
 *   if (runs === 3) ticking.cancel();
 * });
 * while (ticking.active) await sleep(1);
 * console.log(runs); // 3
 * ```
 *
 * @module
 */
import { checkTimeout, current, Deadline, now, park, report, type Task } from "../core/mod.ts";
import { functionOf } from "./_args.ts";
import { start } from "./_run.ts";
import { newthread } from "./thread.ts";

/**
 * A function that is to run later. It belongs to the scope that it was made in: the scope
 * waits for it, and closing the scope ends it. What its function throws is reported to
 * `on_error`, and the timer goes on.
 */
export class Timer implements Disposable {
  /** How often its function has begun. */
  runs = 0;
  /** How many times were left out, because a run took too long or the loop was held up. */
  missed = 0;
  readonly #fn: () => unknown;
  readonly #name: string;
  readonly #first: number;
  readonly #repeat: number;
  readonly #task: Task;
  #deadline: Deadline | null = null;
  #due = 0;
  #wake: (() => void) | null = null;
  #cancelled = false;
  #overlap = false;
  #alive = true;

  /** Made by `timer.timeout`, `loop` and `every`. */
  constructor(first: number, repeat: number, fn: () => unknown, name: string) {
    this.#fn = fn;
    this.#name = name;
    this.#first = first;
    this.#repeat = repeat;
    const { scope, killed } = current();
    if (killed !== null) throw killed;
    this.#task = start(scope, name === "" ? "timer" : `timer ${name}`, () => this.#live(), []);
  }

  /** Whether its function will run again, or for the first time. */
  get active(): boolean {
    return !this.#cancelled && this.#task.outcome === null;
  }

  /** No run begins any more; one that is under way goes on. Idempotent. */
  cancel(): void {
    this.#cancelled = true;
    this.#deadline?.remove();
    this.#wake?.();
  }

  /** Cancels it, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.cancel();
  }

  /** From now on neither the program nor the scope lives for it. Gives the timer. */
  unref(): this {
    return this.#keep(false);
  }

  /** From now on the program and the scope live until it has ended, as they do at first. Gives the timer. */
  ref(): this {
    return this.#keep(true);
  }

  /**
   * Lets a run begin while the one before it is under way, each in a thread of its own.
   * Otherwise runs that fall due meanwhile are left out. Gives the timer.
   */
  overlap(on = true): this {
    this.#overlap = on;
    return this;
  }

  #keep(alive: boolean): this {
    this.#alive = alive;
    if (this.#wake !== null) {
      this.#arm();
      this.#task.putBehind(!alive);
    }
    return this;
  }

  async #live(): Promise<void> {
    const begun = now();
    let due = begun + this.#first;
    // Each from the first, not from the one before: lateness does not add up.
    for (let times = 1;; times++) {
      await this.#until(due);
      if (this.#cancelled) return;
      this.runs += 1;
      if (this.#overlap) newthread(this.#run).name = this.#name;
      else await this.#run();
      if (this.#cancelled || this.#repeat === 0) return;
      due = begun + this.#first + times * this.#repeat;
      const late = Math.ceil((now() - due) / this.#repeat);
      if (late > 0) {
        times += late;
        this.missed += late;
        due += late * this.#repeat;
      }
    }
  }

  async #until(due: number): Promise<void> {
    const waiting = park<void>(() => "wait for its time", {}, (wake) => {
      this.#due = due;
      this.#wake = wake;
      this.#arm();
      return () => this.#deadline?.remove();
    });
    // At the very first wait it is alive, and the task not known yet.
    if (!this.#alive) this.#task.putBehind(true);
    try {
      await waiting;
    } finally {
      this.#wake = null;
      this.#deadline?.remove();
      if (!this.#alive) this.#task.putBehind(false);
    }
  }

  #arm(): void {
    this.#deadline?.remove();
    this.#deadline = new Deadline(() => this.#wake?.(), this.#alive);
    this.#deadline.set(this.#due);
  }

  readonly #run = async (): Promise<void> => {
    try {
      await this.#fn();
    } catch (error) {
      if (current().killed !== null) throw error;
      report(error, `timer '${this.#name}'`);
    }
  };
}

/**
 * Runs `fn(...args)` once, in `ms` milliseconds or a little later, as a thread of its own.
 * A time that is negative or has no end throws. From node-lua (`timer.timeout`), where it
 * is in seconds.
 *
 * @example Usage
 * ```ts
 * import { startloop, timer } from "@alilua/coevent/thread";
 *
 * await startloop(() => {
 *   timer.timeout(10, "late", (word: string) => console.log(word)); // late
 *   const never = timer.timeout(60_000, () => console.log("never"));
 *   never.cancel();
 * });
 * ```
 */
export function timeout<A extends unknown[]>(
  ms: number,
  ...rest: [...args: A, fn: (...args: A) => unknown]
): Timer {
  return make("timer.timeout", timeOf(ms, "timer.timeout: ms"), 0, rest);
}

/**
 * Runs `fn(...args)` in `first` milliseconds and then every `repeat` milliseconds, until
 * it is cancelled. With a `repeat` of 0 only once, with a `first` of 0 at the next turn.
 *
 * The times are counted from the start, so that lateness does not add up. A run that is
 * still under way when the next falls due is not overtaken: that time is left out and
 * counted in `missed`; see {@linkcode Timer.overlap}. From node-lua (`timer.loop`).
 *
 * @example Usage
 * ```ts
 * import { startloop, timer } from "@alilua/coevent/thread";
 *
 * await startloop(() => {
 *   const ticks = timer.loop(0, 5, "tick", (word: string) => {
 *     console.log(word, ticks.runs);
 *     if (ticks.runs === 3) ticks.cancel();
 *   });
 * });
 * ```
 */
export function loop<A extends unknown[]>(
  first: number,
  repeat: number,
  ...rest: [...args: A, fn: (...args: A) => unknown]
): Timer {
  timeOf(repeat, "timer.loop: repeat");
  return make("timer.loop", timeOf(first, "timer.loop: first"), repeat, rest);
}

/**
 * Runs `fn(...args)` every `ms` milliseconds, for the first time in `ms`: the same as
 * `loop(ms, ms, ...)`. A time of 0 throws.
 *
 * @example A heartbeat that keeps nothing alive
 * ```ts
 * import { sleep, startloop, timer } from "@alilua/coevent/thread";
 *
 * await startloop(async () => {
 *   timer.every(10, () => console.log("still here")).unref();
 *   await sleep(25);
 * }); // the timer ends here
 * ```
 */
export function every<A extends unknown[]>(
  ms: number,
  ...rest: [...args: A, fn: (...args: A) => unknown]
): Timer {
  if (timeOf(ms, "timer.every: ms") === 0) {
    throw new RangeError("timer.every: ms must be above 0: got 0");
  }
  return make("timer.every", ms, ms, rest);
}

function make<A extends unknown[]>(
  caller: string,
  first: number,
  repeat: number,
  rest: [...args: A, fn: (...args: A) => unknown],
): Timer {
  const fn = functionOf(rest.at(-1) as (...args: A) => unknown, caller);
  const args = rest.slice(0, -1) as unknown[] as A;
  return new Timer(first, repeat, () => fn(...args), fn.name);
}

function timeOf(ms: number, name: string): number {
  if (checkTimeout(ms, name) === Infinity) throw new RangeError(`${name} must be finite`);
  return ms;
}
