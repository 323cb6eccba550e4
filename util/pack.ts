import type { Bytes } from "../core/mod.ts";
import { bytesOf, textOf, viewOf, wantEncoding } from "./_bytes.ts";
import { kindOf, wantString, wantWhole } from "./_check.ts";
import { gapAt, type Item, itemsOf } from "./_format.ts";
import { readInteger, writeInteger } from "./_integer.ts";
import type { PackArguments, PackValue, Unpacked } from "./pack_types.ts";
import type { Input, TextEncoding } from "./types.ts";

/**
 * Packs values into bytes, in the form that `format` describes: Lua 5.3's `string.pack`.
 *
 * | Option | Value |
 * | --- | --- |
 * | `b` `B`, `h` `H` | a whole number of 1 or 2 bytes, signed or (upper case) unsigned |
 * | `i[n]` `I[n]` | of n bytes, 1 to 16, by default 4 |
 * | `l` `L`, `j` `J`, `T` | of 8 bytes; `T`, a size, is unsigned |
 * | `f`, `d` `n` | a float of 4 bytes, of 8 |
 * | `s[n]` | a string behind its length in n bytes, by default 8 |
 * | `z` | a string before a zero byte, which it must not hold |
 * | `c`n | a string of n bytes, filled up with zeros |
 * | `x`, `X`op | a zero byte; zeros up to the alignment of option `op` |
 * | `<` `>` `=` | low byte first, high byte first, as this machine has it (the default) |
 * | `![n]` | from here on align to the size of each number, at most n, by default 8 |
 * | space | nothing |
 *
 * A format that is written out in the call is checked in types too: `pack("<I2", "x")` does
 * not compile. Throws `RangeError` for a format that is none and for a value that does not
 * fit, `TypeError` for a value of the wrong type or too few or many of them. An unsigned
 * option takes no negative number, which Lua takes for 8 bytes and more. Needs no
 * permission. From node-lua (`buffer.pack`).
 *
 * @example Usage
 * ```ts
 * import { hex_encode, pack } from "@alilua/coevent/util";
 *
 * console.log(hex_encode(pack(">I2 s1 z", 258, "ab", "c"))); // 01020261626300
 * ```
 */
export function pack<F extends string>(format: F, ...values: PackArguments<F>): Bytes;
export function pack(format: string, ...values: PackValue[]): Bytes {
  wantString("pack", "format", format);
  const items = itemsOf("pack", format);
  const wanted = items.filter(({ kind }) => kind !== "filling").length;
  if (values.length !== wanted) {
    throw new TypeError(`pack: format '${format}' wants ${wanted} values: got ${values.length}`);
  }

  // First look at everything and count, then write: there is one piece of memory to make.
  const pieces: { item: Item; at: number; value: PackValue | null }[] = [];
  let at = 0;
  let index = 0;
  for (const item of items) {
    at += gapAt(at, item.align);
    const value = item.kind === "filling" ? null : checked(item, values[index], ++index);
    pieces.push({ item, at, value });
    at += item.size;
    if (item.kind === "counted") at += (value as Uint8Array).length;
    if (item.kind === "zero") at += (value as Uint8Array).length + 1;
  }

  const memory = new Uint8Array(at);
  const data = new DataView(memory.buffer);
  for (const { item, at, value } of pieces) {
    const { kind, size, little } = item;
    if (value instanceof Uint8Array) {
      if (kind === "counted") writeInteger(memory, at, size, little, value.length);
      memory.set(value, kind === "counted" ? at + size : at);
    } else if (kind === "float") data.setFloat32(at, value as number, little);
    else if (kind === "double") data.setFloat64(at, value as number, little);
    else if (value !== null) writeInteger(memory, at, size, little, value as number | bigint);
  }
  return memory;
}

/** A value that fits its option, strings as bytes. */
function checked(item: Item, value: PackValue | undefined, index: number): PackValue {
  const { kind, size, text } = item;
  const name = `value ${index} ('${text}')`;
  if (kind === "int" || kind === "uint") return wholeIn(name, kind === "int", size, value);
  if (kind === "float" || kind === "double") {
    if (typeof value === "number") return value;
    throw new TypeError(`pack: ${name} must be a number: got ${kindOf(value)}`);
  }
  const bytes = bytesOf("pack", name, value as Input);
  if (kind === "fixed" && bytes.length > size) {
    throw new RangeError(`pack: ${name} must have at most ${size} bytes: got ${bytes.length}`);
  }
  if (kind === "counted" && bytes.length >= 2 ** (8 * size)) {
    throw new RangeError(`pack: ${name} is too long for its size: got ${bytes.length} bytes`);
  }
  if (kind === "zero" && bytes.includes(0)) {
    throw new RangeError(`pack: ${name} must hold no zero byte: got one at ${bytes.indexOf(0)}`);
  }
  return bytes;
}

