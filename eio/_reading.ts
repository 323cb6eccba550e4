import {
  type Bytes,
  type Codec,
  fail,
  type IoError,
  ok,
  type ReadResult,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { joined } from "./_arguments.ts";
import { Place } from "./_cursor.ts";
import { type Descriptor, PIECE } from "./_descriptor.ts";
import { type Caller, plain, type Question } from "./_question.ts";
import { textOf } from "./_text.ts";

/** The memory for a read of unknown size: at first, then, and later at most. */
const LEAST = 64 * 1024;
const MORE = 1024 * 1024;
const MOST = 64 * 1024 * 1024;

/**
 * A read of as much as some memory has room for: fewer bytes only at the end. As many
 * operations as that takes, each of which is a question of its own, and no promise more.
 */
abstract class Reading<T> implements Question<number | null, ReadResult<T>> {
  protected readonly from: Descriptor;
  protected readonly place: Place;
  protected readonly into: Bytes;
  protected filled = 0;
  readonly #options: WaitOptions;

  constructor(from: Descriptor, place: Place, into: Bytes, options: WaitOptions) {
    this.from = from;
    this.place = place;
    this.into = into;
    this.#options = options;
  }

  begin(): Promise<ReadResult<T>> {
    return this.from.operations.ask(this, this.#options);
  }

  what(): string {
    return this.from.reading();
  }

  run(caller: Caller): Promise<number | null> {
    const { filled, into } = this;
    // A view of memory that is small enough is the same memory.
    const piece = into.length <= PIECE && filled === 0
      ? into
      : into.subarray(filled, filled + PIECE);
    return this.from.read(this.place.at + filled, piece, caller);
  }

  answered(count: number | null): ReadResult<T> | Promise<ReadResult<T>> {
    this.filled += count ?? 0;
    if (count !== null && this.filled < this.into.length) return this.begin();
    this.place.leave();
    return this.filled === 0 && this.into.length > 0 ? [null, null] : this.given();
  }

  failed(err: IoError): ReadResult<T> {
    this.place.leave();
    return fail(err);
  }

  killed(): void {
    this.place.leave();
  }

  /** What the caller gets; moves the place behind it. */
  protected abstract given(): ReadResult<T>;
}

class Filling extends Reading<number> {
  protected override given(): ReadResult<number> {
    this.place.at += this.filled;
    return ok(this.filled);
  }
}

/** Reads into the caller's memory, and gives how many bytes there are. */
export function fill(
  from: Descriptor,
  place: Place,
  into: Bytes,
  options: WaitOptions,
): Promise<ReadResult<number>> {
  return new Filling(from, place, into, options).begin();
}

class Taking extends Reading<Bytes | string> {
  readonly #codec: Codec;

  constructor(
    from: Descriptor,
    place: Place,
    length: number,
    codec: Codec,
    options: WaitOptions,
  ) {
    super(from, place, new Uint8Array(length), options);
    this.#codec = codec;
  }

  protected override given(): ReadResult<Bytes | string> {
    const { filled, into, place } = this;
    const bytes = filled === into.length ? into : shortened(into, filled);
    const [result, consumed] = textOf(bytes, this.#codec, filled < into.length);
    place.at += consumed;
    return result;
  }
}

/** Reads up to `length` bytes into new memory, and gives them as `codec` has them. */
export function take(
  from: Descriptor,
  place: Place,
  length: number,
  codec: Codec,
  options: WaitOptions,
): Promise<ReadResult<Bytes | string>> {
  return length > PIECE
    ? takeMuch(from, place, length, codec, options)
    : new Taking(from, place, length, codec, options).begin();
}

async function takeMuch(
  from: Descriptor,
  place: Place,
  length: number,
  codec: Codec,
  options: WaitOptions,
): Promise<ReadResult<Bytes | string>> {
  try {
    const [bytes, err] = await gathered(from, place.at, length, options);
    if (err !== null) return fail(err);
    if (bytes.length === 0) return [null, null];
    const [result, consumed] = textOf(bytes, codec, bytes.length < length);
    place.at += consumed;
    return result;
  } finally {
    place.leave();
  }
}

/** The bytes, in memory for what is there, not for what was asked. */
async function gathered(
  from: Descriptor,
  offset: number,
  length: number,
  options: WaitOptions,
): Promise<Result<Bytes>> {
  const stat = plain(from.reading, (caller) => from.stat(caller));
  const [info, err] = await from.operations.ask(stat, options);
  if (err !== null) return fail(err);
  let room = Math.min(length, Math.max(info.size - offset, LEAST));
  let more = MORE;
  const pieces: Bytes[] = [];
  let total = 0;
  while (total < length) {
    const piece = new Uint8Array(room);
    const [filled, err] = await fill(from, new Place(offset + total), piece, options);
    if (err !== null) return fail(err);
    if (filled === null) break;
    pieces.push(filled === room ? piece : shortened(piece, filled));
    total += filled;
    if (filled < room) break;
    // It may have grown, or have no size to speak of: look further, ever more at once.
    room = Math.min(length - total, more);
    more = Math.min(2 * more, MOST);
  }
  return ok(pieces.length === 1 ? pieces[0]! : joined(pieces, total));
}

/** The part that was filled; a copy where most of the memory would be held for nothing. */
function shortened(piece: Bytes, filled: number): Bytes {
  return filled < piece.length / 2 ? piece.slice(0, filled) : piece.subarray(0, filled);
}
