import {
  atOnce,
  checkTimeout,
  current,
  dying,
  fairly,
  IoError,
  onError,
  type Outcome,
  park,
  pend,
  Pending,
  refusal,
  type Result,
  root,
  Task,
  type WaitOptions,
  type Watching,
} from "../core/mod.ts";
import { scopes, start } from "./_run.ts";
import type { ErrorHandler, Thread, ThreadInfo, Waited } from "./types.ts";

/**
 * Starts a light thread: `fn` runs at once, to its first wait, then side by side with
 * its starter. What it returns or throws is what {@linkcode wait} gives.
 *
 * In a thread that was killed it throws `ThreadKilled`, for nothing may outlive its
 * scope. From aLiLua (`newthread`); OpenResty has `ngx.thread.spawn`.
 *
 * @example Usage
 * ```ts
 * import { newthread, sleep, wait } from "@alilua/coevent/thread";
 *
 * const double = newthread(async (n: number) => {
 *   await sleep(5);
 *   return n * 2;
 * }, 21);
 * const [answer, err] = await wait(double);
 * console.log(answer, err); // 42 null
 * ```
 */
export function newthread<A extends unknown[], R>(
  fn: (...args: A) => R,
  ...args: A
): Thread<Awaited<R>> {
  if (typeof fn !== "function") {
    throw new TypeError(`newthread wants a function: got ${typeof fn}`);
  }
  const starter = current();
  if (starter.killed !== null) throw starter.killed;
  return start(starter.scope, fn.name, fn, args, starter) as unknown as Thread<Awaited<R>>;
}

/** The results of a list of threads, each with its type. */
export type WaitedList<L extends readonly Thread[]> = {
  -readonly [K in keyof L]: L[K] extends Thread<infer T> ? Waited<T> : never;
};

/**
 * Waits for a thread, or for all of a list, and gives what they returned.
 *
 * A thread that threw gives `failed`, with what it threw as `cause`; a killed one gives
 * `killed`. A finished thread keeps its result, so it can be waited for again. `timeout`
 * (milliseconds; none by default) and `signal` end the waiting and leave the threads
 * running: those of a list that have not finished give `timeout` or `cancelled`.
 * A function that returns a `Result` gives just that. Waiting for oneself throws `TypeError`.
 *
 * From aLiLua (`wait`, `coroutine_wait`), which loses the results of lists.
 *
 * @example A list
 * ```ts
 * import { newthread, wait } from "@alilua/coevent/thread";
 *
 * const threads = ["a", "bb"].map((word) => newthread(() => word.length));
 * console.log(await wait(threads)); // [ [ 1, null ], [ 2, null ] ]
 * ```
 */
export function wait<T>(thread: Thread<T>, options?: WaitOptions): Promise<Waited<T>>;
/** Waits for all of a list; gives a list of results, in order. */
export function wait<const L extends readonly Thread[]>(
  threads: L,
  options?: WaitOptions,
): Promise<WaitedList<L>>;
/** Waits for several threads, as for a list. */
export function wait<L extends Thread[]>(...threads: L): Promise<WaitedList<L>>;
export function wait(
  first: Thread | readonly Thread[],
  second?: Thread | WaitOptions,
  ...rest: Thread[]
): Promise<unknown> {
  if (second instanceof Task) return wait([first as Thread, second, ...rest]);
  const options = second as WaitOptions | undefined;
  checkTimeout(options?.timeout ?? 0);
  if (!Array.isArray(first)) return waitOne(othersTask(first as Thread), options ?? {});
  return waitAll(first.map((thread) => othersTask(thread)), options ?? {});
}

/**
 * Another name of {@linkcode wait}, from aLiLua.
 *
 * @example Usage
 * ```ts
 * import { coroutine_wait, newthread } from "@alilua/coevent/thread";
 *
 * console.log(await coroutine_wait(newthread(() => 6 * 7))); // [ 42, null ]
 * ```
 */
