/** Between the strings and bytes that callers have and those that the work is done on. */
import { Buffer, isAscii } from "node:buffer";
import type { Bytes } from "../core/mod.ts";
import { kindOf, wantInput } from "./_check.ts";
import type { Input, TextEncoding } from "./types.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Strings up to this length are encoded into memory that is there already. */
const SHORT = 1024;

/** A character takes three bytes at most. */
const scratch = new Uint8Array(3 * SHORT);

/** The bytes of `data`, for a look only: a short string's hold until the next call. */
export function viewOf(caller: string, name: string, data: Input): Uint8Array {
  if (typeof data !== "string") {
    wantInput(caller, name, data);
    return data;
  }
  if (data.length > SHORT) return encoder.encode(data);
  return scratch.subarray(0, encoder.encodeInto(data, scratch).written);
}

/** The bytes of `data`, to keep; bytes are given back as they are, not copied. */
export function bytesOf(caller: string, name: string, data: Input): Uint8Array {
  if (typeof data === "string") return encoder.encode(data);
  wantInput(caller, name, data);
  return data;
}

/** The characters of `data`, bytes one a character: for text that should be ASCII. */
export function charactersOf(caller: string, name: string, data: Input): string {
  if (typeof data === "string") return data;
  wantInput(caller, name, data);
  return latin1Of(data);
}

/** Bytes as a byte string, one character a byte. */
export function latin1Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** Bytes as text, or `null` if they are no UTF-8. A byte order mark stays. */
export function utf8Of(bytes: Uint8Array): string | null {
  if (isAscii(bytes)) return latin1Of(bytes);
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** Bytes as text in an encoding. */
export function textOf(bytes: Uint8Array, encoding: TextEncoding): string | null {
  return encoding === "latin1" ? latin1Of(bytes) : utf8Of(bytes);
}

/** What a function whose result is bytes gives: those, or the text that was asked for. */
export function asAsked(bytes: Bytes, encoding: TextEncoding | undefined): Bytes | string | null {
  return encoding === undefined ? bytes : textOf(bytes, encoding);
}

/** Throws unless `encoding` is one of those with a name here, or left out. */
export function wantEncoding(caller: string, encoding: unknown): void {
  if (encoding === undefined || encoding === "utf-8" || encoding === "latin1") return;
  if (typeof encoding !== "string") {
    throw new TypeError(`${caller}: encoding must be a string: got ${kindOf(encoding)}`);
  }
  throw new RangeError(`${caller}: encoding must be "utf-8" or "latin1": got "${encoding}"`);
}
