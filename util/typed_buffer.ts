import type { Bytes } from "../core/mod.ts";
import { asAsked, viewOf, wantEncoding } from "./_bytes.ts";
import { kindOf, wantWhole } from "./_check.ts";
import type { Input, TextEncoding } from "./types.ts";

/** How much memory a {@linkcode TypedBuffer} takes. */
export interface BufferOptions {
  /** Room at first, in bytes; grows by itself. Default 32, as in node-lua. */
  capacity?: number;
  /**
   * The most it ever holds, in bytes; what would be more is refused with `false`.
   * Default 2^31 - 1, as in node-lua. Set it wherever others decide how much comes.
   */
  max?: number;
}

const DEFAULT_CAPACITY = 32;
const DEFAULT_MAX = 2 ** 31 - 1;

/**
 * Bytes that are written at the end and read from the front, as numbers or as they are.
 *
 * A read takes what it gives. Where fewer bytes are there than it asks for it gives `null`
 * and takes none, so that it can be tried again when more has come. A write gives `true`,
 * or `false` where the buffer would be larger than its `max`, and then nothing is
 * written. Numbers of 64 bits are bigints, `_le` is low byte first, `_be` high byte first.
 * A value that the bytes cannot hold throws `RangeError`, another type `TypeError`, before
 * anything is written. Needs no permission. From LuaIO (`read_buffer`, `write_buffer`),
 * in one object.
 *
 * @example A frame: its length in two bytes, then its bytes
 * ```ts
 * import { buffer } from "@alilua/coevent/util";
 *
 * const b = buffer();
 * b.write_uint16_be(5);
 * b.append("hello");
 *
 * const length = b.read_uint16_be();
 * if (length !== null) console.log(b.read(length, "utf-8")); // hello
 * console.log(b.read_uint16_be()); // null
 * ```
 */
export class TypedBuffer {
  // Invariant: what is held stands from #start to #end, and #data is a view of all #memory.
  #memory: Bytes;
  #data: DataView<ArrayBuffer>;
  #start = 0;
  #end = 0;
  readonly #max: number;

  /** An empty one; `RangeError` for a capacity above `max`. */
  constructor(options: BufferOptions = {}) {
    const { max = DEFAULT_MAX, capacity = Math.min(DEFAULT_CAPACITY, max) } = options;
    wantWhole("buffer", "max", max, 0, Number.MAX_SAFE_INTEGER);
    wantWhole("buffer", "capacity", capacity, 0, max);
    this.#max = max;
    this.#memory = new Uint8Array(capacity);
    this.#data = new DataView(this.#memory.buffer);
  }

  /** How many bytes are held. node-lua's `b:length()` and `#b`. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** How many bytes fit before more memory is taken. */
  get capacity(): number {
    return this.#memory.length;
  }

