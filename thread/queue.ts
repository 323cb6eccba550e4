import { IoError, type Result, type WaitOptions } from "../core/mod.ts";
import { Exchange } from "./_exchange.ts";
import { countOf, named } from "./_args.ts";

/** How a queue is made. */
export interface QueueOptions {
  /** So many values at most; `put` waits while it is full. No limit by default. */
  limit?: number;
  /** What `list()` calls it: `get from queue 'jobs'`. */
  name?: string;
}

/**
 * Values in order, from threads that put to threads that get. Made by {@linkcode queue}.
 *
 * @example Full, and no longer empty
 * ```ts
 * import { queue } from "@alilua/coevent/thread";
 *
 * const jobs = queue<string>({ limit: 1 });
 * await jobs.put("a job");
 * const [, err] = await jobs.put("one too many", { timeout: 10 });
 * console.log(err?.code, jobs.n); // timeout 1
 * console.log(await jobs.get()); // [ "a job", null ]
 * ```
 */
export class Queue<T> implements AsyncIterable<T> {
  readonly #exchange: Exchange<T>;

  /** Use {@linkcode queue}. */
  constructor(options: QueueOptions = {}) {
    const limit = countOf(options.limit ?? Infinity, "queue: limit", 1);
    this.#exchange = new Exchange(named("queue", options.name), limit);
  }

  /** So many values at most; `Infinity` without a limit. */
  get limit(): number {
    return this.#exchange.capacity;
  }

  /** How many values are there; negative: so many threads wait in `get`. From LEM. */
  get n(): number {
    return this.#exchange.getters > 0 ? -this.#exchange.getters : this.#exchange.size;
  }

  /** How many threads wait in `put` because the queue is full. */
  get waiting(): number {
    return this.#exchange.putters;
  }

  /** Whether no value is there. From LEM. */
  empty(): boolean {
    return this.#exchange.size === 0;
  }

  /**
   * Puts a value at the end, or hands it to the thread that has waited longest in `get`.
   * `undefined` and `null` are values. Waits while the queue is full; who put first, is
   * let in first.
   *
   * `timeout` in milliseconds, none by default. Errors: `timeout`, `cancelled`, `reset`;
   * then, and when the thread is killed, the value was not put. From LEM, where a queue
   * has no limit.
   */
  put(value: T, options: WaitOptions = {}): Promise<Result<true>> {
    return this.#exchange.put("put into", value, options) as Promise<Result<true>>;
  }

  /** Puts a value if the queue has room, else gives `exhausted`. Never waits. */
  try_put(value: T): Result<true> {
    // Those who wait were first.
    if (this.#exchange.putters === 0 && this.#exchange.tryPut(value)) return [true, null];
    const words = `Cannot put into the queue: its ${this.limit} places are taken`;
    return [null, new IoError("exhausted", words)];
  }

  /**
   * Takes the first value; waits while there is none. Who asked first, is served first.
   *
   * `timeout` in milliseconds, none by default. Errors: `timeout`, `cancelled`, `reset`.
   * A thread that gives up, or is killed, takes nothing: what had been handed to it goes
   * to the next, or back to the front. Waiting here does not keep the program alive.
   * From LEM.
   */
  get(options: WaitOptions = {}): Promise<Result<T>> {
    return this.#exchange.get("get from", options) as Promise<Result<T>>;
  }

  /** Takes the first value if there is one, else gives `idle`. Never waits. */
  try_get(): Result<T> {
    const taken = this.#exchange.tryGet();
    if (taken !== null) return [taken[0], null];
    return [null, new IoError("idle", "Cannot get from the queue: it is empty")];
  }

  /**
   * Takes value after value, for `for await`. Never ends by itself: what `get` gives as
   * an error it throws. Leaving the loop takes nothing more. From LEM.
   */
  async *consume(options: WaitOptions = {}): AsyncGenerator<T, void, void> {
    for (;;) {
      const [value, err] = await this.get(options);
      if (err !== null) throw err;
      yield value as T;
    }
  }

  /** The same as {@linkcode Queue.consume}. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    return this.consume();
  }

  /**
   * Wakes all threads that wait in `get` with this value, and stores it nowhere. Gives
   * how many. From LEM, where it takes several.
   */
  signal(value: T): number {
    return this.#exchange.signal(value);
  }

  /**
   * Empties the queue. Threads that wait in `get` or `put` are woken with `reset`. Gives
   * what was in it, for what needs closing. From LEM.
   */
  reset(): T[] {
    return this.#exchange.reset();
  }
}

/**
 * Makes a queue: threads put values in, others take them out, in order. With a `limit`,
 * who puts too fast waits. A limit that is no whole number above 0 throws.
 *
 * From LEM (`lem.queue`), whose queues have no limit and no timeouts.
 *
 * @example A producer that is never more than ten jobs ahead
 * ```ts
 * import { newthread, queue } from "@alilua/coevent/thread";
 *
 * const jobs = queue<number>({ limit: 10, name: "jobs" });
 * newthread(async () => {
 *   for (let job = 1; job <= 100; job++) await jobs.put(job);
 * });
 * let sum = 0;
 * for await (const job of jobs) {
 *   sum += job;
 *   if (job === 100) break;
 * }
 * console.log(sum); // 5050
 * ```
 */
export function queue<T>(options: QueueOptions = {}): Queue<T> {
  return new Queue<T>(options);
}
