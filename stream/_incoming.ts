import {
  afterTurn,
  Asked,
  atTurnOver,
  behindTurn,
  cancelled,
  DeadlineOf,
  due,
  dying,
  fromOs,
  Inbox,
  IoError,
  now,
  type Pattern,
  poll,
  refusal,
  type Taken,
  type ThreadKilled,
  wheel,
} from "../core/mod.ts";
import type { Channel } from "./channel.ts";

/** After so many failures in a row that came at once, each takes a turn of the event loop. */
const FAILURES_AT_ONCE = 16;

/** So much is read ahead of any receive where somebody wants to hear of the end. */
const READ_AHEAD = 64 * 1024;

/** How a receive waits. */
export interface ReceiveWait {
  /** Milliseconds; 0 for no limit. */
  timeout: number;
  signal: AbortSignal | undefined;
  /** Kept from being collected while it waits. */
  owner: object;
}

/**
 * The receiving half of a channel: the inbox, the one read under way, the one reader.
 *
 * How it works. A receive that finds what it wants in the inbox takes it and is done.
 * Else it becomes the reader, and a read is started unless one is under way. Each
 * arrival goes into the inbox, then the reader's pattern looks again. Giving up, for
 * whatever reason, is forgetting the reader: the read goes on and feeds the inbox.
 */
