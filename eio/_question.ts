import { fail, type IoError, ok, type Result } from "../core/mod.ts";

/** What a call on its way through the system knows of its caller. */
export interface Caller {
  /** Nobody waits for the answer any more. */
  gone: boolean;
  /** Called when nobody waits any more. */
  onGone: (() => void) | null;
}

/** What is asked of the system, and what becomes of its answer. */
export interface Question<T, R> {
  /** What it does, in words: `read 'a.txt'`. */
  what(): string;
  /** Goes to the system. */
  run(caller: Caller): Promise<T>;
  /** Gives what the caller gets for the answer, or goes on to the next question. */
  answered(value: T): R | Promise<R>;
  /** Gives what the caller gets for a failure, a timeout or an abort. */
  failed(err: IoError): R;
  /** The caller was killed. */
  killed?(): void;
  /** What came after the caller had gone: nothing of it may stay open. */
  late?(value: T): void;
}

class Plain<T> implements Question<T, Result<T>> {
  constructor(
    readonly what: () => string,
    readonly run: (caller: Caller) => Promise<T>,
    readonly late: (value: T) => void = () => {},
  ) {}

  answered(value: T): Result<T> {
    return ok(value);
  }

  failed(err: IoError): Result<T> {
    return fail(err);
  }
}

/** A question whose answer is what the caller gets. */
export function plain<T>(
  what: () => string,
  run: (caller: Caller) => Promise<T>,
  late?: (value: T) => void,
): Question<T, Result<T>> {
  return new Plain(what, run, late);
}
