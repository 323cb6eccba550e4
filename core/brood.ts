import { Group } from "./group.ts";

/** The most children of one thread that the main thread can see: more than there can be. */
const MOST = 2 ** 22;

/** So many numbers has it room for at first. */
const FIRST = 64;

/** What its first numbers say; the others are the ids of children, 0 where one is free. */
const BEGUN = 0, CLOSED = 1, EXPECTED = 2, LISTENS = 3, PIDS = 4;

/** Hears of the children of a thread or process. */
export interface Keeper {
  /** Whether the thread listens to the signals that end the program, for its children. */
  listens: boolean;
  /** A child is about to begin: it enters, or fails. False where none may begin any more. */
  expect(): boolean;
  /** A child that was expected has begun. */
  enter(pid: number): void;
  /** A child that was expected has not begun. */
  fail(): void;
  /** A child has ended. */
  leave(pid: number): void;
  /** All of them are being ended by who has started them. */
  begin(): void;
}

/**
 * The children of a worker thread that are to end with it, in memory that the main thread sees. A
 * thread hears nothing of the program's end, and one that is busy, or was ended from
 * outside, cannot end them itself: then the main thread does.
 *
 * An id that stands in it is no other process's. A child is reaped by the thread that has
 * started it, which takes its id out in the same turn; and one that does nothing reaps none.
 */
export class Brood implements Keeper {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(4 * FIRST, { maxByteLength: 4 * MOST });
    this.#cells = new Int32Array(this.memory);
  }

  expect(): boolean {
    // Counted first: who closes it sees this one, or is seen here.
    Atomics.add(this.#cells, EXPECTED, 1);
    if (Atomics.load(this.#cells, CLOSED) === 0) return true;
    this.fail();
    return false;
  }

  enter(pid: number): void {
    let at = this.#cells.indexOf(0, PIDS);
    if (at < 0) {
      at = this.#cells.length;
      this.memory.grow(2 * this.memory.byteLength);
    }
    Atomics.store(this.#cells, at, pid);
    Atomics.sub(this.#cells, EXPECTED, 1);
  }

  fail(): void {
    Atomics.sub(this.#cells, EXPECTED, 1);
  }

  leave(pid: number): void {
    const at = this.#cells.indexOf(pid, PIDS);
    if (at > 0) Atomics.store(this.#cells, at, 0);
  }

  get listens(): boolean {
    return Atomics.load(this.#cells, LISTENS) === 1;
  }

  set listens(listens: boolean) {
    Atomics.store(this.#cells, LISTENS, Number(listens));
  }

  begin(): void {
    Atomics.store(this.#cells, BEGUN, 1);
  }

  /** Whether the thread has heard that it ends, and ends them itself. */
  get begun(): boolean {
    return Atomics.load(this.#cells, BEGUN) === 1;
  }

  /** Lets no child begin from now on, or lets them begin again. */
  set closed(closed: boolean) {
    Atomics.store(this.#cells, CLOSED, Number(closed));
  }

  /** Whether a child is about to begin. */
  get expects(): boolean {
    return Atomics.load(this.#cells, EXPECTED) > 0;
  }

  get empty(): boolean {
    return !this.expects && this.#pids().length === 0;
  }

  /** What must be ended, as far as that can be done from another thread. */
  groups(): Group[] {
    return this.#pids().map((pid) =>
      new Group({ pid, kill: (signal) => Deno.kill(pid, signal) }, `process ${pid}`)
    );
  }

  #pids(): number[] {
    return [...this.#cells.subarray(PIDS)].filter((pid) => pid !== 0);
  }
}

/** What concerns the children of this thread. */
export const own: {
  /** Null in the main thread of the program, which ends its children itself. */
  brood: Keeper | null;
  /**
   * By its number, whether the main thread has a handler for a signal; at 0, how many threads
   * listen to those that end the program. All threads see it.
   */
  handled: Int32Array<SharedArrayBuffer>;
  /** Ends what other threads and processes of the program have started, in this turn. */
  endOthers(): void;
} = { brood: null, handled: new Int32Array(new SharedArrayBuffer(4 * 65)), endOthers() {} };

/** A thread listens to the signals that end the program, or does so no more. */
export function countListener(listens: boolean): void {
  Atomics.add(own.handled, 0, listens ? 1 : -1);
}
