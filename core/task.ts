/**
 * Who waits, and for what: the threads as the waiting code sees them.
 *
 * Every operation that really has to wait makes a {@linkcode Wait} and enters it in
 * the task it runs in, which `AsyncLocalStorage` knows. That is all a kill needs to
 * reach it, and all `thread.list()` needs to say what a thread is doing.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate } from "node:timers";
import { IoError } from "./error.ts";
import { Link, Ring } from "./link.ts";
import { aboutNow } from "./moment.ts";
import type { ReadResult } from "./result.ts";
import { type Deadline, now } from "./wheel.ts";

/**
 * What a wait of a killed thread throws. It is thrown, not returned, so that no retry
 * loop takes it for a failure of its socket. Clean up in `finally` and let it pass.
 *
 * @example What a killed thread still does
 * ```ts
 * import { kill, newthread, sleep, ThreadKilled, wait } from "@alilua/coevent/thread";
 *
 * const thread = newthread(async () => {
 *   try {
 *     await sleep(60_000);
 *   } catch (error) {
 *     console.log(error instanceof ThreadKilled); // true
 *     throw error;
 *   } finally {
 *     console.log("cleaned up");
 *   }
 * });
 * kill(thread);
 * console.log((await wait(thread))[1]?.code); // killed
 * ```
 */
export class ThreadKilled extends Error {
  /** Always `ThreadKilled`. */
  override readonly name = "ThreadKilled";
  /** What the killer gave as the reason. */
  readonly reason: unknown;

  /** Made by `kill`; programs only catch it. */
  constructor(reason: unknown) {
    super(reason === undefined ? "This thread was killed" : `This thread was killed: ${reason}`);
    this.reason = reason;
  }
}

/** Who counts what the threads do, while somebody wants to know. */
export interface Watcher {
  /** A task was made. */
  born(task: Task): void;
  /** A task begins to wait. */
  entered(task: Task): void;
  /** A task has waited, from `since` to now. */
  left(task: Task, since: number): void;
  /** A task has come to its end. */
  ended(task: Task): void;
  /** The running task lets others run, and does not wait. */
  paused(): void;
}

/** Asked at every wait, so it must cost nothing while it is `null`. */
export let watcher: Watcher | null = null;

/** Begins or ends the counting. */
export function setWatcher(next: Watcher | null): void {
  watcher = next;
}

/** One operation that a thread waits in. Belongs to a task from `enter` to `leave`. */
export abstract class Wait {
  task: Task | null = null;
  before: Wait | null = null;
  after: Wait | null = null;
  /** When the wait began; `NaN` while that is still to be looked up. */
  since = NaN;
  /**
   * For a wait that threads run in, such as a scope: kept when it is over. Its task does
   * not end before, awaited or not, for nothing outlives who started it.
   */
  lasting: Promise<unknown> | null = null;

  /** What the thread is doing, for `thread.list()`: `receive 127.0.0.1:80`. */
  abstract describe(): string;

  /** Withdraws the operation, so that it harms nothing, and rejects with `error`. */
  abstract kill(error: ThreadKilled): void;

  /** Enters this wait in the current task. */
  enter(since: number): void {
    const task = current();
    if (watcher !== null) watcher.entered(task);
    this.task = task;
    this.since = since;
    this.after = task.waits;
    if (task.waits !== null) task.waits.before = this;
    task.waits = this;
  }

  /** Takes this wait out of its task: it has ended. */
  leave(): void {
    const task = this.task;
    if (task === null) return;
    if (watcher !== null) watcher.left(task, this.since);
    if (this.before === null) task.waits = this.after;
    else this.before.after = this.after;
    if (this.after !== null) this.after.before = this.before;
    this.task = this.before = this.after = null;
  }
}

/** How a task ended: what `wait` gives. */
export type Outcome = ReadResult<unknown>;

/** The killed tasks that have not unwound yet. While it is 0, no fast path asks who runs it. */
export let dying = 0;

/** So many waits of a killed thread throw; those after it never settle. */
const MOST_REFUSALS = 100;

/** How long killed tasks have to unwind, in milliseconds, unless their scope says otherwise. */
const GRACE = 5_000;

/** The threads that must have ended before something else may: a loop, a `scope(fn)`. */
export class Scope {
  /** The tasks that have not unwound. */
  readonly tasks: Ring<Task> = new Ring();
  /** Those of them that it does not wait for, but kills when all others have ended. */
  readonly behind: Set<Task> = new Set();
  /** Failed tasks that nobody has waited for yet, with when that is told. */
  readonly failures: Map<Task, Deadline | null> = new Map();
  /** Its end answers for them: nobody is told before. */
  answers = false;
  /** How many of the tasks have been killed. */
  dying = 0;
  /** How long they have to unwind then, in milliseconds; 0 for as long as they need. */
  readonly grace: number;
  /** It has ended. */
  over = false;
  /** To whom it has left what was not over; `null` where nothing was. */
  heir: Scope | null = null;
  /** Called when a task has been killed or has unwound. */
  onChange: ((task: Task) => void) | null = null;

