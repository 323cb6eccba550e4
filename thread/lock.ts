import type { Result, WaitOptions } from "../core/mod.ts";
import { named } from "./_args.ts";
import { Permits } from "./_permits.ts";
import type { NameOptions, Permit } from "./semaphore.ts";

/**
 * A lock, and threads that wait for it. Made by {@linkcode lock}.
 *
 * @example Held for the length of a block
 * ```ts
 * import { lock, unwrap } from "@alilua/coevent/thread";
 *
 * const turn = lock();
 * {
 *   using _turn = await unwrap(turn.acquire());
 *   console.log(turn.try_acquire()); // null
 * }
 * console.log(turn.try_acquire() !== null); // true
 * ```
 */
export class Lock {
  readonly #permits: Permits;

  /** Use {@linkcode lock}. */
  constructor(options: NameOptions = {}) {
    this.#permits = new Permits(named("lock", options.name), 1);
  }

  /** Whether someone holds it. */
  get locked(): boolean {
    return this.#permits.count <= 0;
  }

  /** How many threads wait for it. */
  get waiting(): number {
    return Math.max(0, -this.#permits.count);
  }

  /**
   * Waits for the lock, in line. It is not re-entrant: who holds it and asks again, waits
   * for itself.
   *
   * `timeout` in milliseconds, none by default. Errors: `timeout`, `cancelled`. Who
   * gives up, or is killed, does not hold it. Waiting here does not keep the program alive.
   */
  acquire(options: WaitOptions = {}): Promise<Result<Permit>> {
    return this.#permits.acquire(options);
  }

  /** Takes the lock if nobody holds it, else gives `busy`. Never waits. */
  try_acquire(): Result<Permit> {
    return this.#permits.tryAcquire("someone holds it");
  }
}

/**
 * Makes a lock: one thread at a time holds it, the others wait in line.
 *
 * @example A request and its answer, with nobody else's in between
 * ```ts
 * import { lock, sleep, unwrap } from "@alilua/coevent/thread";
 *
 * const turn = lock({ name: "device" });
 * async function ask(question: string): Promise<string> {
 *   using _turn = await unwrap(turn.acquire());
 *   await sleep(1);
 *   return `${question}: yes`;
 * }
 * console.log(await Promise.all([ask("ready"), ask("warm")])); // [ "ready: yes", "warm: yes" ]
 * ```
 */
export function lock(options: NameOptions = {}): Lock {
  return new Lock(options);
}
