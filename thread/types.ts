import type { ErrorHandler, IoError, Result, WaitOptions } from "../core/mod.ts";

export type { ErrorHandler, WaitOptions };

/**
 * What `wait` gives for a thread whose function returns `T`. A function that returns
 * a `Result` itself is not wrapped a second time.
 */
export type Waited<T> = [T] extends [readonly [unknown, IoError | null]] ? T | [null, IoError]
  : Result<T>;

/** A light thread, as `newthread` gives it. Not a thenable: hand it to `wait`. */
export interface Thread<T = unknown> {
  /** Counts up from 1, the root thread. */
  readonly id: number;
  /** For `list()` and reports: the function's name, or what you set. */
  name: string;
  /** The `id` of the thread that started it. */
  readonly parent: number;
  /** What it is doing: `receive 127.0.0.1:6379, 312 ms`, `running`, `unwinding`, `ended`. */
  readonly state: string;
  /** Milliseconds since it was started. */
  readonly age: number;
  /** Its result as a promise, which never rejects. */
  readonly done: Promise<Waited<T>>;
  /** Aborted when it is killed: hand it to waits that are not ours, such as `fetch`. */
  readonly signal: AbortSignal;
}

/** One row of `list()`. */
export interface ThreadInfo {
  /** Counts up from 1, the root thread. */
  id: number;
  /** The thread's name. */
  name: string;
  /** What it is doing. */
  state: string;
  /** Milliseconds since it was started. */
  age: number;
  /** The `id` of the thread that started it. */
  parent: number;
}
