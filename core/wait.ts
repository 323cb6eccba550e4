import { setImmediate } from "node:timers";
import { IoError } from "./error.ts";
import { dying, refusal, type ThreadKilled, Wait } from "./task.ts";
import { Deadline, now } from "./wheel.ts";

/** What every call that can wait takes as its last argument. */
export interface WaitOptions {
  /** Milliseconds; `0` means no limit. Where it is left out, the object's own timeout holds. */
  timeout?: number;
  /** Gives up with `cancelled` when aborted. */
  signal?: AbortSignal;
}

/**
 * An answer that takes a turn of the event loop, for what would be the same however
 * often it is asked for: a loop that takes no heed of it would spin in microtasks.
 */
export function afterTurn<T>(answer: T): Promise<T> {
  return new Promise((resolve) => setImmediate(() => resolve(answer)));
}

/** What a caller was given up for. */
type GivenUp = [value: null, err: IoError];

/**
 * Waits until `wake` is called, the time has passed, the signal is aborted or the
 * thread is killed, whichever comes first.
 *
 * `start` gets `wake` and gives the way to withdraw: it is called once, and only when
 * the wait ends otherwise than by `wake`. It must leave everything as if the wait had
 * never been.
 */
export function park<T>(
  what: () => string,
  options: WaitOptions,
  start: (wake: (value: T) => void) => () => void,
): Promise<T | GivenUp> {
  if (dying !== 0) {
    const refused = refusal();
    if (refused !== null) return refused;
  }
  const { timeout = 0, signal } = options;
  checkTimeout(timeout);
  if (signal?.aborted) return afterTurn<GivenUp>([null, cancelled(what(), signal)]);
  const parked = new Parked<T>(what);
  parked.begin(start, timeout, signal);
  return parked.promise;
}

class Parked<T> extends Wait {
  readonly promise: Promise<T | GivenUp>;
  readonly #what: () => string;
  #resolve!: (value: T | GivenUp) => void;
  #reject!: (error: unknown) => void;
  #withdraw: (() => void) | null = null;
  #deadline: Deadline | null = null;
  #signal: AbortSignal | undefined;
  #over = false;

  constructor(what: () => string) {
    super();
    this.#what = what;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  begin(
    start: (wake: (value: T) => void) => () => void,
    timeout: number,
    signal: AbortSignal | undefined,
  ): void {
    const since = now();
    this.enter(since);
    const withdraw = start((value) => {
      if (this.#end()) this.#resolve(value);
    });
    if (this.#over) return;
    this.#withdraw = withdraw;
    if (timeout > 0 && timeout !== Infinity) {
      this.#deadline = new Deadline(() => {
        this.#giveUp(new IoError("timeout", `Cannot ${this.#what()}: not within ${timeout} ms`));
      }, true);
      this.#deadline.set(since + timeout);
    }
    this.#signal = signal;
    signal?.addEventListener("abort", this.#aborted);
  }

  override describe(): string {
    return this.#what();
  }

  override kill(error: ThreadKilled): void {
    const withdraw = this.#withdraw;
    if (!this.#end()) return;
    withdraw?.();
    // A wait that nobody awaits must not end the program when its thread is killed.
    this.promise.catch(() => {});
    this.#reject(error);
  }

  readonly #aborted = (): void => {
    this.#giveUp(cancelled(this.#what(), this.#signal!));
  };

  #giveUp(err: IoError): void {
    const withdraw = this.#withdraw;
    if (!this.#end()) return;
    withdraw?.();
    this.#resolve([null, err]);
  }

  /** Ends the wait once; false if it had ended before. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.leave();
    this.#deadline?.remove();
    this.#signal?.removeEventListener("abort", this.#aborted);
    this.#withdraw = null;
    return true;
  }
}

/** The error of a wait whose signal was aborted. */
export function cancelled(what: string, signal: AbortSignal): IoError {
  return new IoError("cancelled", `Cannot ${what}: the signal was aborted`, {
    cause: signal.reason,
  });
}

/** Throws unless `timeout` is a number of milliseconds; gives it back. */
export function checkTimeout(timeout: number, name = "timeout"): number {
  if (typeof timeout !== "number") {
    throw new TypeError(`${name} must be a number of milliseconds: got ${typeof timeout}`);
  }
  if (!(timeout >= 0)) {
    throw new RangeError(`${name} must be 0 (no limit) or more milliseconds: got ${timeout}`);
  }
  return timeout;
}
