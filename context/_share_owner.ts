import { any, type Bytes, codecOf, Deadline, type Encoding, IoError, now } from "../core/mod.ts";
import { TcpSocket } from "../cosocket/mod.ts";
import { BufferedStream, type Channel, DEFAULT_TIMEOUT } from "../stream/mod.ts";
import { BESIDE } from "./_packet.ts";
import { type Answer, noMore, type Parts, type Request, WINDOW } from "./_share_words.ts";
import { newLine, packError, postTo, takeFrom, takeStray, wiredHome } from "./_share_wire.ts";

const bytes = codecOf("bytes");

/** So much of what was received goes over at a time. */
const PIECE = 64 * 1024;

/** The shares of this thread, by the channel that each stands on. */
const shares = new WeakMap<Channel, Share>();

/** A stream that others may send to, and one other may receive from. */
export class Share {
  readonly parts: Parts;
  readonly #stream: BufferedStream<Encoding>;
  readonly #channel: Channel;
  readonly #openers = new Set<Opener>();
  readonly #forget: () => void;
  readonly #abort = new AbortController();
  #claimed = false;
  /** Whether the claimant is to have the socket itself, where that can be. */
  moves = false;

  /** The share of a stream: made at the first call, and the same as long as that is open. */
  static of(stream: BufferedStream<Encoding>, channel: Channel, owner: number): Share {
    let share = shares.get(channel);
    if (share === undefined) shares.set(channel, share = new Share(stream, channel, owner));
    return share;
  }

