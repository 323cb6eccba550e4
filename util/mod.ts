/**
 * Pure helpers that network programs need: digests, base64 and hex, escaping for SQL and
 * URIs, clocks, random strings, comparison in constant time, and buffers of bytes with
 * Lua's `pack` and `unpack`.
 *
 * A string counts as its UTF-8, a `Uint8Array` as its bytes. Functions give the plain
 * value. Those that decode what came from outside give `null` where it cannot be decoded.
 * A wrong argument throws `TypeError` or `RangeError` that names it. Where the result is
 * bytes, a last argument `"utf-8"` or `"latin1"` asks for a string instead.
 *
 * No permission is needed for anything here. Names are aLiLua's where it has one, then
 * node-lua's and LuaIO's. Page: `docs/util.md`. One entry of the standard library comes
 * from jsr.io: the comparison in {@linkcode equals}.
 *
 * ```ts
 * import { base64_decode, escape_uri, hmac_sha256, md5, pack } from "@alilua/coevent/util";
 *
 * console.log(md5("hello")); // 5d41402abc4b2a76b9719d911017c592
 * console.log(hmac_sha256("message", "key").slice(0, 8)); // 6e9ef29b
 * console.log(escape_uri("a b&c")); // a+b%26c
 *
 * const text = base64_decode("aGVsbG8", "utf-8");
 * if (text === null) console.log("not base64");
 * else console.log(text); // hello
 *
 * console.log(pack(">I2 s1", 1, "hi")); // Uint8Array(5) [ 0, 1, 2, 104, 105 ]
 * ```
 *
 * @module
 */
export type { Bytes } from "../core/mod.ts";
export * from "./base64.ts";
export * from "./buffer.ts";
export * from "./equals.ts";
export * from "./escape.ts";
export * from "./hash.ts";
export * from "./hex.ts";
export * from "./hmac.ts";
export * from "./ip.ts";
export * from "./pack.ts";
export * from "./pack_types.ts";
export * from "./random.ts";
export * from "./text.ts";
export * from "./time.ts";
export * from "./typed_buffer.ts";
export * from "./types.ts";
export * from "./uri.ts";
