import { Buffer, isAscii } from "node:buffer";
import { IoError } from "./error.ts";

/** Bytes in plain memory, as receives give them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** The encodings with a meaning of their own; see {@linkcode Encoding}. */
export type NamedEncoding = "lines" | "utf-8" | "latin1" | "bytes";

/**
 * How a stream turns bytes into text and back.
 *
 * `"lines"` (the default): lines are UTF-8 strings, everything else is bytes.
 * `"utf-8"`: everything is a string. `"latin1"`: everything is a byte string as in
 * Lua, one character a byte. `"bytes"`: everything is bytes. Any other ASCII-compatible
 * label that `TextDecoder` knows (`"gbk"`): lines in that encoding, the rest bytes.
 */
export type Encoding = NamedEncoding | (string & Record<never, never>);

/** What a line is under encoding `E`. */
export type Line<E extends Encoding> = E extends "bytes" ? Bytes : string;

/** What everything but a line is under encoding `E`. */
export type Data<E extends Encoding> = E extends "utf-8" | "latin1" ? string : Bytes;

/** A TextDecoder that refuses what the encoding does not allow, and keeps the byte order mark. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Encodings whose line feed is not the byte 10, or not only that. */
const NOT_ASCII = new Set(["utf-16le", "utf-16be", "iso-2022-jp", "replacement"]);

/** How the characters of a piece of text stand to its bytes. */
export type TextKind = "utf-8" | "latin1" | "bytes" | TextDecoder;

/** An encoding, looked up once. */
export class Codec {
  /** What it is called. */
  readonly name: string;
  /** How lines are decoded. */
  readonly line: TextKind;
  /** How the rest is decoded. */
  readonly data: "utf-8" | "latin1" | "bytes";

  constructor(name: string, line: TextKind, data: "utf-8" | "latin1" | "bytes") {
    this.name = name;
    this.line = line;
    this.data = data;
  }
}

const codecs = new Map<string, Codec>([
  ["lines", new Codec("lines", "utf-8", "bytes")],
  ["utf-8", new Codec("utf-8", "utf-8", "utf-8")],
  ["latin1", new Codec("latin1", "latin1", "latin1")],
  ["bytes", new Codec("bytes", "bytes", "bytes")],
]);

/** The codec of an encoding; throws `RangeError` for a label that cannot carry lines. */
export function codecOf(encoding: Encoding): Codec {
  const known = codecs.get(encoding);
  if (known !== undefined) return known;
  if (typeof encoding !== "string") {
    throw new TypeError(`encoding must be a string: got ${typeof encoding}`);
  }
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  } catch {
    throw new RangeError(`encoding '${encoding}' is not one that TextDecoder knows`);
  }
  if (NOT_ASCII.has(decoder.encoding)) {
    throw new RangeError(`encoding '${encoding}' is not ASCII-compatible: its lines have no end`);
  }
  const codec = new Codec(encoding, decoder, "bytes");
  codecs.set(encoding, codec);
  return codec;
}

const { latin1Slice } = Buffer.prototype;

/** So many bytes are looked at by a loop in less time than it takes to make a view. */
const LITTLE = 128;

/** The bytes of `memory` from `start` to `end` as a string of one character a byte. */
export function byteString(memory: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(memory, start, end);
}

/** Decodes `memory` from `start` to `end`; `bad_text` where the encoding does not allow a byte. */
export function decode(
  memory: Uint8Array,
  start: number,
  end: number,
  kind: "utf-8" | "latin1" | TextDecoder,
): string | IoError {
  if (kind === "latin1" || isPlain(memory, start, end)) return byteString(memory, start, end);
  const decoder = kind === "utf-8" ? utf8 : kind;
  try {
    return decoder.decode(memory.subarray(start, end));
  } catch (cause) {
    const words = `Cannot decode ${end - start} bytes as ${decoder.encoding}`;
    return new IoError("bad_text", words, { cause });
  }
}

/** Whether the bytes are ASCII, and so the same in every encoding. */
function isPlain(memory: Uint8Array, start: number, end: number): boolean {
  if (end - start > LITTLE) return isAscii(memory.subarray(start, end));
  let seen = 0;
  for (let at = start; at < end; at++) seen |= memory[at]!;
  return seen < 0x80;
}

/** The length of `bytes` without a UTF-8 character at its end that is not whole yet. */
export function wholeCharacters(bytes: Uint8Array): number {
  const { length } = bytes;
  for (let back = 1; back <= 3 && back <= length; back++) {
    const byte = bytes[length - back]!;
    if (byte < 0x80) return length;
    if (byte >= 0xc0) {
      // These begin no character: nothing that comes could make them whole.
      if (byte < 0xc2 || byte > 0xf4) return length;
      const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return size > back ? length - back : length;
    }
  }
  return length;
}
