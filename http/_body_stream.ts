import {
  afterTurn,
  dying,
  IoError,
  park,
  refusal,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";

/** Bytes that wait for the client, and who is told when it has taken them. */
interface Piece {
  bytes: Uint8Array;
  wake: (result: Result<number>) => void;
}

/**
 * The body of a response that is written piece by piece. A piece leaves when the runtime
 * asks for one, and it asks when the client has taken what it had: that is the
 * backpressure, with one piece under way at most.
 */
export class BodyStream {
  readonly stream: ReadableStream<Uint8Array>;
  /** Nobody wants the bytes, as with `HEAD`: they are counted, and that is all. */
  readonly discards: boolean;
  readonly #name: () => string;
  readonly #waiting: Piece[] = [];
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  /** The runtime has asked for a piece, and none was there. */
  #asked = false;
  #ended = false;
  /** Why nothing more can be written; `null` while it can. */
  #over: IoError | null = null;

  /** `gone` is called when the client does not want any more. */
  constructor(name: () => string, gone: () => void, discards: boolean) {
    this.#name = name;
    this.discards = discards;
    const source = {
      start: (controller: ReadableStreamDefaultController<Uint8Array>) => {
        this.#controller = controller;
      },
      pull: () => this.#next(),
      cancel: () => {
        if (this.discards) return;
        const words = `Cannot write to ${this.#name()}: the client has gone`;
        this.#close(new IoError("reset", words));
        gone();
      },
    };
    this.stream = new ReadableStream(source, { highWaterMark: 0 });
  }

  /** Hands bytes on, which must not change any more; resolves when the runtime has them. */
  write(bytes: Uint8Array, options: WaitOptions): Promise<Result<number>> {
    if (this.#over !== null || this.discards || bytes.length === 0) {
      // It is the same however often it is asked for, so a loop must not spin in it.
      const answer: Result<number> = this.#over === null
        ? [bytes.length, null]
        : [null, this.#over];
      return (dying === 0 ? null : refusal()) ?? afterTurn(answer);
    }
    return park<Result<number>>(() => `write to ${this.#name()}`, options, (wake) => {
      const piece = { bytes, wake };
      this.#waiting.push(piece);
      if (this.#asked) this.#next();
      return () => {
        const at = this.#waiting.indexOf(piece);
        if (at >= 0) this.#waiting.splice(at, 1);
      };
    });
  }

  /** No more will come; what waits still leaves. */
  end(): void {
    this.#ended = true;
    if (this.#waiting.length > 0 || this.#over !== null) return;
    const words = `Cannot write to ${this.#name()}: the response has ended`;
    this.#close(new IoError("closed", words));
    // The runtime has cancelled it by itself then.
    if (!this.discards) this.#controller.close();
  }

  /** Breaks off, so that the client does not take what it has for the whole. */
  break(error: Error): void {
    if (this.#over !== null) return;
    this.#close(new IoError("closed", `Cannot write to ${this.#name()}: it was broken off`));
    if (!this.discards) this.#controller.error(error);
  }

  #next(): void {
    const piece = this.#waiting.shift();
    this.#asked = piece === undefined;
    if (piece === undefined) return;
    this.#controller.enqueue(piece.bytes);
    piece.wake([piece.bytes.length, null]);
    if (this.#ended) this.end();
  }

  #close(why: IoError): void {
    this.#over = why;
    for (const { wake } of this.#waiting.splice(0)) wake([null, why]);
  }
}
