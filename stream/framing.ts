import {
  any,
  type Bytes,
  bytesOf,
  type Codec,
  ended,
  type Inbox,
  IoError,
  type Part,
  type Pattern,
  type Payload,
} from "../core/mod.ts";

/** How many bytes the length in front of a frame takes; 0 for a stream without frames. */
export type HeadBytes = 0 | 1 | 2 | 4;

/** The order of a length's bytes: `"L"` has the lowest first (little endian), `"B"` the highest. */
export type HeadEndian = "L" | "B";

/** How frames are received and sent, by node-lua's names. What is left out stays as it is. */
export interface RwOptions {
  /** So many bytes of length stand before a received frame; 0, the default, for no frames. */
  read_head_bytes?: HeadBytes;
  /** The order of their bytes; `"L"` by default. */
  read_head_endian?: HeadEndian;
  /**
   * The longest frame that is received, in bytes. By default, anew with each change of
   * `read_head_bytes`, the largest that such a head can tell, and 64 MiB at most.
   */
  read_head_max?: number;
  /** So many bytes of length are put before a sent frame; 0, the default, for no frames. */
  write_head_bytes?: HeadBytes;
  /** The order of their bytes; `"L"` by default. */
  write_head_endian?: HeadEndian;
  /**
   * The longest frame that is sent, in bytes. By default, anew with each change of
   * `write_head_bytes`, the largest that such a head can tell.
   */
  write_head_max?: number;
}

/**
 * Frames of your own: two functions.
 *
 * @example Netstrings, `5:hello,`
 * ```ts
 * import { type FrameCodec, IoError, pair } from "@alilua/coevent/stream";
 *
 * const netstring: FrameCodec<string> = {
 *   encode: (text) => `${new TextEncoder().encode(text).length}:${text},`,
 *   decode(bytes) {
 *     const colon = bytes.indexOf(58);
 *     if (colon < 0) return null;
 *     const length = Number(new TextDecoder().decode(bytes.subarray(0, colon)));
 *     if (!Number.isInteger(length)) throw new IoError("protocol", "No length before a colon");
 *     const end = colon + 1 + length;
 *     if (bytes.length <= end) return end + 1;
 *     return [new TextDecoder().decode(bytes.subarray(colon + 1, end)), end + 1];
 *   },
 * };
 *
 * const [ours, theirs] = pair();
 * await using _ours = ours, _theirs = theirs;
 * await ours.send_frame("hello", netstring);
 * console.log(await theirs.receive_frame(netstring)); // [ "hello", null ]
 * ```
 */
export interface FrameCodec<T> {
  /** Gives what is sent for a value. What it throws becomes `failed`, and nothing is sent. */
  encode(value: T): Payload;
  /**
   * Looks for one frame at the front of all bytes at hand. Gives the value and how many
   * bytes it took; or how many bytes it wants before it is asked again; or `null` where
   * it cannot tell. The bytes are a view that will be overwritten: copy what you keep.
   * An `IoError` that it throws is given as it is, what else it throws as `failed`;
   * nothing is consumed then.
   */
  decode(bytes: Uint8Array): [value: T, length: number] | number | null;
}

/** A frame is at most so long, in bytes, where nobody says otherwise. */
const MOST_READ = 64 * 1024 * 1024;

/** What is given at once where there are no frames. */
const LARGEST_CHUNK = 64 * 1024;

const NOTHING: Bytes = new Uint8Array(0);

/** The length in front of the frames of one direction. */
export class Head {
  readonly bytes: HeadBytes;
  readonly endian: HeadEndian;
  /** The longest frame. */
  readonly max: number;

  constructor(bytes: HeadBytes, endian: HeadEndian, max: number) {
    this.bytes = bytes;
    this.endian = endian;
    this.max = max;
  }

  /** The length that stands at the front of `view`, which holds the whole head. */
  read(view: Uint8Array): number {
    let length = 0;
    for (let i = 0; i < this.bytes; i++) {
      // Multiplied, not shifted: a shift would make lengths from 2^31 on negative.
      length = length * 256 + view[this.endian === "B" ? i : this.bytes - 1 - i]!;
    }
    return length;
  }

  /** Writes `length` to the front of `into`. */
  write(length: number, into: Uint8Array): void {
    for (let i = 0; i < this.bytes; i++) {
      into[this.endian === "L" ? i : this.bytes - 1 - i] = length % 256;
      length = Math.floor(length / 256);
    }
  }
}

/** Both directions of one stream. */
export class Framing {
  reads: Head = new Head(0, "L", 0);
  writes: Head = new Head(0, "L", 0);

  /** Takes over what the options name; throws, and takes over nothing, if one is wrong. */
  set(options: RwOptions): void {
    if (typeof options !== "object" || options === null) {
      throw new TypeError(
        `set_rwopt wants an object: got ${options === null ? "null" : typeof options}`,
      );
    }
    for (const key of Object.keys(options)) {
      if (!(key in this.get())) throw new TypeError(`set_rwopt knows no option '${key}'`);
    }
    const reads = changed(this.reads, "read", options, MOST_READ);
    const writes = changed(this.writes, "write", options, Infinity);
    this.reads = reads;
    this.writes = writes;
  }