  /**
   * Adds bytes, a string as UTF-8, a number as decimal text, or what another buffer holds,
   * which keeps it. `false`, and nothing is added, if it would be more than `max`.
   */
  append(data: Input | number | TypedBuffer): boolean {
    let bytes: Uint8Array;
    if (data instanceof TypedBuffer) bytes = data.view();
    else if (typeof data === "number") bytes = viewOf("append", "data", String(data));
    else if (typeof data === "string" || data instanceof Uint8Array) {
      bytes = viewOf("append", "data", data);
    } else {
      const wanted = "a string, a Uint8Array, a number or a buffer";
      throw new TypeError(`append: data must be ${wanted}: got ${kindOf(data)}`);
    }
    // Our own bytes may move while room is made for them.
    if (bytes.buffer === this.#memory.buffer) bytes = bytes.slice();
    const at = this.#room(bytes.length);
    if (at < 0) return false;
    this.#memory.set(bytes, at);
    return true;
  }

  /**
   * Takes exactly `count` bytes from the front, by default all; `null` if fewer are held.
   *
   * `"latin1"` gives them as a byte string, `"utf-8"` as text, and `null` if they are none:
   * then too nothing is taken.
   */
  read(count?: number, encoding?: undefined): Bytes | null;
  /** As text, or as a byte string. */
  read(count: number | undefined, encoding: TextEncoding): string | null;
  read(count = this.length, encoding?: TextEncoding): Bytes | string | null {
    wantWhole("read", "count", count, 0, Number.MAX_SAFE_INTEGER);
    wantEncoding("read", encoding);
    if (count > this.length) return null;
    const bytes = this.#memory.slice(this.#start, this.#start + count);
    const given = asAsked(bytes, encoding);
    if (given !== null) this.#take(count);
    return given;
  }

  /** Drops `count` bytes from the front, by default all, or as many as are held; says how many. */
  discard(count: number = this.length): number {
    wantWhole("discard", "count", count, 0, Number.MAX_SAFE_INTEGER);
    const dropped = Math.min(count, this.length);
    this.#take(dropped);
    return dropped;
  }

  /** Drops all but the first `length` bytes; keeps everything if fewer are held. */
  truncate(length: number): void {
    wantWhole("truncate", "length", length, 0, Number.MAX_SAFE_INTEGER);
    this.#end = Math.min(this.#end, this.#start + length);
  }

  /** Drops everything and keeps the memory; always `true`, as in node-lua. */
  clear(): boolean {
    this.#start = this.#end = 0;
    return true;
  }

  /**
   * What is held, not copied: for a look, until the buffer is next written to. For bytes to
   * keep see {@linkcode TypedBuffer.bytes}.
   */
  view(): Bytes {
    return this.#memory.subarray(this.#start, this.#end);
  }

  /** A copy of what is held, which stays. */
  bytes(): Bytes {
    return this.#memory.slice(this.#start, this.#end);
  }

  /** Takes an unsigned byte. */
  read_uint8(): number | null {
    const at = this.#take(1);
    return at < 0 ? null : this.#data.getUint8(at);
  }

  /** Takes a signed byte. */
  read_int8(): number | null {
    const at = this.#take(1);
    return at < 0 ? null : this.#data.getInt8(at);
  }

  /** Takes 2 bytes, unsigned, low byte first. */
  read_uint16_le(): number | null {
    const at = this.#take(2);
    return at < 0 ? null : this.#data.getUint16(at, true);
  }

  /** Takes 2 bytes, unsigned, high byte first. */
  read_uint16_be(): number | null {
    const at = this.#take(2);
    return at < 0 ? null : this.#data.getUint16(at);
  }

  /** Takes 2 bytes, signed, low byte first. */
  read_int16_le(): number | null {
    const at = this.#take(2);
    return at < 0 ? null : this.#data.getInt16(at, true);
  }

  /** Takes 2 bytes, signed, high byte first. */
  read_int16_be(): number | null {
    const at = this.#take(2);
    return at < 0 ? null : this.#data.getInt16(at);
  }

  /** Takes 4 bytes, unsigned, low byte first. */
  read_uint32_le(): number | null {
    const at = this.#take(4);
    return at < 0 ? null : this.#data.getUint32(at, true);
  }

  /** Takes 4 bytes, unsigned, high byte first. */
  read_uint32_be(): number | null {
    const at = this.#take(4);
    return at < 0 ? null : this.#data.getUint32(at);
  }

  /** Takes 4 bytes, signed, low byte first. */
  read_int32_le(): number | null {
    const at = this.#take(4);
    return at < 0 ? null : this.#data.getInt32(at, true);
  }

  /** Takes 4 bytes, signed, high byte first. */
  read_int32_be(): number | null {
    const at = this.#take(4);
    return at < 0 ? null : this.#data.getInt32(at);
  }

  /** Takes 8 bytes, unsigned, low byte first. */
  read_uint64_le(): bigint | null {
    const at = this.#take(8);
    return at < 0 ? null : this.#data.getBigUint64(at, true);
  }

  /** Takes 8 bytes, unsigned, high byte first. */
  read_uint64_be(): bigint | null {
    const at = this.#take(8);
    return at < 0 ? null : this.#data.getBigUint64(at);
  }

  /** Takes 8 bytes, signed, low byte first. */
  read_int64_le(): bigint | null {
    const at = this.#take(8);
    return at < 0 ? null : this.#data.getBigInt64(at, true);
  }

  /** Takes 8 bytes, signed, high byte first. */
  read_int64_be(): bigint | null {
    const at = this.#take(8);
    return at < 0 ? null : this.#data.getBigInt64(at);
  }

  /** Takes 4 bytes, IEEE 754, low byte first. */
  read_float_le(): number | null {
    const at = this.#take(4);
    return at < 0 ? null : this.#data.getFloat32(at, true);
  }

  /** Takes 4 bytes, IEEE 754, high byte first. */
  read_float_be(): number | null {
    const at = this.#take(4);
    return at < 0 ? null : this.#data.getFloat32(at);
  }

  /** Takes 8 bytes, IEEE 754, low byte first. */
  read_double_le(): number | null {
    const at = this.#take(8);
    return at < 0 ? null : this.#data.getFloat64(at, true);
  }

  /** Takes 8 bytes, IEEE 754, high byte first. */
  read_double_be(): number | null {
    const at = this.#take(8);
    return at < 0 ? null : this.#data.getFloat64(at);
  }

  /** Writes an unsigned byte. */
  write_uint8(value: number): boolean {
    wantWhole("write_uint8", "value", value, 0, 0xff);
    const at = this.#room(1);
    if (at >= 0) this.#data.setUint8(at, value);
    return at >= 0;
  }

  /** Writes a signed byte. */
  write_int8(value: number): boolean {
    wantWhole("write_int8", "value", value, -0x80, 0x7f);
    const at = this.#room(1);
    if (at >= 0) this.#data.setInt8(at, value);
    return at >= 0;
  }

  /** Writes 2 bytes, unsigned, low byte first. */
  write_uint16_le(value: number): boolean {
    wantWhole("write_uint16_le", "value", value, 0, 0xffff);
    const at = this.#room(2);
    if (at >= 0) this.#data.setUint16(at, value, true);
    return at >= 0;
  }

  /** Writes 2 bytes, unsigned, high byte first. */
  write_uint16_be(value: number): boolean {
    wantWhole("write_uint16_be", "value", value, 0, 0xffff);
    const at = this.#room(2);
    if (at >= 0) this.#data.setUint16(at, value);
    return at >= 0;
  }

  /** Writes 2 bytes, signed, low byte first. */
  write_int16_le(value: number): boolean {
    wantWhole("write_int16_le", "value", value, -0x8000, 0x7fff);
    const at = this.#room(2);
    if (at >= 0) this.#data.setInt16(at, value, true);
    return at >= 0;
  }

  /** Writes 2 bytes, signed, high byte first. */
  write_int16_be(value: number): boolean {
    wantWhole("write_int16_be", "value", value, -0x8000, 0x7fff);
    const at = this.#room(2);
    if (at >= 0) this.#data.setInt16(at, value);
    return at >= 0;
  }

  /** Writes 4 bytes, unsigned, low byte first. */
  write_uint32_le(value: number): boolean {
    wantWhole("write_uint32_le", "value", value, 0, 0xffff_ffff);
    const at = this.#room(4);
    if (at >= 0) this.#data.setUint32(at, value, true);
    return at >= 0;
  }

  /** Writes 4 bytes, unsigned, high byte first. */
  write_uint32_be(value: number): boolean {
    wantWhole("write_uint32_be", "value", value, 0, 0xffff_ffff);
    const at = this.#room(4);
    if (at >= 0) this.#data.setUint32(at, value);
    return at >= 0;
  }

  /** Writes 4 bytes, signed, low byte first. */
  write_int32_le(value: number): boolean {
    wantWhole("write_int32_le", "value", value, -0x8000_0000, 0x7fff_ffff);
    const at = this.#room(4);
    if (at >= 0) this.#data.setInt32(at, value, true);
    return at >= 0;
  }

  /** Writes 4 bytes, signed, high byte first. */
  write_int32_be(value: number): boolean {
    wantWhole("write_int32_be", "value", value, -0x8000_0000, 0x7fff_ffff);
    const at = this.#room(4);
    if (at >= 0) this.#data.setInt32(at, value);
    return at >= 0;
  }

  /** Writes 8 bytes, unsigned, low byte first. A number must be exact: at most 2^53 - 1. */
  write_uint64_le(value: bigint | number): boolean {
    const whole = bigOf("write_uint64_le", value, 0n, 2n ** 64n);
    const at = this.#room(8);
    if (at >= 0) this.#data.setBigUint64(at, whole, true);
    return at >= 0;
  }

  /** Writes 8 bytes, unsigned, high byte first. A number must be exact: at most 2^53 - 1. */
  write_uint64_be(value: bigint | number): boolean {
    const whole = bigOf("write_uint64_be", value, 0n, 2n ** 64n);
    const at = this.#room(8);
    if (at >= 0) this.#data.setBigUint64(at, whole);
    return at >= 0;
  }

  /** Writes 8 bytes, signed, low byte first. A number must be exact: at most 2^53 - 1. */
  write_int64_le(value: bigint | number): boolean {
    const whole = bigOf("write_int64_le", value, -(2n ** 63n), 2n ** 63n);
    const at = this.#room(8);
    if (at >= 0) this.#data.setBigInt64(at, whole, true);
    return at >= 0;
  }

  /** Writes 8 bytes, signed, high byte first. A number must be exact: at most 2^53 - 1. */
  write_int64_be(value: bigint | number): boolean {
    const whole = bigOf("write_int64_be", value, -(2n ** 63n), 2n ** 63n);
    const at = this.#room(8);
    if (at >= 0) this.#data.setBigInt64(at, whole);
    return at >= 0;
  }

  /** Writes 4 bytes, IEEE 754, low byte first; rounds to what they hold. */
  write_float_le(value: number): boolean {
    wantNumber("write_float_le", value);
    const at = this.#room(4);
    if (at >= 0) this.#data.setFloat32(at, value, true);
    return at >= 0;
  }

  /** Writes 4 bytes, IEEE 754, high byte first; rounds to what they hold. */
  write_float_be(value: number): boolean {
    wantNumber("write_float_be", value);
    const at = this.#room(4);
    if (at >= 0) this.#data.setFloat32(at, value);
    return at >= 0;
  }

  /** Writes 8 bytes, IEEE 754, low byte first. */
  write_double_le(value: number): boolean {
    wantNumber("write_double_le", value);
    const at = this.#room(8);
    if (at >= 0) this.#data.setFloat64(at, value, true);
    return at >= 0;
  }

  /** Writes 8 bytes, IEEE 754, high byte first. */
  write_double_be(value: number): boolean {
    wantNumber("write_double_be", value);
    const at = this.#room(8);
    if (at >= 0) this.#data.setFloat64(at, value);
    return at >= 0;
  }

  /** Takes `count` bytes from the front and says where they stand; -1, and none, if fewer are held. */
  #take(count: number): number {
    const at = this.#start;
    if (count > this.#end - at) return -1;
    this.#start += count;
    // Empty: the whole memory is free again. What was taken still stands there.
    if (this.#start === this.#end) this.#start = this.#end = 0;
    return at;
  }

  /** Makes room for `count` bytes more and says where; -1, and none, if that is over `max`. */
  #room(count: number): number {
    const length = this.#end - this.#start;
    if (count > this.#max - length) return -1;
    if (count > this.#memory.length - this.#end) this.#move(length, length + count);
    const at = this.#end;
    this.#end += count;
    return at;
  }

  /** Moves what is held to the front, of larger memory if need be. */
  #move(length: number, needed: number): void {
    const { length: capacity } = this.#memory;
    // Only while at least half is free does moving cost less than it brings.
    if (needed <= capacity && length <= capacity / 2) {
      this.#memory.copyWithin(0, this.#start, this.#end);
    } else {
      const larger = new Uint8Array(Math.min(Math.max(needed, 2 * capacity), this.#max));
      larger.set(this.view());
      this.#memory = larger;
      this.#data = new DataView(larger.buffer);
    }
    this.#start = 0;
    this.#end = length;
  }
}

function wantNumber(caller: string, value: unknown): void {
  if (typeof value !== "number") {
    throw new TypeError(`${caller}: value must be a number: got ${kindOf(value)}`);
  }
}

/** `value` as a bigint, if it is whole, exact, and from `low` to below `end`. */
function bigOf(caller: string, value: bigint | number, low: bigint, end: bigint): bigint {
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new TypeError(`${caller}: value must be a bigint or a number: got ${kindOf(value)}`);
  }
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new RangeError(
      `${caller}: a number must be whole and exact, else a bigint: got ${value}`,
    );
  }
  const whole = BigInt(value);
  if (whole < low || whole >= end) {
    throw new RangeError(`${caller}: value must be ${low} to ${end - 1n}: got ${value}`);
  }
  return whole;
}
