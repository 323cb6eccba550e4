import type { Bytes } from "../core/mod.ts";
import { bytesOf, latin1Of, utf8Of } from "./_bytes.ts";
import { kindOf, wantFlag, wantInput } from "./_check.ts";
import type { Input } from "./types.ts";

/** What stays as it is. All else is encoded, also `~`, which RFC 3986 would let stand. */
const KEPT = new Set(Array.from(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._",
  (character) => character.charCodeAt(0),
));

/** By byte: its form in a URI. */
const FORMS = Array.from({ length: 256 }, (_, byte) => {
  if (KEPT.has(byte)) return String.fromCharCode(byte);
  return "%" + byte.toString(16).toUpperCase().padStart(2, "0");
});

/** What `encodeURIComponent` lets stand and we do not. */
const LEFT_OVER = /[!'()*~]/g;

/**
 * Encodes a value for a part of a URI: a name or value of a query, a segment of a path.
 *
 * Letters, digits, `-`, `.` and `_` stay; every other byte becomes `%` and two upper-case
 * hex digits, and a space `+`, as in forms. With `raw` a space becomes `%20`, which is
 * right everywhere in a URI. Throws `TypeError` for anything but a string or bytes.
 * Needs no permission. From aLiLua.
 *
 * @example Usage
 * ```ts
 * import { escape_uri } from "@alilua/coevent/util";
 *
 * console.log(escape_uri("a b&ü")); // a+b%26%C3%BC
 * console.log(escape_uri("a b/c", true)); // a%20b%2Fc
 * ```
 */
export function escape_uri(value: Input, raw = false): string {
  wantInput("escape_uri", "value", value);
  wantFlag("escape_uri", "raw", raw);
  const escaped = typeof value === "string"
    ? encodeURIComponent(value.toWellFormed())
      .replace(LEFT_OVER, (character) => FORMS[character.charCodeAt(0)]!)
    : Array.from(value, (byte) => FORMS[byte]).join("");
  return raw ? escaped : escaped.replaceAll("%20", "+");
}

/**
 * Decodes a part of a URI: `%` and two hex digits are a byte, and `+` is a space, except
 * with `raw`.
 *
 * Gives text, or `null` if the bytes are no UTF-8. `"latin1"` gives a byte string as in
 * Lua, `"bytes"` the bytes; they never fail. A `%` without two hex digits behind it stays
 * as it is, so nothing that came in is lost. Characters that should have been encoded
 * count as their UTF-8. Throws `TypeError` for anything but a string or bytes. Needs no
 * permission. From aLiLua, which drops what is malformed.
 *
 * @example Usage
 * ```ts
 * import { unescape_uri } from "@alilua/coevent/util";
 *
 * console.log(unescape_uri("a+b%26%C3%BC")); // a b&ü
 * console.log(unescape_uri("1+1", true)); // 1+1
 * console.log(unescape_uri("100%")); // 100%
 * console.log(unescape_uri("%FF")); // null
 * console.log(unescape_uri("%FF", false, "bytes")); // Uint8Array(1) [ 255 ]
 * ```
 */
export function unescape_uri(text: Input, raw?: boolean, encoding?: "utf-8"): string | null;
/** As a byte string, one character a byte. */
export function unescape_uri(text: Input, raw: boolean | undefined, encoding: "latin1"): string;
/** As bytes. */
export function unescape_uri(text: Input, raw: boolean | undefined, encoding: "bytes"): Bytes;
export function unescape_uri(
  text: Input,
  raw = false,
  encoding: "utf-8" | "latin1" | "bytes" = "utf-8",
): string | Bytes | null {
  wantInput("unescape_uri", "text", text);
  wantFlag("unescape_uri", "raw", raw);
  if (encoding === "latin1") return latin1Of(decode(text, raw));
  if (encoding === "bytes") return decode(text, raw);
  if (encoding !== "utf-8") {
    if (typeof encoding !== "string") {
      throw new TypeError(`unescape_uri: encoding must be a string: got ${kindOf(encoding)}`);
    }
    const wanted = '"utf-8", "latin1" or "bytes"';
    throw new RangeError(`unescape_uri: encoding must be ${wanted}: got "${encoding}"`);
  }
  if (typeof text === "string") {
    const spaced = (raw ? text : text.replaceAll("+", " ")).toWellFormed();
    if (!spaced.includes("%")) return spaced;
    try {
      return decodeURIComponent(spaced);
    } catch {
      // Something is malformed, and the runtime does not say what: look at each byte.
    }
  }
  return utf8Of(decode(text, raw));
}

function decode(text: Input, raw: boolean): Bytes {
  const bytes = bytesOf("unescape_uri", "text", text);
  const plain = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    let byte = bytes[at]!;
    if (byte === 0x25) {
      const high = digitOf(bytes[at + 1]);
      const low = digitOf(bytes[at + 2]);
      if (high >= 0 && low >= 0) {
        byte = high * 16 + low;
        at += 2;
      }
    } else if (byte === 0x2b && !raw) {
      byte = 0x20;
    }
    plain[length++] = byte;
  }
  return plain.slice(0, length);
}

/** The value of a hex digit, or -1. */
function digitOf(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}
