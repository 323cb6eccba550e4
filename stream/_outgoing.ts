import {
  atOnce,
  atTurnOver,
  bytesOf,
  cancelled,
  type Codec,
  codecOf,
  DeadlineOf,
  dying,
  fromOs,
  IoError,
  now,
  type Part,
  poll,
  refusal,
  type Result,
} from "../core/mod.ts";
import { gatherLittle, gatherMuch, isLittle } from "./_gather.ts";
import { Message, type SendWait } from "./_message.ts";
import { LITTLE, little, much, type Spare } from "./_spares.ts";
import type { Channel } from "./channel.ts";

const NOTHING = new Uint8Array(0);

/** An idle stream has no lists of its own; nothing is ever put into these. */
const NONE: Message[] = [];
const NO_PIECES: Uint8Array[] = [];

/** So much is held between `cork` and `uncork`, at most. */
const MOST_HELD = 64 * 1024 * 1024;

/**
 * Whether the connection was cut. EPIPE is another matter: the peer had ended before, so all
 * that it sent is here.
 */
function isReset(error: unknown): boolean {
  const { name, code } = error as { name?: unknown; code?: unknown };
  return name === "ConnectionReset" || code === "ECONNRESET";
}

/**
 * The sending half of a channel: a queue of messages, and the one write under way.
 *
 * How it works. A send enters its message in the queue. At the end of the turn all
 * messages at hand are gathered into as few writes as possible; what is sent meanwhile
 * waits for the next gathering. While a message is queued it can be withdrawn whole.
 * Once it is gathered it cannot: its caller may be released, but the message still
 * goes out whole, so that no frame is torn, and the channel is tainted.
 */
export class Outgoing {
  readonly #channel: Channel;
  readonly #deadline: DeadlineOf;
  #queue: Message[] = NONE;
  /** The messages that were gathered and are not written wholly. */
  #batch: Message[] = NONE;
  /** The bytes of the batch that are left to be written. */
  #pieces: Uint8Array[] = NO_PIECES;
  #spare: Spare | null = null;
  #flushing = false;
  #writing = false;
  /** All bytes ever written. */
  #written = 0;
  /** All bytes ever gathered. */
  #gathered = 0;
  /** When bytes last left. */
  #progress = 0;
  /** Set once a message was given up half-way: no more is accepted. */
  #torn = false;
  /** Who alone may send at the moment; what others send waits behind. */
  #holder: Message | null = null;
  /** What is held until `uncork`, and its size; `null` while it is not corked. */
  #held: Uint8Array[] | null = null;
  #heldSize = 0;
  /** Milliseconds that what is held may take, if a close has to send it. */
  #heldTimeout = 0;
  /** Set once the end has been asked for. */
  #ending = false;
  /** Set once the end has left. */
  #ended = false;
  #failed: IoError | null = null;
  #drained: (() => void)[] | null = null;

  constructor(channel: Channel) {
    this.#channel = channel;
    this.#deadline = new DeadlineOf(this, !channel.source.keeps_alive);
  }

  /** Sends wait. */
  get busy(): boolean {
    return this.#queue.length > 0 || this.#batch.length > 0 || this.#holder !== null;
  }

  /** A write or an end of the source is under way. */
  get writing(): boolean {
    return this.#writing;
  }

  /** What is being written now is the end of all that was to be sent. */
  get finishing(): boolean {
    return this.#pieces.length === 1 && this.#queue.length === 0 && this.#holder === null;
  }

  /** Sends are held until `uncork`. */
  get corked(): boolean {
    return this.#held !== null;
  }

  /** A message was given up half-way. */
  get torn(): boolean {
    return this.#torn;
  }

  /** Half-closed by us. */
  get ending(): boolean {
    return this.#ending;
  }

  send(parts: Part | Part[], codec: Codec, wait: SendWait): Promise<Result<number>> {
    if (dying !== 0) {
      const refused = refusal();
      if (refused !== null) return refused;
    }
    const err = this.#refusal(false);
    if (err !== null) return this.#channel.incoming.fail(err);
    const { signal } = wait;
    if (signal?.aborted) {
      return this.#channel.incoming.fail(cancelled(`send to ${this.#channel.name}`, signal));
    }
    if (parts.length === 0) return atOnce<Result<number>>([0, null]);
    return this.#enter(new Message(this, this.#channel.name, "data", parts, codec, wait));
  }

  /** Holds what is sent from now on. */
  cork(timeout: number): Result<true> {
    const err = this.#refusal(false);
    if (err !== null) return [null, err];
    this.#held ??= [];
    this.#heldTimeout = timeout;
    return [true, null];
  }

