import { afterTurn, checkTimeout, fairly, IoError, park, type Result } from "../core/mod.ts";
import { hindered } from "./_line.ts";
import { sleep, type SleepOptions } from "./sleep.ts";

/**
 * A sleep that another thread can end, with values. Made by {@linkcode sleeper}.
 *
 * @example Nobody sleeps
 * ```ts
 * import { type Sleeper, sleeper } from "@alilua/coevent/thread";
 *
 * const bed: Sleeper<[reason: string]> = sleeper();
 * console.log(bed.sleeping, bed.wakeup("up")[1]?.code); // false idle
 * ```
 */
export class Sleeper<A extends unknown[] = unknown[]> {
  #wake: ((values: A) => void) | null = null;

  /** Whether a thread sleeps on it. */
  get sleeping(): boolean {
    return this.#wake !== null;
  }

  /**
   * Sleeps until `wakeup`, whose values it gives as a list, or `ms` milliseconds have
   * passed, which is `timeout`. Without `ms` for ever; `0` yields once and is a `timeout`.
   *
   * One thread at a time: a second gets `busy`. An aborted `signal` is `cancelled`.
   * From LEM, where it is in seconds.
   */
  sleep(ms: number = Infinity, options: SleepOptions = {}): Promise<Result<A>> {
    checkTimeout(ms, "sleep: ms");
    if (this.#wake !== null && !hindered(options)) {
      return afterTurn<Result<A>>([
        null,
        new IoError("busy", "Cannot sleep: another thread sleeps on this sleeper"),
      ]);
    }
    if (ms === 0 && options.signal?.aborted !== true) return this.#yield();
    return fairly(park<Result<A>>(() => "sleep", { ...options, timeout: ms }, (wake) => {
      this.#wake = (values) => wake([values, null]);
      return () => {
        this.#wake = null;
      };
    }));
  }

  /**
   * Wakes the thread that sleeps; its `sleep` gives these values. It runs on later, not
   * within this call. Gives `idle` when nobody sleeps: that is not remembered. From LEM.
   */
  wakeup(...values: A): Result<true> {
    const wake = this.#wake;
    if (wake === null) return [null, new IoError("idle", "Cannot wake up: nobody sleeps")];
    this.#wake = null;
    wake(values);
    return [true, null];
  }

  async #yield(): Promise<Result<A>> {
    await sleep(0);
    return [null, new IoError("timeout", "Cannot sleep: 0 ms are over")];
  }
}

/**
 * Makes a sleeper: one thread sleeps on it, another wakes it up and hands it values.
 * From LEM (`utils.newsleeper`; `utils.sleeper` in its README).
 *
 * @example Usage
 * ```ts
 * import { newthread, sleeper } from "@alilua/coevent/thread";
 *
 * const bed = sleeper<[reason: string, hour: number]>();
 * newthread(async () => {
 *   const [woken, err] = await bed.sleep(10_000);
 *   console.log(err ? err.code : woken); // [ "the sun is up", 6 ]
 * });
 * console.log(bed.wakeup("the sun is up", 6)); // [ true, null ]
 * ```
 */
export function sleeper<A extends unknown[] = unknown[]>(): Sleeper<A> {
  return new Sleeper<A>();
}