  /** All options as they are. */
  get(): Required<RwOptions> {
    return {
      read_head_bytes: this.reads.bytes,
      read_head_endian: this.reads.endian,
      read_head_max: this.reads.max,
      write_head_bytes: this.writes.bytes,
      write_head_endian: this.writes.endian,
      write_head_max: this.writes.max,
    };
  }

  /** Tells streams apart whose frames look different. */
  get key(): string {
    const { bytes, endian, max } = this.writes;
    return `${bytes}${endian}${max}`;
  }
}

/** The frames of a stream that was told nothing. */
export const UNFRAMED: Framing = new Framing();

function changed(
  head: Head,
  side: "read" | "write",
  options: RwOptions,
  most: number,
): Head {
  const bytes = options[`${side}_head_bytes`] ?? head.bytes;
  const endian = options[`${side}_head_endian`] ?? head.endian;
  if (bytes !== 0 && bytes !== 1 && bytes !== 2 && bytes !== 4) {
    throw new RangeError(`set_rwopt: ${side}_head_bytes must be 0, 1, 2 or 4: got ${bytes}`);
  }
  if (endian !== "L" && endian !== "B") {
    throw new RangeError(`set_rwopt: ${side}_head_endian must be "L" or "B": got '${endian}'`);
  }
  const largest = bytes === 0 ? 0 : 256 ** bytes - 1;
  const usual = bytes === head.bytes ? head.max : Math.min(largest, most);
  const max = options[`${side}_head_max`] ?? usual;
  if (!Number.isInteger(max) || max < 0 || max > largest) {
    const range = `0 to ${largest} bytes with ${side}_head_bytes ${bytes}`;
    throw new RangeError(`set_rwopt: ${side}_head_max must be ${range}: got ${max}`);
  }
  return new Head(bytes, endian, max);
}

/** A frame with its length in front; whatever is there where there are no frames. */
export function frame(codec: Codec, head: Head, max: number = head.max): Pattern {
  if (head.bytes === 0) return any(codec, LARGEST_CHUNK);
  return {
    open: false,
    take(inbox) {
      if (inbox.pending < head.bytes) return undefined;
      const length = head.read(inbox.view());
      if (length > max) {
        const words = `Cannot receive a frame: it has ${length} bytes, more than ${max}`;
        return [null, new IoError("too_long", words)];
      }
      if (inbox.pending < head.bytes + length) return undefined;
      const value = inbox.part(codec.data, head.bytes, length);
      if (value instanceof IoError) return [null, value];
      inbox.skip(head.bytes + length);
      return [value, null];
    },
    end: (inbox) => ended(inbox, "a frame"),
  };
}

/** A frame that a codec of the program's finds; the value goes to `give`. */
export function decoded<T>(
  codec: FrameCodec<T>,
  max: number = MOST_READ,
  give: (value: T) => void,
): Pattern {
  let wanted = 1;
  return {
    open: false,
    take(inbox) {
      if (inbox.pending >= wanted) {
        const found = decode(codec, inbox);
        if (found instanceof IoError) return [null, found];
        if (typeof found === "object") {
          inbox.skip(found[1]);
          give(found[0]);
          return [NOTHING, null];
        }
        wanted = Math.max(found, inbox.pending + 1);
      }
      if (wanted <= max) return undefined;
      const words = `Cannot receive a frame: it is longer than ${max} bytes`;
      return [null, new IoError("too_long", words)];
    },
    end: (inbox) => ended(inbox, "a frame"),
  };
}

function decode<T>(
  codec: FrameCodec<T>,
  inbox: Inbox,
): [value: T, length: number] | number | IoError {
  const { pending } = inbox;
  try {
    const found = codec.decode(inbox.view());
    if (found === null) return 0;
    const length = typeof found === "number" ? found : found[1];
    if (!Number.isInteger(length) || length < 1) {
      throw new RangeError(`decode must tell 1 byte or more: got ${length}`);
    }
    if (typeof found !== "number" && length > pending) {
      throw new RangeError(`decode took ${length} bytes, and ${pending} are there`);
    }
    return found;
  } catch (cause) {
    return cause instanceof IoError
      ? cause
      : new IoError("failed", "Cannot receive a frame: its codec threw", { cause });
  }
}

/** What is sent for a value under a codec of the program's. */
export function encoded<T>(codec: FrameCodec<T>, value: T): Payload | IoError {
  try {
    return codec.encode(value);
  } catch (cause) {
    return new IoError("failed", "Cannot send a frame: its codec threw", { cause });
  }
}

/** The pieces of a frame, with the length in front, as one piece of memory. */
export function framed(parts: Part | Part[], codec: Codec, head: Head): Bytes | IoError {
  const pieces = (typeof parts === "string" || parts instanceof Uint8Array ? [parts] : parts)
    .map((part) => typeof part === "string" ? bytesOf(part, codec) : part);
  let length = 0;
  for (const piece of pieces) length += piece.length;
  if (head.bytes > 0 && length > head.max) {
    const words = `Cannot send a frame of ${length} bytes: it may have ${head.max}`;
    return new IoError("too_long", words);
  }
  const bytes = new Uint8Array(head.bytes + length);
  head.write(length, bytes);
  let at: number = head.bytes;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