  /** Keeps a message until `uncork`; a copy, for its bytes may be changed by then. */
  hold(parts: Part | Part[], codec: Codec): Promise<Result<number>> {
    if (dying !== 0) {
      const refused = refusal();
      if (refused !== null) return refused;
    }
    const err = this.#refusal(false);
    if (err !== null) return this.#channel.incoming.fail(err);
    const pieces = Array.isArray(parts) ? parts : [parts];
    const copies = pieces.map((part) =>
      typeof part === "string" ? bytesOf(part, codec) : part.slice()
    );
    const size = copies.reduce((sum, { length }) => sum + length, 0);
    if (this.#heldSize + size > MOST_HELD) {
      const words = `Cannot hold ${size} bytes more for ${this.#channel.name}: uncork first`;
      return this.#channel.incoming.fail(new IoError("exhausted", words));
    }
    this.#held!.push(...copies);
    this.#heldSize += size;
    return atOnce<Result<number>>([size, null]);
  }

  /** Gives what is held, and holds no more. */
  uncork(): Uint8Array[] {
    const held = this.#held ?? [];
    this.#held = null;
    this.#heldSize = 0;
    return held;
  }

  /** Gives what is held, to be sent with something else; it stays corked. */
  takeHeld(): Uint8Array[] {
    const held = this.uncork();
    this.#held = [];
    return held;
  }

