import {
  afterTurn,
  cancelled,
  checkTimeout,
  current,
  Deadline,
  dying,
  fairly,
  IoError,
  now,
  type Outcome,
  refusal,
  report,
  root,
  Scope as Members,
  type Task,
  type ThreadKilled,
  Wait,
} from "../core/mod.ts";
import { setImmediate } from "node:timers";
import { onErrorOf } from "./_args.ts";
import { scopes, start, tellFailures } from "./_run.ts";
import { outermost } from "./_scopes.ts";
import type { Waited } from "./types.ts";

/** How long killed threads have to unwind before their scope closes without them: 5 s. */
const GRACE = 5_000;

/** What the function of `scope` and `deadline` gets: the scope that it runs in. */
export interface Scope {
  /** How many threads, servers and children are in it, the function itself included. */
  readonly size: number;
  /** Kills every thread of the scope but the one that calls, and ends its children. */
  close(reason?: unknown): void;
}

/** How a scope is to end. */
export interface ScopeOptions {
  /** Milliseconds that killed threads have to unwind; 5,000 by default. */
  grace?: number;
  /** Of `scope`: milliseconds for the whole; 0, the default, is no limit. */
  timeout?: number;
  /** When aborted, every thread in the scope is killed and the result is `cancelled`. */
  signal?: AbortSignal;
  /**
   * What becomes of a thread that throws while nobody waits for it. `"cancel"`: all others
   * are killed, and the scope gives that failure. `"collect"`: the others run on, `fn`
   * too, and the scope gives `failed` with an `AggregateError` of all that threw.
   *
   * Left out, the others run on, and `on_error` hears of it when the scope ends.
   */
  on_error?: "cancel" | "collect";
}

/** How a scope is opened, beside what its caller may choose. */
export interface Opening {
  name: string;
  /** Milliseconds for the whole; 0 for no limit. */
  limit: number;
  /** A kill of the thread that opens it does not reach it. */
  shielded?: boolean;
  /** To whom is left what is not over when its function has succeeded; by default it is waited for. */
  heir?: Members | null;
}

/** Runs `fn` in a scope of its own. */
export function openScope<R>(
  opening: Opening,
  fn: (scope: Scope) => R,
  options: ScopeOptions,
): Promise<Waited<Awaited<R>>> {
  const { name, shielded = false } = opening;
  if (typeof fn !== "function") throw new TypeError(`${name} wants a function: got ${typeof fn}`);
  const grace = checkTimeout(options.grace ?? GRACE, "grace");
  const { signal } = options;
  const onError = onErrorOf(options.on_error);
  if (dying !== 0 && !shielded) {
    const refused = refusal();
    if (refused !== null) return refused;
  }
  if (signal?.aborted) return afterTurn([null, cancelled(`begin ${name}`, signal)]);
  const running = new Running(opening, grace, onError, signal);
  return fairly(running.start(fn)) as Promise<Waited<Awaited<R>>>;
}

/**
 * Runs `fn` in a scope that leaves to the caller's what is not over when `fn` has succeeded:
 * servers, children and threads go on as if `fn` had been called without. Of one that fails
 * nothing is left, as of any scope.
 */
export function handingOver<R>(
  name: string,
  fn: (scope: Scope) => R,
  options: ScopeOptions,
): Promise<Waited<Awaited<R>>> {
  const opening = { name, limit: checkTimeout(options.timeout ?? 0), heir: current().scope };
  return openScope(opening, fn, options);
}

/** A scope from its opening to its end, and the wait of the thread that opened it. */
class Running extends Wait implements Scope {
  readonly #name: string;
  readonly #limit: number;
  readonly #shielded: boolean;
  readonly #onError: ScopeOptions["on_error"];
  readonly #signal: AbortSignal | undefined;
  readonly #heir: Members | null;
  readonly #members: Members;
  readonly #timer: Deadline;
  #body: Task | null = null;
  #closing = false;
  #inGrace = false;
  #over = false;
  #killed: ThreadKilled | null = null;
  /** What the scope gives in place of what its function returned. */
  #instead: IoError | null = null;
  #resolve!: (outcome: Outcome) => void;
  #reject!: (error: unknown) => void;