export const coroutine_wait: typeof wait = wait;

function waitOne(task: Task, options: WaitOptions): Promise<unknown> {
  if (task.outcome !== null) return refused() ?? atOnce(outcomeOf(task));
  return fairly(pend(new Join(task), options));
}

/** The wait for one thread. */
class Join extends Pending<Outcome> {
  readonly #task: Task;
  #watching: Watching | null = null;

  constructor(task: Task) {
    super();
    this.#task = task;
  }

  override describe(): string {
    return `wait for '${this.#task.name}'`;
  }

  protected override start(): void {
    // Who has given up by then does not see how it ends.
    this.#watching = this.#task.watch((task) => this.wake(outcomeOf(task)));
  }

  protected override withdraw(): void {
    this.#task.unwatch(this.#watching!);
  }
}

/** One wait for all: with one each, thousands of threads took twice the time and memory. */
function waitAll(tasks: Task[], options: WaitOptions): Promise<unknown> {
  const left: Task[] = [];
  for (const task of tasks) {
    if (task.outcome === null) left.push(task);
    else task.observed = true;
  }
  if (left.length === 0) return refused() ?? atOnce(tasks.map(outcomeOf));
  let missing = left.length;
  const what = () => `wait for ${missing} of ${tasks.length} threads`;
  const all = park<Result<true>>(what, options, (wake) => {
    const ended = (task: Task) => {
      outcomeOf(task);
      if (--missing === 0) wake([true, null]);
    };
    const watchings = left.map((task) => task.watch(ended));
    return () => watchings.forEach((watching, at) => left[at]!.unwatch(watching));
  });
  return fairly(all).then(([, err]) =>
    tasks.map((task) => task.outcome === null ? [null, err] : outcomeOf(task))
  );
}

function refused(): Promise<never> | null {
  return dying === 0 ? null : refusal();
}

/** How it has ended, for one who sees it. */
function outcomeOf(task: Task): Outcome {
  task.observed = true;
  return task.outcome!;
}

/** Which thread of {@linkcode wait_any} ended first, and how. */
export interface FirstEnded<T extends Thread> {
  /** Its place in the list. */
  index: number;
  /** The thread itself. */
  thread: T;
  /** What it returned. */
  result: T extends Thread<infer R> ? Waited<R> : never;
}

/**
 * Waits until the first of several threads has ended; the others run on.
 *
 * Of those that have ended already, the first in the list is given. An empty list
 * throws `RangeError`. `timeout` in milliseconds (none by default) and `signal` give
 * `timeout` and `cancelled`. From OpenResty, whose `ngx.thread.wait` waits like this.
 *
 * @example Usage
 * ```ts
 * import { kill, newthread, sleep, wait_any } from "@alilua/coevent/thread";
 *
 * const slow = newthread(() => sleep(1_000));
 * const fast = newthread(() => "here");
 * const [first] = await wait_any([slow, fast]);
 * console.log(first?.index, first?.result[0]); // 1 here
 * kill(slow);
 * ```
 */
export function wait_any<T extends Thread>(
  threads: readonly T[],
  options: WaitOptions = {},
): Promise<Result<FirstEnded<T>>> {
  if (!Array.isArray(threads)) {
    throw new TypeError(`wait_any wants a list of threads: got ${typeof threads}`);
  }
  const tasks = threads.map((thread) => othersTask(thread, "wait_any"));
  if (tasks.length === 0) throw new RangeError("wait_any wants at least one thread: got none");
  const first = (index: number): Result<FirstEnded<T>> => {
    const result = outcomeOf(tasks[index]!) as FirstEnded<T>["result"];
    return [{ index, thread: threads[index]!, result }, null];
  };
  const what = () => `wait for one of ${tasks.length}`;
  return fairly(park<Result<FirstEnded<T>>>(what, options, (wake) => {
    const ended = tasks.findIndex((task) => task.outcome !== null);
    if (ended >= 0) {
      wake(first(ended));
      return () => {};
    }
    const forgets = tasks.map((task, index) =>
      task.onOutcome(() => {
        for (const forget of forgets) forget();
        wake(first(index));
      })
    );
    return () => {
      for (const forget of forgets) forget();
    };
  }));
}

