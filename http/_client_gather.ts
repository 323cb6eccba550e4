import type { Bytes } from "../core/mod.ts";

/** Less is not worth growing from. */
const LEAST = 4 * 1024;

/**
 * Pieces of a body, put together. Memory is at most twice what has come, however small the
 * pieces are: a server may send a byte at a time.
 */
export class Gathered {
  #memory: Bytes | null = null;
  #size = 0;

  /** How many bytes have come. */
  get size(): number {
    return this.#size;
  }

  /** Adds a piece, which is nobody else's from now on. */
  add(piece: Bytes): void {
    const size = this.#size;
    this.#size = size + piece.length;
    if (this.#memory === null) {
      // Most bodies are one piece.
      this.#memory = piece;
      return;
    }
    if (this.#size > this.#memory.length) {
      const larger = new Uint8Array(Math.max(2 * this.#size, LEAST));
      larger.set(this.#memory.subarray(0, size));
      this.#memory = larger;
    }
    this.#memory.set(piece, size);
  }

  /** All that has come, in memory of its own; nothing is left here. */
  take(): Bytes {
    const memory = this.#memory ?? new Uint8Array(0);
    const whole = memory.length === this.#size ? memory : memory.slice(0, this.#size);
    this.#memory = null;
    this.#size = 0;
    return whole;
  }
}
