import { type Bytes, IoError } from "../core/mod.ts";
import type { Source } from "../stream/mod.ts";

/** At most so much goes into one write, so that a slow child still shows progress. */
const PIECE = 64 * 1024;

/** The ends of a child's pipes that are ours; either may be missing. */
export interface PipeEnds {
  /** What the child writes. */
  readable: ReadableStream<Bytes> | null;
  /** What the child reads. */
  writable: WritableStream<Bytes> | null;
}

/**
 * A stream's source over a child's pipes.
 *
 * The runtime takes the memory of a read away until it is done, so reads go into a
 * memory of the pipe's own and are copied: still faster than the runtime's own chunks.
 * A write that the child does not read cannot be taken back from the runtime: after
 * `close` its descriptor stays until the child reads on, closes its end or ends.
 */
export class PipeSource implements Source {
  readonly keeps_alive = true;
  readonly receives_only: boolean;
  readonly #name: string;
  readonly #reader: ReadableStreamBYOBReader | null;
  readonly #writer: WritableStreamDefaultWriter<Bytes> | null;
  #memory = new ArrayBuffer(0);
  #ended = false;

  constructor({ readable, writable }: PipeEnds, name: string) {
    this.#name = name;
    this.receives_only = writable === null;
    this.#reader = readable?.getReader({ mode: "byob" }) ?? null;
    this.#writer = writable?.getWriter() ?? null;
    // The failure of a write is told by the write.
    this.#writer?.closed.catch(() => {});
  }

  async read(into: Bytes): Promise<number | null> {
    if (this.#reader === null) throw this.#missing("receive from", "reading");
    if (this.#memory.byteLength < into.length) this.#memory = new ArrayBuffer(into.length);
    const { value } = await this.#reader.read(new Uint8Array(this.#memory, 0, into.length));
    if (value === undefined) return null;
    this.#memory = value.buffer;
    if (value.length === 0) return null;
    into.set(value);
    return value.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#writer === null) throw this.#missing("send to", "writing");
    const piece = bytes.subarray(0, PIECE) as Bytes;
    await this.#writer.write(piece);
    return piece.length;
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#writer?.close();
  }

  close(atOnce: boolean): Promise<void> | void {
    const cancelled = this.#reader?.cancel();
    const closed = this.#ended ? undefined : atOnce ? this.#writer?.abort() : this.#writer?.close();
    const done = Promise.allSettled([cancelled, closed]).then(() => {});
    // A write that is stuck would hold the close up with it.
    if (!atOnce) return done;
  }

  #missing(action: string, purpose: string): IoError {
    return new IoError("closed", `Cannot ${action} ${this.#name}: it is not open for ${purpose}`);
  }
}
