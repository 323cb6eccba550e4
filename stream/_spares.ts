/** So much is gathered into one write; the fastest size on loopback. */
export const GATHERED = 64 * 1024;

/** What a turn sends mostly fits into so much. */
export const LITTLE = 2 * 1024;

/** Memory to gather into. */
export class Spare {
  readonly memory: Uint8Array;
  #piece: Uint8Array;

  constructor(size: number) {
    this.memory = this.#piece = new Uint8Array(size);
  }

  /** The first bytes of it: most messages are as long as the one before. */
  first(count: number): Uint8Array {
    if (this.#piece.length !== count) this.#piece = this.memory.subarray(0, count);
    return this.#piece;
  }
}

/** Memory to gather into, lent for the time of a write: an idle stream holds none. */
class Spares {
  readonly #size: number;
  readonly #most: number;
  readonly #free: Spare[] = [];

  /** At most `most` pieces of `size` bytes rest here. */
  constructor(size: number, most: number) {
    this.#size = size;
    this.#most = most;
  }

  take(): Spare {
    return this.#free.pop() ?? new Spare(this.#size);
  }

  giveBack(spare: Spare): void {
    if (this.#free.length < this.#most) this.#free.push(spare);
  }
}

/** For little; as many as streams write at the same time, on a busy server: 1 MiB, at most. */
export const little = new Spares(LITTLE, 512);
/** For what is more; 1 MiB, at most. */
export const much = new Spares(GATHERED, 16);
