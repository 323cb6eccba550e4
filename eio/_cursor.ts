import type { Descriptor } from "./_descriptor.ts";
import { Reader } from "./_reader.ts";

/** Where a call reads or writes; it moves it on as it goes. */
export class Place {
  at: number;

  constructor(at: number) {
    this.at = at;
  }

  /** The call is over. */
  leave(): void {}
}

/** The file's own place: of one call at a time, or of a reader that reads ahead of it. */
export class Cursor extends Place {
  // Invariant: while #reader is not null, the place is the reader's, and `at` is stale.
  #reader: Reader | null = null;
  /** A call is under way on it. */
  #taken = false;

  constructor() {
    super(0);
  }

  /** The reader in use. */
  get reader(): Reader | null {
    return this.#reader;
  }

  busy(): boolean {
    return this.#taken || this.#reader?.stream.busy() === true;
  }

  /** Gives it to a call alone, until that leaves. */
  take(): this {
    this.#settle();
    this.#taken = true;
    return this;
  }

  override leave(): void {
    this.#taken = false;
  }

  /** Gives it to a new reader. */
  lend(descriptor: Descriptor): Reader {
    this.#settle();
    return this.#reader = new Reader(descriptor, this.at, descriptor.operations.timeout);
  }

  /** What was read ahead is about to change. */
  forgetAhead(): void {
    if (!this.busy()) this.#settle();
  }

  /** Makes it ours again: what was read ahead may be stale from now on. */
  #settle(): void {
    if (this.#reader === null) return;
    this.at = this.#reader.cursor;
    this.#reader.close();
    this.#reader = null;
  }
}
