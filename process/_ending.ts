import { Deadline, type Group, type IoError, now } from "../core/mod.ts";

/** Between two looks at what is left of a group: from this many milliseconds ... */
const FIRST_LOOK = 5;
/** ... up to this many; the system does not tell when an orphan ends. */
const LAST_LOOK = 100;

/** So long, in milliseconds, may it take until what was killed is gone. */
export const DYING = 250;

/** A child, as far as its ending goes. */
export interface Mortal {
  readonly group: Group;
  /** The child itself has ended. */
  readonly ended: boolean;
  /** Calls `then` when the child itself has ended. */
  onEnd(then: () => void): () => void;
}

/**
 * The end of a group: a signal (then SIGTERM for what the child leaves), a grace, SIGKILL. Goes on by itself once begun,
 * whoever waits for it.
 */
export class Ending {
  /** Kept when nothing of the group runs any more, with the error if it could not be ended. */
  readonly done: Promise<IoError | null>;
  readonly #child: Mortal;
  readonly #look: Deadline;
  #resolve!: (err: IoError | null) => void;
  #killAt: number;
  #giveUpAt = Infinity;
  #pause = FIRST_LOOK;
  /** What is left of the group has been sent SIGTERM. */
  #asked: boolean;
  #over = false;

  constructor(child: Mortal, first: Deno.Signal, grace: number) {
    this.#child = child;
    this.#asked = first === "SIGTERM";
    this.#killAt = now() + grace;
    this.#look = new Deadline(() => this.#step(), true);
    this.done = new Promise((resolve) => this.#resolve = resolve);
    const err = grace === 0 ? null : child.group.signal(first);
    if (err !== null && err.code !== "gone") {
      this.#finish(err);
    } else {
      if (!child.ended) child.onEnd(() => this.#step());
      this.#step();
    }
  }

  /** Somebody else wants it ended, and grants it less time. */
  hasten(grace: number): void {
    this.#killAt = Math.min(this.#killAt, now() + grace);
    this.#step();
  }

  #step(): void {
    if (this.#over) return;
    const { ended, group } = this.#child;
    if (ended && group.lives() !== true) return this.#finish(null);
    if (ended && !this.#asked) {
      // Shells let their background jobs ignore SIGINT: they are asked once more.
      this.#asked = true;
      group.signal("SIGTERM");
    }
    const time = now();
    if (this.#giveUpAt === Infinity && time >= this.#killAt) {
      const err = group.signal("SIGKILL");
      if (err !== null && err.code !== "gone") return this.#finish(err);
      this.#giveUpAt = time + DYING;
      this.#pause = FIRST_LOOK;
    }
    // After SIGKILL an orphan may only wait to be reaped, by a process that never does.
    if (ended && time >= this.#giveUpAt) return this.#finish(null);
    const limit = Math.min(this.#giveUpAt, this.#killAt > time ? this.#killAt : Infinity);
    if (ended) {
      this.#look.set(Math.min(time + this.#pause, limit));
      this.#pause = Math.min(2 * this.#pause, LAST_LOOK);
    } else if (this.#giveUpAt === Infinity) {
      this.#look.set(this.#killAt);
    }
  }

  #finish(err: IoError | null): void {
    this.#over = true;
    this.#look.remove();
    if (err === null) this.#child.group.leaderEnded();
    this.#resolve(err);
  }
}
