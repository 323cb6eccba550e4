/** What the functions of this module take: a string, which counts as its UTF-8, or bytes as they are. */
export type Input = string | Uint8Array;

/**
 * How bytes are asked for as a string. `"utf-8"`: text, and `null` where the bytes are no
 * UTF-8. `"latin1"`: a byte string as in Lua, one character a byte.
 */
export type TextEncoding = "utf-8" | "latin1";