  private constructor(stream: BufferedStream<Encoding>, channel: Channel, owner: number) {
    this.#stream = stream;
    this.#channel = channel;
    const token = crypto.randomUUID().replaceAll("-", "");
    this.parts = { owner, line: newLine(), token };
    this.#forget = takeFrom(owner, this.parts.line, (value, from) => {
      this.#open(value as Request & { k: "open" }, from);
    });
    takeStray(refuseLate);
    const released = channel.on_release;
    channel.on_release = () => {
      released?.();
      this.#over();
    };
    // The main thread's end is that of the program.
    if (owner === 0) return;
    const { signal } = this.#abort;
    wiredHome().office.handle(owner, owner).wait({ signal }).then(([ending]) => {
      if (ending !== null) channel.close_immediately();
    });
  }

  /** Whether its stream still stands on it: it may be in a pool, or under TLS, by now. */
  get usable(): boolean {
    return !this.#channel.closed && BufferedStream.channel_of(this.#stream) === this.#channel;
  }

  #open({ token, claim, line }: Request & { k: "open" }, from: number): void {
    const { owner } = this.parts;
    const { name, incoming, source: { remote = null } } = this.#channel;
    const refuse = (err: IoError) => say(owner, from, line, { k: "refused", err: packError(err) });
    if (token !== this.parts.token || !this.usable) return refuse(noMore(name));
    if (claim && (this.#claimed || incoming.busy)) {
      const why = this.#claimed ? "another has claimed it" : "its owner is receiving";
      return refuse(new IoError("busy", `Cannot claim ${name}: ${why}`));
    }
    if (claim && this.moves && this.#openers.size === 0 && this.#move(from, line)) return;
    if (claim) this.#claimed = true;
    const opener = new Opener(this, this.#channel, { id: from, line, claim });
    this.#openers.add(opener);
    opener.say({ k: "opened", line: opener.line, name, remote });
    if (claim) opener.receive();
  }

  /** Gives the socket away; false where it, or the other side, is not of the kind for that. */
  #move(to: number, line: number): boolean {
    const home = wiredHome();
    const hand = home.hand?.(to) ?? null;
    if (hand === null || !(this.#stream instanceof TcpSocket)) return false;
    const socket = this.#stream.give_socket();
    if (socket === null) return false;
    const value: Answer = { k: "moved" };
    const { owner: from } = this.parts;
    hand({ kind: BESIDE, to, from, via: home.office.place, session: line, value }, socket);
    return true;
  }

  left(opener: Opener): void {
    this.#openers.delete(opener);
  }

  /** The stream has been closed, by whomever. */
  #over(): void {
    // The stream is waited for, to be collected, by what its channel holds.
    shares.delete(this.#channel);
    this.#channel.on_release = null;
    this.#forget();
    this.#abort.abort();
    for (const opener of [...this.#openers]) opener.gone();
  }
}

function say(owner: number, to: number, line: number, word: Answer | Bytes): void {
  postTo(to, line, owner, word);
}

/** Who asks for a share that is over must not wait for an answer. */
function refuseLate(value: unknown, from: number, _line: number, to: number): void {
  const request = value as Partial<Request> | null;
  if (request?.k !== "open" || request.line === undefined) return;
  say(to, from, request.line, { k: "refused", err: packError(noMore("a shared stream")) });
}

/** Who has opened a share, where, and how. */
interface Other {
  id: number;
  /** Its line, for the answers. */
  line: number;
  claim: boolean;
}

/** One who has opened a share, seen from its owner. */
class Opener {
  /** The line that takes its requests. */
  readonly line: number = newLine();
  readonly #share: Share;
  readonly #channel: Channel;
  readonly #other: Other;
  readonly #abort = new AbortController();
  readonly #forget: () => void;
  /** Its turn to send, from its first piece to its release. */
  #turn: Turn | null = null;
  /** So many bytes more may go over to it. */
  #window = WINDOW;
  /** Something whole is under way; it may be when nobody waits for it any more. */
  #sending = false;
  readonly #late = new AbortController();
  readonly #limit = new Deadline(() => this.#late.abort(), false);
  #closing = false;
  #over = false;

  constructor(share: Share, channel: Channel, other: Other) {
    this.#share = share;
    this.#channel = channel;
    this.#other = other;
    const { owner } = share.parts;
    this.#forget = takeFrom(owner, this.line, (value, from) => {
      if (from === other.id) this.#take(value as Request | Bytes);
    });
    if (other.id === 0) return;
    const { signal } = this.#abort;
    wiredHome().office.handle(other.id, owner).wait({ signal }).then(([ending]) => {
      if (ending !== null) this.#died();
    });
  }

  say(word: Answer | Bytes): void {
    say(this.#share.parts.owner, this.#other.id, this.#other.line, word);
  }

  /** The stream has been closed. */
  gone(): void {
    if (this.#closing) return;
    const words = `Cannot use ${this.#channel.name}: its owner closed it`;
    this.say({ k: "gone", err: packError(new IoError("gone", words)) });
    this.#leave();
  }

  /** Hands over what there is to receive, and whatever comes. */
  receive(): void {
    this.#channel.incoming.select(this.#look);
    this.#look();
  }

  #take(request: Request | Bytes): void {
    if (request instanceof Uint8Array) this.#write(request);
    else if (request.k === "rest") this.#writeRest(request.piece);
    else if (request.k === "taken") {
      this.#window += request.count;
      this.#look();
    } else if (request.k === "release") this.#release(request.torn);
    else if (request.k === "end") this.#end();
    else if (request.k === "close") this.#close(request.atOnce);
  }

  /** Sends a part of something: until the rest of it is there, nobody else sends. */
  async #write(piece: Bytes): Promise<void> {
    if (this.#turn === null) {
      if (!this.#share.usable) return this.#written(noMore(this.#channel.name));
      const { outgoing } = this.#channel;
      const [turn, err] = await outgoing.takeTurn(this.#wait());
      if (err !== null) return this.#written(err);
      if (this.#over || this.#closing) return outgoing.endTurn(turn, false);
      this.#turn = turn;
    }
    const [, err] = await this.#channel.outgoing.sendAs(this.#turn, [piece]);
    this.#written(err);
  }

  /** Sends something whole, or the last part of it. */
  async #writeRest(piece: Bytes): Promise<void> {
    const turn = this.#turn;
    const { outgoing, name } = this.#channel;
    if (turn !== null) {
      const [, err] = await outgoing.sendAs(turn, [piece]);
      this.#release(false);
      return this.#written(err);
    }
    // Under TLS, or in a pool, the channel is for others to send on.
    if (!this.#share.usable) return this.#written(noMore(name));
    // It is whole, and goes out even if its sender ends, if the peer takes it in time.
    this.#sending = true;
    const wait = { timeout: 0, signal: this.#late.signal, owner: this };
    const [, err] = await outgoing.send(piece, bytes, wait);
    this.#sending = false;
    this.#limit.remove();
    this.#written(err);
  }

  #written(err: IoError | null): void {
    this.say(err === null ? { k: "wrote" } : { k: "unwritten", err: packError(err) });
  }

  /** How long its sends may wait, it says itself; here they end with it. */
  #wait() {
    return { timeout: 0, signal: this.#abort.signal, owner: this };
  }

  /** Lets others send; none may where half a message has left. */
  #release(torn: boolean): void {
    const turn = this.#turn;
    this.#turn = null;
    if (turn !== null) this.#channel.outgoing.endTurn(turn, torn);
  }

  /**
   * Something may have come. The wait in `select` never ends in between: a receive of the
   * owner would get bytes out of the middle.
   */
  readonly #look = (): void => {
    const { incoming } = this.#channel;
    while (this.#window > 0 && !this.#over && !this.#channel.closed) {
      incoming.select(null);
      const [piece, err] = incoming.attempt(any(bytes, Math.min(PIECE, this.#window)));
      incoming.select(this.#look);
      if (piece !== null) {
        this.#window -= (piece as Bytes).length;
        this.say(piece as Bytes);
        continue;
      }
      // There is nothing yet; it was asked for.
      if (!incoming.ended) return;
      this.#window = -Infinity;
      this.say(err === null ? { k: "eof" } : { k: "failed", err: packError(err) });
    }
  };

  /** It sends no more. The stream itself ends only for who has the whole of it. */
  async #end(): Promise<void> {
    this.#release(false);
    const [, err] = this.#other.claim ? await this.#channel.outgoing.end(this.#wait()) : [0, null];
    this.say({ k: "ended", err: err === null ? null : packError(err) });
  }

  async #close(atOnce: boolean): Promise<void> {
    const channel = this.#channel;
    const { claim } = this.#other;
    if (claim && atOnce) channel.close_immediately();
    this.#closing = true;
    this.#release(atOnce);
    if (claim) await channel.close();
    this.say({ k: "closed" });
    this.#leave();
  }

  /** Its context has ended: what it had received is lost, and so is the stream. */
  #died(): void {
    this.#release(true);
    this.#leave();
    if (this.#other.claim) this.#channel.close_immediately();
  }

  #leave(): void {
    this.#over = true;
    this.#forget();
    this.#abort.abort();
    if (this.#sending) this.#limit.set(now() + DEFAULT_TIMEOUT);
    if (this.#other.claim) this.#channel.incoming.select(null);
    this.#share.left(this);
  }
}

/** The right to send alone. */
type Turn = NonNullable<Awaited<ReturnType<Channel["outgoing"]["takeTurn"]>>[0]>;
