import {
  fail,
  IoError,
  now,
  ok,
  park,
  report,
  type Result,
  root,
  runIn,
  type WaitOptions,
} from "../core/mod.ts";
import { kill, newthread, sleep, type Thread, wait } from "../thread/mod.ts";
import type { Ending } from "./types.ts";

/** What can be supervised: a {@linkcode Context} as it is, or any other with these two. */
export interface Supervised {
  /** Resolves when it has ended. */
  wait(options?: WaitOptions): Promise<Result<Ending>>;
  /** Ends it, whatever it is doing. */
  destroy(reason?: string): unknown;
}

/** One child of a {@linkcode supervise}: how it is started, and when anew. */
export interface ChildSpec {
  /** For reports. */
  name: string;
  /** Starts it; called again for each restart. */
  start(): Promise<Result<Supervised>>;
  /**
   * `permanent` (default): always restarted; `transient`: only where it did not return;
   * `temporary`: never.
   */
  restart?: "permanent" | "transient" | "temporary";
  /** Asks it to end by itself; it is destroyed after `grace`. Destroyed at once without. */
  stop?(child: Supervised): unknown;
}

/**
 * Who is restarted with whom, and how often. `timeout` and `signal` bound the first start of
 * all children, with no limit by default.
 */
export interface Strategy extends WaitOptions {
  /**
   * `one_for_one` (default): the one that ended; `one_for_all`: all; `rest_for_one`: it and
   * those after it in the list.
   */
  strategy?: "one_for_one" | "one_for_all" | "rest_for_one";
  /** More restarts than this within `period` end the supervisor; 3 by default. */
  intensity?: number;
  /** Milliseconds, 5,000 by default. */
  period?: number;
  /** Milliseconds before the first restart in a period; doubled by each further. 0 by default. */
  backoff?: number;
  /** Milliseconds that a child has to end after `stop`; 5,000 by default. */
  grace?: number;
}

/** What {@linkcode supervise} gives. */
export interface Supervisor extends Supervised, AsyncDisposable {
  /** The child that runs now under a name, or null. */
  child(name: string): Supervised | null;
  /** Waits until it has ended, with all its children. */
  wait(options?: WaitOptions): Promise<Result<Ending>>;
  /**
   * Stops all children, the last first, each with its grace; resolves when all have ended.
   * Who gives up waiting for that does not keep it from happening.
   */
  stop(options?: WaitOptions): Promise<Result<true>>;
}

interface Row {
  spec: ChildSpec;
  running: Supervised | null;
}

/**
 * Starts children in order and keeps them running: contexts, threads
 * ({@linkcode thread_child}), or whatever has `wait` and `destroy`, such as another supervisor.
 *
 * Fails with the error of the first child that does not start; those before it are stopped,
 * as they are when the time is over, or the thread that called is killed. From then on the
 * children belong to the supervisor and to no thread or scope: `stop` ends them, or the end
 * of an `await using` block.
 *
 * A supervisor that restarts too often stops all children and ends with the reason `threw`.
 * It ends with `returned` when no child is left to wait for. A start or stop that throws is
 * reported, and counts as one that failed. Needs no permission of its own. After the
 * supervisors of Erlang/OTP, whose words these are.
 *
 * @example Usage
 * ```ts
 * import { supervise, thread_child, unwrap } from "@alilua/coevent/context";
 * import { on_error, sleep } from "@alilua/coevent/thread";
 *
 * let starts = 0;
 * const again = Promise.withResolvers<void>();
 * async function work() {
 *   if (++starts === 1) throw new Error("the first time");
 *   again.resolve();
 *   await sleep(60_000);
 * }
 * const off = on_error(() => {}); // it would be told of the failure
 * await using tree = unwrap(
 *   await supervise([{ name: "worker", start: () => thread_child(work) }], { backoff: 1 }),
 * );
 * await again.promise;
 * console.log(starts); // 2
 * await tree.stop();
 * off();
 * ```
 */
export async function supervise(
  children: readonly ChildSpec[],
  options: Strategy = {},
): Promise<Result<Supervisor>> {
  const { strategy = "one_for_one" } = options;
  if (!["one_for_one", "one_for_all", "rest_for_one"].includes(strategy)) {
    throw new TypeError(
      `strategy must be one_for_one, one_for_all or rest_for_one: got ${strategy}`,
    );
  }
  if (children.length === 0) throw new RangeError("supervise wants at least one child: got none");
  let thrown: { error: unknown } | null = null;
  const result = await park<Result<Supervisor>>(
    () => "start supervised children",
    options,
    (wake) => {
      const tree = new Tree(children, options);
      const failed = (error: unknown) => {
        thrown = { error };
        wake(fail(new IoError("failed", "A child threw when it was started", { cause: error })));
      };
      asRoot(() => tree.begin()).then(
        ([, err]) => wake(err === null ? ok(tree) : fail(err)),
        failed,
      );
      return () => void asRoot(() => tree.end());
    },
  );
  if (thrown !== null) throw (thrown as { error: unknown }).error;
  return result;
}