function wholeIn(
  name: string,
  signed: boolean,
  size: number,
  value: PackValue | undefined,
): number | bigint {
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new TypeError(`pack: ${name} must be a number or a bigint: got ${kindOf(value)}`);
  }
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new RangeError(`pack: ${name} must be whole and exact, else a bigint: got ${value}`);
  }
  const end = 2 ** (8 * size - (signed ? 1 : 0));
  const low = signed ? -end : 0;
  // Powers of two are exact as numbers, and compare exactly with bigints.
  if (value < low || value >= end) {
    const sign = signed ? "a signed" : "an unsigned";
    throw new RangeError(`pack: ${name} must fit ${sign} number of ${size} bytes: got ${value}`);
  }
  return value;
}

/**
 * Unpacks values from bytes, in the form that `format` describes (see {@linkcode pack}):
 * the values, and behind them the position, counted from 1, at which the next would begin.
 * `null` if the bytes end before the format does.
 *
 * Whole numbers of more than 6 bytes are bigints. Strings are bytes, copied; with
 * `"latin1"` byte strings, with `"utf-8"` text, and `null` if one is no UTF-8. `pos` is
 * where to begin; negative ones count from the end. A format that is written out in the
 * call tells TypeScript what comes.
 *
 * Throws `RangeError` for a format that is none, and for a `pos` of 0 or more than one
 * behind the end. Needs no permission. From node-lua (`buffer.unpack`), after Lua 5.3's
 * `string.unpack`, which raises for what is `null` here, and for numbers over 8 bytes.
 *
 * @example Usage
 * ```ts
 * import { pack, unpack } from "@alilua/coevent/util";
 *
 * const bytes = pack(">I2 s1", 258, "ab");
 * const got = unpack(">I2 s1", bytes, 1, "utf-8");
 * if (got) {
 *   const [number, text, next] = got;
 *   console.log(number, text, next); // 258 ab 6
 * }
 * console.log(unpack(">I8", bytes)); // null
 * ```
 */
export function unpack<F extends string>(
  format: F,
  data: Input,
  pos?: number,
  encoding?: undefined,
): Unpacked<F, Bytes> | null;
/** With strings as text, or as byte strings. */
export function unpack<F extends string>(
  format: F,
  data: Input,
  pos: number | undefined,
  encoding: TextEncoding,
): Unpacked<F, string> | null;
export function unpack(
  format: string,
  data: Input,
  pos = 1,
  encoding?: TextEncoding,
): unknown[] | null {
  wantString("unpack", "format", format);
  const bytes = viewOf("unpack", "data", data);
  const { length } = bytes;
  wantWhole("unpack", "pos", pos, Number.MIN_SAFE_INTEGER, length + 1);
  if (pos === 0) throw new RangeError("unpack: pos counts from 1, or from the end: got 0");
  wantEncoding("unpack", encoding);

  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const values: unknown[] = [];
  let at = pos > 0 ? pos - 1 : Math.max(length + pos, 0);
  for (const { kind, size, align, little } of itemsOf("unpack", format)) {
    at += gapAt(at, align);
    if (at + size > length) return null;
    let end = at + size;
    switch (kind) {
      case "int":
      case "uint":
        values.push(readInteger(bytes, at, size, little, kind === "int"));
        break;
      case "float":
        values.push(view.getFloat32(at, little));
        break;
      case "double":
        values.push(view.getFloat64(at, little));
        break;
      case "fixed":
      case "counted":
      case "zero": {
        const begin = kind === "counted" ? end : at;
        if (kind === "counted") {
          const count = readInteger(bytes, at, size, little, false);
          // Before it becomes a number: it may be any of 16 bytes.
          if (count > length - begin) return null;
          end = begin + Number(count);
        } else if (kind === "zero") {
          end = bytes.indexOf(0, at);
          if (end < 0) return null;
        }
        const value = bytes.slice(begin, end);
        const given = encoding === undefined ? value : textOf(value, encoding);
        if (given === null) return null;
        values.push(given);
        if (kind === "zero") end += 1;
      }
    }
    at = end;
  }
  values.push(at + 1);
  return values;
}

/**
 * How many bytes a format describes; throws `RangeError` for one with `s` or `z`, whose
 * strings have their own length, and for one that is none. Needs no permission. From
 * node-lua (`buffer.packsize`).
 *
 * @example Usage
 * ```ts
 * import { packsize } from "@alilua/coevent/util";
 *
 * console.log(packsize("<I2 d"), packsize("!8 b d")); // 10 16
 * ```
 */
export function packsize(format: string): number {
  wantString("packsize", "format", format);
  let at = 0;
  for (const { kind, size, align, text } of itemsOf("packsize", format)) {
    if (kind === "counted" || kind === "zero") {
      throw new RangeError(`packsize: '${text}' in '${format}' has no fixed size`);
    }
    at += gapAt(at, align) + size;
  }
  return at;
}
