import type { Bytes } from "../core/mod.ts";
import { latin1Of, textOf, wantEncoding } from "./_bytes.ts";
import { kindOf, wantString } from "./_check.ts";
import type { TextEncoding } from "./types.ts";

const encoder = new TextEncoder();

// deno-lint-ignore no-control-regex -- the point is to find what is not a byte
const BEYOND_LATIN1 = /[^\u0000-\u00ff]/;

/**
 * The bytes of a string.
 *
 * `"latin1"` is for byte strings as in Lua, such as a socket of that encoding receives:
 * one byte a character. All other functions of this module take a string for its UTF-8,
 * so a byte string goes through this one first: `md5(to_bytes(line, "latin1"))`. Throws
 * `TypeError` for a character that is no byte under `"latin1"`. Under `"utf-8"` a lone
 * surrogate, which UTF-8 cannot hold, becomes U+FFFD. Needs no permission.
 *
 * @example Usage
 * ```ts
 * import { to_bytes } from "@alilua/coevent/util";
 *
 * console.log(to_bytes("\xff", "latin1")); // Uint8Array(1) [ 255 ]
 * console.log(to_bytes("\xff")); // Uint8Array(2) [ 195, 191 ]
 * ```
 */
export function to_bytes(text: string, encoding: TextEncoding = "utf-8"): Bytes {
  wantString("to_bytes", "text", text);
  wantEncoding("to_bytes", encoding);
  if (encoding === "utf-8") return encoder.encode(text);
  const at = text.search(BEYOND_LATIN1);
  if (at >= 0) {
    const code = text.codePointAt(at)!.toString(16).toUpperCase().padStart(4, "0");
    throw new TypeError(`to_bytes: U+${code} at ${at} is no byte of a latin1 string`);
  }
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * Bytes as a string; under `"utf-8"`, the default, `null` if they are not UTF-8.
 *
 * `"latin1"` gives a byte string as in Lua, one character a byte, and never fails. There
 * are no replacement characters, and a byte order mark stays. Needs no permission.
 *
 * @example Usage
 * ```ts
 * import { to_text } from "@alilua/coevent/util";
 *
 * console.log(to_text(new Uint8Array([0x68, 0x69]))); // hi
 * console.log(to_text(new Uint8Array([0xff]))); // null
 * console.log(to_text(new Uint8Array([0xff]), "latin1") === "\xff"); // true
 * ```
 */
export function to_text(bytes: Uint8Array, encoding: "latin1"): string;
/** With `"utf-8"` or by default: `null` if the bytes are not UTF-8. */
export function to_text(bytes: Uint8Array, encoding?: TextEncoding): string | null;
export function to_text(bytes: Uint8Array, encoding: TextEncoding = "utf-8"): string | null {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`to_text: bytes must be a Uint8Array: got ${kindOf(bytes)}`);
  }
  wantEncoding("to_text", encoding);
  return encoding === "latin1" ? latin1Of(bytes) : textOf(bytes, encoding);
}
