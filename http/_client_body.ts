import {
  afterTurn,
  type Bytes,
  dying,
  IoError,
  park,
  type ReadResult,
  refusal,
  type WaitOptions,
} from "../core/mod.ts";
import { fromFetch } from "./_client_error.ts";
import type { Life } from "./_client_life.ts";

/**
 * So much of a body is taken in before anybody asks for it. A small one that is all there
 * keeps no connection from others, also where a program only looks at the status.
 */
const AHEAD = 64 * 1024;

/** And so many pieces, for they may be of one byte. */
const PIECES_AHEAD = 64;

/** Offered to the runtime while little is expected: a response that waits holds no more. */
const SMALL = 2 * 1024;

/** Offered once a read has filled all it was offered, and where that much is announced. */
const LARGE = 64 * 1024;

const END: ReadResult<Bytes> = [null, null];

/**
 * The body of a response as pieces in a queue, filled as far as `AHEAD`.
 *
 * Whoever gives up waiting for a piece only stops waiting: the read under way goes on and
 * feeds the queue, so that nothing is lost.
 */
export class Body {
  readonly #life: Life;
  readonly #length: number | null;
  /** Reading into memory of ours is three times as fast as being given some. */
  readonly #reader: ReadableStreamBYOBReader | null;
  #pieces: Bytes[] = [];
  /** How many bytes stand in the queue. */
  #held = 0;
  /** How many have come. */
  #came = 0;
  /** How much the next read is offered. */
  #step: number;
  /** Memory that a short piece has left. */
  #spare: ArrayBuffer | null = null;
  #reading = false;
  /** How it came to its end: cleanly (`END`), or with an error. */
  #end: ReadResult<Bytes> | null = null;
  #endTaken = false;
  #wake: (() => void) | null = null;

  /** `length`: how many bytes were announced, where that is known. */
  constructor(life: Life, stream: ReadableStream<Uint8Array> | null, length: number | null) {
    this.#life = life;
    this.#length = length;
    this.#reader = stream?.getReader({ mode: "byob" }) ?? null;
    this.#step = Math.max(Math.min(length ?? SMALL, LARGE), 1);
    life.whenOver(() => this.#broken(life.ended));
    if (this.#reader === null) this.#ended(END);
    else this.#fill();
  }

  /** Neither a piece nor its end is there yet. */
  get empty(): boolean {
    return this.drained && this.#end === null;
  }

  /** Nothing stands in the queue. */
  get drained(): boolean {
    return this.#pieces.length === 0;
  }

  /** A piece, or how it ended; `undefined` where that is still to come. */
  take(): ReadResult<Bytes> | undefined {
    const piece = this.#pieces.shift();
    if (piece === undefined) return this.#end ?? undefined;
    this.#held -= piece.length;
    this.#fill();
    return [piece, null];
  }

  /** Calls `wake` once when there is something to take; `null` takes that back. */
  tell(wake: (() => void) | null): void {
    this.#wake = wake;
  }

  /** Puts back, at the front, what was taken and not used. */
  unread(piece: Bytes): void {
    this.#pieces.unshift(piece);
    this.#held += piece.length;
  }

  /**
   * Waits for the next piece; `[null, null]` at the end. `timeout`, `cancelled` and a kill
   * lose nothing. One at a time: whoever reads sees to that.
   */
  async next(wait: WaitOptions): Promise<ReadResult<Bytes>> {
    // A killed thread throws, whatever else has become of its request.
    const refused = dying === 0 ? null : refusal();
    if (refused !== null) return await refused;
    const taken = this.take();
    if (taken !== undefined) {
      if (taken[0] !== null) return taken;
      // A loop that takes no heed of the end must not spin.
      if (this.#endTaken) return await afterTurn(taken);
      this.#endTaken = true;
      return taken;
    }
    const what = () => `read the body of ${this.#life.what}`;
    return await park<ReadResult<Bytes>>(what, wait, (wake) => {
      this.tell(() => wake(this.take()!));
      return () => this.tell(null);
    });
  }

  #fill(): void {
    if (this.#reading || this.#end !== null || this.#held >= AHEAD) return;
    if (this.#pieces.length >= PIECES_AHEAD) return;
    this.#reading = true;
    this.#reader!.read(this.#room()).then(
      ({ done, value }) => {
        this.#reading = false;
        if (this.#end !== null) return;
        if (done) return this.#ended(END);
        this.#take(value);
        this.#fill();
      },
      (error) => {
        this.#reading = false;
        if (this.#end !== null) return;
        this.#ended([null, this.#failure(error)]);
      },
    );
  }

  /** Where the next bytes are to be written. */
  #room(): Bytes {
    // When all that was announced has come, the end is all that is left.
    if (this.#came === this.#length) return new Uint8Array(1);
    const spare = this.#spare;
    this.#spare = null;
    return spare?.byteLength === this.#step ? new Uint8Array(spare) : new Uint8Array(this.#step);
  }

  #take(value: Bytes): void {
    const { buffer, length } = value;
    this.#step = length === buffer.byteLength ? LARGE : Math.max(this.#step, SMALL);
    let piece = value;
    if (2 * length < buffer.byteLength) {
      // A piece that is kept must not hold more than twice its length.
      piece = value.slice();
      this.#spare = buffer;
    }
    this.#pieces.push(piece);
    this.#held += length;
    this.#came += length;
    this.#tell();
  }

  #failure(error: unknown): IoError {
    const action = `Cannot read the body of ${this.#life.what}`;
    const err = fromFetch(error, action);
    if (err.code !== "eof") return err;
    // The runtime does not tell a connection that ends from a chunk that is none.
    const whole = this.#length === null ? "" : ` of ${this.#length}`;
    const words = `${action}: it broke off after ${this.#came}${whole} bytes`;
    return new IoError("eof", words, { cause: err.cause });
  }

  /** Nothing more will come. What stands in the queue can still be taken. */
  #ended(end: ReadResult<Bytes>): void {
    this.#end = end;
    this.#tell();
    this.#life.whole = end === END;
    this.#life.over();
  }

  /** Its request is over before its end: nobody gets what stands in the queue either. */
  #broken(err: IoError | null): void {
    if (this.#end !== null) return;
    const { what } = this.#life;
    err ??= new IoError("closed", `Cannot read the body of ${what}: it was closed`);
    this.#pieces = [];
    this.#held = 0;
    this.#end = [null, err];
    this.#tell();
  }

  #tell(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
