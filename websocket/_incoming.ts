import {
  afterTurn,
  atOnce,
  cancelled,
  Deadline,
  dying,
  IoError,
  now,
  poll,
  type ReadResult,
  refusal,
  type ThreadKilled,
  Wait,
} from "../core/mod.ts";
import { POLICY, TOO_BIG } from "./_codes.ts";
import type { SocketWait } from "./_options.ts";
import type { Message } from "./types.ts";

/** What must be done with a message that there is no room for. */
export interface Overflow {
  code: number;
  err: IoError;
}

/**
 * The receiving half: the messages that wait, and the one receive that waits for one.
 *
 * The runtime reads on whether anybody receives or not, and cannot be told to stop. So
 * the messages that wait are counted, and what is too much ends the connection.
 */
export class Incoming {
  readonly #name: string;
  readonly #maxQueue: number;
  readonly #maxBytes: number;
  #queue: Message[] = [];
  /** Those in front of it have been received. */
  #head = 0;
  #bytes = 0;
  #reader: Reader | null = null;
  /**
   * Of the receive that waits. An open WebSocket keeps the program alive by itself. It is
   * one for all receives, so that most of them only write into it when they are due.
   */
  readonly #deadline = new Deadline(() => this.#timeUp(), false);
  /** How it ended: `true` cleanly, or with an error. */
  #ended: true | IoError | null = null;

  constructor(name: string, maxQueue: number, maxBytes: number) {
    this.#name = name;
    this.#maxQueue = maxQueue;
    this.#maxBytes = maxBytes;
  }

  get busy(): boolean {
    return this.#reader !== null;
  }

  /** How many messages wait. */
  get pending(): number {
    return this.#queue.length - this.#head;
  }

  receive(wait: SocketWait): Promise<ReadResult<Message>> {
    if (dying !== 0) {
      const refused = refusal();
      if (refused !== null) return refused;
    }
    const { signal } = wait;
    // What cannot be otherwise by asking again takes a turn: a loop that takes no heed
    // of it would spin in microtasks and starve everything.
    if (this.#reader !== null) return afterTurn<ReadResult<Message>>([null, this.#taken()]);
    if (signal?.aborted) {
      return afterTurn<ReadResult<Message>>([null, cancelled(this.#what(), signal)]);
    }
    const message = this.#take();
    if (message !== undefined) return atOnce<ReadResult<Message>>([message, null]);
    if (this.#ended !== null) return afterTurn(endOf(this.#ended));
    const reader = new Reader(this, this.#what, wait);
    this.#reader = reader;
    reader.begin();
    if (reader.due !== Infinity) this.#deadline.set(reader.due);
    return reader.promise;
  }

  /** Takes a message if one is here; never waits. */
  attempt(): ReadResult<Message> {
    if (this.#reader !== null) return [null, this.#taken()];
    const message = this.#take();
    if (message !== undefined) return [message, null];
    if (this.#ended !== null) return endOf(this.#ended);
    return [null, new IoError("timeout", `Cannot ${this.#what()}: no message is here yet`)];
  }

  /** Hands a message to who waits for it, or keeps it; tells what to do if there is no room. */
  arrive(message: Message): Overflow | null {
    if (this.#ended !== null) return null;
    const size = message.length;
    if (size > this.#maxBytes) {
      const words = `a message of ${size} bytes came, and ${this.#maxBytes} may wait`;
      return { code: TOO_BIG, err: new IoError("too_long", `Cannot ${this.#what()}: ${words}`) };
    }
    const reader = this.#reader;
    if (reader !== null) {
      reader.end([message, null]);
      return null;
    }
    if (this.pending >= this.#maxQueue || this.#bytes + size > this.#maxBytes) {
      const words = `more came than may wait, ${this.pending} messages are here`;
      return { code: POLICY, err: new IoError("exhausted", `Cannot ${this.#what()}: ${words}`) };
    }
    this.#queue.push(message);
    this.#bytes += size;
    return null;
  }

  /** No more will come; what is here can still be received. Called once, and not behind `close`. */
  end(how: true | IoError): void {
    this.#ended = how;
    this.#answer(endOf(how));
    this.#deadline.remove();
  }

  /** It was closed by us: what nobody has received is dropped. */
  close(err: IoError): void {
    this.#ended = err;
    this.#queue = [];
    this.#head = this.#bytes = 0;
    this.#answer([null, err]);
    this.#deadline.remove();
  }

  /** Answers the receive that waits; false if none does. What is here stays. */
  giveUp(err: IoError): boolean {
    return this.#answer([null, err]);
  }

  /** Forgets the receive that waits: it has come to its end. */
  forget(): void {
    this.#reader = null;
    this.#deadline.clear();
  }

  #answer(result: ReadResult<Message>): boolean {
    const reader = this.#reader;
    reader?.end(result);
    return reader !== null;
  }

  /** What the kernel holds already comes before the timeout, however busy the loop was. */
  #timeUp(): void {
    const reader = this.#reader;
    if (reader !== null) poll(() => this.#reader === reader && reader.late());
  }

  #take(): Message | undefined {
    const message = this.#queue[this.#head];
    if (message === undefined) return undefined;
    this.#queue[this.#head++] = "";
    this.#bytes -= message.length;
    // In steps that double, so that taking the first of many costs nothing.
    if (this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return message;
  }

  #taken(): IoError {
    return new IoError("busy", `Cannot ${this.#what()}: another receive is waiting`);
  }

  readonly #what = (): string => `receive from ${this.#name}`;
}

function endOf(ended: true | IoError): ReadResult<Message> {
  return ended === true ? [null, null] : [null, ended];
}

/** The one receive that waits. */
class Reader extends Wait {
  readonly promise: Promise<ReadResult<Message>>;
  readonly #incoming: Incoming;
  readonly #what: () => string;
  readonly #wait: SocketWait;
  /** When it gives up. */
  due = Infinity;
  #resolve!: (result: ReadResult<Message>) => void;
  #reject!: (error: unknown) => void;

  constructor(incoming: Incoming, what: () => string, wait: SocketWait) {
    super();
    this.#incoming = incoming;
    this.#what = what;
    this.#wait = wait;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  begin(): void {
    const since = now();
    this.enter(since);
    const { timeout, signal } = this.#wait;
    if (timeout !== 0) this.due = since + timeout;
    signal?.addEventListener("abort", this.#aborted);
  }

  /** Ends the wait. Whatever could end it knows of it no more then. */
  end(result: ReadResult<Message>): void {
    this.#release();
    this.#resolve(result);
  }

  override describe(): string {
    return this.#what();
  }

  override kill(error: ThreadKilled): void {
    this.#release();
    // A receive that nobody awaits must not end the program when its thread is killed.
    this.promise.catch(() => {});
    this.#reject(error);
  }

  /** Its time has passed. */
  late(): void {
    const words = `Cannot ${this.#what()}: no message within ${this.#wait.timeout} ms`;
    this.end([null, new IoError("timeout", words)]);
  }

  readonly #aborted = (): void => {
    this.end([null, cancelled(this.#what(), this.#wait.signal!)]);
  };

  #release(): void {
    this.#incoming.forget();
    this.leave();
    this.#wait.signal?.removeEventListener("abort", this.#aborted);
  }
}
