/** Something that a socket has begun, and that its close ends. */
export interface UnderWay {
  /** It has come to its end. */
  readonly over: boolean;
  /** The socket is closed. */
  abort(): void;
}

/** Several steps, which the close of their socket ends by a signal. */
export class Steps implements UnderWay {
  over = false;
  readonly #abort = new AbortController();

  /** The signal for each step, beside the caller's own. */
  signal(callers: AbortSignal | undefined): AbortSignal {
    const own = this.#abort.signal;
    return callers === undefined ? own : AbortSignal.any([callers, own]);
  }

  get aborted(): boolean {
    return this.#abort.signal.aborted;
  }

  abort(): void {
    this.#abort.abort();
  }
}

/** A connect that lets the pool hear first what has become of a socket put back just now. */
export class Settling implements UnderWay {
  over = false;
  aborted = false;

  abort(): void {
    this.aborted = true;
  }
}