  constructor(grace: number = GRACE) {
    this.grace = grace;
  }

  /** Where what begins now belongs: a late callback, of a task that has ended, is the root's. */
  get present(): Scope {
    return this.over ? (this.heir ?? root.scope).present : this;
  }
}

/** One who waits for the outcome of a task, from `watch` until it is there or `unwatch`. */
export class Watching extends Link {
  constructor(readonly then: (task: Task) => void) {
    super();
  }
}

let lastId = 0;

/** A thread, seen from inside. It stands in the ring of its scope's threads. */
export class Task extends Link {
  readonly id: number = ++lastId;
  readonly born: number = aboutNow();
  /** The id of the thread that started it; 0 for the root. */
  readonly parent: number;
  /** The scope that it, and what it starts, must end in. */
  scope: Scope;
  /** The waits it is blocked in, the newest first. */
  waits: Wait | null = null;
  /** How it ended; `null` while it has not. */
  outcome: Outcome | null = null;
  /** Why it was killed; `null` while it was not. */
  killed: ThreadKilled | null = null;
  /** The function has returned or thrown; a killed task has its outcome before that. */
  unwound = false;
  /** The function has thrown, of its own accord. */
  threw = false;
  /** Someone has waited for it, so that its failure is not lost. */
  observed = false;
  #name: string;
  #refusals = 0;
  #abort: AbortController | null = null;
  /** The first in the ring of those who wait for the outcome. */
  #watchers: Watching | null = null;

  constructor(name: string, parent: number, scope: Scope) {
    super();
    this.#name = name;
    this.parent = parent;
    this.scope = scope;
    if (watcher !== null) watcher.born(this);
  }

  /** The function's name, or its own; most are never asked for. */
  get name(): string {
    return this.#name === "" ? `thread ${this.id}` : this.#name;
  }

  set name(name: string) {
    this.#name = name;
  }

  /** How many milliseconds ago it was started. */
  get age(): number {
    return now() - this.born;
  }

  /** The outcome as a promise. */
  get done(): Promise<Outcome> {
    this.observed = true;
    if (this.outcome !== null) return Promise.resolve(this.outcome);
    return new Promise((resolve) => this.onOutcome(() => resolve(this.outcome!)));
  }

  /** Aborted when the thread is killed: for waits that are not ours, such as `fetch`. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.killed !== null) this.#abort.abort(this.killed);
    return this.#abort.signal;
  }

  /** What it is doing. */
  get state(): string {
    if (this.outcome !== null) return this.unwound ? "ended" : "unwinding";
    if (this.waits === null) return this === root ? "root" : "running";
    const wait = this.waits;
    // A wait that has begun in this turn need not have looked at the clock yet.
    const waited = Number.isNaN(wait.since) ? 0 : now() - wait.since;
    return `${wait.describe()}, ${Math.round(waited)} ms`;
  }

  /** Calls `then` when the outcome is there; gives the way to take that back. */
  onOutcome(then: (task: Task) => void): () => void {
    const watching = this.watch(then);
    return () => this.unwatch(watching);
  }

