import { atOnce, due, fairly, IoError, type ReadResult, type WaitOptions } from "../core/mod.ts";
import { hindered, Line } from "./_line.ts";

/** A shelf with less room than this at its front is not moved up. */
const SLACK = 1_024;

/** A value that came back, with its place in the order of all that were put. */
interface Returned<T> {
  ordinal: number;
  value: T;
}

/**
 * Values on their way from those who put to those who get, in order.
 *
 * How it works. A value goes straight to the first getter in line, or to the shelf while
 * there is room, or stays with its putter, who waits. A getter takes from the shelf, then
 * from the first putter. Getters wait only while nothing is there, putters only while the
 * shelf is full; so one of the two lines is always empty.
 *
 * A value that was handed to a getter who is killed before it runs goes to the next, or
 * back to where it was: each knows its number in the order of all.
 */
export class Exchange<T> {
  /** How many values the shelf holds at most. */
  readonly capacity: number;
  readonly #name: string;
  readonly #getters: Line<T, number> = new Line((value, ordinal) => this.#back(value, ordinal));
  /** Who puts is served in the moment of the handover, so nothing of theirs comes back. */
  readonly #putters: Line<true, T> = new Line(() => {});
  #shelf: (T | undefined)[] = [];
  #head = 0;
  /** The number of the first value on the shelf. */
  #ordinal = 0;
  #returned: Returned<T>[] = [];
  #closed = false;

  constructor(name: string, capacity: number) {
    this.#name = name;
    this.capacity = capacity;
  }

  /** How many values are there, those of waiting putters not counted. */
  get size(): number {
    return this.#shelf.length - this.#head + this.#returned.length;
  }

  get getters(): number {
    return this.#getters.size;
  }

  get putters(): number {
    return this.#putters.size;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Puts a value that needs not wait; false if it must. */
  tryPut(value: T): boolean {
    if (this.#getters.size > 0) {
      this.#getters.hand(value, this.#ordinal);
      this.#ordinal += 1;
      return true;
    }
    if (this.size >= this.capacity) return false;
    this.#shelf.push(value);
    return true;
  }

  put(verb: string, value: T, options: WaitOptions): Promise<ReadResult<true>> {
    const what = () => `${verb} ${this.#name}`;
    if (hindered(options)) return this.#putters.wait(what, options, value);
    if (this.#closed) return atOnce<ReadResult<true>>([null, this.closedError(what())]);
    if (this.tryPut(value)) return atOnce<ReadResult<true>>([true, null]);
    return fairly(this.#putters.wait(what, options, value));
  }

  /** Takes a value that is there, as a list of one; `null` if none is. */
  tryGet(): [value: T] | null {
    return this.#ready ? [this.#take()] : null;
  }

  get(verb: string, options: WaitOptions): Promise<ReadResult<T>> {
    const what = () => `${verb} ${this.#name}`;
    if (!hindered(options)) {
      if (this.#ready) {
        if (this.#getters.underway === 0 && !due()) {
          return Promise.resolve([this.#take(), null]);
        }
      } else if (this.#closed) return atOnce<ReadResult<T>>([null, null]);
    }
    return this.#getters.wait(what, options, 0, () => this.#serve());
  }

  /** Wakes every getter with a value that is stored nowhere; gives how many. */
  signal(value: T): number {
    const count = this.#getters.size;
    for (let left = count; left > 0; left--) this.#getters.tell([value, null]);
    return count;
  }

  /** Empties it and wakes all who wait with `reset`; gives what was there. */
  reset(): T[] {
    const dropped = this.#returned.map(({ value }) => value);
    dropped.push(...this.#shelf.slice(this.#head) as T[]);
    this.#ordinal += this.#shelf.length - this.#head;
    this.#shelf = [];
    this.#head = 0;
    this.#returned = [];
    const why = (action: string) =>
      new IoError("reset", `Cannot ${action} ${this.#name}: it was reset`);
    while (this.#getters.tell([null, why("get from")]));
    while (this.#putters.tell([null, why("put into")]));
    return dropped;
  }

  /** Takes no more values; what is there can still be taken. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    while (this.#putters.tell([null, this.closedError(`send to ${this.#name}`)]));
    while (this.#getters.tell([null, null]));
  }

  closedError(what: string): IoError {
    return new IoError("closed", `Cannot ${what}: it is closed`);
  }

  get #ready(): boolean {
    return this.#returned.length > 0 || this.#head < this.#shelf.length || this.#putters.size > 0;
  }

  /** Takes the next; there must be one. Its number is `#ordinal - 1`, but for returned ones. */
  #take(): T {
    let value: T;
    if (this.#returned.length > 0) {
      value = this.#returned.shift()!.value;
    } else {
      this.#ordinal += 1;
      if (this.#head === this.#shelf.length) {
        value = this.#putters.cargo as T;
        this.#putters.tell([true, null]);
        return value;
      }
      value = this.#shelf[this.#head] as T;
      this.#shelf[this.#head] = undefined;
      this.#head += 1;
      if (this.#head === this.#shelf.length) this.#clear();
      else if (this.#head >= SLACK && this.#head * 2 >= this.#shelf.length) this.#moveUp();
    }
    while (this.#putters.size > 0 && this.size < this.capacity) {
      this.#shelf.push(this.#putters.cargo as T);
      this.#putters.tell([true, null]);
    }
    return value;
  }

  #clear(): void {
    this.#shelf.length = this.#head = 0;
  }

  #moveUp(): void {
    this.#shelf = this.#shelf.slice(this.#head);
    this.#head = 0;
  }

  /** Hands what is there to those in line. */
  #serve(): void {
    while (this.#getters.size > 0 && this.#ready) {
      const ordinal = this.#returned[0]?.ordinal ?? this.#ordinal;
      this.#getters.hand(this.#take(), ordinal);
    }
  }

  /** A getter is gone before it could run on with what it was handed. */
  #back(value: T, ordinal: number): void {
    if (this.#getters.hand(value, ordinal)) return;
    let at = this.#returned.length;
    while (at > 0 && this.#returned[at - 1]!.ordinal > ordinal) at -= 1;
    this.#returned.splice(at, 0, { ordinal, value });
  }
}
