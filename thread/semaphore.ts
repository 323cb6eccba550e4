import type { Result, WaitOptions } from "../core/mod.ts";
import { countOf, named } from "./_args.ts";
import { type Permit, Permits } from "./_permits.ts";

export type { Permit };

/** How a semaphore, a lock or an event is made. */
export interface NameOptions {
  /** What `list()` calls it: `acquire semaphore 'uploads'`. */
  name?: string;
}

/**
 * A number of permits, and threads that wait for one. Made by {@linkcode semaphore}.
 *
 * @example Permits are taken and given back
 * ```ts
 * import { semaphore, unwrap } from "@alilua/coevent/thread";
 *
 * const two = semaphore(2);
 * const first = await unwrap(two.acquire());
 * const second = await unwrap(two.acquire());
 * console.log((await two.acquire({ timeout: 10 }))[1]?.code); // timeout
 * first.release();
 * second.release();
 * ```
 */
export class Semaphore {
  readonly #permits: Permits;

  /** Use {@linkcode semaphore}. */
  constructor(permits: number, options: NameOptions = {}) {
    countOf(permits, "semaphore: permits", 0);
    this.#permits = new Permits(named("semaphore", options.name), permits);
  }

  /** How many permits are free; negative: so many threads wait. From OpenResty. */
  get count(): number {
    return this.#permits.count;
  }

  /**
   * Waits for a permit. Who asked first, is served first: nobody overtakes.
   *
   * `timeout` in milliseconds, none by default. Errors: `timeout`, `cancelled`. Who
   * gives up, or is killed, holds no permit: one that had been handed over goes to the
   * next. Waiting here does not keep the program alive.
   */
  acquire(options: WaitOptions = {}): Promise<Result<Permit>> {
    return this.#permits.acquire(options);
  }

  /** Gives a permit if one is free, else `busy`. Never waits. */
  try_acquire(): Result<Permit> {
    return this.#permits.tryAcquire("no permit is free");
  }

  /** Adds permits that nobody had: for work that has come, for more at a time. From OpenResty. */
  post(permits = 1): void {
    this.#permits.post(countOf(permits, "post: permits", 1));
  }
}

/**
 * Makes a semaphore of so many permits: at most so many threads at a time hold one. It
 * may begin with 0, and get them by `post`. No whole number throws.
 *
 * From OpenResty (`ngx.semaphore`), where a permit is no object and can be posted twice.
 *
 * @example Two at a time
 * ```ts
 * import { newthread, semaphore, sleep, unwrap, wait } from "@alilua/coevent/thread";
 *
 * const two = semaphore(2);
 * let now = 0, most = 0;
 * await wait([1, 2, 3, 4, 5].map(() =>
 *   newthread(async () => {
 *     using _permit = await unwrap(two.acquire());
 *     most = Math.max(most, ++now);
 *     await sleep(1);
 *     now -= 1;
 *   })
 * ));
 * console.log(most); // 2
 * ```
 */
export function semaphore(permits: number, options: NameOptions = {}): Semaphore {
  return new Semaphore(permits, options);
}
