import { type Bytes, IoError } from "../core/mod.ts";
import type { Peer, Source } from "../stream/mod.ts";
import type { Socket } from "node:net";
import { current } from "./_home.ts";
import { type Answer, MOST_SENT, type Request, WINDOW } from "./_share_words.ts";
import { unpackError } from "./_share_wire.ts";

/** What is smaller goes over in a word; larger pieces are moved, and then released. */
const SMALL = 4096;

/** What an opened share tells of: the stream, or the socket that was moved here. */
export type Opened = Answer & { k: "opened" } | { k: "moved"; socket: Socket };

/** What a far end is made with. */
export interface FarOptions {
  /** It may receive. */
  claim: boolean;
  /** Says something to a line of the owner's. */
  say(line: number, request: Request | Bytes): void;
  /** It is over: nothing will be said or heard any more. */
  left(): void;
}

/** A promise that is waited for at most once at a time. */
interface Settling<T> {
  resolve(value: T): void;
  reject(err: IoError): void;
}

/**
 * A shared stream, seen from where it was opened.
 *
 * How it works. What is received comes by itself, as long as no more than a window of it
 * lies here untaken. What is sent goes over a piece at a time, the next one when the owner's
 * system has the one before. From its first piece until nothing is left to be sent, this
 * end has the owner's line to itself, so that messages of several ends stay whole.
 */
export class FarEnd implements Source {
  readonly keeps_alive = false;
  remote?: Peer;
  /** Hears that the stream has gone, by no doing of ours. */
  on_gone: ((err: IoError) => void) | null = null;
  /** Whether nothing is left to be sent. */
  idle: () => boolean = () => true;
  /** Whether what is being written is the last of what is to be sent. */
  finishing: () => boolean = () => false;
  readonly #options: FarOptions;
  /** The line that the owner hears it on. */
  #line: number;
  #opening: ((answer: Opened | IoError) => void) | null = null;
  /** What has come and was not read. */
  readonly #chunks: Bytes[] = [];
  /** So much was read, and the owner has not been told. */
  #taken = 0;
  /** How receiving has ended. */
  #ended: true | IoError | null = null;
  #gone: IoError | null = null;
  #holdsTurn = false;
  #reading: (Settling<number | null> & { into: Bytes }) | null = null;
  #writing: (Settling<number> & { count: number }) | null = null;
  #ending: Settling<void> | null = null;
  #closing: (() => void) | null = null;
  #abandoned = false;

  /** `line` is that of the address. */
  constructor(line: number, options: FarOptions) {
    this.#line = line;
    this.#options = options;
  }

  /** Calls `then` with the owner's answer, once. */
  opening(then: (answer: Opened | IoError) => void): void {
    this.#opening = then;
  }

  /** Nobody waits for it to be opened any more. */
  abandon(): void {
    this.#opening = null;
    this.#abandoned = true;
  }

  take(word: Answer | Bytes): void {
    if (word instanceof Uint8Array) return this.#arrived(word);
    switch (word.k) {
      case "opened":
        return this.#opened(word);
      case "moved":
        return this.#moved(current.handed as Socket);
      case "refused":
        return this.gone(unpackError(word.err));
      case "wrote":
        return this.#wrote();
      case "unwritten":
        return this.#unwritten(unpackError(word.err));
      case "eof":
        return this.#finish(true);
      case "failed":
        return this.#finish(unpackError(word.err));
      case "ended":
        return this.#wasEnded(word.err === null ? null : unpackError(word.err));
      case "closed":
        return this.#leave();
      case "gone":
        return this.gone(unpackError(word.err));
    }
  }

