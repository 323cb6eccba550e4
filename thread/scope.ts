import {
  checkTimeout,
  current,
  Deadline,
  dying,
  IoError,
  now,
  type Outcome,
  refusal,
  report,
  Scope as Members,
  type Task,
  type ThreadKilled,
  Wait,
} from "../core/mod.ts";
import { scopes, start, tellFailures } from "./_run.ts";
import type { Waited } from "./types.ts";

/** How long killed threads have to unwind before their scope closes without them: 5 s. */
const GRACE = 5_000;

/** What the function of `scope` and `deadline` gets: the scope that it runs in. */
export interface Scope {
  /** How many threads are in it, the function itself included. */
  readonly size: number;
  /** Kills every thread of the scope but the one that calls. */
  close(reason?: unknown): void;
}

/** How a scope is to end. */
export interface ScopeOptions {
  /** Milliseconds that killed threads have to unwind; 5,000 by default. */
  grace?: number;
}

/**
 * Runs `fn` in a scope and waits until it and every thread started in it have ended:
 * nothing outlives the scope. Gives what `fn` returned.
 *
 * When `fn` throws (`failed`), or the thread that waits for the scope is killed, all
 * threads in it are killed; the scope then closes when they have unwound, or when
 * `grace` has passed, which is reported to `on_error`.
 *
 * @example The first answer wins, the rest is stopped
 * ```ts
 * import { newthread, scope, sleep } from "@alilua/coevent/thread";
 *
 * const [winner] = await scope(async (s) => {
 *   newthread(() => sleep(60_000));
 *   await sleep(1);
 *   s.close("have an answer");
 *   return "answer";
 * });
 * console.log(winner); // answer
 * ```
 */
export function scope<R>(
  fn: (scope: Scope) => R,
  options: ScopeOptions = {},
): Promise<Waited<Awaited<R>>> {
  return run("scope", fn, options, 0, false);
}

/**
 * Runs `fn` in a scope for at most `ms` milliseconds; then every thread in it is
 * killed and the result is `timeout`. It bounds the whole, where a `timeout` option
 * bounds one call. `0` means no limit.
 *
 * @example Usage
 * ```ts
 * import { deadline, sleep } from "@alilua/coevent/thread";
 *
 * const [, err] = await deadline(20, () => sleep(60_000));
 * console.log(err?.code); // timeout
 * ```
 */
export function deadline<R>(
  ms: number,
  fn: (scope: Scope) => R,
  options: ScopeOptions = {},
): Promise<Waited<Awaited<R>>> {
  return run("deadline", fn, options, checkTimeout(ms, "deadline: ms"), false);
}

/**
 * Runs `fn` out of reach of a kill, for at most `ms` milliseconds: for the cleanup of
 * a killed thread that must still wait, such as a farewell to the peer. When the time
 * has passed, it is killed all the same and the result is `timeout`.
 *
 * @example A farewell that is sent even when the thread is killed
 * ```ts
 * import { shield, sleep } from "@alilua/coevent/thread";
 *
 * try {
 *   await sleep(1);
 * } finally {
 *   await shield(1_000, () => sleep(1));
 * }
 * ```
 */
export function shield<R>(
  ms: number,
  fn: (scope: Scope) => R,
  options: ScopeOptions = {},
): Promise<Waited<Awaited<R>>> {
  return run("shield", fn, options, checkTimeout(ms, "shield: ms"), true);
}

/**
 * Runs `fn` as the main thread of a loop. The promise is kept with what `fn` returned
 * when `fn` and every thread started in it have ended.
 *
 * When `fn` throws, the loop's other threads are killed and the promise rejects with
 * what it threw: so a loop that nobody awaits ends the program with status 1, as any
 * failure does in Deno. Also the default export `L`. From aLiLua (`startloop`, `L`),
 * which abandons the threads that are left; here they are waited for.
 *
 * @example Usage
 * ```ts
 * import { newthread, sleep, startloop } from "@alilua/coevent/thread";
 *
 * await startloop(() => {
 *   newthread(() => sleep(5));
 * }); // returns after 5 ms
 * ```
 */
export function startloop<R>(fn: () => R): Promise<Awaited<R>> {
  if (typeof fn !== "function") {
    throw new TypeError(`startloop wants a function: got ${typeof fn}`);
  }
  let returned: unknown;
  let thrown: { error: unknown } | null = null;
  // The function's own value and error are the loop's, whatever their shape.
  const main = async () => {
    try {
      returned = await fn();
    } catch (error) {
      thrown = { error };
      throw error;
    }
  };
  return run(fn.name || "main", main, {}, 0, false).then(([, err]) => {
    if (thrown !== null) throw thrown.error;
    if (err !== null) throw err;
    return returned as Awaited<R>;
  });
}

