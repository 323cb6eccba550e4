import { IoError, type ReadResult, type Result, type WaitOptions } from "../core/mod.ts";
import { countOf, named } from "./_args.ts";
import { Exchange } from "./_exchange.ts";

/** All values but `null`. */
export type NonNull = NonNullable<unknown> | undefined;

/** How a channel is made. */
export interface ChannelOptions {
  /** What `list()` calls it: `receive from channel 'lines'`. */
  name?: string;
}

/**
 * Values from threads that send to threads that receive, with an end. Made by {@linkcode channel}.
 *
 * @example A value, and the end
 * ```ts
 * import { channel, newthread } from "@alilua/coevent/thread";
 *
 * const answers = channel<number>();
 * newthread(async () => {
 *   await answers.send(42);
 *   answers.close();
 * });
 * console.log(await answers.receive()); // [ 42, null ]
 * console.log(await answers.receive()); // [ null, null ]
 * ```
 */
export class Channel<T extends NonNull> implements AsyncIterable<T>, Disposable {
  readonly #exchange: Exchange<T>;

  /** Use {@linkcode channel}. */
  constructor(capacity = 0, options: ChannelOptions = {}) {
    countOf(capacity, "channel: capacity", 0);
    this.#exchange = new Exchange(named("channel", options.name), capacity);
  }

  /** How many values it holds that nobody has received. */
  get pending(): number {
    return this.#exchange.size;
  }

  /**
   * Sends a value: waits until a receiver has it, or there is room for it. `timeout` in
   * milliseconds, none by default. Errors: `closed`, `timeout`, `cancelled`; then, and
   * when the thread is killed, the value was not sent.
   */
  send(value: T, options: WaitOptions = {}): Promise<Result<true>> {
    this.#check(value);
    return this.#exchange.put("send to", value, options) as Promise<Result<true>>;
  }

  /** Sends if a receiver waits or there is room, else gives `exhausted`; `closed`. Never waits. */
  try_send(value: T): Result<true> {
    this.#check(value);
    const exchange = this.#exchange;
    if (exchange.closed) return [null, exchange.closedError("send to the channel")];
    if (exchange.putters === 0 && exchange.tryPut(value)) return [true, null];
    const words = "Cannot send to the channel: nobody waits, and there is no room";
    return [null, new IoError("exhausted", words)];
  }

  /**
   * Receives the next value; `[null, null]` when the channel is closed and empty. Who
   * asked first, is served first. `timeout` in milliseconds, none by default. Errors:
   * `timeout`, `cancelled`. Who gives up, or is killed, receives nothing: what had been
   * handed over goes to the next, or back to the front.
   */
  receive(options: WaitOptions = {}): Promise<ReadResult<T>> {
    return this.#exchange.get("receive from", options);
  }

  /**
   * Receives a value that is there, else gives `idle`; `[null, null]` when the channel
   * is closed and empty. Never waits.
   */
  try_receive(): ReadResult<T> {
    const taken = this.#exchange.tryGet();
    if (taken !== null) return [taken[0], null];
    if (this.#exchange.closed) return [null, null];
    return [null, new IoError("idle", "Cannot receive from the channel: it is empty")];
  }

  /** Whether it was closed; values may still be in it. */
  closed(): boolean {
    return this.#exchange.closed;
  }

  /**
   * Closes it: threads that wait in `send` get `closed` and keep their value, those that
   * wait in `receive` the end. What was sent before can still be received. Idempotent.
   */
  close(): void {
    this.#exchange.close();
  }

  /** Closes it, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  #check(value: T): void {
    if (value === null) throw new TypeError("channel: null cannot be sent: it is the end");
  }

  /** Receives value after value, up to the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      // Without a limit there is nothing that could fail.
      const [value] = await this.receive();
      if (value === null) return;
      yield value;
    }
  }
}

/**
 * Makes a channel: a queue that ends. It holds `capacity` values; with 0, the default,
 * every `send` waits for its receiver. Only `null` cannot be sent, for it is the end;
 * it throws `TypeError`.
 *
 * @example Results until there are no more
 * ```ts
 * import { channel, newthread } from "@alilua/coevent/thread";
 *
 * const words = channel<string>();
 * newthread(async () => {
 *   using sender = words;
 *   for (const word of ["one", "two"]) await sender.send(word);
 * });
 * for await (const word of words) console.log(word); // one, two
 * ```
 */
export function channel<T extends NonNull>(
  capacity = 0,
  options: ChannelOptions = {},
): Channel<T> {
  return new Channel<T>(capacity, options);
}
