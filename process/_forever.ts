import {
  checkTimeout,
  Deadline,
  type Encoding,
  now,
  park,
  report,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import type { Stream } from "../stream/mod.ts";
import { programEnds } from "./_attached.ts";
import { GRACE, type Member } from "./_member.ts";
import type { Spawned } from "./_spawned.ts";
import type { Child, ExitStatus, StopOptions } from "./types.ts";

/** How long to wait before a child is started anew. */
export interface BackoffOptions {
  /** Milliseconds before the first new start, doubled each time; 100 by default, at least 1. */
  delay?: number;
  /** The longest pause in milliseconds; 30,000 by default. */
  max_delay?: number;
  /** A child that ran so many milliseconds begins with `delay` again; 10,000 by default. */
  stable?: number;
}

/** The pauses between starts: they grow, but for a child that ran well. */
export class Backoff {
  readonly #first: number;
  readonly #most: number;
  readonly #stable: number;
  #next: number;

  constructor({ delay = 100, max_delay = 30_000, stable = 10_000 }: BackoffOptions) {
    this.#first = checkTimeout(delay, "forever: delay");
    if (delay < 1) throw new RangeError(`forever: delay must be 1 ms or more: got ${delay}`);
    this.#most = Math.max(checkTimeout(max_delay, "forever: max_delay"), delay);
    this.#stable = checkTimeout(stable, "forever: stable");
    this.#next = this.#first;
  }

  /** The pause after a child that ran so many milliseconds. */
  pause(ran: number): number {
    if (ran >= this.#stable) this.#next = this.#first;
    const pause = this.#next;
    this.#next = Math.min(2 * pause, this.#most);
    return pause;
  }
}

/** A child that is started anew whenever it ends. */
export class Forever<E extends Encoding> implements Child<E> {
  readonly #start: () => Result<Spawned<E>>;
  readonly #backoff: Backoff;
  readonly detached: boolean;
  /** What the scope knows of it, over all new starts; `null` if it belongs to none. */
  member: Member | null = null;
  readonly #watchers = new Set<() => void>();
  #child: Spawned<E>;
  #again: Deadline;
  #keepsAlive: boolean;
  #restarts = 0;
  #startedAt = now();
  #stopping = false;
  #over = false;

  constructor(first: Spawned<E>, start: () => Result<Spawned<E>>, backoff: Backoff) {
    this.#child = first;
    this.#start = start;
    this.#backoff = backoff;
    this.detached = first.detached;
    this.#keepsAlive = !first.detached;
    this.#again = this.#timer();
    this.#watch(first);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get command(): string {
    return this.#child.command;
  }

  get status(): ExitStatus | null {
    return this.#over ? this.#child.status : null;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get stdin(): Stream<E> {
    return this.#child.stdin;
  }

  get stdout(): Stream<E> {
    return this.#child.stdout;
  }

  get stderr(): Stream<E> {
    return this.#child.stderr;
  }

  wait(options: WaitOptions = {}): Promise<Result<ExitStatus>> {
    return park<Result<ExitStatus>>(
      () => `wait for the end of ${this.command}`,
      options,
      (wake) => {
        const tell = () => wake(this.#child.outcome!);
        if (this.#over) tell();
        else this.#watchers.add(tell);
        return () => void this.#watchers.delete(tell);
      },
    );
  }

  kill(signal?: string | number): Result<true> {
    return this.#child.kill(signal);
  }

  stop(options: StopOptions = {}): Promise<Result<ExitStatus>> {
    const { grace = GRACE, ...wait } = options;
    this.beginStop(checkTimeout(grace, "grace"));
    return this.#child.stop({ ...wait, grace });
  }

  ref(): void {
    this.#keep(true);
  }

  unref(): void {
    this.#keep(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.beginStop(GRACE);
    await this.#child[Symbol.asyncDispose]();
  }

  /** Begins to end the present one, after which none is started; goes on by itself. */
  beginStop(grace: number): void {
    this.#stopping = true;
    this.#again.remove();
    const child = this.#child;
    const gone = () => this.member?.end();
    child.beginStop(grace).done.then(() => child.ended ? gone() : child.onEnd(gone));
    if (this.#child.ended) this.#finish();
  }

  #timer(): Deadline {
    return new Deadline(() => this.#restart(), this.#keepsAlive);
  }

  #keep(alive: boolean): void {
    this.#keepsAlive = alive;
    if (alive) this.#child.ref();
    else this.#child.unref();
    const { at } = this.#again;
    this.#again.remove();
    this.#again = this.#timer();
    if (at !== Infinity) this.#again.set(at);
    this.member?.keep(alive);
  }

  #watch(child: Spawned<E>): void {
    this.#startedAt = now();
    child.onEnd(() => {
      if (this.#stopping || programEnds()) this.#finish();
      else this.#again.set(now() + this.#backoff.pause(now() - this.#startedAt));
    });
  }

  #restart(): void {
    if (programEnds()) return this.#finish();
    const [child, err] = this.#start();
    if (err === null) {
      this.#child = child;
      this.#restarts += 1;
      if (!this.#keepsAlive) child.unref();
      this.#watch(child);
    } else {
      report(err, `fork of ${this.command}`);
      this.#again.set(now() + this.#backoff.pause(0));
    }
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    // Else its group may still have to be ended.
    if (!this.#stopping) this.member?.end();
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const tell of watchers) tell();
  }
}
