import type { Bytes } from "../core/mod.ts";
import { asAsked, charactersOf, viewOf, wantEncoding } from "./_bytes.ts";
import type { Input, TextEncoding } from "./types.ts";

/** Up to this length `btoa` is the fastest way; beyond it, to make bytes and encode those. */
const SHORT = 256;

/** Up to this length the way through `atob` is the fastest to a string. */
const SHORT_TEXT = 1024;

const URL_SAFE = { alphabet: "base64url" } as const;
const URL_SAFE_UNPADDED = { alphabet: "base64url", omitPadding: true } as const;

/**
 * Encodes in base64, with padding and without line breaks (RFC 4648, section 4).
 *
 * Throws `TypeError` for anything but a string or bytes. Needs no permission. From aLiLua.
 *
 * @example Usage
 * ```ts
 * import { base64_encode } from "@alilua/coevent/util";
 *
 * console.log(base64_encode("foob")); // Zm9vYg==
 * console.log(base64_encode(new Uint8Array([0xfb, 0xff]))); // +/8=
 * ```
 */
export function base64_encode(data: Input): string {
  // An ASCII character is its own UTF-8, and to btoa its own byte.
  if (typeof data === "string" && data.length <= SHORT && ascii(data)) return btoa(data);
  return viewOf("base64_encode", "data", data).toBase64();
}

/**
 * Encodes in base64 for URLs and file names: `-` and `_` for `+` and `/`, and without
 * padding (RFC 4648, section 5).
 *
 * Throws `TypeError` for anything but a string or bytes. Needs no permission. From
 * aLiLua, which ends a last single byte with one `=`.
 *
 * @example Usage
 * ```ts
 * import { base64_encode_url } from "@alilua/coevent/util";
 *
 * console.log(base64_encode_url(new Uint8Array([0xfb, 0xff]))); // -_8
 * ```
 */
export function base64_encode_url(data: Input): string {
  return viewOf("base64_encode_url", "data", data).toBase64(URL_SAFE_UNPADDED);
}

/**
 * Decodes base64 (RFC 4648, section 4): the bytes, or `null` if it is none.
 *
 * `"utf-8"` gives text, and `null` also if the bytes are no UTF-8; `"latin1"` gives a byte
 * string as in Lua. Padding may be missing, in whole or in part. Every other character
 * is refused, also line breaks and spaces: take them out of what came by mail first.
 * Bits behind the last byte are not looked at, so more than one text decodes to the same
 * bytes. Throws `TypeError` for anything but a string or bytes. Needs no permission.
 * From aLiLua, which gives an empty string for `null`.
 *
 * @example Usage
 * ```ts
 * import { base64_decode } from "@alilua/coevent/util";
 *
 * console.log(base64_decode("+/8=")); // Uint8Array(2) [ 251, 255 ]
 * console.log(base64_decode("Zm9vYg", "utf-8")); // foob
 * console.log(base64_decode("no base64")); // null
 * ```
 */
export function base64_decode(text: Input, encoding?: undefined): Bytes | null;
/** As text, or as a byte string. */
export function base64_decode(text: Input, encoding: TextEncoding): string | null;
export function base64_decode(text: Input, encoding?: TextEncoding): Bytes | string | null {
  wantEncoding("base64_decode", encoding);
  const digits = whole(charactersOf("base64_decode", "text", text));
  if (digits === null) return null;
  if (encoding === undefined || digits.length > SHORT_TEXT) return decode(digits, encoding);
  try {
    const plain = atob(digits);
    if (plain.length !== sizeOf(digits)) return null;
    if (encoding === "latin1" || ascii(plain)) return plain;
  } catch {
    return null;
  }
  return decode(digits, encoding);
}

/**
 * Decodes base64 for URLs (RFC 4648, section 5): the bytes, or `null` if it is none.
 *
 * Encodings, padding and errors as with {@linkcode base64_decode}: what aLiLua encodes,
 * with its single `=`, is read as well. `+` and `/` are refused. Needs no permission.
 *
 * @example Usage
 * ```ts
 * import { base64_decode_url } from "@alilua/coevent/util";
 *
 * console.log(base64_decode_url("-_8")); // Uint8Array(2) [ 251, 255 ]
 * console.log(base64_decode_url("YQ=", "utf-8")); // a
 * ```
 */
export function base64_decode_url(text: Input, encoding?: undefined): Bytes | null;
/** As text, or as a byte string. */
export function base64_decode_url(text: Input, encoding: TextEncoding): string | null;
export function base64_decode_url(text: Input, encoding?: TextEncoding): Bytes | string | null {
  wantEncoding("base64_decode_url", encoding);
  const digits = whole(charactersOf("base64_decode_url", "text", text));
  return digits === null ? null : decode(digits, encoding, URL_SAFE);
}

/** Without padding that is incomplete, which the runtime refuses; `null` if there is too much. */
function whole(text: string): string | null {
  const { length } = text;
  // Groups of four, with or without padding, are as the runtime wants them.
  if (length % 4 === 0) return text;
  let end = length;
  while (end > 0 && length - end < 2 && text.charCodeAt(end - 1) === 0x3d) end--;
  // One digit is no byte; and of the padding there is never more than completes a group.
  if (end % 4 === 1 || length - end > (4 - end % 4) % 4) return null;
  return end === length ? text : text.slice(0, end);
}

/** How many bytes the digits give, if digits and padding are all they hold. */
function sizeOf(digits: string): number {
  let end = digits.length;
  while (end > 0 && digits.length - end < 2 && digits.charCodeAt(end - 1) === 0x3d) end--;
  return Math.floor(end * 3 / 4);
}

function decode(
  digits: string,
  encoding: TextEncoding | undefined,
  alphabet?: typeof URL_SAFE,
): Bytes | string | null {
  const bytes = new Uint8Array(sizeOf(digits));
  try {
    // The runtime passes over white space: then fewer bytes come out than digits went in.
    const { written } = bytes.setFromBase64(digits, alphabet);
    if (written !== bytes.length) return null;
  } catch {
    return null;
  }
  return asAsked(bytes, encoding);
}

function ascii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
