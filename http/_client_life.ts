import { current, Deadline, IoError, now, root, type Task } from "../core/mod.ts";

/**
 * How long a request lives, with all its tries, its redirects and its body: until it is
 * over, or is ended by its deadline, its signal, its client's close, or the kill of the
 * thread that made it. Whichever comes first is what every wait of it gives.
 */
export class Life {
  /** What it is called in messages and in `thread.list()`: `GET http://a/b`. */
  readonly what: string;
  /** The body has come to its clean end: nothing is left to give up. */
  whole = false;
  /** What must not be collected before: a client closes its connections when it is. */
  readonly owner: unknown;
  /** Made when it is asked for, which seldom happens: it outlives its request by far. */
  #abort: AbortController | null = null;
  readonly #task: Task = current();
  #ended: IoError | null = null;
  #over = false;
  #deadline: Deadline | null = null;
  #signal: AbortSignal | undefined;
  #forgetTask: (() => void) | null = null;
  #onOver: (() => void)[] = [];

  constructor(
    what: string,
    deadline: number,
    signal: AbortSignal | undefined,
    owner: unknown = null,
  ) {
    this.what = what;
    this.owner = owner;
    if (deadline > 0 && deadline !== Infinity) {
      this.#deadline = new Deadline(() => {
        this.end(new IoError("timeout", `Cannot ${what}: not whole within ${deadline} ms`));
      }, true);
      this.#deadline.set(now() + deadline);
    }
    if (this.#task !== root) {
      this.#forgetTask = this.#task.onOutcome(() => {
        // A thread that returns may hand its response on; one that was killed has nobody to.
        if (this.#task.killed === null) return;
        // Not before its waits have thrown: they would return this instead.
        queueMicrotask(() => {
          this.end(new IoError("killed", `Cannot ${what}: its thread was killed`));
        });
      });
    }
    this.#signal = signal;
    signal?.addEventListener("abort", this.#aborted);
    // Last, for it takes back all that stands above.
    if (signal?.aborted) this.#aborted();
  }

  /** For waits: aborted when the request is ended before its time. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#ended !== null) this.#abort.abort(this.#ended);
    return this.#abort.signal;
  }

  /** Whether nothing of it is left. */
  get isOver(): boolean {
    return this.#over;
  }

  /** What ended it before its time; `null` while nothing has. */
  get ended(): IoError | null {
    return this.#ended;
  }

  /** The error of a wait: what ended the request, if that is why the wait failed. */
  why(err: IoError): IoError {
    return err.code === "cancelled" && this.#ended !== null ? this.#ended : err;
  }

  /** Ends it: every wait of it gives `err`, or what ended it before. */
  end(err: IoError): void {
    this.#ended ??= err;
    this.#abort?.abort(this.#ended);
    this.over();
  }

  /** Calls `then` when it is over, however it comes to that; at once if it is. */
  whenOver(then: () => void): void {
    if (this.#over) then();
    else this.#onOver.push(then);
  }

  /** Nothing of it is left: no connection, no deadline, nobody to hear of a kill. */
  over(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline?.remove();
    this.#signal?.removeEventListener("abort", this.#aborted);
    this.#forgetTask?.();
    for (const then of this.#onOver) then();
    this.#onOver = [];
  }

  readonly #aborted = (): void => {
    const signal = this.#signal!;
    const words = `Cannot ${this.what}: the signal was aborted`;
    this.end(new IoError("cancelled", words, { cause: signal.reason }));
  };
}
