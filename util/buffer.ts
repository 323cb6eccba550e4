import { Buffer } from "node:buffer";
import { textOf, viewOf, wantEncoding } from "./_bytes.ts";
import { kindOf, wantWhole } from "./_check.ts";
import { pack, unpack } from "./pack.ts";
import type { PackArguments, Unpacked } from "./pack_types.ts";
import { type BufferOptions, TypedBuffer } from "./typed_buffer.ts";
import type { Input, TextEncoding } from "./types.ts";
import type { Bytes } from "../core/mod.ts";

/**
 * A buffer of bytes that grows: appended to at the end, split and read from the front,
 * searched, and packed as Lua's `string.pack` does. Made by {@linkcode buffer}.
 *
 * Positions count from 1, negative ones from the end, as in Lua. Reads and writes of single
 * numbers are those of {@linkcode TypedBuffer}. From node-lua.
 *
 * @example Lines out of pieces
 * ```ts
 * import { buffer } from "@alilua/coevent/util";
 *
 * const b = buffer("one\ntw");
 * b.append("o\n");
 * for (let at = b.find("\n"); at !== null; at = b.find("\n")) {
 *   console.log(b.read(at - 1, "utf-8")); // one, two
 *   b.discard(1);
 * }
 * ```
 */
export class ByteBuffer extends TypedBuffer {
  /**
   * Takes the first `count` bytes, by default all, into a new buffer, which is given; all
   * if fewer are held.
   */
  split(count: number = this.length): ByteBuffer {
    wantWhole("split", "count", count, 0, Number.MAX_SAFE_INTEGER);
    const front = this.view().subarray(0, count);
    const part = new ByteBuffer({ capacity: front.length });
    part.append(front);
    this.discard(front.length);
    return part;
  }

  /**
   * Removes `count` bytes from `pos` on, by default all of them; says how many that were.
   *
   * A `pos` behind the end removes nothing, one before the front counts as the first.
   * Throws `RangeError` for a `pos` of 0.
   */
  remove(pos = 1, count: number = this.length): number {
    const at = placeOf("remove", pos, this.length);
    wantWhole("remove", "count", count, 0, Number.MAX_SAFE_INTEGER);
    const bytes = this.view();
    const removed = Math.min(count, Math.max(bytes.length - at, 0));
    if (at === 0) return this.discard(removed);
    bytes.copyWithin(at, at + removed);
    this.truncate(bytes.length - removed);
    return removed;
  }

  /**
   * The position of the first `text` from `pos` on, or `null`. Plain text or bytes, no
   * pattern; an empty one is found at once. Throws `RangeError` for a `pos` of 0.
   */
  find(text: Input = "", pos = 1): number | null {
    const sought = viewOf("find", "text", text);
    const from = placeOf("find", pos, this.length);
    if (from > this.length) return null;
    const { buffer, byteOffset, length } = this.view();
    const at = Buffer.from(buffer, byteOffset, length).indexOf(sought, from);
    // An empty text is everywhere, behind everything too.
    if (sought.length === 0) return from + 1;
    return at < 0 ? null : at + 1;
  }

  /**
   * What is held, as text; it stays. `null` if it is no UTF-8. `"latin1"` gives a byte
   * string as in Lua, one character a byte.
   */
  tostring(encoding: "latin1"): string;
  /** As text; `null` if the bytes are no UTF-8. */
  tostring(encoding?: TextEncoding): string | null;
  tostring(encoding: TextEncoding = "utf-8"): string | null {
    wantEncoding("tostring", encoding);
    return textOf(this.view(), encoding);
  }

  /**
   * Appends values in the binary form that `format` describes, see {@linkcode pack}; padding
   * counts from the first byte of this call. `false`, and nothing is appended, if it would
   * be more than `max`.
   */
  pack<F extends string>(format: F, ...values: PackArguments<F>): boolean {
    return this.append(pack(format, ...values));
  }

  /**
   * The values that stand at `pos`, and the position behind them, see {@linkcode unpack};
   * nothing is taken. `null` if fewer bytes are held than `format` describes.
   */
  unpack<F extends string>(
    format: F,
    pos?: number,
    encoding?: undefined,
  ): Unpacked<F, Bytes> | null;
  /** With strings as text, or as byte strings. */
  unpack<F extends string>(
    format: F,
    pos: number | undefined,
    encoding: TextEncoding,
  ): Unpacked<F, string> | null;
  unpack<F extends string>(
    format: F,
    pos?: number,
    encoding?: TextEncoding,
  ): Unpacked<F, Bytes> | Unpacked<F, string> | null {
    const bytes = this.view();
    return encoding === undefined
      ? unpack(format, bytes, pos)
      : unpack(format, bytes, pos, encoding);
  }
}

/** A place counted from 0, out of a position counted from 1, or from the end. */
function placeOf(caller: string, pos: number, length: number): number {
  wantWhole(caller, "pos", pos, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  if (pos === 0) throw new RangeError(`${caller}: pos counts from 1, or from the end: got 0`);
  return pos > 0 ? pos - 1 : Math.max(length + pos, 0);
}

/**
 * A new buffer of bytes, empty or with a copy of `data` in it.
 *
 * The first argument may be the room it has at first, as in node-lua. `options` set that
 * too, and the most it may hold. Throws `TypeError` or `RangeError` for anything else.
 * Needs no permission. From node-lua (`buffer.new`).
 *
 * @example Messages of many sizes in one stream of bytes
 * ```ts
 * import { buffer } from "@alilua/coevent/util";
 *
 * const b = buffer();
 * b.pack(">s2 s2", "hello", "world");
 * b.append("\0"); // the beginning of a third message
 *
 * for (let m = b.unpack(">s2", 1, "utf-8"); m !== null; m = b.unpack(">s2", 1, "utf-8")) {
 *   const [text, next] = m;
 *   b.remove(1, next - 1);
 *   console.log(text);
 * }
 * console.log(b.length); // 1
 * ```
 */
export function buffer(data?: Input | ByteBuffer, options?: BufferOptions): ByteBuffer;
/** With room for `capacity` bytes. */
export function buffer(capacity: number, data?: Input): ByteBuffer;
export function buffer(
  first?: Input | ByteBuffer | number,
  second?: Input | BufferOptions,
): ByteBuffer {
  if (typeof first === "number") {
    const made = new ByteBuffer({ capacity: first });
    if (second !== undefined) fill(made, second);
    return made;
  }
  if (second !== undefined && (typeof second !== "object" || second instanceof Uint8Array)) {
    throw new TypeError(`buffer: options must be an object: got ${kindOf(second)}`);
  }
  const made = new ByteBuffer(second);
  if (first !== undefined) fill(made, first);
  return made;
}

function fill(made: ByteBuffer, data: unknown): void {
  if (typeof data !== "string" && !(data instanceof Uint8Array || data instanceof TypedBuffer)) {
    const wanted = "a string, a Uint8Array or a buffer";
    throw new TypeError(`buffer: data must be ${wanted}: got ${kindOf(data)}`);
  }
  if (!made.append(data)) throw new RangeError("buffer: data is longer than max");
}
