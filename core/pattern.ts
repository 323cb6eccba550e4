/** What a receive can ask for, as objects that look into an inbox again and again. */
import { type Bytes, type Codec, wholeCharacters } from "./codec.ts";
import { IoError } from "./error.ts";
import type { Inbox } from "./inbox.ts";

/** What a pattern gives; a third element only from {@linkcode until} with a size. */
export type Taken =
  | [value: string | Bytes | null, err: null]
  | [value: string | Bytes, err: null, last: boolean]
  | [value: null, err: IoError];

/**
 * Something asked for. Its state is its own, so that it can be forgotten at any moment; once
 * it has answered, it is not asked again.
 */
export interface Pattern {
  /** Takes it, if it has arrived. Consumes nothing unless it gives a value. */
  take(inbox: Inbox): Taken | undefined;
  /** What to answer when no more will come, and `take` gave nothing. */
  end(inbox: Inbox): Taken;
  /** The amount is not known beforehand: a timeout bounds each wait for progress. */
  readonly open: boolean;
}

type Piece = string | Bytes | undefined | IoError;

function taken(piece: Piece): Taken | undefined {
  if (typeof piece === "string") return [piece, null];
  if (piece === undefined) return undefined;
  return piece instanceof IoError ? [null, piece] : [piece, null];
}

/** The end of the stream: clean if nothing is left, else in the middle of something. */
export function ended(inbox: Inbox, what: string): Taken {
  const { pending } = inbox;
  if (pending === 0) return [null, null];
  const words = `Cannot receive ${what}: the stream ended with ${pending} bytes of it`;
  return [null, new IoError("eof", words)];
}

/** A line of at most `max` bytes. */
export function line(codec: Codec, max: number): Pattern {
  return new LinePattern(codec, max);
}

/** Exactly `count` bytes. */
export function count(codec: Codec, count: number): Pattern {
  return new CountPattern(codec, count);
}

// The usual ones are classes: two closures each would take five times the memory.

class LinePattern implements Pattern {
  readonly #codec: Codec;
  readonly #max: number;

  constructor(codec: Codec, max: number) {
    this.#codec = codec;
    this.#max = max;
  }

  get open(): boolean {
    return false;
  }