function run<R>(
  name: string,
  fn: (scope: Scope) => R,
  options: ScopeOptions,
  limit: number,
  shielded: boolean,
): Promise<Waited<Awaited<R>>> {
  if (typeof fn !== "function") throw new TypeError(`${name} wants a function: got ${typeof fn}`);
  const grace = checkTimeout(options.grace ?? GRACE, "grace");
  if (dying !== 0 && !shielded) {
    const refused = refusal();
    if (refused !== null) return refused;
  }
  const running = new Running(name, grace, limit, shielded);
  return running.start(fn) as Promise<Waited<Awaited<R>>>;
}

/** A scope from its opening to its end, and the wait of the thread that opened it. */
class Running extends Wait implements Scope {
  readonly #name: string;
  readonly #grace: number;
  readonly #limit: number;
  readonly #shielded: boolean;
  readonly #members = new Members();
  readonly #timer: Deadline;
  #body: Task | null = null;
  #closing = false;
  #inGrace = false;
  #over = false;
  #killed: ThreadKilled | null = null;
  #timedOut: IoError | null = null;
  #resolve!: (outcome: Outcome) => void;
  #reject!: (error: unknown) => void;

  constructor(name: string, grace: number, limit: number, shielded: boolean) {
    super();
    this.#name = name;
    this.#grace = grace;
    this.#limit = limit;
    this.#shielded = shielded;
    this.#timer = new Deadline(() => this.#timePassed(), true);
  }

  start(fn: (scope: Scope) => unknown): Promise<Outcome> {
    const promise = new Promise<Outcome>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.lasting = promise;
    this.enter(now());
    if (this.#limit > 0 && this.#limit !== Infinity) this.#timer.set(now() + this.#limit);
    scopes.add(this.#members);
    this.#members.onChange = (task) => this.#changed(task);
    const body = start(this.#members, this.#name, fn, [this]);
    this.#body = body;
    body.observed = true;
    if (body.unwound) this.#changed(body);
    return promise;
  }

  get size(): number {
    return this.#members.tasks.size;
  }

  close(reason?: unknown): void {
    const caller = current();
    for (const task of [...this.#members.tasks]) {
      if (task !== caller) task.kill(reason);
    }
  }

  override describe(): string {
    return this.#name;
  }

  override kill(error: ThreadKilled): void {
    if (this.#shielded) return;
    this.#killed = error;
    this.#closeAll(error.reason);
  }

  /** A task was killed or has come to its end; after the last one the scope is over. */
  #changed(task: Task): void {
    // Before `start` has returned, the body is not known yet; it comes here again.
    if (this.#over || this.#body === null) return;
    const left = this.#members.tasks.size;
    // What it returned may well be a failure: that ends nobody else.
    const broken = task === this.#body && (task.threw || task.killed !== null);
    if (left === 0) this.#finish();
    else if (broken) this.#closeAll(task.outcome?.[1]);
    else if (left === this.#members.dying) this.#beginGrace();
  }

  #timePassed(): void {
    if (this.#closing) {
      this.#reportStragglers();
      this.#finish();
      return;
    }
    const words = `Cannot end ${this.#name}: it took longer than ${this.#limit} ms`;
    this.#timedOut = new IoError("timeout", words);
    this.#closeAll(this.#timedOut);
  }

  #closeAll(reason: unknown): void {
    if (this.#closing || this.#over) return;
    this.#closing = true;
    for (const task of [...this.#members.tasks]) task.kill(reason);
    if (!this.#over) this.#beginGrace();
  }

  /** All that are left were killed: they have this long to unwind. */
  #beginGrace(): void {
    if (this.#inGrace) return;
    this.#inGrace = this.#closing = true;
    this.#timer.remove();
    if (this.#grace !== Infinity && this.#grace !== 0) this.#timer.set(now() + this.#grace);
  }

  #reportStragglers(): void {
    for (const task of this.#members.tasks) {
      const words = `It has not unwound within ${this.#grace} ms after it was killed: ` +
        `it waits for something that is not ours, or in a loop`;
      report(new IoError("timeout", words), `thread '${task.name}'`);
    }
  }

  #finish(): void {
    this.#over = this.#members.over = true;
    this.#timer.remove();
    this.leave();
    scopes.delete(this.#members);
    tellFailures(this.#members);
    if (this.#killed !== null) {
      // The killed thread may have stopped awaiting: then nobody hears it, which is well.
      this.#reject(this.#killed);
    } else {
      this.#resolve(this.#timedOut === null ? this.#body!.outcome! : [null, this.#timedOut]);
    }
  }
}