  read(into: Bytes): Promise<number | null> {
    if (!this.#options.claim) {
      const words = "Cannot receive: it was opened to send, claim() is for receiving";
      return Promise.reject(new IoError("closed", words));
    }
    if (this.#chunks.length > 0) return Promise.resolve(this.#fill(into));
    if (this.#ended === true) return Promise.resolve(null);
    const failure = this.#ended ?? this.#gone;
    if (failure !== null) return Promise.reject(failure);
    return new Promise((resolve, reject) => this.#reading = { into, resolve, reject });
  }

  write(bytes: Bytes): Promise<number> {
    if (this.#gone !== null) return Promise.reject(this.#gone);
    // A copy, for it is given away; what is written from may be used again.
    const piece = bytes.slice(0, MOST_SENT);
    const last = piece.length < SMALL && this.finishing();
    this.#holdsTurn = !last;
    this.#say(last ? { k: "rest", piece } : piece);
    const { length: count } = piece;
    return new Promise((resolve, reject) => this.#writing = { count, resolve, reject });
  }

  end(): Promise<void> {
    if (this.#gone !== null) return Promise.reject(this.#gone);
    this.#holdsTurn = false;
    this.#say({ k: "end" });
    return new Promise((resolve, reject) => this.#ending = { resolve, reject });
  }

  close(atOnce: boolean): Promise<void> {
    if (this.#gone !== null) return Promise.resolve();
    this.#say({ k: "close", atOnce });
    return new Promise((resolve) => {
      const before = this.#closing;
      this.#closing = () => {
        before?.();
        resolve();
      };
    });
  }

  /** Lets others send, if nothing is left here. */
  release(torn = false): void {
    if (!this.#holdsTurn || this.#writing !== null || !this.idle()) return;
    this.#holdsTurn = false;
    this.#say({ k: "release", torn });
  }

  /** The stream is there no more. */
  gone(err: IoError): void {
    this.#leave(err);
    this.on_gone?.(err);
  }

  #say(request: Request | Bytes): void {
    this.#options.say(this.#line, request);
  }

  #leave(err = new IoError("closed", "It was closed")): void {
    this.#gone = err;
    this.#options.left();
    this.#opening?.(err);
    this.#reading?.reject(err);
    this.#writing?.reject(err);
    this.#ending?.reject(err);
    this.#closing?.();
    this.#opening =
      this.#reading =
      this.#writing =
      this.#ending =
      this.#closing =
        null;
  }

  #moved(socket: Socket): void {
    // Until somebody reads, nobody is there to be told.
    socket.on("error", () => {});
    const then = this.#opening;
    this.#opening = null;
    if (then === null) socket.destroy();
    else then({ k: "moved", socket });
    this.#leave();
  }

  #opened(word: Answer & { k: "opened" }): void {
    this.#line = word.line;
    if (word.remote !== null) this.remote = word.remote;
    const then = this.#opening;
    this.#opening = null;
    then?.(word);
    if (this.#abandoned) this.close(true);
  }

  #arrived(chunk: Bytes): void {
    this.#chunks.push(chunk);
    const reading = this.#reading;
    this.#reading = null;
    reading?.resolve(this.#fill(reading.into));
  }

  /** Gives as much as there is room for. */
  #fill(into: Bytes): number {
    let count = 0;
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      const piece = chunk.subarray(0, into.length - count);
      into.set(piece, count);
      count += piece.length;
      if (piece.length < chunk.length) {
        this.#chunks[0] = chunk.subarray(piece.length);
        break;
      }
      this.#chunks.shift();
    }
    this.#taken += count;
    if (this.#taken >= WINDOW / 4) {
      this.#say({ k: "taken", count: this.#taken });
      this.#taken = 0;
    }
    return count;
  }

  #finish(end: true | IoError): void {
    this.#ended = end;
    const reading = this.#reading;
    this.#reading = null;
    if (end === true) reading?.resolve(null);
    else reading?.reject(end);
  }

  #wrote(): void {
    const writing = this.#writing;
    this.#writing = null;
    writing?.resolve(writing.count);
    // The next piece, if there is one, is written in the microtask before this.
    queueMicrotask(() => this.release());
  }

  #unwritten(err: IoError): void {
    const writing = this.#writing;
    this.#writing = null;
    writing?.reject(err);
    queueMicrotask(() => this.release());
  }

  #wasEnded(err: IoError | null): void {
    const ending = this.#ending;
    this.#ending = null;
    if (err === null) ending?.resolve();
    else ending?.reject(err);
  }
}
