import { fail, now, ok, report, type Result, type WaitOptions } from "../core/mod.ts";
import { kill, newthread, sleep, type Thread, wait } from "../thread/mod.ts";
import type { Ending } from "./types.ts";

/** What can be supervised: a {@linkcode Context} as it is, or any other with these two. */
export interface Supervised {
  /** Resolves when it has ended. */
  wait(): Promise<Result<Ending>>;
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

/** Who is restarted with whom, and how often. */
export interface Strategy {
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
export interface Supervisor extends Supervised {
  /** The child that runs now under a name, or null. */
  child(name: string): Supervised | null;
  /** Stops all children, the last first, each with its grace; resolves when all have ended. */
  stop(): Promise<Result<true>>;
}

interface Row {
  spec: ChildSpec;
  running: Supervised | null;
}

/**
 * Starts children in order and keeps them running: contexts, threads
 * ({@linkcode thread_child}), or whatever has `wait` and `destroy`, such as another supervisor.
 *
 * Fails with the error of the first child that does not start; those before it are stopped.
 * A supervisor that restarts too often stops all children and ends with the reason `threw`.
 * It ends with `returned` when no child is left to wait for. Needs no permission of its own.
 * After the supervisors of Erlang/OTP, whose words these are.
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
  const tree = new Tree(children, options);
  const [, err] = await tree.begin();
  return err === null ? ok<Supervisor>(tree) : fail(err);
}

/** A child that is a light thread, for {@linkcode ChildSpec.start}. */
export function thread_child(fn: () => unknown): Promise<Result<Supervised>> {
  const thread: Thread = newthread(async (): Promise<Result<true>> => {
    await fn();
    return [true, null];
  });
  return Promise.resolve(ok<Supervised>({
    async wait() {
      const [, err] = await thread.done as Result<true>;
      if (err === null) return ok<Ending>({ reason: "returned", message: "its function returned" });
      const reason = err.code === "killed" ? "killed" : "threw";
      return ok<Ending>({ reason, message: err.message });
    },
    destroy: (reason) => kill(thread, reason),
  }));
}

/** What {@linkcode process_child} needs of a process: the module `process` gives it. */
export interface ProcessLike {
  /** Resolves when it has ended, with its exit code and the signal that ended it. */
  wait(): Promise<Result<{ code: number; signal: string | null }>>;
  /** Ends its group; with a grace of 0 milliseconds at once. */
  stop(options: { grace: number }): unknown;
}

/** A child that is a process: what `fork` or `exec` of `process` give. Its group is killed. */
export async function process_child(
  started: Result<ProcessLike> | Promise<Result<ProcessLike>>,
): Promise<Result<Supervised>> {
  const [child, err] = await started;
  if (err !== null) return fail(err);
  return ok<Supervised>({
    async wait() {
      const [status, lost] = await child.wait();
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
  readonly #options: Required<Strategy>;
  readonly #ended = Promise.withResolvers<Ending>();
  #restarts: number[] = [];
  #work: Promise<unknown> = Promise.resolve();
  #over = false;

  constructor(children: readonly ChildSpec[], options: Strategy) {
    this.#rows = children.map((spec) => ({ spec, running: null }));
    this.#options = {
      strategy: "one_for_one",
      intensity: 3,
      period: 5000,
      backoff: 0,
      grace: 5000,
      ...options,
    };
  }

  async begin(): Promise<Result<true>> {
    const result = await this.#start(this.#rows);
    if (result[1] !== null) await this.stop();
    return result;
  }

  child(name: string): Supervised | null {
    return this.#rows.find(({ spec }) => spec.name === name)?.running ?? null;
  }

  async wait(): Promise<Result<Ending>> {
    return ok(await this.#ended.promise);
  }

  destroy(): void {
    for (const { running } of this.#rows) running?.destroy("its supervisor was destroyed");
    void this.stop();
  }

  async stop(): Promise<Result<true>> {
    await this.#finish({ reason: "destroyed", message: "its supervisor was stopped" });
    await this.#work;
    return [true, null];
  }

  async #start(rows: readonly Row[]): Promise<Result<true>> {
    for (const row of rows) {
      if (this.#over) break;
      const [running, err] = await row.spec.start();
      if (err !== null) return fail(err);
      if (this.#over) {
        running.destroy("its supervisor has ended");
        await running.wait();
        break;
      }
      row.running = running;
      running.wait().then(([ending]) => {
        if (ending !== null) this.#queue(() => this.#childEnded(row, running, ending));
      });
    }
    return [true, null];
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
    for (;;) {
      const since = now();
      this.#restarts = this.#restarts.filter((time) => time > since - this.#options.period);
      if (this.#restarts.push(since) > this.#options.intensity) {
        const message = `more than ${this.#options.intensity} restarts in ` +
          `${this.#options.period} ms, the last of '${name}'`;
        return await this.#finish({ reason: "threw", message });
      }
      if (this.#options.backoff > 0) {
        await sleep(this.#options.backoff * 2 ** (this.#restarts.length - 1));
      }
      const [, err] = await this.#start(rows.filter(({ running }) => running === null));
      if (err === null) return;
      report(err, `child '${name}'`);
    }
  }

  /** Ends children, the last first. */
  async #halt(rows: readonly Row[]): Promise<void> {
    for (const row of rows.toReversed()) {
      const { running, spec } = row;
      if (running === null) continue;
      row.running = null;
      const end = running.wait();
      if (spec.stop !== undefined) {
        await spec.stop(running);
        await within(end, this.#options.grace);
      }
      running.destroy("stopped by its supervisor");
      await end;
    }
  }

  async #finish(ending: Ending): Promise<void> {
    if (!this.#over) {
      this.#over = true;
      await this.#halt(this.#rows);
      this.#ended.resolve(ending);
    }
    await this.#ended.promise;
  }
}

/** Waits for an end, but no longer than `timeout`. */
async function within(end: Promise<unknown>, timeout: number): Promise<void> {
  const options: WaitOptions = { timeout };
  await wait(newthread(() => end), options);
}
