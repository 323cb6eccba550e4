import {
  afterTurn,
  cancelled,
  checkTimeout,
  Deadline,
  dying,
  fail,
  fromOs,
  IoError,
  now,
  poll,
  refusal,
  type Result,
  type ThreadKilled,
  Wait,
  type WaitOptions,
} from "../core/mod.ts";
import { DEFAULT_TIMEOUT } from "../stream/mod.ts";

/** What a call on its way through the system knows of its caller. */
export interface Caller {
  /** Nobody waits for the answer any more. */
  gone: boolean;
  /** Called when nobody waits any more. */
  onGone: (() => void) | null;
}

/** How a call is waited for. */
export interface CallOptions extends WaitOptions {
  /** The time limits of the handle that it belongs to. */
  limits?: Limits;
}

/**
 * Waits for an operation of the system's, as a call that can be killed, aborted and
 * timed out. The system cannot be stopped in the middle of one: what it gives after its
 * caller has gone goes to `late`, so that nothing stays open.
 */
export function ask<T>(
  what: () => string,
  options: CallOptions,
  run: (caller: Caller) => Promise<T>,
  late: (value: T) => void = () => {},
): Promise<Result<T>> {
  if (dying !== 0) {
    const refused = refusal();
    if (refused !== null) return refused;
  }
  const timeout = checkTimeout(options.timeout ?? DEFAULT_TIMEOUT);
  const { signal } = options;
  if (signal?.aborted) return afterTurn<Result<T>>(fail(cancelled(what(), signal)));
  const operation = new Operation<T>(what, options.limits ?? null, timeout, signal);
  return operation.begin(run, late);
}

/** The same for what has nothing to say. */
export function done(
  what: () => string,
  options: CallOptions,
  run: (caller: Caller) => Promise<unknown>,
): Promise<Result<true>> {
  return ask<true>(what, options, async (caller) => {
    await run(caller);
    return true;
  });
}

/** A deadline that one operation after the other borrows. */
class Limit {
  operation: Operation<unknown> | null = null;
  // The system's operation keeps the program alive, not its limit.
  readonly deadline = new Deadline(() => this.operation?.due(), false);
}

/**
 * The time limits of one handle's operations. An operation usually ends long before its
 * limit: kept for the next one, the limit needs no timer of its own, which would cost as
 * much as a read.
 */
export class Limits {
  readonly #all: Limit[] = [];
  readonly #spare: Limit[] = [];

  take(): Limit {
    const spare = this.#spare.pop();
    if (spare !== undefined) return spare;
    const limit = new Limit();
    this.#all.push(limit);
    return limit;
  }

  giveBack(limit: Limit): void {
    limit.deadline.clear();
    this.#spare.push(limit);
  }

  /** Nothing may stay behind in the wheel. */
  close(): void {
    for (const { deadline } of this.#all) deadline.remove();
  }
}

class Operation<T> extends Wait implements Caller {
  gone = false;
  onGone: (() => void) | null = null;
  readonly #what: () => string;
  readonly #limits: Limits | null;
  readonly #timeout: number;
  readonly #signal: AbortSignal | undefined;
  #limit: Limit | null = null;
  #resolve!: (result: Result<T>) => void;
  #reject!: (error: unknown) => void;
  #over = false;

  constructor(
    what: () => string,
    limits: Limits | null,
    timeout: number,
    signal: AbortSignal | undefined,
  ) {
    super();
    this.#what = what;
    this.#limits = limits;
    this.#timeout = timeout;
    this.#signal = signal;
  }

  begin(
    run: (caller: Caller) => Promise<T>,
    late: (value: T) => void,
  ): Promise<Result<T>> {
    const promise = new Promise<Result<T>>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const since = now();
    this.enter(since);
    if (this.#timeout > 0 && this.#timeout !== Infinity) {
      this.#limit = this.#limits?.take() ?? new Limit();
      this.#limit.operation = this as Operation<unknown>;
      this.#limit.deadline.set(since + this.#timeout);
    }
    this.#signal?.addEventListener("abort", this.#aborted);
    run(this).then(
      (value) => {
        if (this.#end()) this.#resolve([value, null]);
        else late(value);
      },
      (error) => {
        if (this.#end()) this.#resolve([null, osError(error, `Cannot ${this.#what()}`)]);
      },
    );
    return promise;
  }

  /** Its time is up: an answer may be on its way already, so the event loop looks once more. */
  due(): void {
    poll(() => {
      const words = `Cannot ${this.#what()}: not within ${this.#timeout} ms`;
      this.#giveUp(() => new IoError("timeout", words));
    });
  }

  override describe(): string {
    return this.#what();
  }

  override kill(error: ThreadKilled): void {
    if (this.#abandon()) this.#reject(error);
  }

  readonly #aborted = (): void => {
    this.#giveUp(() => cancelled(this.#what(), this.#signal!));
  };

  #giveUp(err: () => IoError): void {
    if (this.#abandon()) this.#resolve([null, err()]);
  }

  /** The system works on, but nobody waits for it; false if it has answered before. */
  #abandon(): boolean {
    if (!this.#end()) return false;
    this.gone = true;
    this.onGone?.();
    return true;
  }

  /** Ends the wait once; false if it had ended before. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.leave();
    this.#signal?.removeEventListener("abort", this.#aborted);
    if (this.#limit !== null) {
      this.#limit.operation = null;
      if (this.#limits === null) this.#limit.deadline.remove();
      else this.#limits.giveBack(this.#limit);
    }
    return true;
  }
}

/** An error of the system's, without what its words repeat of ours. */
export function osError(error: unknown, action: string): IoError {
  const err = fromOs(error, action);
  if (err === error || err.code === "no_permission") return err;
  const words = err.message.slice(action.length)
    .replace(/^: e[A-Z0-9]+: /, ": ")
    .replace(/(?:: |, )[a-z]+ '[^]*$/, "");
  const { cause, errno } = err;
  const message = action + words;
  return new IoError(err.code, message, errno === undefined ? { cause } : { cause, errno });
}

/** Whether Deno itself refused, for want of a permission. */
export function isRefused(error: unknown): boolean {
  return error instanceof Error && error.name === "NotCapable";
}

/** The system's name of an error, `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Whether the path, or a folder on the way to it, is not there. */
export function isMissing(err: IoError): boolean {
  return err.code === "not_found" || err.code === "not_dir";
}