/**
 * Kills a thread: the operation it waits in is withdrawn, harming nothing, and throws
 * `ThreadKilled` in it; so does each later wait. From now on `wait` gives `killed`,
 * with `reason` as the `cause`, whether it has unwound or not.
 *
 * A wait that is not ours (`fetch`, your own promise) is not reached, except through
 * `thread.self().signal`. Gives `gone` for a thread that has ended. Killing the root
 * thread throws `TypeError`. From OpenResty (`ngx.thread.kill`).
 *
 * @example Usage
 * ```ts
 * import { kill, newthread, sleep, wait } from "@alilua/coevent/thread";
 *
 * const sleeper = newthread(() => sleep(60_000));
 * kill(sleeper, "not needed any more");
 * const [, err] = await wait(sleeper);
 * console.log(err?.code); // killed
 * ```
 */
export function kill(thread: Thread, reason?: unknown): Result<true> {
  const task = taskOf(thread, "kill");
  if (task === root) throw new TypeError("kill: the root thread cannot be killed");
  if (task.kill(reason)) return [true, null];
  return [null, new IoError("gone", `Cannot kill '${task.name}': it has ended`, gone(task))];
}

function gone(task: Task): { reason: "killed" | "threw" | "returned" } {
  return { reason: task.killed !== null ? "killed" : task.threw ? "threw" : "returned" };
}

/**
 * The thread that is running; outside any thread, the root thread.
 *
 * @example Usage
 * ```ts
 * import { newthread, self, wait } from "@alilua/coevent/thread";
 *
 * const [name] = await wait(newthread(() => {
 *   self().name = "worker";
 *   return self().name;
 * }));
 * console.log(name); // worker
 * ```
 */
export function self(): Thread {
  return current() as unknown as Thread;
}

/**
 * All threads that have not ended, the oldest first, with what each is doing.
 *
 * @example Usage
 * ```ts
 * import { kill, list, newthread, sleep } from "@alilua/coevent/thread";
 *
 * const nap = newthread(function nap() {
 *   return sleep(10_000);
 * });
 * console.log(list().map((thread) => `${thread.name}: ${thread.state}`)); // [ "nap: sleep, 0 ms" ]
 * kill(nap);
 * ```
 */
export function list(): ThreadInfo[] {
  const tasks = [...scopes].flatMap((scope) => [...scope.tasks]);
  return tasks.sort((a, b) => a.id - b.id).map(({ id, name, state, age, parent }) => {
    return { id, name, state, age, parent };
  });
}

/**
 * Hears of every failure that nobody waits for: a thread that threw, a handler, a
 * socket that was dropped without `close`. For threads when their loop or scope ends, or
 * after a second, whichever is first; else at once. Without a handler it is one report on stderr. A handler that throws
 * does not stop the others. Gives a function that takes the handler back.
 *
 * @example Usage
 * ```ts
 * import { on_error } from "@alilua/coevent/thread";
 *
 * const off = on_error((error, about) => console.error(about, error));
 * off();
 * ```
 */
export function on_error(handler: ErrorHandler): () => void {
  return onError(handler);
}

/** Who waits for itself would wait for ever. */
function othersTask(thread: Thread, caller = "wait"): Task {
  const task = taskOf(thread, caller);
  if (task === current()) throw new TypeError(`${caller}: a thread cannot wait for itself`);
  return task;
}

function taskOf(thread: Thread, caller: string): Task {
  const task: unknown = thread;
  if (task instanceof Task) return task;
  throw new TypeError(`${caller} wants a thread: got ${thread === null ? "null" : typeof thread}`);
}
