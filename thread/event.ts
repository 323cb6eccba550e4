import { atOnce, fairly, park, type Result, type WaitOptions } from "../core/mod.ts";
import { named } from "./_args.ts";
import { hindered } from "./_line.ts";
import type { NameOptions } from "./semaphore.ts";

/**
 * Something that has happened, or not yet. Made by {@linkcode event}.
 *
 * @example Waited for, for some time
 * ```ts
 * import { event, type EventFlag } from "@alilua/coevent/thread";
 *
 * const ready: EventFlag = event();
 * console.log((await ready.wait({ timeout: 5 }))[1]?.code); // timeout
 * ready.set();
 * console.log(ready.is_set, await ready.wait()); // true [ true, null ]
 * ```
 */
export class EventFlag {
  readonly #name: string;
  readonly #waiting = new Set<() => void>();
  #set = false;

  /** Use {@linkcode event}. */
  constructor(options: NameOptions = {}) {
    this.#name = named("event", options.name);
  }

  /** Whether it has happened, and was not cleared since. */
  get is_set(): boolean {
    return this.#set;
  }

  /** How many threads wait for it. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** It has happened: wakes all who wait, and lets pass who comes later. */
  set(): void {
    this.#set = true;
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of woken) wake();
  }

  /** From now on who comes must wait again. Who was woken stays so. */
  clear(): void {
    this.#set = false;
  }

  /**
   * Waits until it is set; at once if it is. `timeout` in milliseconds, none by default.
   * Errors: `timeout`, `cancelled`. Waiting here does not keep the program alive.
   */
  wait(options: WaitOptions = {}): Promise<Result<true>> {
    if (!hindered(options) && this.#set) return atOnce<Result<true>>([true, null]);
    return fairly(park<Result<true>>(() => `wait for ${this.#name}`, options, (wake) => {
      const waiter = () => wake([true, null]);
      this.#waiting.add(waiter);
      return () => this.#waiting.delete(waiter);
    }));
  }
}

/**
 * Makes an event: threads wait until another says that it has happened.
 *
 * @example Usage
 * ```ts
 * import { event, newthread } from "@alilua/coevent/thread";
 *
 * const ready = event();
 * newthread(async () => {
 *   await ready.wait();
 *   console.log("go");
 * });
 * ready.set();
 * ```
 */
export function event(options: NameOptions = {}): EventFlag {
  return new EventFlag(options);
}
