import {
  afterTurn,
  cancelled,
  dying,
  type IoError,
  now,
  refusal,
  type Result,
  type ThreadKilled,
  Wait,
} from "../core/mod.ts";

/** One who waits for connections of a server. */
export interface Taker<T> {
  /** It wants one connection, not all of them. */
  readonly once: boolean;
  take(guest: T): void;
  /** No more will come: for a reason, or because the server was closed (`null`). */
  end(err: IoError | null): void;
}

/** What a {@linkcode Spawning} does. */
export interface SpawningActions<T> {
  /** Starts the thread of a connection. */
  take(guest: T): void;
  /** Takes it off the server's list. */
  withdraw(taker: Taker<T>): void;
  /** A connection that it was given, and did not come to take. */
  giveBack(guest: T): void;
}

/**
 * The wait of `autospawn`, from its begin to its end. It lasts: threads are started in it,
 * so that the thread which called does not end before, awaited or not.
 */
export class Spawning<T> extends Wait implements Taker<T> {
  readonly once = false;
  readonly #what: () => string;
  readonly #actions: SpawningActions<T>;
  readonly #guests: T[] = [];
  #wake!: () => void;
  #signal: AbortSignal | undefined;
  #resolve!: (result: Result<true>) => void;
  #reject!: (error: unknown) => void;
  #over = false;

  constructor(what: () => string, actions: SpawningActions<T>) {
    super();
    this.#what = what;
    this.#actions = actions;
  }

  begin(signal: AbortSignal | undefined, start: () => void): Promise<Result<true>> {
    const refused = dying === 0 ? null : refusal();
    if (refused !== null) return refused;
    if (signal?.aborted) return afterTurn<Result<true>>([null, cancelled(this.#what(), signal)]);
    const promise = new Promise<Result<true>>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.lasting = promise;
    this.enter(now());
    this.#signal = signal;
    signal?.addEventListener("abort", this.#aborted);
    this.#listen();
    start();
    return promise;
  }

  take(guest: T): void {
    this.#guests.push(guest);
    this.#wake();
  }

  /**
   * What a handler finds as its thread's starter, scope and storages is what the caller had:
   * who waits for a promise goes on with them. A snapshot of them would do it too, and makes
   * new ones each time, 0.3 kB for as long as the connection is open.
   */
  #listen(): void {
    new Promise<void>((resolve) => this.#wake = resolve).then(this.#woken);
  }

  readonly #woken = (): void => {
    if (!this.#over) this.#listen();
    for (const guest of this.#guests.splice(0)) {
      // Each may end it for those behind.
      if (this.#over) this.#actions.giveBack(guest);
      else this.#actions.take(guest);
    }
  };

  end(err: IoError | null): void {
    this.#finish();
    this.#resolve(err === null ? [true, null] : [null, err]);
  }

  override describe(): string {
    return this.#what();
  }

  override kill(error: ThreadKilled): void {
    this.#finish();
    this.#reject(error);
  }

  readonly #aborted = (): void => {
    this.end(cancelled(this.#what(), this.#signal!));
  };

  /** Ends it; once it has, it stays as it ended. */
  #finish(): void {
    this.#over = true;
    this.leave();
    this.#signal?.removeEventListener("abort", this.#aborted);
    this.#actions.withdraw(this);
  }
}