/** Children are no thread's: one that is killed must not take their next start along. */
function asRoot<T>(fn: () => Promise<T>): Promise<T> {
  return runIn(root, fn, []);
}

/**
 * A child that is a light thread, for {@linkcode ChildSpec.start}.
 *
 * @example Usage
 * ```ts
 * import { supervise, thread_child, unwrap } from "@alilua/coevent/context";
 *
 * await using tree = unwrap(
 *   await supervise([{ name: "once", start: () => thread_child(() => 1), restart: "temporary" }]),
 * );
 * console.log((await unwrap(tree.wait())).reason); // returned
 * ```
 */
export function thread_child(fn: () => unknown): Promise<Result<Supervised>> {
  const thread: Thread = newthread(async (): Promise<Result<true>> => {
    await fn();
    return [true, null];
  });
  return Promise.resolve(ok<Supervised>({
    wait: (options) =>
      park<Result<Ending>>(() => "wait for a supervised thread", options ?? {}, (wake) => {
        thread.done.then(([, err]) => wake(ok(endingOf(err))));
        return () => {};
      }),
    destroy: (reason) => kill(thread, reason),
  }));
}

function endingOf(err: IoError | null): Ending {
  if (err === null) return { reason: "returned", message: "its function returned" };
  return { reason: err.code === "killed" ? "killed" : "threw", message: err.message };
}

/** What {@linkcode process_child} needs of a process: the module `process` gives it. */
export interface ProcessLike {
  /** Resolves when it has ended, with its exit code and the signal that ended it. */
  wait(options?: WaitOptions): Promise<Result<{ code: number; signal: string | null }>>;
  /** Ends its group; with a grace of 0 milliseconds at once. */
  stop(options: { grace: number }): unknown;
}

/**
 * A child that is a process: what `fork` or `exec` of `process` give. Its group is killed.
 *
 * @example Usage
 * ```ts
 * import { process_child, supervise, unwrap } from "@alilua/coevent/context";
 * import { exec } from "@alilua/coevent/process";
 *
 * await using tree = unwrap(
 *   await supervise([{
 *     name: "tool",
 *     start: () => process_child(exec(["true"])),
 *     restart: "temporary",
 *   }]),
 * );
 * console.log((await unwrap(tree.wait())).reason); // returned
 * ```
 */
export async function process_child(
  started: Result<ProcessLike> | Promise<Result<ProcessLike>>,
): Promise<Result<Supervised>> {
  const result = await started;
  if (!Array.isArray(result)) {
    throw new TypeError(`process_child wants what exec or fork gave: got ${typeof result}`);
  }
  const [child, err] = result;
  if (err !== null) return fail(err);
  return ok<Supervised>({
    async wait(options) {
      const [status, lost] = await child.wait(options);
      if (lost !== null) return fail(lost);
      const { code, signal } = status;
      if (signal !== null) return ok<Ending>({ reason: "killed", message: `by ${signal}` });
      const reason = code === 0 ? "returned" : "exited";
      return ok<Ending>({ reason, message: `exit code ${code}` });
    },
    destroy: () => void child.stop({ grace: 0 }),
  });
}

class Tree implements Supervisor {
  readonly #rows: Row[];
  readonly #options: Required<Omit<Strategy, keyof WaitOptions>>;
  readonly #ended = Promise.withResolvers<Ending>();
  /** Resolves when it begins to end, so that nothing keeps it waiting. */
  readonly #ending = Promise.withResolvers<null>();
  #restarts: number[] = [];
  #work: Promise<unknown> = Promise.resolve();
  #late: Promise<void> | null = null;
  #over = false;

  constructor(children: readonly ChildSpec[], options: Strategy) {
    this.#rows = children.map((spec) => ({ spec, running: null }));
    const {
      strategy = "one_for_one",
      intensity = 3,
      period = 5000,
      backoff = 0,
      grace = 5000,
    } = options;
    this.#options = { strategy, intensity, period, backoff, grace };
  }

  async begin(): Promise<Result<true>> {
    let good = false;
    try {
      const starting = this.#start(this.#rows);
      // Ends are dealt with when all have been started: until then the only one may not be
      // the last.
      this.#work = starting.then(() => {}, () => {});
      const result = await starting;
      good = result[1] === null;
      return result;
    } finally {
      if (!good) await this.end();
    }
  }

  child(name: string): Supervised | null {
    return this.#rows.find(({ spec }) => spec.name === name)?.running ?? null;
  }

  wait(options: WaitOptions = {}): Promise<Result<Ending>> {
    return park<Result<Ending>>(() => "wait for a supervisor", options, (wake) => {
      this.#ended.promise.then((ending) => wake(ok(ending)));
      return () => {};
    });
  }

