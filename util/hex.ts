import type { Bytes } from "../core/mod.ts";
import { asAsked, charactersOf, viewOf, wantEncoding } from "./_bytes.ts";
import type { Input, TextEncoding } from "./types.ts";

/**
 * Encodes in hex, two lower-case digits a byte (RFC 4648, section 8).
 *
 * Throws `TypeError` for anything but a string or bytes. Needs no permission.
 *
 * @example Usage
 * ```ts
 * import { hex_encode } from "@alilua/coevent/util";
 *
 * console.log(hex_encode("foo")); // 666f6f
 * ```
 */
export function hex_encode(data: Input): string {
  return viewOf("hex_encode", "data", data).toHex();
}

/**
 * Decodes hex, of either case: the bytes, or `null` if it is none.
 *
 * `"utf-8"` gives text, and `null` also if the bytes are no UTF-8; `"latin1"` gives a byte
 * string as in Lua. An odd count of digits, and every character that is no digit, is
 * refused. Throws `TypeError` for anything but a string or bytes. Needs no permission.
 *
 * @example Usage
 * ```ts
 * import { hex_decode } from "@alilua/coevent/util";
 *
 * console.log(hex_decode("666F6f", "utf-8")); // foo
 * console.log(hex_decode("66 6f")); // null
 * ```
 */
export function hex_decode(text: Input, encoding?: undefined): Bytes | null;
/** As text, or as a byte string. */
export function hex_decode(text: Input, encoding: TextEncoding): string | null;
export function hex_decode(text: Input, encoding?: TextEncoding): Bytes | string | null {
  wantEncoding("hex_decode", encoding);
  const digits = charactersOf("hex_decode", "text", text);
  if (digits.length % 2 !== 0) return null;
  const bytes = new Uint8Array(digits.length / 2);
  try {
    bytes.setFromHex(digits);
  } catch {
    return null;
  }
  return asAsked(bytes, encoding);
}
