import {
  checkTimeout,
  Deadline,
  due,
  dying,
  now,
  park,
  refusal,
  type Result,
  type ThreadKilled,
  turn,
  Wait,
  watcher,
} from "../core/mod.ts";

const DONE: Promise<Result<true>> = Promise.resolve<Result<true>>([true, null]);

/**
 * Lets the other threads run. Cheap and fair: it may be called in a tight loop, and
 * timers still fire within about 10 ms, and I/O goes on within about 30.
 *
 * From aLiLua (`swop`), where only about every 800th call yields.
 *
 * @example Usage
 * ```ts
 * import { swop } from "@alilua/coevent/thread";
 *
 * let sum = 0;
 * for (let i = 0; i < 10_000; i++) {
 *   sum += i;
 *   await swop();
 * }
 * console.log(sum); // 49995000
 * ```
 */
export function swop(): Promise<Result<true>> {
  if (dying !== 0) {
    const refused = refusal();
    if (refused !== null) return refused;
  }
  if (watcher !== null) watcher.paused();
  return due() ? turn() : DONE;
}

/**
 * Sleeps for `ms` milliseconds, never less; `0` yields once, as {@linkcode swop}.
 *
 * An aborted `signal` ends it with `cancelled`; a killed thread wakes at once. The
 * runtime's timers make a wait below 2 ms take about 2. A negative number throws
 * `RangeError`. From aLiLua (`sleep`); LEM and node-lua count in seconds.
 *
 * @example Usage
 * ```ts
 * import { sleep } from "@alilua/coevent/thread";
 *
 * await sleep(10);
 * ```
 */
export function sleep(ms: number, options: SleepOptions = {}): Promise<Result<true>> {
  checkTimeout(ms, "sleep: ms");
  if (ms === 0 && options.signal?.aborted !== true) return swop();
  if (options.signal === undefined) {
    return (dying === 0 ? null : refusal()) ?? new Sleep(ms).promise;
  }
  return park(() => "sleep", options, (wake) => {
    const deadline = new Deadline(() => wake([true, null]), true);
    if (ms !== Infinity) deadline.set(now() + ms);
    return () => deadline.remove();
  });
}

/** What most sleeps are, without a signal: thousands may stand at a time, so it is lean. */
class Sleep extends Wait {
  readonly promise: Promise<Result<true>>;
  readonly #deadline: Deadline;
  #resolve!: (result: Result<true> | Promise<never>) => void;

  constructor(ms: number) {
    super();
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#deadline = new Alarm(this);
    const since = now();
    this.enter(since);
    if (ms !== Infinity) this.#deadline.set(since + ms);
  }

  /** The time has passed. */
  over(): void {
    this.leave();
    this.#resolve([true, null]);
  }

  override describe(): string {
    return "sleep";
  }

  override kill(error: ThreadKilled): void {
    this.leave();
    this.#deadline.remove();
    // So that no sleep keeps a function to reject with, 5 % of what it holds. It is heard at
    // once: the runtime would search all that are not for it, a moment later.
    const killed = Promise.reject(error);
    killed.catch(() => {});
    this.#resolve(killed);
  }
}

/** A deadline that needs no closure to know whom it wakes: 100 bytes less a sleep. */
class Alarm extends Deadline {
  readonly sleep: Sleep;

  constructor(sleep: Sleep) {
    super(ring, true);
    this.sleep = sleep;
  }
}

function ring(this: Deadline): void {
  (this as Alarm).sleep.over();
}

/** What `sleep` takes beside the time. */
export interface SleepOptions {
  /** Ends the sleep with `cancelled` when aborted. */
  signal?: AbortSignal;
}