  /** Puts back what `takeHeld` gave: nothing of it has left. */
  giveBackHeld(held: Uint8Array[]): void {
    if (held.length === 0 || this.#channel.released) return;
    this.#held = [...held, ...this.#held ?? []];
    this.#heldSize += held.reduce((sum, { length }) => sum + length, 0);
  }

  /** Sends what is held: the channel closes. */
  uncorkToClose(): void {
    const parts = this.uncork();
    if (parts.length === 0 || this.#failed !== null || this.#torn) return;
    const wait: SendWait = { timeout: this.#heldTimeout, signal: undefined, owner: this };
    this.#enter(new Message(this, this.#channel.name, "data", parts, codecOf("bytes"), wait));
  }

  /**
   * Waits until all that was sent before has left. From then on only {@linkcode sendAs}
   * with the same `turn` sends, until {@linkcode endTurn}; all else waits behind.
   */
  async takeTurn(wait: SendWait): Promise<Result<Message>> {
    if (dying !== 0) {
      const refused = refusal();
      if (refused !== null) return await refused;
    }
    const { signal } = wait;
    const err = this.#refusal(false) ??
      (signal?.aborted ? cancelled(`send to ${this.#channel.name}`, signal) : null);
    if (err !== null) return await this.#channel.incoming.fail(err);
    const turn = new Message(this, this.#channel.name, "turn", null, null, wait);
    const [, failed] = await this.#enter(turn);
    return failed === null ? [turn, null] : [null, failed];
  }

  /** Sends in a turn that was taken. */
  sendAs(turn: Message, parts: Part[]): Promise<Result<number>> {
    if (dying !== 0) {
      const refused = refusal();
      if (refused !== null) return refused;
    }
    const err = this.#channel.released ? this.#channel.closed_error("send to") : this.#failed;
    if (err !== null) return Promise.resolve([null, err]);
    const { name } = this.#channel;
    return this.#enter(new Message(this, name, "data", parts, codecOf("bytes"), turn.wait), true);
  }

  /** Lets the others send; not if the turn has sent something that is not whole. */
  endTurn(turn: Message, torn: boolean): void {
    if (this.#holder !== turn) return;
    this.#holder = null;
    if (torn) {
      this.#torn = true;
      this.#channel.taint("a file was sent half");
      const queue = this.#queue;
      this.#queue = NONE;
      this.#ending = false;
      for (const message of queue) this.#answer(message, [null, this.#refusal(true)!]);
    }
    if (!this.#writing && !this.#flushing && !this.#channel.released) this.#flush(now());
  }

  /** Ends the sending side when all that was sent before has left. */
  end(wait: SendWait): Promise<Result<number>> {
    if (dying !== 0) {
      const refused = refusal();
      if (refused !== null) return refused;
    }
    if (this.#ended) return atOnce<Result<number>>([0, null]);
    const err = this.#refusal(true);
    if (err !== null) return this.#channel.incoming.fail(err);
    this.#ending = true;
    return this.#enter(new Message(this, this.#channel.name, "end", null, null, wait));
  }

  /** Why no more is accepted: neither a message nor, if it `isEnd`, an end. */
  #refusal(isEnd: boolean): IoError | null {
    const channel = this.#channel;
    if (channel.closed) return channel.closed_error("send to");
    if (this.#failed !== null) return this.#failed;
    if (this.#ending && !isEnd) {
      return new IoError(
        "closed",
        `Cannot send to ${channel.name}: its sending side was shut down`,
      );
    }
    if (this.#torn) {
      const words = `Cannot send to ${channel.name}: an earlier send was given up half-way`;
      return new IoError("dirty", words, { sent: 0 });
    }
    return null;
  }

  #enter(message: Message, first = false): Promise<Result<number>> {
    this.#channel.sent();
    // Alone, as most are: pushing to an empty list would take room for sixteen more.
    if (this.#queue.length === 0) this.#queue = [message];
    else if (first) this.#queue.unshift(message);
    else this.#queue.push(message);
    // The clock is read once for all that is sent in a turn.
    message.enter(this.#writing ? now() : NaN);
    if (this.#writing) this.#arm(message);
    message.wait.signal?.addEventListener("abort", message);
    if (!this.#flushing && !this.#writing) {
      this.#flushing = true;
      atTurnOver(this);
    }
    return message.promise;
  }

  #arm(message: Message): void {
    const { timeout } = message.wait;
    if (timeout === 0 || timeout === Infinity) return;
    const due = Math.max(message.since, this.#progress) + timeout;
    if (due < this.#deadline.at) this.#deadline.set(due);
  }

  /** The turn is over: what it has sent leaves. */
  turnOver(time: number): void {
    this.#flushing = false;
    if (!this.#writing && !this.#channel.released) this.#flush(time);
  }

  #flush(time: number): void {
    const first = this.#queue[0];
    if (first === undefined) return this.#settled();
    if (this.#holder !== null && first.wait !== this.#holder.wait) {
      // Their time runs; whoever holds the line has nothing to send just now.
      for (const message of this.#queue) {
        if (Number.isNaN(message.since)) message.since = time;
        this.#arm(message);
      }
      return;
    }
    this.#progress = time;
    if (first.what === "end") return this.#endSource();
    if (first.what === "turn") {
      this.#queue.shift();
      this.#holder = first;
      this.#answer(first, [0, null]);
      for (const message of this.#queue) this.#begin(message);
      return;
    }
    this.#gather();
    for (const message of this.#batch) this.#begin(message);
    for (const message of this.#queue) this.#begin(message);
    this.#write();
  }

  /** Its time runs from now on, if it did not before. */
  #begin(message: Message): void {
    if (Number.isNaN(message.since)) message.since = this.#progress;
    this.#arm(message);
  }

  /** Moves messages from the queue into the batch, as many as fit into one write. */
  #gather(): void {
    // Whoever holds the line sends one by one, and the others wait.
    const messages = this.#holder === null ? this.#queue : this.#queue.slice(0, 1);
    const taken = isLittle(messages) ? this.#gatherLittle(messages) : this.#gatherMuch(messages);
    if (taken === this.#queue.length) {
      this.#batch = this.#queue;
      this.#queue = NONE;
    } else {
      this.#batch = this.#queue.slice(0, taken);
      this.#queue = this.#queue.slice(taken);
    }
  }

  /** Gathers messages that fit into one small piece; gives how many they are. */
  #gatherLittle(messages: Message[]): number {
    const spare = this.#spare = little.take();
    const taken = gatherLittle(messages, spare.memory, this.#gathered);
    const size = messages[taken - 1]!.endAt - this.#gathered;
    this.#gathered += size;
    if (size > 0) this.#pieces = [spare.first(size)];
    return taken;
  }

  /** Gathers into a large piece, with large bytes in between from where they are. */
  #gatherMuch(messages: Message[]): number {
    const pieces: Uint8Array[] = [];
    const { memory } = this.#spare = much.take();
    const taken = gatherMuch(messages, memory, this.#gathered, pieces);
    this.#gathered = messages[taken - 1]!.endAt;
    this.#pieces = pieces;
    return taken;
  }

  #write(): void {
    const piece = this.#pieces[0];
    if (piece === undefined) return this.#wrote(0);
    this.#writing = true;
    this.#channel.source.write(piece).then(this.#wrote, this.#writeFailed);
  }

  readonly #wrote = (count: number): void => {
    this.#writing = false;
    const channel = this.#channel;
    if (channel.released) return;
    const piece = this.#pieces[0] ?? NOTHING;
    if (channel.trace !== null) channel.trace_bytes(">", piece.subarray(0, count));
    this.#written += count;
    if (count < piece.length) this.#pieces[0] = piece.subarray(count);
    else if (this.#pieces.length === 1) this.#pieces = NO_PIECES;
    else this.#pieces.shift();
    let done = 0;
    for (const message of this.#batch) {
      if (message.endAt > this.#written) break;
      done += 1;
      if (!message.over) this.#answer(message, [message.endAt - message.startAt, null]);
    }
    if (this.#pieces.length > 0) {
      if (done > 0) this.#batch = this.#batch.slice(done);
      this.#progress = now();
      return this.#write();
    }
    this.#batch = NONE;
    this.#giveBack();
    if (this.#queue.length > 0) this.#flush(now());
    else this.#settled();
  };

  /** Nothing but ends is left in the queue: after one was asked for, no send is accepted. */
  #endSource(): void {
    this.#writing = true;
    this.#batch = this.#queue;
    this.#queue = NONE;
    for (const message of this.#batch) this.#begin(message);
    const ended = () => {
      this.#writing = false;
      if (this.#channel.released) return;
      this.#ended = true;
      this.#channel.trace?.("> end");
      const messages = [...this.#batch, ...this.#queue];
      this.#batch = NONE;
      this.#queue = NONE;
      for (const message of messages) {
        if (!message.over) this.#answer(message, [0, null]);
      }
      this.#settled();
    };
    this.#channel.source.end().then(ended, this.#writeFailed);
  }

  readonly #writeFailed = (error: unknown): void => {
    this.#writing = false;
    const channel = this.#channel;
    if (channel.released) return;
    channel.taint("a send failed");
    this.#failed = fromOs(error, `Cannot send to ${channel.name}`);
    channel.trace?.(`> ${this.#failed.code}`);
    if (isReset(error)) channel.incoming.wasReset(error);
    channel.over(this.#failed);
    this.#dropAll(this.#failed);
    this.#settled();
  };

  /** Nothing waits any more. */
  #settled(): void {
    this.#deadline.clear();
    const drained = this.#drained;
    if (this.#holder !== null || drained === null) return;
    this.#drained = null;
    for (const then of drained) then();
  }

  /** Calls `then` when no send waits any more, as long as each may. */
  whenDrained(then: () => void): void {
    if (this.#waiting) (this.#drained ??= []).push(then);
    else then();
  }

  get #waiting(): boolean {
    return this.#queue.length > 0 || this.#holder !== null ||
      this.#batch.some((message) => !message.over);
  }

  /** Some time is up: data in flight may still be reported, so the kernel is asked first. */
  due(): void {
    poll(() => {
      const time = now();
      for (const message of [...this.#batch, ...this.#queue]) {
        const { timeout } = message.wait;
        if (message.over || timeout === 0 || timeout === Infinity) continue;
        if (Math.max(message.since, this.#progress) + timeout > time) {
          this.#arm(message);
          continue;
        }
        const words = `Cannot send to ${this.#channel.name}: no progress within ${timeout} ms`;
        this.giveUp(message, (sent) => new IoError("timeout", words, { sent }));
      }
      if (!this.#waiting) this.#settled();
    });
  }

  /** Ends the wait for a message: it is withdrawn if queued, or goes out all the same. */
  giveUp(message: Message, err: (sent: number) => IoError): void {
    this.#answer(message, [null, err(this.withdraw(message))]);
    if (!this.#waiting) this.#settled();
  }

  /** Takes a message back as far as that is possible; gives how many bytes of it have left. */
  withdraw(message: Message): number {
    const at = this.#queue.indexOf(message);
    if (at >= 0) {
      this.#queue.splice(at, 1);
      if (message.what === "end") {
        this.#ending = [...this.#batch, ...this.#queue].some(({ what }) => what === "end");
      }
      return 0;
    }
    const sent = Math.min(Math.max(this.#written - message.startAt, 0), message.size);
    this.#torn = true;
    this.#channel.taint("a send was given up half-way");
    this.#channel.trace?.(`send given up, ${sent} B or more have left`);
    return sent;
  }

  /** A message of a killed thread has been withdrawn. */
  killed(message: Message): void {
    this.withdraw(message);
    this.#release(message);
    if (!this.#waiting) this.#settled();
  }

  #answer(message: Message, result: Result<number>): void {
    this.#release(message);
    message.resolve(result);
  }

  #release(message: Message): void {
    message.over = true;
    message.leave();
    message.wait.signal?.removeEventListener("abort", message);
  }

  #dropAll(err: IoError): void {
    const messages = [...this.#batch, ...this.#queue];
    this.#queue = NONE;
    this.#batch = NONE;
    this.#pieces = NO_PIECES;
    for (const message of messages) {
      if (message.over) continue;
      const sent = Math.min(Math.max(this.#written - message.startAt, 0), message.size);
      this.#answer(message, [
        null,
        new IoError(err.code, err.message, { ...err, cause: err.cause, sent }),
      ]);
    }
    // Not given back: the runtime may still read from it.
    this.#spare = null;
  }

  #giveBack(): void {
    const spare = this.#spare;
    if (spare !== null) (spare.memory.length === LITTLE ? little : much).giveBack(spare);
    this.#spare = null;
  }

  /** The channel has been released; what has not left never will. */
  close(err: () => IoError): void {
    this.#deadline.remove();
    this.#held = null;
    if (this.busy) this.#dropAll(err());
    this.#holder = null;
    this.#settled();
  }
}
