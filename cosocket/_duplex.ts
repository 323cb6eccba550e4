import { any, type Bytes, codecOf, IoError, root, runIn } from "../core/mod.ts";
import type { Channel, Source } from "../stream/mod.ts";
import { Duplex } from "node:stream";
import type { Buffer } from "node:buffer";

const bytes = codecOf("bytes");

/** How much of what came is shown to the TLS layer at a time. */
const PIECE = 64 * 1024;

/**
 * A channel as a Node stream, for `node:tls` to stand on.
 *
 * It goes through the channel's own receive and send, so that a read that is under way
 * (after a receive that timed out) feeds the TLS layer and nothing is lost.
 */
export class ChannelDuplex extends Duplex {
  readonly #channel: Channel;
  /** The channel has ended, and all that came before has been taken by the stream above. */
  ended = false;
  /** What the channel failed with. */
  failure: IoError | null = null;
  #open = true;
  #asked = false;

  constructor(channel: Channel) {
    super({ allowHalfOpen: true, highWaterMark: PIECE });
    this.#channel = channel;
    // The first listener: the stream above hears of the end after this.
    this.on("end", () => this.ended = true);
    // Told through `failure`; without a listener it would end the program.
    this.on("error", () => {});
  }

  override _read(): void {
    if (!this.#open) {
      this.#asked = true;
      return;
    }
    // The wait belongs to the connection, not to the thread that happens to be running.
    runIn(root, () => this.#receive(), []);
  }

  /** Whether more may be taken from the channel: nothing is read ahead of time. */
  flow(open: boolean): void {
    this.#open = open;
    if (!open || !this.#asked) return;
    this.#asked = false;
    this._read();
  }

  async #receive(): Promise<void> {
    const wait = { timeout: 0, signal: undefined, owner: this };
    const [piece, err] = await this.#channel.incoming.receive(any(bytes, PIECE), wait);
    if (this.destroyed) return;
    if (err === null) {
      this.push(piece);
      return;
    }
    this.failure = err;
    this.destroy(err);
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (err?: Error | null) => void): void {
    runIn(root, () => this.#send(chunk, done), []);
  }

  async #send(chunk: Uint8Array, done: (err?: Error | null) => void): Promise<void> {
    const wait = { timeout: 0, signal: undefined, owner: this };
    const [, err] = await this.#channel.outgoing.send(chunk, bytes, wait);
    done(err);
  }

  override _final(done: (err?: Error | null) => void): void {
    runIn(root, () => this.#shutdown(done), []);
  }

  async #shutdown(done: (err?: Error | null) => void): Promise<void> {
    const wait = { timeout: 0, signal: undefined, owner: this };
    const [, err] = await this.#channel.outgoing.end(wait);
    done(err);
  }

  override _destroy(error: Error | null, done: (err?: Error | null) => void): void {
    done(error);
  }
}

/** A Node stream as a source: what `node:tls` and `node:net` give. */
export abstract class DuplexSource implements Source {
  readonly keeps_alive = true;
  protected readonly duplex: Duplex;
  #left: Uint8Array | null = null;
  #ended = false;
  #error: Error | null = null;
  #wake: (() => void) | null = null;
  #begun = false;

  /** One that is not `eager` is read when somebody asks for the first time. */
  constructor(duplex: Duplex, eager = true) {
    this.duplex = duplex;
    duplex.on("end", this.#onEnd);
    duplex.on("close", this.#onEnd);
    duplex.on("error", this.#onError);
    if (eager) this.#begin();
  }

  readonly #news = (): void => {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#news();
  };

  readonly #onError = (error: Error): void => {
    this.#error ??= error;
    this.#news();
  };

  /** Has the stream read; before, nothing of what it brings has been touched. */
  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.duplex.on("readable", this.#news);
  }

  /** Gives the stream away, unless something was read of it. */
  protected giveUp(): Duplex | null {
    if (this.#begun || this.#error !== null || this.#ended) return null;
    this.duplex.off("end", this.#onEnd);
    this.duplex.off("close", this.#onEnd);
    return this.duplex;
  }

  async read(into: Bytes): Promise<number | null> {
    this.#begin();
    for (;;) {
      const chunk = this.#left ?? this.duplex.read() as Buffer | null;
      if (chunk !== null) return this.#fill(into, chunk);
      if (this.failure !== null) throw this.failure;
      if (this.#ended) return this.atEnd();
      this.flow(true);
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.flow(false);
    }
  }

  /** What it failed with. */
  protected get failure(): Error | null {
    return this.#error;
  }

  /** Whether a read waits for more. */
  protected flow(_open: boolean): void {}

  /** The end has come: gives what a read gives then. */
  protected atEnd(): null {
    return null;
  }

  #fill(into: Bytes, chunk: Uint8Array): number {
    const count = Math.min(chunk.length, into.length);
    into.set(count === chunk.length ? chunk : chunk.subarray(0, count));
    this.#left = count === chunk.length ? null : chunk.subarray(count);
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    // What a stream says that has failed before is not why.
    if (this.failure !== null) return Promise.reject(causeOf(this.failure));
    return new Promise((resolve, reject) => {
      this.duplex.write(bytes, (error) => {
        // What a read finds (a reset) cancels the write, and is told as an event only later.
        if (error) reject(causeOf(this.failure ?? this.duplex.errored ?? error));
        else resolve(bytes.length);
      });
    });
  }

  end(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.duplex.end((error?: Error | null) => error ? reject(error) : resolve());
    });
  }

  abstract close(at_once: boolean): void | Promise<void>;
}

/** The platform's own error: what is said around it was said of a receive. */
function causeOf(error: Error): unknown {
  return error instanceof IoError ? error.cause ?? error : error;
}
