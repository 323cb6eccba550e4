import { due, IoError, type Result, type WaitOptions } from "../core/mod.ts";
import { hindered, Line } from "./_line.ts";

/**
 * Leave to go on, until it is released: by `release()`, or at the end of a `using`
 * block, also when the thread is killed in it.
 *
 * @example Held for a block
 * ```ts
 * import { lock, type Permit, unwrap } from "@alilua/coevent/thread";
 *
 * const file = lock();
 * {
 *   using _permit: Permit = await unwrap(file.acquire());
 *   console.log(file.locked); // true
 * }
 * console.log(file.locked); // false
 * ```
 */
export class Permit implements Disposable {
  #release: (() => void) | null;

  /** Made by `acquire`. */
  constructor(release: () => void) {
    this.#release = release;
  }

  /** Gives it to the thread that has waited longest. Once; later calls do nothing. */
  release(): void {
    const release = this.#release;
    this.#release = null;
    release?.();
  }

  /** Releases it, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.release();
  }
}

/** Permits that are free, and those who wait for one: under semaphores and locks. */
export class Permits {
  #free: number;
  readonly #name: string;
  // A permit of one who is gone goes to the next.
  readonly #line: Line<Permit> = new Line((permit) => permit.release());

  constructor(name: string, free: number) {
    this.#name = name;
    this.#free = free;
  }

  /** How many are free; negative: so many wait. */
  get count(): number {
    return this.#line.size > 0 ? -this.#line.size : this.#free;
  }

  acquire(options: WaitOptions): Promise<Result<Permit>> {
    const free = this.#free > 0 && this.#line.underway === 0;
    if (!hindered(options) && free && !due()) {
      return Promise.resolve([this.#take(), null]);
    }
    const what = () => `acquire ${this.#name}`;
    const waiting = this.#line.wait(what, options, undefined, () => this.#serve());
    return waiting as Promise<Result<Permit>>;
  }

  tryAcquire(why: string): Result<Permit> {
    if (this.#free > 0) return [this.#take(), null];
    return [null, new IoError("busy", `Cannot acquire ${this.#name}: ${why}`)];
  }

  post(permits: number): void {
    this.#free += permits;
    this.#serve();
  }

  #take(): Permit {
    this.#free -= 1;
    return new Permit(() => this.post(1));
  }

  /** Nobody waits while a permit is free. */
  #serve(): void {
    while (this.#free > 0 && this.#line.size > 0) this.#line.hand(this.#take());
  }
}
