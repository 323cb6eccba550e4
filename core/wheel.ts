/**
 * One wheel under all sleeps and timeouts.
 *
 * How it works. A runtime timer costs as much as a read, so there is one for all.
 * Deadlines stand in buckets, a bucket a tick; the ticks stand in a heap; the runtime
 * timer is armed for the first. The further away a deadline is, the coarser its tick
 * (never early), so that 100,000 sleepers share a few dozen buckets.
 *
 * An operation on a socket only writes `at` into the deadline that its socket owns.
 * When the bucket comes round too early for it, the deadline is put further back;
 * when nobody waits any more, it is dropped. So the usual receive, which ends long
 * before its timeout, never touches the wheel.
 */
import { type Clock, systemClock } from "./clock.ts";
import { Link } from "./link.ts";

/** A moment at which something must be called, unless it is taken back before. */
export class Deadline extends Link {
  /** When it is due; `Infinity` while nobody waits for it. */
  at = Infinity;
  /** The tick of the bucket it stands in; `Infinity` while it stands in none. */
  tick = Infinity;
  #wheel: Wheel | null = null;

  /**
   * `keepsAlive` says that waiting for this deadline alone must keep the program
   * alive. Where the operation itself does so (a read of a socket), it is false.
   */
  constructor(readonly fire: () => void, readonly keepsAlive: boolean) {
    super();
  }

  /** Sets the moment. Cheap when the deadline already stands in an earlier bucket. */
  set(at: number): void {
    this.at = at;
    if (this.#wheel !== null) {
      if (this.tick <= at && this.#wheel === wheel) return;
      this.#wheel.remove(this);
    }
    this.#wheel = wheel;
    wheel.insert(this);
  }

  /** Nobody waits any more. What does not keep the program alive may stay in its bucket. */
  clear(): void {
    this.at = Infinity;
    if (this.keepsAlive) this.remove();
  }

  /** Takes the deadline out of the wheel: its owner is gone. */
  remove(): void {
    this.at = Infinity;
    if (this.#wheel === null) return;
    this.#wheel.remove(this);
    this.#wheel = null;
  }

  /** Called by the wheel when the bucket's tick has come. */
  reached(now: number): void {
    const own = this.#wheel;
    this.#wheel = null;
    if (this.at <= now) {
      this.at = Infinity;
      this.fire();
    } else if (this.at !== Infinity) {
      // A fake clock may have come since: what has begun stays with its own.
      this.#wheel = own;
      own?.insert(this);
    }
  }
}

/** A deadline that knows whom it calls without a closure: an idle connection has two. */
export class DeadlineOf extends Deadline {
  readonly owner: { due(): void };

  constructor(owner: { due(): void }, keepsAlive: boolean) {
    super(callOwner, keepsAlive);
    this.owner = owner;
  }
}

function callOwner(this: Deadline): void {
  (this as DeadlineOf).owner.due();
}

/** All deadlines of one clock. */
export class Wheel {
  readonly clock: Clock;
  /** The event loop has looked at I/O since. A timer that fires proves no such thing. */
  polledAt = -Infinity;
  /** By tick; each heads the ring of its deadlines. */
  readonly #buckets = new Map<number, Link>();
  /** A heap of the ticks that have a bucket, each once. */
  readonly #ticks: number[] = [];
  #armed = Infinity;
  #count = 0;
  #leaving = false;
  #keeping = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    clock.keep(false);
  }

  insert(deadline: Deadline): void {
    const tick = this.clock.exact ? deadline.at : tickOf(deadline.at, this.clock.now());
    let bucket = this.#buckets.get(tick);
    if (bucket === undefined) {
      bucket = new Link();
      this.#buckets.set(tick, bucket);
      push(this.#ticks, tick);
    }
    bucket.append(deadline);
    deadline.tick = tick;
    this.#count += 1;
    if (deadline.keepsAlive && ++this.#keeping === 1) this.clock.keep(true);
    if (tick < this.#armed) this.#arm(tick);
  }

  remove(deadline: Deadline): void {
    deadline.unlink();
    this.#left(deadline);
    if (this.#count > 0 || this.#leaving) return;
    this.#leaving = true;
    this.clock.soon(this.#leave);
  }

  /** The last one is gone, and none has come since: no timer may stay behind. */
  readonly #leave = (): void => {
    this.#leaving = false;
    if (this.#count > 0) return;
    this.#buckets.clear();
    this.#ticks.length = 0;
    this.#armed = Infinity;
    this.clock.disarm();
  };

  #left(deadline: Deadline): void {
    deadline.tick = Infinity;
    this.#count -= 1;
    if (deadline.keepsAlive && --this.#keeping === 0) this.clock.keep(false);
  }

  #arm(tick: number): void {
    this.#armed = tick;
    this.clock.arm(tick, this.#fire);
  }

  readonly #fire = (): void => {
    const now = this.clock.now();
    this.#armed = Infinity;
    for (let tick = this.#ticks[0]; tick !== undefined && tick <= now; tick = this.#ticks[0]) {
      pop(this.#ticks);
      const bucket = this.#buckets.get(tick)!;
      this.#buckets.delete(tick);
      while (bucket.after !== bucket) {
        const deadline = bucket.after as Deadline;
        deadline.unlink();
        this.#left(deadline);
        deadline.reached(now);
      }
    }
    const next = this.#ticks[0];
    if (next === undefined || next >= this.#armed) return;
    if (this.#count === 0) {
      this.#buckets.clear();
      this.#ticks.length = 0;
    } else {
      this.#arm(next);
    }
  };
}

/** Rounds up to 1 ms below a quarter of a second away, to 8 ms below 16 s, else to 64 ms. */
function tickOf(at: number, now: number): number {
  const wait = at - now;
  const grain = wait < 256 ? 1 : wait < 16_384 ? 8 : 64;
  return Math.ceil(at / grain) * grain;
}

function push(heap: number[], value: number): void {
  let at = heap.length;
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up]!;
    if (parent <= value) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = value;
}

function pop(heap: number[]): void {
  const value = heap.pop();
  if (value === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let down = 2 * at + 1;
    if (down >= heap.length) break;
    if (down + 1 < heap.length && heap[down + 1]! < heap[down]!) down += 1;
    if (heap[down]! >= value) break;
    heap[at] = heap[down]!;
    at = down;
  }
  heap[at] = value;
}

/** The wheel that new deadlines go to. */
export let wheel: Wheel = new Wheel(systemClock);

/** Puts new deadlines on another wheel, for a fake clock; gives the one used so far. */
export function useWheel(next: Wheel): Wheel {
  const before = wheel;
  wheel = next;
  return before;
}

/** Calls `then` after the event loop has asked the kernel for news once more. */
export function poll(then: () => void): void {
  const { clock } = wheel;
  const polled = wheel;
  const since = clock.now();
  clock.poll(() => {
    // When exactly within these turns it was, nobody knows.
    polled.polledAt = since;
    then();
  });
}

/** The time of the clock in use, in milliseconds since some fixed moment. */
export function now(): number {
  return wheel.clock.now();
}