  destroy(): void {
    for (const { running } of this.#rows) running?.destroy("its supervisor was destroyed");
    void asRoot(() => this.end());
  }

  stop(options: WaitOptions = {}): Promise<Result<true>> {
    // Also by a killed thread, which cannot wait for it.
    const stopped = asRoot(() => this.end());
    return park<Result<true>>(() => "stop a supervisor", options, (wake) => {
      stopped.then(() => wake([true, null]));
      return () => {};
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await asRoot(() => this.end());
  }

  async end(): Promise<void> {
    await this.#finish({ reason: "destroyed", message: "its supervisor was stopped" });
    await this.#work;
    await this.#late;
  }

  async #start(rows: readonly Row[]): Promise<Result<true>> {
    for (const row of rows) {
      if (this.#over) break;
      const starting = row.spec.start();
      const started = await this.#unlessOver(starting);
      if (started === null || this.#over) {
        this.#late = this.#tooLate(starting);
        break;
      }
      const [running, err] = started;
      if (err !== null) return fail(err);
      row.running = running;
      running.wait().then(([ending]) => {
        if (ending !== null) this.#queue(() => this.#childEnded(row, running, ending));
      });
    }
    return [true, null];
  }

  /** What comes of it, comes too late; one that never does is waited for within the grace. */
  #tooLate(starting: Promise<Result<Supervised>>): Promise<void> {
    const end = starting.then(([late]) => {
      late?.destroy("its supervisor has ended");
      return late?.wait();
    }, () => {});
    return within(() => end, this.#options.grace);
  }

  /** Waits for something, but not when it ends. */
  #unlessOver<T>(promise: Promise<T>): Promise<T | null> {
    return Promise.race([promise, this.#ending.promise]);
  }

  /** One end is dealt with at a time, or two would restart the same child twice. */
  #queue(step: () => Promise<void>): void {
    this.#work = this.#work.then(step);
  }

  async #childEnded(row: Row, ended: Supervised, ending: Ending): Promise<void> {
    if (this.#over || row.running !== ended) return;
    row.running = null;
    const { restart = "permanent", name } = row.spec;
    if (ending.reason !== "returned") {
      report(`ended (${ending.reason}): ${ending.message}`, `child '${name}'`);
    }
    if (restart === "temporary" || (restart === "transient" && ending.reason === "returned")) {
      if (this.#rows.every(({ running }) => running === null)) {
        await this.#finish({ reason: "returned", message: "no child is left" });
      }
      return;
    }
    const at = this.#rows.indexOf(row);
    const { strategy } = this.#options;
    const from = strategy === "one_for_all" ? 0 : at;
    const rows = this.#rows.slice(from, strategy === "one_for_one" ? at + 1 : undefined);
    await this.#halt(rows);
    await this.#restart(rows, name);
  }

  /** Starts what has ended, until all of it runs, or that was tried too often. */
  async #restart(rows: readonly Row[], name: string): Promise<void> {
    while (!this.#over) {
      const since = now();
      this.#restarts = this.#restarts.filter((time) => time > since - this.#options.period);
      if (this.#restarts.push(since) > this.#options.intensity) {
        const message = `more than ${this.#options.intensity} restarts in ` +
          `${this.#options.period} ms, the last of '${name}'`;
        return await this.#finish({ reason: "threw", message });
      }
      if (this.#options.backoff > 0) await this.#pause();
      try {
        const [, err] = await this.#start(rows.filter(({ running }) => running === null));
        if (err === null) return;
        report(err, `child '${name}'`);
      } catch (error) {
        report(error, `the start of child '${name}'`);
      }
    }
  }

  async #pause(): Promise<void> {
    const gaveUp = new AbortController();
    const pause = sleep(this.#options.backoff * 2 ** (this.#restarts.length - 1), gaveUp);
    await this.#unlessOver(pause);
    gaveUp.abort();
  }

  /** Ends children, the last first. */
  async #halt(rows: readonly Row[]): Promise<void> {
    for (const row of rows.toReversed()) {
      const { running, spec } = row;
      if (running === null) continue;
      row.running = null;
      const end = running.wait();
      if (spec.stop !== undefined) {
        await within(() => this.#ask(spec, running, end), this.#options.grace);
      }
      running.destroy("stopped by its supervisor");
      await end;
    }
  }

  /** Asks a child to end, and waits until it has. */
  async #ask({ name, stop }: ChildSpec, child: Supervised, end: Promise<unknown>): Promise<void> {
    try {
      await stop?.(child);
      await end;
    } catch (error) {
      report(error, `the stop of child '${name}'`);
    }
  }

  async #finish(ending: Ending): Promise<void> {
    if (!this.#over) {
      this.#over = true;
      this.#ending.resolve(null);
      await this.#halt(this.#rows);
      this.#ended.resolve(ending);
    }
    await this.#ended.promise;
  }
}

/** Waits for what `fn` does, but no longer than `timeout`. */
async function within(fn: () => Promise<unknown>, timeout: number): Promise<void> {
  await wait(newthread(fn), { timeout });
}
