import { type Bytes, IoError } from "../core/mod.ts";
import type { Source } from "../stream/mod.ts";

/** At most so much is read, and goes into one write, so that a slow reader shows progress. */
const PIECE = 64 * 1024;

/**
 * Standard input, for whatever streams are bound to it one after the other.
 *
 * A read cannot be taken back from the runtime: cancelled, it would eat the next bytes.
 * So one that nobody waits for goes on, for the next stream too, but does not keep the
 * program alive. Deno has that for `process.stdin` alone, behind two symbols; where it
 * has them no longer, the read keeps the program alive until something comes.
 */
class Input {
  #memory: Bytes = new Uint8Array(0);
  #from = 0;
  #to = 0;
  #reading: Promise<number | null> | null = null;
  #keeping = true;

  /** Takes what is here. */
  take(into: Bytes): number {
    const count = Math.min(into.length, this.#to - this.#from);
    into.set(this.#memory.subarray(this.#from, this.#from + count));
    this.#from += count;
    return count;
  }

  /** Waits until there is something to take, or the end. */
  fill(): Promise<number | null> {
    return this.#reading ??= this.#read();
  }

  async #read(): Promise<number | null> {
    if (this.#memory.length === 0) this.#memory = new Uint8Array(PIECE);
    try {
      const count = await Deno.stdin.read(this.#memory);
      this.#from = 0;
      this.#to = count ?? 0;
      return count;
    } finally {
      // Reads of others must keep it alive as they always did.
      this.keep(true);
      this.#reading = null;
    }
  }

  /** Whether the read that is under way keeps the program alive. */
  keep(alive: boolean): void {
    if (this.#reading === null || alive === this.#keeping) return;
    this.#keeping = alive;
    const prototype: object = Object.getPrototypeOf(Deno.stdin);
    const symbol = Object.getOwnPropertySymbols(prototype)
      .find(({ description }) => description === (alive ? "REF" : "UNREF"));
    const call: unknown = symbol === undefined ? null : Reflect.get(prototype, symbol);
    if (typeof call === "function") Reflect.apply(call, Deno.stdin, []);
  }
}

const input = new Input();

/** One stream's use of standard input. Closing it leaves the descriptor open. */
export class StandardInput implements Source {
  readonly keeps_alive = true;
  readonly lets_go = true;
  #closed = false;

  async read(into: Bytes): Promise<number | null> {
    for (;;) {
      // What comes now is for whoever is bound next.
      if (this.#closed) return null;
      const count = input.take(into);
      if (count > 0) return count;
      if (await input.fill() === null) return null;
    }
  }

  write(): Promise<number> {
    return Promise.reject(notFor("send to", "stdin", "writing"));
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#closed = true;
    input.keep(false);
  }

  ref(alive: boolean): void {
    input.keep(alive);
  }
}

/** One stream's use of standard output or error. Closing it leaves the descriptor open. */
export class StandardOutput implements Source {
  readonly keeps_alive = true;
  readonly #name: string;
  readonly #writer: { write(bytes: Uint8Array): Promise<number> };

  constructor(name: string, writer: { write(bytes: Uint8Array): Promise<number> }) {
    this.#name = name;
    this.#writer = writer;
  }

  read(): Promise<number | null> {
    return Promise.reject(notFor("receive from", this.#name, "reading"));
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#writer.write(bytes.subarray(0, PIECE));
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {}
}

function notFor(action: string, name: string, purpose: string): IoError {
  return new IoError("closed", `Cannot ${action} ${name}: it is not open for ${purpose}`);
}
