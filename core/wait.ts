import { setImmediate } from "node:timers";
import { IoError } from "./error.ts";
import { aboutNow } from "./moment.ts";
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
 * often it is asked for: a loop that takes no heed of it would spin in microtasks. A
 * killed thread throws here, as in every wait: whatever else is wrong, it has to end.
 */
export function afterTurn<T>(answer: T): Promise<T> {
  const refused = dying === 0 ? null : refusal();
  if (refused !== null) return refused;
  return new Promise((resolve) => setImmediate(() => resolve(answer)));
}

/** What a caller was given up for. */
export type GivenUp = [value: null, err: IoError];

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
  return pend(new Parked<T>(what, start), options);
}

/** The same for a wait of a kind of its own, where it is worth the closures of `park`. */
export function pend<T>(wait: Pending<T>, options: WaitOptions): Promise<T | GivenUp> {
  if (dying !== 0) {
    const refused = refusal();
    if (refused !== null) return refused;
  }
  const { timeout = 0, signal } = options;
  checkTimeout(timeout);
  if (signal?.aborted) return afterTurn<GivenUp>([null, cancelled(wait.describe(), signal)]);
  return wait.begin(timeout, signal);
}

// What the last promise came with: an executor of its own for each would be a closure each.
let lastResolve: ((answer: never) => void) | null = null;
let lastReject: ((error: unknown) => void) | null = null;

function hold(resolve: (answer: never) => void, reject: (error: unknown) => void): void {
  lastResolve = resolve;
  lastReject = reject;
}

/** A wait that is answered through a promise, made with it. */
export abstract class Asked<T> extends Wait {
  readonly promise: Promise<T>;
  /** Answers it. */
  readonly resolve: (answer: T) => void;
  /** Throws where it is awaited: its thread was killed. One that nobody awaits stays quiet. */
  protected readonly reject: (error: ThreadKilled) => void;

  constructor() {
    super();
    this.promise = new Promise<T>(hold);
    this.resolve = lastResolve! as (answer: T) => void;
    this.reject = lastReject!;
    // Or whatever it is answered with could not be collected before the next one is made.
    lastResolve = lastReject = null;
  }
}

/** A wait for something that one may give up: by a timeout, a signal or a kill. For `pend`. */
export abstract class Pending<T> extends Asked<T | GivenUp> {
  #deadline: Deadline | null = null;
  #signal: AbortSignal | null = null;
  #aborted: (() => void) | null = null;
  #over = false;

  /** Begins what is waited for; may call `wake`. Called once. */
  protected abstract start(): void;

  /** Leaves everything as if the wait had never been. Called when it ends otherwise than by `wake`. */
  protected abstract withdraw(): void;

  /** Ends the wait with what was waited for, if it has not ended. */
  wake(value: T): void {
    if (this.#end()) this.resolve(value);
  }

  /** Called once, by `pend`. */
  begin(timeout: number, signal: AbortSignal | undefined): Promise<T | GivenUp> {
    const limited = timeout > 0 && timeout !== Infinity;
    const since = limited ? now() : aboutNow();
    this.enter(since);
    try {
      this.start();
    } catch (error) {
      // Nothing has begun, so there is nothing to withdraw: it must not stay in its thread.
      this.#end();
      throw error;
    }
    if (this.#over) return this.promise;
    if (limited) {
      this.#deadline = new Deadline(() => {
        const words = `Cannot ${this.describe()}: not within ${Math.ceil(timeout)} ms`;
        this.#giveUp(new IoError("timeout", words));
      }, true);
      this.#deadline.set(since + timeout);
    }
    if (signal !== undefined) {
      this.#signal = signal;
      this.#aborted = () => this.#giveUp(cancelled(this.describe(), signal));
      signal.addEventListener("abort", this.#aborted);
      // By what the wait began with; the event is over.
      if (signal.aborted) this.#aborted();
    }
    return this.promise;
  }

  override kill(error: ThreadKilled): void {
    // Another wait of the thread may have ended it, by being withdrawn just before.
    if (!this.#end()) return;
    this.withdraw();
    this.reject(error);
  }

  /** Only while it waits: its end takes the deadline and the listener away. */
  #giveUp(err: IoError): void {
    this.#end();
    this.withdraw();
    this.resolve([null, err]);
  }

  /** Ends the wait once; false if it had ended before. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.leave();
    this.#deadline?.remove();
    this.#signal?.removeEventListener("abort", this.#aborted!);
    return true;
  }
}

class Parked<T> extends Pending<T> {
  readonly #what: () => string;
  readonly #start: (wake: (value: T) => void) => () => void;
  #withdraw: (() => void) | null = null;
  /** It was given up by what it began with: there was no way to withdraw it yet. */
  #early = false;

  constructor(what: () => string, start: (wake: (value: T) => void) => () => void) {
    super();
    this.#what = what;
    this.#start = start;
  }

  override describe(): string {
    return this.#what();
  }

  protected override start(): void {
    this.#withdraw = this.#start((value) => this.wake(value));
    if (this.#early) this.#withdraw();
  }

  protected override withdraw(): void {
    if (this.#withdraw === null) this.#early = true;
    else this.#withdraw();
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