export class Incoming {
  readonly inbox: Inbox = new Inbox();
  /** Since when the last receive waited that has been answered: the peer was there later. */
  heardSince = -Infinity;
  readonly #channel: Channel;
  readonly #deadline: DeadlineOf;
  #reader: Reader | null = null;
  #reading = false;
  #offered = 0;
  #failuresAtOnce = 0;
  /** How it ended: `true` cleanly, or with an error. */
  #ended: true | IoError | null = null;
  /** The connection was reset, and it is a send that has heard of it. */
  #reset: IoError | null = null;
  /** Called at the end of a channel that is closed and throws away what still comes. */
  #discarded: (() => void) | null = null;
  /** Counts arrivals, so that two looks can be told apart. */
  #arrivals = 0;
  /** The count of arrivals when an attempt last found too little. */
  #missedAt = -1;
  /** Called when a select may find something, or with the error that ends its wait. */
  #selecting: ((err: IoError | null) => void) | null = null;
  /** Called when something arrives or ends and nobody reads. */
  #watcher: ((news: string) => void) | null = null;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#deadline = new DeadlineOf(this, !channel.source.keeps_alive);
  }

  /** A reader waits, or a select. */
  get busy(): boolean {
    return this.#reader !== null || this.#selecting !== null;
  }

  /** A read of the source is under way. */
  get reading(): boolean {
    return this.#reading;
  }

  /** A select waits. */
  get selected(): boolean {
    return this.#selecting !== null;
  }

  /** There is something that no attempt has found too little, or an end to be told. */
  get readable(): boolean {
    if (this.#ended !== null || this.#channel.closed) return true;
    return this.inbox.pending > 0 && this.#missedAt !== this.#arrivals;
  }

  /** The other side has ended, or failed. */
  get ended(): boolean {
    return this.#ended !== null;
  }

  receive(pattern: Pattern, wait: ReceiveWait): Promise<Taken> {
    if (dying !== 0) {
      const refused = refusal();
      if (refused !== null) return refused;
    }
    const channel = this.#channel;
    if (channel.closed) return this.fail(channel.closed_error("receive from"));
    if (this.busy) return this.fail(this.#taken());
    const { signal } = wait;
    if (signal?.aborted) return this.fail(cancelled(`receive from ${channel.name}`, signal));
    const got = this.#look(pattern);
    if (got !== undefined) {
      // The end too is answered at once and for ever, to loops that look for errors only.
      const lasting = got[1] !== null || (this.#ended !== null && this.inbox.pending === 0);
      if (lasting) return this.#answer(got);
      return due() ? behindTurn(got) : Promise.resolve(got);
    }
    const reader = new Reader(this, channel.name, pattern, wait);
    this.#reader = reader;
    this.#failuresAtOnce = 0;
    this.#begin(reader);
    signal?.addEventListener("abort", reader);
    this.#read();
    this.#attend();
    return reader.promise;
  }

  /** Takes what is asked for if it is here; if not, asks for it and waits for nothing. */
  attempt(pattern: Pattern): Taken {
    const channel = this.#channel;
    if (channel.closed) return [null, channel.closed_error("receive from")];
    if (this.busy) return [null, this.#taken()];
    const got = this.#look(pattern);
    if (got !== undefined) return got;
    this.#missedAt = this.#arrivals;
    this.#read();
    this.#attend();
    return [
      null,
      new IoError("timeout", `Cannot receive from ${channel.name}: not all is here yet`),
    ];
  }

  /** Calls `then` whenever it may have become readable, until it is given `null`. */
  select(then: ((err: IoError | null) => void) | null): void {
    this.#selecting = then;
    if (then !== null && !this.readable) this.#read();
    this.#attend();
  }

  /** Keeps a read under way for the end of the other side, if somebody wants to know of it. */
  listen(): void {
    if (this.#ended !== null || this.#channel.closed) return;
    if (this.inbox.pending < READ_AHEAD) this.#read();
    this.#attend();
  }

  #taken(): IoError {
    const who = this.#reader === null ? "a select" : "another receive";
    return new IoError("busy", `Cannot receive from ${this.#channel.name}: ${who} is waiting`);
  }

  /** Lets the source know whether anybody waits for the read that is under way. */
  #attend(): void {
    const { source } = this.#channel;
    if (source.lets_go === true && this.#reading) {
      source.ref?.(this.busy || this.#channel.on_over !== null);
    }
  }

  /**
   * Answers at once with a failure. A loop that takes no heed of failures would spin in
   * microtasks and starve everything, so from the 16th on each takes a turn.
   */
  fail(err: IoError): Promise<[value: null, err: IoError]> {
    return this.#answer([null, err]);
  }

  #answer<T extends Taken>(taken: T): Promise<T> {
    return ++this.#failuresAtOnce < FAILURES_AT_ONCE ? Promise.resolve(taken) : afterTurn(taken);
  }

  #look(pattern: Pattern): Taken | undefined {
    const got = pattern.take(this.inbox);
    if (got !== undefined || this.#ended === null) return got;
    return this.#ended === true ? pattern.end(this.inbox) : [null, this.#ended];
  }

  /** Starts a read, unless one is under way or nothing more can come. */
  #read(): void {
    if (this.#reading || this.#ended !== null) return;
    this.#reading = true;
    const room = this.inbox.room();
    this.#offered = room.length;
    this.#channel.source.read(room).then(this.#arrived, this.#failed);
  }

  readonly #arrived = (count: number | null): void => {
    this.#reading = false;
    const channel = this.#channel;
    if (channel.closed) return this.#discard(count);
    if (count === null) {
      this.#ended = this.#reset ?? true;
      channel.trace?.(this.#reset === null ? "< end" : "< reset");
    } else {
      this.#arrivals += 1;
      this.inbox.filled(count, this.#offered);
      channel.arrived();
      if (channel.trace !== null) this.#trace_bytes(count);
    }
    this.#serve(count === null ? "the peer ended" : `${count} stray bytes`);
  };

  readonly #failed = (error: unknown): void => {
    this.#reading = false;
    const channel = this.#channel;
    if (channel.closed) return this.#discard(null);
    const err = fromOs(error, `Cannot receive from ${channel.name}`);
    this.#ended = err;
    channel.trace?.(`< ${err.code}`);
    this.#serve(err.code);
  };

  /**
   * A send has heard that the connection was reset. The system tells that once: a read finds
   * what had come before, and then an end that passes for a clean one.
   */
  wasReset(cause: unknown): void {
    const message = `Cannot receive from ${this.#channel.name}: the connection was reset`;
    this.#reset = new IoError("reset", message, { cause });
  }

  /** Throws away what comes after the close, and calls `then` when the peer has ended. */
  discard(then: () => void): void {
    // It may have been closed at once meanwhile.
    if (this.#channel.released) return;
    this.#discarded = then;
    this.#read();
  }

  #discard(count: number | null): void {
    const then = this.#discarded;
    if (then === null || this.#channel.released) return;
    if (count !== null) return this.#read();
    this.#discarded = null;
    then();
  }

  #trace_bytes(count: number): void {
    const view = this.inbox.view();
    this.#channel.trace_bytes("<", view.subarray(view.length - count));
  }

  /** Lets the reader look at what has come. */
  #serve(news: string): void {
    const ended = this.#ended;
    if (ended === true) this.#channel.over(null);
    // What was never open for reading has not ended: a child's input, standard output.
    else if (ended !== null && ended.code !== "closed") this.#channel.over(ended);
    const reader = this.#reader;
    if (reader === null) {
      this.#selecting?.(null);
      this.#watcher?.(news);
      if (this.#channel.on_over !== null) this.listen();
      return;
    }
    const got = this.#look(reader.pattern);
    if (got !== undefined) {
      // One that is answered in the turn in which it came tells of no later time.
      if (this.#ended === null && reader.since > this.heardSince) this.heardSince = reader.since;
      this.#release(reader);
      reader.resolve(got);
      if (this.#channel.on_over !== null) this.listen();
      return;
    }
    if (reader.pattern.open) this.#arm(reader, now());
    this.#read();
  }

  /** Enters a reader; its time runs from the end of the turn on, which costs all of them one look at the clock. */
  #begin(reader: Reader): void {
    reader.enter(wheel.clock.exact ? now() : NaN);
    if (wheel.clock.exact) this.#arm(reader, reader.since);
    else atTurnOver(reader);
  }

  /** The turn in which a reader came is over. */
  begun(reader: Reader, time: number): void {
    reader.since = time;
    if (this.#reader === reader) this.#arm(reader, time);
  }

  #arm(reader: Reader, from: number): void {
    const { timeout } = reader.wait;
    if (timeout === 0 || timeout === Infinity) return;
    reader.due = from + timeout;
    this.#deadline.set(reader.due);
  }

  /**
   * The time is up. Data that is already in the kernel comes first, however long the
   * loop was held up: the answer waits until the kernel has been asked once more.
   */
  due(): void {
    const reader = this.#reader!;
    poll(() => {
      // What has come meanwhile may have given it more time.
      if (this.#reader !== reader || reader.due > now()) return;
      const kept = this.inbox.pending;
      const channel = this.#channel;
      channel.taint("a receive timed out");
      channel.trace?.(`timeout, ${kept} B kept`);
      const words = `Cannot receive from ${channel.name}: ` +
        `${
          reader.pattern.open ? "nothing more" : "not all of it"
        } within ${reader.wait.timeout} ms`;
      this.giveUp(new IoError("timeout", words));
    });
  }

  /** Answers the reader, if there is one; what has arrived stays. */
  giveUp(err: IoError): boolean {
    const reader = this.#reader;
    if (reader === null) {
      const selecting = this.#selecting;
      selecting?.(err);
      return selecting !== null;
    }
    this.#release(reader);
    reader.resolve([null, err]);
    return true;
  }

  /** Forgets a reader whose thread was killed. */
  forget(reader: Reader): void {
    this.#release(reader);
    this.#channel.taint("the thread of a receive was killed");
    this.#channel.trace?.(`killed, ${this.inbox.pending} B kept`);
  }

  /** The reader gave up by its signal: the answer may still come, as after a timeout. */
  abort(reader: Reader, signal: AbortSignal): void {
    this.#channel.taint("a receive was aborted");
    this.#release(reader);
    reader.resolve([null, cancelled(`receive from ${this.#channel.name}`, signal)]);
  }

  #release(reader: Reader): void {
    this.#reader = null;
    this.#deadline.clear();
    reader.leave();
    reader.wait.signal?.removeEventListener("abort", reader);
    this.#attend();
  }

  /** Keeps a read under way, and tells `watcher` of whatever comes; `null` stops telling. */
  watch(watcher: ((news: string) => void) | null): void {
    this.#watcher = watcher;
    if (watcher !== null) this.#read();
  }

  /** The channel has been closed. */
  close(err: () => IoError): void {
    if (this.#reader !== null) this.giveUp(err());
    // A closed stream is one that a receive answers at once.
    this.#selecting?.(null);
    this.#watcher = null;
    this.#deadline.remove();
    this.inbox.clear();
  }
}

/** The one receive that waits. */
class Reader extends Asked<Taken> {
  /** When it gives up. */
  due = Infinity;
  readonly pattern: Pattern;
  readonly wait: ReceiveWait;
  readonly #incoming: Incoming;
  readonly #name: string;

  constructor(incoming: Incoming, name: string, pattern: Pattern, wait: ReceiveWait) {
    super();
    this.#incoming = incoming;
    this.#name = name;
    this.pattern = pattern;
    this.wait = wait;
  }

  override describe(): string {
    return `receive ${this.#name}`;
  }

  turnOver(time: number): void {
    this.#incoming.begun(this, time);
  }

  override kill(error: ThreadKilled): void {
    this.#incoming.forget(this);
    this.reject(error);
  }

  /** Its signal was aborted. The listener is the object itself: a closure each would cost. */
  handleEvent(): void {
    this.#incoming.abort(this, this.wait.signal!);
  }
}
