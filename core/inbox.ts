/**
 * The receive buffer: pure, no socket, no clock.
 *
 * How it works. What arrives is written into `room()` and announced with `filled(n)`.
 * Each `take` gives what was asked for and consumes it, or gives `undefined` (not here
 * yet) or an `IoError` and consumes nothing. So whoever waits can forget its pattern
 * at any moment and nothing is lost.
 *
 * Lines are the hot path. Searching a string is far faster than searching bytes, so
 * the lines at hand are decoded together, a window at a time, and each line is a slice
 * of that. The window is small, since a slice that a program keeps holds all of it.
 */
import { isAscii } from "node:buffer";
import { type Bytes, byteString, decode, type TextKind, wholeCharacters } from "./codec.ts";
import { IoError } from "./error.ts";

/** Offered to the kernel at first. */
const FIRST = 1024;

/** The least that is offered, where little comes: an idle socket holds no more. */
const LEAST = 128;

/** The most that is offered; the fastest size on loopback. */
const LARGE = 64 * 1024;

/** A read that has filled all it was offered makes the next one be offered so many times more. */
const GROWTH = 8;

/** So many reads in a row that would have fitted into the step below bring that back. */
const SMALL_READS = 8;

/** At most so much is decoded ahead for lines. */
const WINDOW = 16 * 1024;

/** So many bytes are searched and copied by a loop in less time than it takes to make a view. */
const LITTLE = 128;

const LF = 10;
const CR = 13;
const NOTHING: Bytes = new Uint8Array(0);

/** What has arrived and was not consumed. */
export class Inbox {
  #memory: Bytes = NOTHING;
  // Invariant: 0 <= start <= end <= memory.length; the bytes at hand are start..end.
  #start = 0;
  #end = 0;
  /** How much the next read is offered. */
  #step = FIRST;
  // The first read decides at once.
  #smallReads = SMALL_READS - 1;
  /** No line feed stands between `start` and here. */
  #scanned = 0;
  /** The lines from `textStart` to `textEnd`, decoded, if a character there is a byte. */
  #text = "";
  #textStart = 0;
  #textEnd = 0;
  #textKind: TextKind | null = null;
  /** The last take was a line, so that decoding more than one ahead pays. */
  #inLines = false;

  /** How many bytes are at hand. */
  get pending(): number {
    return this.#end - this.#start;
  }

  /**
   * Where the next bytes are to be written, never empty. Until `filled` says how many
   * came, takes may go on, but no other room may be asked for.
   */
  room(): Bytes {
    const pending = this.pending;
    if (pending === 0) {
      this.#start = this.#end = this.#scanned = 0;
      this.#text = "";
      this.#textKind = null;
      if (this.#memory.length !== this.#step) this.#memory = new Uint8Array(this.#step);
    } else if (
      this.#memory.length - this.#end < this.#step / 2 || this.#memory.length > this.#most(pending)
    ) {
      this.#makeRoom(pending);
    }
    // The usual case, an inbox that is empty and of usual size, takes no view.
    return this.#end === 0 && this.#memory.length <= LARGE
      ? this.#memory
      : this.#memory.subarray(this.#end, this.#end + LARGE);
  }

  /** More memory than this is out of proportion, and not worth keeping for what is at hand. */
  #most(pending: number): number {
    return 16 * Math.max(pending, this.#step);
  }

  /** Moves what is at hand to the front, or into twice the memory: never more often than it doubles. */
  #makeRoom(pending: number): void {
    const from = this.#memory;
    if (from.length > this.#most(pending)) {
      this.#memory = new Uint8Array(Math.max(4 * pending, this.#step));
    } else if (2 * pending > from.length || from.length < this.#step) {
      this.#memory = new Uint8Array(Math.max(2 * from.length, this.#step));
    }
    this.#memory.set(from.subarray(this.#start, this.#end));
    this.#scanned = Math.max(this.#scanned - this.#start, 0);
    this.#textStart -= this.#start;
    this.#textEnd -= this.#start;
    this.#start = 0;
    this.#end = pending;
  }

  /** `count` bytes of the `offered` ones have been written into the room. */
  filled(count: number, offered: number): void {
    this.#end += count;
    if (count === offered) {
      this.#step = Math.min(GROWTH * this.#step, LARGE);
      this.#smallReads = 0;
    } else if (GROWTH * count > this.#step) {
      this.#smallReads = 0;
    } else if (this.#step > LEAST && ++this.#smallReads === SMALL_READS) {
      this.#step /= GROWTH;
      this.#smallReads = 0;
    }
  }

  /** Drops everything, and the memory. */
  clear(): void {
    this.#memory = NOTHING;
    this.#start = this.#end = this.#scanned = 0;
    this.#text = "";
    this.#textKind = null;
  }