  take(inbox: Inbox): Taken | undefined {
    return taken(inbox.line(this.#codec.line, this.#max));
  }

  end(inbox: Inbox): Taken {
    return ended(inbox, "a line");
  }
}

class CountPattern implements Pattern {
  readonly #codec: Codec;
  readonly #count: number;

  constructor(codec: Codec, count: number) {
    this.#codec = codec;
    this.#count = count;
  }

  get open(): boolean {
    return false;
  }

  take(inbox: Inbox): Taken | undefined {
    return taken(inbox.count(this.#codec.data, this.#count));
  }

  end(inbox: Inbox): Taken {
    return ended(inbox, `${this.#count} bytes`);
  }
}

/** A line, or what is left when the stream ends without a line feed. */
export function lineOrRest(codec: Codec, max: number): Pattern {
  return {
    open: true,
    take: (inbox) => taken(inbox.line(codec.line, max)),
    end: (inbox) => inbox.pending === 0 ? [null, null] : taken(inbox.rest(codec.line, max))!,
  };
}

/** Whatever is at hand, at most `max` bytes. */
export function any(codec: Codec, max: number): Pattern {
  return {
    open: false,
    take: (inbox) => taken(inbox.any(codec.data, max)),
    // Only half a character can be left here: then decoding it tells what is wrong.
    end: (inbox) => {
      const { pending } = inbox;
      return pending === 0 ? [null, null] : taken(inbox.count(codec.data, pending))!;
    },
  };
}

/** What a pattern gives that has put the bytes elsewhere. */
const TAKEN: Taken = ["", null];

/** Whatever is at hand, into memory of the caller's; `give` hears how many bytes. */
export function into(memory: Uint8Array, give: (count: number) => void): Pattern {
  return {
    open: false,
    take(inbox) {
      if (inbox.pending === 0) return undefined;
      // It had room when the call began.
      if (memory.length === 0) return [null, givenAway()];
      give(inbox.into(memory));
      return TAKEN;
    },
    end: () => [null, null],
  };
}

function givenAway(): IoError {
  const words = "Cannot receive into memory that was given away while the call waited";
  return new IoError("failed", words, { cause: new TypeError("The buffer is detached") });
}

/** Everything to the end of the stream, at most `max` bytes. */
export function all(codec: Codec, max: number): Pattern {
  return {
    open: true,
    take: (inbox) => inbox.pending > max ? [null, tooMuch("everything", max)] : undefined,
    end: (inbox) => taken(inbox.count(codec.data, inbox.pending))!,
  };
}

/** The next `count` bytes, which stay. */
export function peek(codec: Codec, count: number): Pattern {
  return {
    open: false,
    take: (inbox) => taken(inbox.peek(codec.data, count)),
    end: (inbox) => ended(inbox, `${count} bytes`),
  };
}

/** How {@linkcode until} gives what stands before the boundary. */
export interface UntilShape {
  /** The boundary is part of what is given. */
  inclusive: boolean;
  /** In pieces of this many bytes, the last one shorter; `null` for all at once. */
  size: number | null;
  /** The most that is held while the boundary does not come. */
  max: number;
}

/** Everything up to a boundary, which is consumed too. */
export function until(codec: Codec, boundary: Uint8Array, shape: UntilShape): Pattern {
  const { inclusive, size, max } = shape;
  const search = new Search(boundary);
  const piece = (inbox: Inbox, length: number): Taken => {
    // Where not even one is whole, decoding it tells what is wrong.
    if (codec.data === "utf-8") {
      length = wholeCharacters(inbox.view().subarray(0, length)) || length;
    }
    const value = inbox.count(codec.data, length)!;
    return value instanceof IoError ? [null, value] : [value, null, false];
  };
  const last = (inbox: Inbox, length: number, behind: number): Taken => {
    const value = inbox.count(codec.data, length)!;
    if (value instanceof IoError) return [null, value];
    inbox.skip(behind);
    return size === null ? [value, null] : [value, null, true];
  };
  return {
    open: true,
    take(inbox) {
      const end = search.in(inbox.view());
      // So many bytes surely stand before the boundary.
      const body = end < 0 ? search.certain : end - boundary.length;
      const part = end >= 0 && inclusive ? end : body;
      if (size !== null && body > 0 && (part > size || (end < 0 && body === size))) {
        return piece(inbox, Math.min(size, body));
      }
      if (part > max) return [null, tooMuch("up to the boundary", max)];
      return end < 0 ? undefined : last(inbox, part, end - part);
    },
    end: (inbox) => ended(inbox, "up to the boundary"),
  };
}

/** Looks for a boundary in bytes that grow, and at no byte twice (Knuth, Morris, Pratt). */
class Search {
  readonly #boundary: Uint8Array;
  /** For each length matched: how much of it still matches when the next byte does not. */
  readonly #fallback: Int32Array;
  #seen = 0;
  #matched = 0;

  constructor(boundary: Uint8Array) {
    this.#boundary = boundary;
    this.#fallback = new Int32Array(boundary.length + 1);
    for (let i = 1, matched = 0; i < boundary.length; i++) {
      while (matched > 0 && boundary[i] !== boundary[matched]) matched = this.#fallback[matched]!;
      if (boundary[i] === boundary[matched]) matched += 1;
      this.#fallback[i + 1] = matched;
    }
  }

  /** So many bytes at the front are surely no part of the boundary. */
  get certain(): number {
    return this.#seen - this.#matched;
  }

  /** The place behind the boundary, or -1. */
  in(bytes: Uint8Array): number {
    const boundary = this.#boundary;
    while (this.#seen < bytes.length) {
      if (this.#matched === 0) {
        const first = bytes.indexOf(boundary[0]!, this.#seen);
        this.#seen = first < 0 ? bytes.length : first;
        if (first < 0) return -1;
      }
      const byte = bytes[this.#seen]!;
      while (this.#matched > 0 && byte !== boundary[this.#matched]) {
        this.#matched = this.#fallback[this.#matched]!;
      }
      if (byte === boundary[this.#matched]) this.#matched += 1;
      this.#seen += 1;
      if (this.#matched === boundary.length) return this.#seen;
    }
    return -1;
  }
}

/** The error for what would be longer than the limit on memory. */
export function tooMuch(what: string, max: number): IoError {
  return new IoError("too_long", `Cannot receive ${what}: it is longer than ${max} bytes`);
}
