import { createHash } from "node:crypto";
import { crc32 as zlibCrc32 } from "node:zlib";
import type { Bytes } from "../core/mod.ts";
import { asAsked, wantEncoding } from "./_bytes.ts";
import { wantInput, wantWhole } from "./_check.ts";
import type { Input, TextEncoding } from "./types.ts";

/** A digest in hex. Deno makes these from text fastest; bytes are made from them, see below. */
function hexOf(caller: string, algorithm: string, data: Input): string {
  wantInput(caller, "data", data);
  return createHash(algorithm).update(data).digest("hex");
}

/** A digest in bytes: by way of hex, which is faster than to ask Deno for the bytes. */
function binOf(
  caller: string,
  algorithm: string,
  data: Input,
  encoding: TextEncoding | undefined,
): Bytes | string | null {
  wantEncoding(caller, encoding);
  return asAsked(Uint8Array.fromHex(hexOf(caller, algorithm, data)), encoding);
}

/**
 * The MD5 digest of `data`, as 32 lower-case hex digits (RFC 1321).
 *
 * For checksums and old protocols; not for passwords or signatures. Throws `TypeError`
 * for anything but a string or bytes. Needs no permission. From aLiLua, where `nil`
 * counts as an empty string.
 *
 * @example Usage
 * ```ts
 * import { md5 } from "@alilua/coevent/util";
 *
 * console.log(md5("message digest")); // f96b697d7cb7938d525a2f31aaf161d0
 * ```
 */
export function md5(data: Input): string {
  return hexOf("md5", "md5", data);
}

/**
 * The SHA-1 digest of `data`, as 20 bytes (RFC 3174).
 *
 * `"latin1"` gives them as a byte string, as in Lua; `"utf-8"` as text, which a digest
 * hardly ever is, so mostly `null`. For hex: `hex_encode(sha1bin(data))`. Throws
 * `TypeError` for anything but a string or bytes. Needs no permission. From aLiLua.
 *
 * @example Usage
 * ```ts
 * import { hex_encode, sha1bin } from "@alilua/coevent/util";
 *
 * console.log(hex_encode(sha1bin("abc"))); // a9993e364706816aba3e25717850c26c9cd0d89d
 * ```
 */
export function sha1bin(data: Input, encoding?: undefined): Bytes;
/** As a byte string, one character a byte. */
export function sha1bin(data: Input, encoding: "latin1"): string;
/** As text, if it is any. */
export function sha1bin(data: Input, encoding: TextEncoding): string | null;
export function sha1bin(data: Input, encoding?: TextEncoding): Bytes | string | null {
  return binOf("sha1bin", "sha1", data, encoding);
}

/**
 * The SHA-256 digest of `data`, as 64 lower-case hex digits (RFC 6234).
 *
 * Throws `TypeError` for anything but a string or bytes. Needs no permission. For the
 * bytes see {@linkcode sha256bin}.
 *
 * @example Usage
 * ```ts
 * import { sha256 } from "@alilua/coevent/util";
 *
 * console.log(sha256("abc").slice(0, 16)); // ba7816bf8f01cfea
 * ```
 */
export function sha256(data: Input): string {
  return hexOf("sha256", "sha256", data);
}

/**
 * The SHA-256 digest of `data`, as 32 bytes (RFC 6234).
 *
 * Encodings as with {@linkcode sha1bin}. Throws `TypeError` for anything but a string or
 * bytes. Needs no permission.
 *
 * @example Usage
 * ```ts
 * import { sha256bin } from "@alilua/coevent/util";
 *
 * console.log(sha256bin("abc").length); // 32
 * ```
 */
export function sha256bin(data: Input, encoding?: undefined): Bytes;
/** As a byte string, one character a byte. */
export function sha256bin(data: Input, encoding: "latin1"): string;
/** As text, if it is any. */
export function sha256bin(data: Input, encoding: TextEncoding): string | null;
export function sha256bin(data: Input, encoding?: TextEncoding): Bytes | string | null {
  return binOf("sha256bin", "sha256", data, encoding);
}

/**
 * The CRC-32 checksum of `data`, as a number from 0 to 4294967295: that of zip, gzip,
 * PNG and Ethernet.
 *
 * For data that comes in pieces, the checksum so far goes along as `previous`. Throws
 * `TypeError` for anything but a string or bytes. Needs no permission. From aLiLua
 * (`crc32.long`, `crc32.init():update(s)`) and OpenResty (`ngx.crc32_long`).
 *
 * @example In one piece, and in two
 * ```ts
 * import { crc32 } from "@alilua/coevent/util";
 *
 * console.log(crc32("123456789").toString(16)); // cbf43926
 * console.log(crc32("6789", crc32("12345")).toString(16)); // cbf43926
 * ```
 */
export function crc32(data: Input, previous = 0): number {
  wantInput("crc32", "data", data);
  wantWhole("crc32", "previous", previous, 0, 0xffff_ffff);
  return zlibCrc32(data, previous);
}