  /** Takes a line without its LF and one CR before it. */
  line(kind: TextKind, max: number): string | Bytes | undefined | IoError {
    if (kind === this.#textKind && this.#start < this.#textEnd) {
      const from = this.#start - this.#textStart;
      const lf = this.#text.indexOf("\n", from);
      let to = lf;
      if (to > from && this.#text.charCodeAt(to - 1) === CR) to -= 1;
      if (to - from > max) return tooLong(max);
      this.#start = this.#textStart + lf + 1;
      return this.#text.slice(from, to);
    }
    return this.#decodeLine(kind, max);
  }

  #decodeLine(kind: TextKind, max: number): string | Bytes | undefined | IoError {
    const start = this.#start;
    const lf = this.#lineFeed();
    if (lf < 0) return this.pending > max + 1 ? tooLong(max) : undefined;
    if (kind !== "bytes" && this.#inLines && this.#decodeWindow(kind, lf)) {
      return this.line(kind, max);
    }
    let to = lf;
    if (to > start && this.#memory[to - 1] === CR) to -= 1;
    if (to - start > max) return tooLong(max);
    const text = kind === "bytes" ? this.#copy(start, to) : decode(this.#memory, start, to, kind);
    if (text instanceof IoError) return text;
    this.#start = lf + 1;
    this.#inLines = true;
    return text;
  }

  /** Takes all that is left as a line: the stream has ended without a line feed. */
  rest(kind: TextKind, max: number): string | Bytes | IoError {
    const { pending } = this;
    if (pending > max) return tooLong(max);
    const text = kind === "bytes"
      ? this.#copy(this.#start, this.#end)
      : decode(this.#memory, this.#start, this.#end, kind);
    if (!(text instanceof IoError)) this.skip(pending);
    return text;
  }

  /** The place of the next line feed, or -1; looks at no byte twice. */
  #lineFeed(): number {
    const from = Math.max(this.#start, this.#scanned);
    const near = Math.min(this.#end, from + LITTLE);
    let lf = from;
    while (lf < near && this.#memory[lf] !== LF) lf++;
    if (lf === near && near < this.#end) {
      // What lies behind the end is old, and must not be searched.
      lf = this.#memory.subarray(0, this.#end).indexOf(LF, near);
      if (lf < 0) lf = this.#end;
    }
    this.#scanned = lf;
    return lf < this.#end ? lf : -1;
  }

  /** Decodes the lines at hand, the first of which ends at `lf`; false if they are not worth it. */
  #decodeWindow(kind: TextKind, lf: number): boolean {
    const start = this.#start;
    const limit = Math.min(this.#end, start + WINDOW);
    if (lf >= limit) return false;
    const last = this.#memory.lastIndexOf(LF, limit - 1);
    if (last === lf) return false;
    if (kind !== "latin1" && !isAscii(this.#memory.subarray(start, last + 1))) return false;
    this.#text = byteString(this.#memory, start, last + 1);
    this.#textKind = kind;
    this.#textStart = start;
    this.#textEnd = last + 1;
    return true;
  }

  /** Takes exactly `count` bytes. */
  count(kind: "utf-8" | "latin1" | "bytes", count: number): string | Bytes | undefined | IoError {
    if (this.pending < count) return undefined;
    return this.#piece(kind, count);
  }

  /** Takes what is at hand, at most `max` bytes, and never half a character. */
  any(kind: "utf-8" | "latin1" | "bytes", max: number): string | Bytes | undefined | IoError {
    let count = Math.min(this.pending, max);
    if (count === 0) return undefined;
    if (kind === "utf-8") {
      count = wholeCharacters(this.#memory.subarray(this.#start, this.#start + count));
      if (count === 0) return undefined;
    }
    return this.#piece(kind, count);
  }

  /** Takes what is at hand into `memory`, as much as it has room for; gives the count. */
  into(memory: Uint8Array): number {
    const count = Math.min(this.pending, memory.length);
    memory.set(this.#memory.subarray(this.#start, this.#start + count));
    this.skip(count);
    return count;
  }

  /** Gives the next `count` bytes and consumes none. */
  peek(kind: "utf-8" | "latin1" | "bytes", count: number): string | Bytes | undefined | IoError {
    if (this.pending < count) return undefined;
    const to = this.#start + count;
    return kind === "bytes"
      ? this.#copy(this.#start, to)
      : decode(this.#memory, this.#start, to, kind);
  }

  /** Gives `count` bytes that stand behind the next `from` ones, and consumes none. */
  part(kind: "utf-8" | "latin1" | "bytes", from: number, count: number): string | Bytes | IoError {
    const start = this.#start + from;
    return kind === "bytes"
      ? this.#copy(start, start + count)
      : decode(this.#memory, start, start + count, kind);
  }

  /** What is at hand, to be read and not kept: the next room may overwrite it. */
  view(): Uint8Array {
    return this.#memory.subarray(this.#start, this.#end);
  }

  /** Consumes `count` bytes that were looked at through `view`. */
  skip(count: number): void {
    this.#start += count;
    this.#inLines = false;
  }

  #piece(kind: "utf-8" | "latin1" | "bytes", count: number): string | Bytes | IoError {
    const to = this.#start + count;
    const piece = kind === "bytes"
      ? this.#copy(this.#start, to)
      : decode(this.#memory, this.#start, to, kind);
    if (piece instanceof IoError) return piece;
    this.skip(count);
    return piece;
  }

  #copy(from: number, to: number): Bytes {
    const memory = this.#memory;
    // Made of a view, memory is copied without being filled with zeros first.
    if (to - from > LITTLE) return new Uint8Array(memory.subarray(from, to));
    const copy = new Uint8Array(to - from);
    for (let at = from; at < to; at++) copy[at - from] = memory[at]!;
    return copy;
  }
}

function tooLong(max: number): IoError {
  return new IoError("too_long", `Cannot receive a line: it is longer than ${max} bytes`);
}
