import {
  type Bytes,
  checkTimeout,
  type Encoding,
  fail,
  fromOs,
  Group,
  IoError,
  now,
  ok,
  park,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { BufferedStream, type Stream } from "../stream/mod.ts";
import { attach, release } from "./_attached.ts";
import { Ending } from "./_ending.ts";
import { GRACE, type Member } from "./_member.ts";
import { signalOf } from "./_names.ts";
import { PipeSource } from "./_pipes.ts";
import { enter, leave, tell } from "./_registry.ts";
import type { Child, ChildRow, ExitStatus, SpawnOptions, StopOptions } from "./types.ts";

type Name = "stdin" | "stdout" | "stderr";

/** A child that has been started. */
export class Spawned<E extends Encoding = "lines"> implements Child<E> {
  readonly pid: number;
  readonly command: string;
  readonly restarts = 0;
  readonly detached: boolean;
  readonly group: Group;
  /** What the scope knows of it; `null` if it belongs to none. */
  member: Member | null = null;
  readonly #process: Deno.ChildProcess;
  readonly #options: SpawnOptions<E>;
  readonly #born = now();
  readonly #watchers = new Set<() => void>();
  readonly #streams = new Map<Name, Stream<E>>();
  /** Pipes that were handed out otherwise than as streams. */
  readonly #taken = new Set<Name>();
  #outcome: Result<ExitStatus> | null = null;
  #ending: Ending | null = null;
  #keepsAlive = true;
  #waiting = 0;

  /** Takes over a child that was just spawned with these options. */
  constructor(process: Deno.ChildProcess, command: string, options: SpawnOptions<E>) {
    this.pid = process.pid;
    this.command = command;
    this.detached = options.detached === true;
    this.group = new Group(process, command);
    this.#process = process;
    this.#options = options;
    enter(this as unknown as Spawned);
    if (!this.detached) attach(this);
    else if (!this.#piped("stdin") && !this.#piped("stdout") && !this.#piped("stderr")) {
      this.unref();
    }
    const { pid } = this;
    process.status.then(
      ({ code, signal, success }) => this.#end(ok({ pid, code, signal, success })),
      (error) => this.#end(fail(fromOs(error, `Cannot learn how ${command} ended`))),
    );
  }

  get status(): ExitStatus | null {
    return this.#outcome?.[0] ?? null;
  }

  get ended(): boolean {
    return this.#outcome !== null;
  }

  /** How it ended, or why that cannot be learnt; `null` while it runs. */
  get outcome(): Result<ExitStatus> | null {
    return this.#outcome;
  }

  get stdin(): Stream<E> {
    return this.#stream("stdin");
  }

  get stdout(): Stream<E> {
    return this.#stream("stdout");
  }

  get stderr(): Stream<E> {
    return this.#stream("stderr");
  }

  /** Hands over the raw end of a pipe that the child writes to. */
  takeReadable(name: "stdout" | "stderr"): ReadableStream<Bytes> {
    this.#taken.add(name);
    return this.#process[name] as ReadableStream<Bytes>;
  }

  /** Hands over the raw end of the pipe that the child reads from. */
  takeWritable(): WritableStream<Bytes> {
    this.#taken.add("stdin");
    return this.#process.stdin;
  }

  /** Calls `then` when it has ended; gives the way to take that back. */
  onEnd(then: () => void): () => void {
    this.#watchers.add(then);
    return () => void this.#watchers.delete(then);
  }

  wait(options: WaitOptions = {}): Promise<Result<ExitStatus>> {
    const what = () => `wait for ${this.command}, process ${this.pid}`;
    return park<Result<ExitStatus>>(what, options, (wake) => {
      if (this.#outcome !== null) {
        wake(this.#outcome);
        return () => {};
      }
      const stop = this.#holdAlive();
      const forget = this.onEnd(() => {
        stop();
        wake(this.#outcome!);
      });
      return () => {
        stop();
        forget();
      };
    });
  }

  kill(signal: string | number = "SIGTERM"): Result<true> {
    const name = signalOf(signal, "kill");
    return name instanceof IoError ? fail(name) : this.#send(name, false);
  }

  /** Sends a signal to the child and not to its group. */
  killAlone(name: Deno.Signal): Result<true> {
    return this.#send(name, true);
  }

  #send(name: Deno.Signal, alone: boolean): Result<true> {
    const { status } = this;
    if (status !== null) {
      const words = `Cannot send ${name} to ${this.command}: it has ended`;
      const reason = status.signal === null ? "exited" : "killed";
      return fail(new IoError("gone", words, { reason }));
    }
    const err = this.group.signal(name, alone);
    return err === null ? ok<true>(true) : fail(err);
  }

  stop(options: StopOptions = {}): Promise<Result<ExitStatus>> {
    const ending = this.beginStop(checkTimeout(options.grace ?? GRACE, "grace"));
    const what = () => `stop ${this.command}, process ${this.pid}`;
    return park<Result<ExitStatus>>(what, options, (wake) => {
      ending.done.then((err) => wake(err === null ? this.#outcome! : fail(err)));
      return () => {};
    });
  }

  /** Begins to end the group, or hastens it; goes on by itself. */
  beginStop(grace: number): Ending {
    if (this.#ending === null) {
      this.#ending = new Ending(this, "SIGTERM", grace);
      this.#hold();
    } else {
      this.#ending.hasten(grace);
    }
    return this.#ending;
  }

  ref(): void {
    this.#keepsAlive = true;
    this.#hold();
    this.member?.keep(true);
  }

  unref(): void {
    this.#keepsAlive = false;
    this.#hold();
    this.member?.keep(false);
  }

  /** Its row in `children()`. */
  row(): ChildRow {
    const { pid, command, detached } = this;
    const state = this.#ending === null ? "running" : "stopping";
    return { pid, command, state, age: now() - this.#born, detached };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const names: Name[] = ["stdin", "stdout", "stderr"];
    const pipes = names.filter((name) => this.#piped(name) && !this.#taken.has(name));
    for (const name of pipes) this.#stream(name).close_immediately();
    this.beginStop(GRACE);
    await this.#ending!.done;
  }

  /** Whoever waits holds the program, also for a child that does not hold it itself. */
  #holdAlive(): () => void {
    this.#waiting += 1;
    this.#hold();
    return () => {
      this.#waiting -= 1;
      this.#hold();
    };
  }

  /** So does the end that was begun, which is to be brought about. */
  #hold(): void {
    try {
      if (this.#keepsAlive || this.#waiting > 0 || this.#ending !== null) this.#process.ref();
      else this.#process.unref();
    } catch (error) {
      // It has ended, and the news of that is on its way: nothing is left to hold.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  #piped(name: Name): boolean {
    return this.#options[name] === "piped";
  }

  #stream(name: Name): Stream<E> {
    if (!this.#piped(name)) {
      throw new TypeError(`${name} of ${this.command} is no pipe: start it with ${name}: "piped"`);
    }
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      const ends = name === "stdin"
        ? { readable: null, writable: this.#process.stdin }
        : { readable: this.#process[name] as ReadableStream<Bytes>, writable: null };
      const { encoding, timeout } = this.#options;
      const label = `${name} of ${this.command}`;
      stream = new BufferedStream<E>(new PipeSource(ends, label), {
        name: label,
        ...(encoding === undefined ? {} : { encoding }),
        ...(timeout === undefined ? {} : { timeout }),
      });
      this.#streams.set(name, stream);
    }
    return stream;
  }

  #end(outcome: Result<ExitStatus>): void {
    this.#outcome = outcome;
    release(this);
    if (this.#ending === null) {
      this.group.leaderEnded();
      this.#gone();
    } else {
      this.#ending.done.then(() => this.#gone());
    }
    tell(this as unknown as Spawned, outcome);
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const then of watchers) then();
  }

  #gone(): void {
    leave(this as unknown as Spawned);
    this.member?.end();
  }
}
