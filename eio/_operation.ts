import { setImmediate } from "node:timers";
import {
  afterTurn,
  cancelled,
  checkTimeout,
  Deadline,
  dying,
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
import { osError } from "./_errors.ts";
import { type Caller, plain, type Question } from "./_question.ts";

/**
 * Waits for an operation of the system's, as a call that can be killed, aborted and
 * timed out. The system cannot be stopped in the middle of one: what it gives after its
 * caller has gone goes to `late`, so that nothing stays open.
 */
export function ask<T>(
  what: () => string,
  options: WaitOptions,
  run: (caller: Caller) => Promise<T>,
  late?: (value: T) => void,
): Promise<Result<T>> {
  return begin(null, plain(what, run, late), options.timeout ?? DEFAULT_TIMEOUT, options.signal);
}

/** The same for what has nothing to say. */
export function done(
  what: () => string,
  options: WaitOptions,
  run: (caller: Caller) => Promise<unknown>,
): Promise<Result<true>> {
  return ask<true>(what, options, async (caller) => {
    await run(caller);
    return true;
  });
}

/**
 * The operations of one handle. One that has ended serves for the next: what it takes to
 * wait, and its time limit in the wheel, would cost as much again as a read does.
 */
export class Operations {
  /** How long each may take, in milliseconds, unless it says otherwise. */
  timeout = DEFAULT_TIMEOUT;
  readonly #spare: Operation[] = [];
  #closed = false;

  ask<T, R>(question: Question<T, R>, { timeout, signal }: WaitOptions): Promise<R> {
    return begin(this, question, timeout ?? this.timeout, signal);
  }

  take(): Operation {
    return this.#spare.pop() ?? new Operation(this);
  }

  giveBack(operation: Operation): void {
    if (this.#closed) operation.discard();
    else this.#spare.push(operation);
  }

  /** Nothing may stay behind in the wheel. */
  close(): void {
    this.#closed = true;
    for (const operation of this.#spare) operation.discard();
    this.#spare.length = 0;
  }
}

function begin<T, R>(
  operations: Operations | null,
  question: Question<T, R>,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<R> {
  if (dying !== 0) {
    const refused = refusal();
    if (refused !== null) {
      question.killed?.();
      return refused;
    }
  }
  checkTimeout(timeout);
  if (signal?.aborted) {
    return afterTurn(question.failed(cancelled(question.what(), signal)));
  }
  const operation = operations?.take() ?? new Operation(null);
  return operation.begin(question, timeout, signal);
}

/** The coarsest tick of the wheel, in milliseconds. */
const GRAIN = 64;

/** What an operation holds while no call is under way. */
const NO_QUESTION: Question<unknown, unknown> = plain(() => "", () => Promise.resolve());
const NOTHING = () => {};

class Operation extends Wait implements Caller {
  gone = false;
  onGone: (() => void) | null = null;
  readonly #owner: Operations | null;
  #question: Question<unknown, unknown> = NO_QUESTION;
  #timeout = 0;
  #signal: AbortSignal | undefined = undefined;
  #resolve: (result: unknown) => void = NOTHING;
  #reject: (error: unknown) => void = NOTHING;
  #deadline: Deadline | null = null;
  /** Its time was up, and it is about to be given up for that. */
  #due = false;
  #over = false;

  constructor(owner: Operations | null) {
    super();
    this.#owner = owner;
  }

  begin<T, R>(
    question: Question<T, R>,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<R> {
    this.#question = question as Question<unknown, unknown>;
    this.#timeout = timeout;
    this.#signal = signal;
    this.#over = false;
    const promise = new Promise<unknown>(this.#promised);
    const since = now();
    this.enter(since);
    if (timeout > 0 && timeout !== Infinity) this.#limit(since, timeout);
    signal?.addEventListener("abort", this.#aborted);
    question.run(this).then(this.#answered, this.#failed);
    return promise as Promise<R>;
  }

  #limit(since: number, timeout: number): void {
    const at = since + timeout;
    // The system's operation keeps the program alive, not its limit.
    const deadline = this.#deadline ??= new Deadline(this.#reached, false);
    // In a bucket that comes round before it is due, it can be set again at no cost.
    if (deadline.tick === Infinity && timeout > 2 * GRAIN) deadline.set(at - GRAIN);
    deadline.set(at);
  }

  override describe(): string {
    return this.#question.what();
  }

  override kill(error: ThreadKilled): void {
    const reject = this.#reject;
    if (this.#abandon()) {
      this.#question.killed?.();
      reject(error);
    }
  }

  /** Nobody uses it any more. */
  discard(): void {
    this.#deadline?.remove();
  }

  // Made once for an operation, however often it serves.
  readonly #promised = (
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };

  readonly #answered = (value: unknown): void => {
    const question = this.#question;
    const resolve = this.#resolve;
    if (this.#end()) resolve(question.answered(value));
    else question.late?.(value);
  };

  /**
   * In a turn of its own: what may not be done is refused at once, and a loop that tries for
   * ever would spin in microtasks.
   */
  readonly #failed = (error: unknown): void => {
    setImmediate(() => {
      const question = this.#question;
      const resolve = this.#resolve;
      if (this.#end()) resolve(question.failed(osError(error, `Cannot ${question.what()}`)));
    });
  };

  /** An answer may be on its way already, so the event loop looks once more. */
  readonly #reached = (): void => {
    this.#due = true;
    poll(() => {
      const words = `Cannot ${this.#question.what()}: not within ${this.#timeout} ms`;
      this.#giveUp(() => new IoError("timeout", words));
    });
  };

  readonly #aborted = (): void => {
    const signal = this.#signal!;
    this.#giveUp(() => cancelled(this.#question.what(), signal));
  };

  #giveUp(err: () => IoError): void {
    const resolve = this.#resolve;
    if (this.#abandon()) resolve(this.#question.failed(err()));
  }

  /** The system works on, but nobody waits for it; false if it has answered before. */
  #abandon(): boolean {
    if (this.#over) return false;
    this.gone = true;
    this.#end();
    this.onGone?.();
    return true;
  }

  /** Ends the wait once; false if it had ended before. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.leave();
    this.#signal?.removeEventListener("abort", this.#aborted);
    this.#deadline?.clear();
    if (this.#owner === null || this.gone || this.#due) {
      // The system may still hold it, or the event loop.
      this.discard();
    } else {
      // What serves on must keep nothing of this call.
      this.#question = NO_QUESTION;
      this.#resolve = this.#reject = NOTHING;
      this.#signal = undefined;
      this.#owner.giveBack(this);
    }
    return true;
  }
}
