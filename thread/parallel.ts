/**
 * Many functions side by side, so many at a time, with their results in order.
 *
 * @example Three at a time
 * ```ts
 * import { parallel, sleep } from "@alilua/coevent/thread";
 *
 * const [squares, err] = await parallel.map([1, 2, 3, 4], async (n) => {
 *   await sleep(1);
 *   return n * n;
 * }, { limit: 3 });
 * console.log(squares, err); // [ 1, 4, 9, 16 ] null
 * ```
 *
 * @module
 */
import type { IoError, Result } from "../core/mod.ts";
import { countOf, functionOf, onErrorOf } from "./_args.ts";
import { handingOver, type ScopeOptions } from "./_running.ts";
import type { Succeeded } from "./succeeded.ts";
import { newthread, wait } from "./thread.ts";
import type { Waited } from "./types.ts";

/** How `parallel.all` and `parallel.map` end. */
export interface ParallelOptions {
  /** How many run at a time; all by default. */
  limit?: number;
  /** Milliseconds for the whole; 0, the default, is no limit. */
  timeout?: number;
  /** When aborted, all are killed and the result is `cancelled`. */
  signal?: AbortSignal;
  /** Milliseconds that killed threads have to unwind; 5,000 by default. */
  grace?: number;
  /**
   * `"cancel"`, the default: the first error kills the others and is the result.
   * `"collect"`: all run to their end, and each has a result of its own.
   */
  on_error?: "cancel" | "collect";
}

/** The same with `"collect"`: each function has a result of its own. */
export interface CollectOptions extends ParallelOptions {
  /** All run to their end. */
  on_error: "collect";
}

/**
 * Runs functions as threads, at most `limit` at a time, and gives what they returned, in
 * their order. A function fails when it throws (`failed`) or returns a failed `Result`.
 *
 * The first failure kills the others, is the result, and lets no more begin; with
 * `on_error: "collect"` all run, and each has its `Result`. A timeout, an abort or a kill of
 * the caller ends them all. What they have started and left running when all have succeeded,
 * a server, a child, a thread, is the caller's from then on. From LuaIO (`parallel.all`),
 * which hangs on an empty list and on an error.
 *
 * @example Usage
 * ```ts
 * import { parallel, sleep } from "@alilua/coevent/thread";
 *
 * const [both] = await parallel.all([() => "at once", async () => {
 *   await sleep(5);
 *   return "later";
 * }]);
 * console.log(both); // [ "at once", "later" ]
 * ```
 */
export function all<const F extends readonly (() => unknown)[]>(
  fns: F,
  options: CollectOptions,
): Promise<Result<{ -readonly [K in keyof F]: Waited<Awaited<ReturnType<F[K]>>> }>>;
/** Runs functions; the first failure is the result. A number is the `limit`. */
export function all<const F extends readonly (() => unknown)[]>(
  fns: F,
  options?: number | ParallelOptions,
): Promise<Result<{ -readonly [K in keyof F]: Succeeded<ReturnType<F[K]>> }>>;
export function all(
  fns: readonly (() => unknown)[],
  options: number | ParallelOptions = {},
): Promise<Result<unknown>> {
  for (const fn of fns) functionOf(fn, "parallel.all");
  return run("parallel.all", fns, (fn) => fn(), options);
}

/**
 * Runs `fn(item, index)` for every item as a thread, at most `limit` at a time, and gives
 * what they returned, in the order of the items. Items are taken when their turn comes,
 * so that they may come from a generator. Fails and ends as {@linkcode all}. From LuaIO
 * (`parallel.map`).
 *
 * @example Two at a time
 * ```ts
 * import { parallel, sleep } from "@alilua/coevent/thread";
 *
 * const [lengths, err] = await parallel.map(["a", "bb", "ccc"], async (word) => {
 *   await sleep(1);
 *   return word.length;
 * }, 2);
 * console.log(lengths, err); // [ 1, 2, 3 ] null
 * ```
 */
export function map<T, R>(
  items: Iterable<T>,
  fn: (item: T, index: number) => R,
  options: CollectOptions,
): Promise<Result<Waited<Awaited<R>>[]>>;
/** Runs `fn` for every item; the first failure is the result. A number is the `limit`. */
export function map<T, R>(
  items: Iterable<T>,
  fn: (item: T, index: number) => R,
  options?: number | ParallelOptions,
): Promise<Result<Succeeded<R>[]>>;
export function map<T>(
  items: Iterable<T>,
  fn: (item: T, index: number) => unknown,
  options: number | ParallelOptions = {},
): Promise<Result<unknown[]>> {
  return run("parallel.map", items, functionOf(fn, "parallel.map"), options);
}

function run<T>(
  caller: string,
  items: Iterable<T>,
  fn: (item: T, index: number) => unknown,
  given: number | ParallelOptions,
): Promise<Result<unknown[]>> {
  const { limit = Infinity, on_error, ...bounds } = typeof given === "number"
    ? { limit: given }
    : given;
  countOf(limit, `${caller}: limit`, 1);
  return runLanes(items, fn, limit, onErrorOf(on_error) === "collect", bounds);
}

/** Runs `fn` for the items in so many lanes, one thread at a time in each. */
async function runLanes<T>(
  items: Iterable<T>,
  fn: (item: T, index: number) => unknown,
  limit: number,
  collecting: boolean,
  bounds: ScopeOptions,
): Promise<Result<unknown[]>> {
  const results: unknown[] = [];
  let failure: IoError | null = null;
  const source = items[Symbol.iterator]();
  let begun = 0;
  let drained = false;

  const lane = async (close: () => void): Promise<void> => {
    while (failure === null) {
      const next = source.next();
      if (next.done) {
        drained = true;
        return;
      }
      const index = begun++;
      const thread = newthread(fn, next.value, index);
      const [value, err] = await wait(thread) as Result<unknown>;
      results[index] = collecting ? [value, err] : value;
      if (err === null || collecting) continue;
      failure ??= err;
      close();
    }
  };
  const outcome = await handingOver("parallel", async (s): Promise<Result<unknown[]>> => {
    const lanes: Promise<void>[] = [];
    for (let n = 0; n < limit && !drained && failure === null; n++) {
      lanes.push(lane(() => s.close()));
    }
    await Promise.all(lanes);
    return failure === null ? [results, null] : [null, failure];
  }, bounds);
  if (!drained) source.return?.();
  return outcome;
}
