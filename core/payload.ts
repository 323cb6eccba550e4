/** What a send takes, and how it becomes bytes. */
import type { Codec } from "./codec.ts";

/**
 * What can be sent: text, bytes, numbers (as decimal text), or lists of these, nested
 * as deep as you like.
 */
export type Payload = string | number | Uint8Array | readonly Payload[];

/** One piece of a payload that is neither a list nor a number any more. */
export type Part = string | Uint8Array;

const encoder = new TextEncoder();

// deno-lint-ignore no-control-regex -- the point is to find what is not a byte
const BEYOND_LATIN1 = /[^\u0000-\u00ff]/;
// deno-lint-ignore no-control-regex -- the point is to find what is not ASCII
const BEYOND_ASCII = /[^\u0000-\u007f]/;

/**
 * Flattens a payload, and throws `TypeError` for what cannot be sent under `codec`.
 * A single piece stays as it is; a list gives its pieces in order.
 */
export function partsOf(data: Payload, codec: Codec): Part | Part[] {
  if (typeof data === "string") return checkText(data, codec);
  if (data instanceof Uint8Array) return data;
  const parts: Part[] = [];
  flatten(data, codec, parts);
  return parts.length === 1 ? parts[0]! : parts;
}

function flatten(data: Payload, codec: Codec, parts: Part[]): void {
  if (typeof data === "string") {
    if (data !== "") parts.push(checkText(data, codec));
  } else if (data instanceof Uint8Array) {
    if (data.length > 0) parts.push(data);
  } else if (typeof data === "number") {
    parts.push(String(data));
  } else if (Array.isArray(data)) {
    for (const part of data) flatten(part, codec, parts);
  } else {
    const got = data === null ? "null" : typeof data;
    throw new TypeError(`send wants strings, bytes, numbers or lists of them: got ${got}`);
  }
}

function checkText(text: string, codec: Codec): string {
  if (codec.line === "latin1") {
    const at = text.search(BEYOND_LATIN1);
    if (at >= 0) throw new TypeError(`send: ${point(text, at)} is no byte of a latin1 string`);
  } else if (typeof codec.line === "object" && codec.line.encoding !== "utf-8") {
    const at = text.search(BEYOND_ASCII);
    if (at >= 0) {
      throw new TypeError(`send: cannot encode ${point(text, at)} as ${codec.name}: send bytes`);
    }
  }
  return text;
}

function point(text: string, at: number): string {
  const code = text.codePointAt(at)!.toString(16).toUpperCase().padStart(4, "0");
  return `U+${code} at ${at}`;
}

/** At most so many bytes does `text` take. */
export function mostBytes(text: string, codec: Codec): number {
  return codec.line === "latin1" ? text.length : 3 * text.length;
}

/** Below this length a loop is faster than the runtime's encoder. */
const SHORT = 64;

/** Writes `text` into `into` at `at`, where there is room for it; gives the place behind it. */
export function writeText(text: string, codec: Codec, into: Uint8Array, at: number): number {
  const { length } = text;
  if (codec.line === "latin1") return writeLatin1(text, into, at);
  if (length <= SHORT) {
    let i = 0;
    for (; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) break;
      into[at + i] = code;
    }
    if (i === length) return at + length;
  }
  return at + encoder.encodeInto(text, into.subarray(at)).written;
}

function writeLatin1(text: string, into: Uint8Array, at: number): number {
  const { length } = text;
  if (length > SHORT) {
    // Pure ASCII, the usual case, is the same in UTF-8, which the runtime encodes fast.
    const { read, written } = encoder.encodeInto(text, into.subarray(at, at + length));
    if (read === length && written === length) return at + length;
  }
  for (let i = 0; i < length; i++) into[at + i] = text.charCodeAt(i);
  return at + length;
}

/** The bytes of a text of its own, for one that is too long to be gathered with others. */
export function bytesOf(text: string, codec: Codec): Uint8Array {
  if (codec.line !== "latin1") return encoder.encode(text);
  const bytes = new Uint8Array(text.length);
  writeLatin1(text, bytes, 0);
  return bytes;
}