  constructor(
    { name, limit, shielded = false, heir = null }: Opening,
    grace: number,
    onError: ScopeOptions["on_error"],
    signal: AbortSignal | undefined,
  ) {
    super();
    this.#name = name;
    this.#heir = heir;
    this.#members = new Members(grace);
    this.#members.answers = onError !== undefined;
    this.#limit = limit;
    this.#shielded = shielded;
    this.#onError = onError;
    this.#signal = signal;
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
    this.#signal?.addEventListener("abort", this.#aborted);
    scopes.add(this.#members);
    if (this.task === root) outermost.add(this.#members);
    this.#members.onChange = (task) => this.#changed(task);
    const body = start(this.#members, this.#name, fn, [this]);
    this.#body = body;
    body.observed = true;
    // What has thrown before was not heard of, for there was no body yet.
    for (const task of this.#members.failures.keys()) {
      if (this.#onError === "cancel") this.#failLater(task);
    }
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
    const broken = task === this.#body &&
      (task.killed !== null || (task.threw && this.#onError !== "collect"));
    if (left === 0) this.#finish();
    else if (this.#heir !== null && this.#body.unwound && !this.#closing) this.#settleEstate();
    else if (broken) this.#closeAll(task.outcome?.[1]);
    else if (left === this.#members.behind.size) this.#closeAll("all others have ended");
    else if (task.threw && this.#onError === "cancel") this.#failLater(task);
    else if (left === this.#members.dying) this.#beginGrace();
  }

  /** The function has come to its end, and left something that has not. */
  #settleEstate(): void {
    const err = this.#body!.outcome![1];
    if (err !== null) return this.#closeAll(err);
    const heir = this.#heir!.present;
    for (const task of this.#members.tasks) task.moveTo(heir);
    this.#members.heir = heir;
    this.#finish();
  }

  #timePassed(): void {
    if (this.#closing) {
      this.#reportStragglers();
      this.#finish();
      return;
    }
    const words = `Cannot end ${this.#name}: it took longer than ${this.#limit} ms`;
    this.#giveUp(new IoError("timeout", words));
  }

  readonly #aborted = (): void => {
    this.#giveUp(cancelled(`end ${this.#name}`, this.#signal!));
  };

  /** A thread has thrown; a `wait` for it later in this turn takes that upon itself. */
  #failLater(task: Task): void {
    setImmediate(() => {
      if (task.observed || this.#over) return;
      task.observed = true;
      this.#members.failures.delete(task);
      this.#giveUp(task.outcome![1]!);
    });
  }

  #giveUp(why: IoError): void {
    if (this.#closing || this.#over) return;
    this.#instead = why;
    this.#closeAll(why);
  }

  /** What the threads that threw, and that nobody has waited for, make of the scope. */
  #takeFailures(): void {
    if (this.#onError === undefined || this.#instead !== null || this.#killed !== null) return;
    const { failures } = this.#members;
    const failed = [...failures.keys()].filter((task) => !task.observed);
    if (this.#body!.threw) failed.unshift(this.#body!);
    if (failed.length === 0) return;
    if (this.#onError === "cancel") {
      const [first] = failed;
      first!.observed = true;
      this.#instead = first!.outcome![1];
      return;
    }
    for (const task of failed) task.observed = true;
    const words = `Threads of ${this.#name} threw: ` +
      failed.map((task) => `'${task.name}'`).join(", ");
    const cause = new AggregateError(failed.map((task) => task.outcome![1]!.cause), words);
    this.#instead = new IoError("failed", words, { cause });
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
    const { grace } = this.#members;
    if (grace !== Infinity && grace !== 0) this.#timer.set(now() + grace);
  }

  #reportStragglers(): void {
    for (const task of this.#members.tasks) {
      const words = `It has not unwound within ${this.#members.grace} ms after it was killed: ` +
        `it waits for something that is not ours, or in a loop`;
      report(new IoError("timeout", words), `thread '${task.name}'`);
    }
  }

  #finish(): void {
    this.#over = this.#members.over = true;
    this.#timer.remove();
    this.#signal?.removeEventListener("abort", this.#aborted);
    this.leave();
    scopes.delete(this.#members);
    outermost.delete(this.#members);
    this.#takeFailures();
    tellFailures(this.#members);
    if (this.#killed !== null) {
      // The killed thread may have stopped awaiting: then nobody hears it, which is well.
      this.lasting!.catch(() => {});
      this.#reject(this.#killed);
    } else {
      this.#resolve(this.#instead === null ? this.#body!.outcome! : [null, this.#instead]);
    }
  }
}
