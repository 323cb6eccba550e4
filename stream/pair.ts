import { type Bytes, due, type Encoding, IoError, turn } from "../core/mod.ts";
import { BufferedStream, type StreamOptions } from "./buffered.ts";
import type { Source } from "./source.ts";

/** What {@linkcode pair} takes. */
export interface PairOptions<E extends Encoding> extends StreamOptions<E> {
  /** So many bytes one end takes before its reader must read on: 65,536 by default. */
  capacity?: number;
}

/**
 * Makes two streams that are connected in memory: what one sends, the other receives.
 * With the whole contract of a socket, half-close and backpressure included, and no
 * kernel in between: for tests, and for joining parts of one program.
 *
 * @example Usage
 * ```ts
 * import { pair } from "@alilua/coevent/stream";
 *
 * const [ours, theirs] = pair();
 * await using _ours = ours, _theirs = theirs;
 * await theirs.send("hello\n");
 * console.log(await ours.receive()); // [ "hello", null ]
 * ```
 */
export function pair<E extends Encoding = "lines">(
  options: PairOptions<E> = {},
): [BufferedStream<E>, BufferedStream<E>] {
  const { capacity = 65_536, name = "pair" } = options;
  if (!Number.isInteger(capacity) || capacity < 1) {
    throw new RangeError(`pair: capacity must be 1 byte or more: got ${capacity}`);
  }
  const there = new Pipe(capacity);
  const back = new Pipe(capacity);
  return [
    new BufferedStream<E>(new End(back, there), { ...options, name: `${name}:a` }),
    new BufferedStream<E>(new End(there, back), { ...options, name: `${name}:b` }),
  ];
}

/** One end: reads from one pipe and writes into the other. */
class End implements Source {
  readonly keeps_alive = false;
  readonly #in: Pipe;
  readonly #out: Pipe;

  constructor(incoming: Pipe, outgoing: Pipe) {
    this.#in = incoming;
    this.#out = outgoing;
  }

  read(into: Bytes): Promise<number | null> {
    return this.#in.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#out.write(bytes);
  }

  end(): Promise<void> {
    this.#out.end();
    return Promise.resolve();
  }

  close(): void {
    this.#out.cut();
    this.#in.abandon();
  }
}

/** One direction. */
class Pipe {
  readonly #capacity: number;
  #held: Uint8Array[] = [];
  #size = 0;
  #ended = false;
  #abandoned = false;
  #reader: { into: Bytes; resolve: (count: number | null) => void } | null = null;
  #writer:
    | { bytes: Uint8Array; resolve: (n: number) => void; reject: (e: IoError) => void }
    | null = null;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  read(into: Bytes): Promise<number | null> {
    // Nothing here ever waits for the event loop: now and then a read must, or nothing else runs.
    return due() ? turn().then(() => this.#read(into)) : this.#read(into);
  }

  #read(into: Bytes): Promise<number | null> {
    if (this.#size > 0) return Promise.resolve(this.#take(into));
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve) => this.#reader = { into, resolve });
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#abandoned) return Promise.reject(noReader());
    const count = this.#put(bytes);
    if (count > 0) return Promise.resolve(count);
    return new Promise((resolve, reject) => this.#writer = { bytes, resolve, reject });
  }

  end(): void {
    this.#ended = true;
    if (this.#size > 0) return;
    this.#reader?.resolve(null);
    this.#reader = null;
  }

  /** Ends it in the middle of a write: what was not taken never comes. */
  cut(): void {
    this.#writer = null;
    this.end();
  }

  /** Nobody will read any more. */
  abandon(): void {
    this.#abandoned = true;
    this.#held = [];
    this.#size = 0;
    this.#writer?.reject(noReader());
    this.#writer = null;
  }

  /** Keeps a copy of as much as there is room for, and wakes the reader. */
  #put(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.#capacity - this.#size);
    if (count === 0) return 0;
    this.#held.push(bytes.slice(0, count));
    this.#size += count;
    const reader = this.#reader;
    this.#reader = null;
    reader?.resolve(this.#take(reader.into));
    return count;
  }

  #take(into: Bytes): number {
    let taken = 0;
    while (taken < into.length && this.#held.length > 0) {
      const first = this.#held[0]!;
      const piece = first.subarray(0, into.length - taken);
      into.set(piece, taken);
      taken += piece.length;
      if (piece.length === first.length) this.#held.shift();
      else this.#held[0] = first.subarray(piece.length);
    }
    this.#size -= taken;
    const writer = this.#writer;
    if (writer !== null) {
      this.#writer = null;
      writer.resolve(this.#put(writer.bytes));
    }
    return taken;
  }
}

function noReader(): IoError {
  return new IoError("reset", "Cannot send: the other end was closed");
}