  /** The same, for those who keep what it takes to take it back. */
  watch(then: (task: Task) => void): Watching {
    const watching = new Watching(then);
    if (this.#watchers === null) this.#watchers = watching;
    else this.#watchers.append(watching);
    return watching;
  }

  /** Takes back what `watch` gave. */
  unwatch(watching: Watching): void {
    if (this.#watchers === watching) {
      this.#watchers = watching.after === watching ? null : watching.after as Watching;
    }
    watching.unlink();
  }

  /** Ends it with an outcome, if it has none yet. */
  settle(outcome: Outcome): void {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    for (let first = this.#watchers; first !== null; first = this.#watchers) {
      this.unwatch(first);
      first.then(this);
    }
  }

  /** From now on its scope waits for it no more, or does again. */
  putBehind(behind: boolean): void {
    const { scope } = this;
    if (!behind) {
      scope.behind.delete(this);
    } else if (!this.unwound) {
      scope.behind.add(this);
      scope.onChange?.(this);
    }
  }

  /** From now on it must end in another scope. */
  moveTo(scope: Scope): void {
    const before = this.scope;
    before.tasks.delete(this);
    scope.tasks.add(this);
    if (before.behind.delete(this)) scope.behind.add(this);
    if (this.killed !== null) {
      before.dying -= 1;
      scope.dying += 1;
    }
    this.scope = scope;
  }

  /** The function has come to its end, with whatever result. */
  unwind(): void {
    if (this.unwound) return;
    this.unwound = true;
    if (watcher !== null) watcher.ended(this);
    const { scope } = this;
    scope.tasks.delete(this);
    if (scope.behind.size > 0) scope.behind.delete(this);
    if (this.killed !== null) {
      dying -= 1;
      scope.dying -= 1;
    }
    scope.onChange?.(this);
  }

  /** Withdraws what it waits in; false if it had already ended. */
  kill(reason: unknown): boolean {
    if (this.outcome !== null) return false;
    const error = new ThreadKilled(reason);
    this.killed = error;
    dying += 1;
    this.scope.dying += 1;
    const words = `Thread '${this.name}' was killed${because(reason)}`;
    const told = reason === undefined ? undefined : { cause: reason };
    this.settle([null, new IoError("killed", words, told)]);
    muteKills();
    if (this.waits !== null) this.#withdraw(error);
    // Not before: a wait of ours that was given this signal too must throw.
    this.#abort?.abort(error);
    this.scope.onChange?.(this);
    return true;
  }

  #withdraw(error: ThreadKilled): void {
    const waits = this.#allWaits();
    for (const wait of waits) {
      // What runs in it is told, but has still to unwind.
      if (wait.lasting === null) wait.leave();
    }
    // In its own name: what nobody awaits is known by that, see `muteKills`.
    store.run(this, () => {
      for (const wait of waits) wait.kill(error);
    });
  }

  /** What it has begun and not awaited, and must not end before. */
  lasting(): Wait[] {
    return this.waits === null ? [] : this.#allWaits().filter((wait) => wait.lasting !== null);
  }

  #allWaits(): Wait[] {
    const waits: Wait[] = [];
    for (let wait = this.waits; wait !== null; wait = wait.after) waits.push(wait);
    return waits;
  }

  /**
   * What a later wait of a killed task gets. Each rejection takes a turn of the event
   * loop, and after a bounded number none comes: `for (;;) try { await receive() } catch {}`
   * would otherwise spin in microtasks, and no timer would ever fire again.
   */
  refuse(): Promise<never> {
    const error = this.killed;
    if (++this.#refusals > MOST_REFUSALS) return new Promise(() => {});
    return new Promise((_, reject) => setImmediate(() => reject(error)));
  }
}

let muted = false;

/**
 * A killed thread rejects in all its waits, and awaits but one of them: `await a; await b`
 * leaves the promise of `b` without a listener. That must not end the program; nor must the
 * scopes that a thread leaves open when it throws. Where somebody else was left with such a
 * promise, the top level of a module too, it fails him. Whose a rejection is, the runtime
 * tells by the name that it calls in.
 */
function muteKills(): void {
  if (muted) return;
  muted = true;
  globalThis.addEventListener("unhandledrejection", (event) => {
    if (leftByKill(event.reason)) event.preventDefault();
  });
}

/**
 * For the end of an `await using` block: a kill that cuts its wait short is no failure of
 * it, and would hide what the block itself threw.
 */
export async function evenKilled(ending: Promise<unknown>): Promise<void> {
  try {
    await ending;
  } catch (error) {
    if (!(error instanceof ThreadKilled)) throw error;
  }
}

/** Whether a rejection that nobody heard is what a killed thread leaves behind; asked in its name. */
export function leftByKill(reason: unknown): boolean {
  const { killed, threw } = current();
  return reason instanceof ThreadKilled && (killed !== null || threw);
}

function because(reason: unknown): string {
  return reason === undefined ? "" : `: ${reason instanceof Error ? reason.message : reason}`;
}

const store = new AsyncLocalStorage<Task>();

/** The thread of everything that runs outside any thread; it cannot be killed. */
export const root: Task = new Task("root", 0, new Scope());

/** The thread that is running. */
export function current(): Task {
  return store.getStore() ?? root;
}

/** Runs `fn` as the beginning of `task`. */
export function runIn<A extends unknown[], R>(task: Task, fn: (...args: A) => R, args: A): R {
  return store.run(task, fn, ...args);
}

/**
 * A rejection for a killed thread that begins another wait, or `null` for all others.
 * Only worth calling when {@linkcode dying} is not 0.
 */
export function refusal(): Promise<never> | null {
  const task = current();
  return task.killed === null ? null : task.refuse();
}
