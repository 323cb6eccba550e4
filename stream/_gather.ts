/** How the bytes of many messages come into few pieces, for one write each. */
import { bytesOf, type Codec, mostBytes, type Part, writeText } from "../core/mod.ts";
import type { Message } from "./_message.ts";
import { GATHERED, LITTLE } from "./_spares.ts";

/** A piece of bytes from this size on is written from where it is, not copied. */
const LARGE = 16 * 1024;

/** Whether all messages together take no more than {@linkcode LITTLE}. */
export function isLittle(messages: Message[]): boolean {
  let most = 0;
  for (const { parts, codec } of messages) {
    if (parts === null) break;
    if (typeof parts === "string" || parts instanceof Uint8Array) most += sizeOf(parts, codec!);
    else for (const part of parts) most += sizeOf(part, codec!);
    if (most > LITTLE) return false;
  }
  return true;
}

/**
 * Puts messages, up to the first without data, into memory that has room for all. Each
 * learns its place among all bytes ever sent, where the first stands at `from`. Gives how
 * many they are.
 */
export function gatherLittle(messages: Message[], into: Uint8Array, from: number): number {
  let taken = 0;
  let at = 0;
  for (const message of messages) {
    const { parts, codec } = message;
    if (parts === null) break;
    message.startAt = from + at;
    if (typeof parts === "string" || parts instanceof Uint8Array) {
      at = put(parts, codec!, into, at);
    } else {
      for (const part of parts) at = put(part, codec!, into, at);
    }
    message.endAt = from + at;
    taken += 1;
  }
  return taken;
}

/**
 * The same with as many messages as make up one large write: what fits goes into the
 * memory, what is large is left where it is, and `pieces` gets all of it in order.
 */
export function gatherMuch(
  messages: Message[],
  into: Uint8Array,
  from: number,
  pieces: Uint8Array[],
): number {
  let cutAt = 0;
  let at = 0;
  let gathered = 0;
  const cut = () => {
    if (at > cutAt) pieces.push(into.subarray(cutAt, at));
    cutAt = at;
  };
  const add = (part: Part, codec: Codec): void => {
    if (typeof part === "string" && mostBytes(part, codec) <= into.length - at) {
      const end = writeText(part, codec, into, at);
      gathered += end - at;
      at = end;
      return;
    }
    const bytes = typeof part === "string" ? bytesOf(part, codec) : part;
    // Their buffer may have been given away since.
    if (bytes.length === 0) return;
    gathered += bytes.length;
    if (bytes.length < LARGE && bytes.length <= into.length - at) {
      into.set(bytes, at);
      at += bytes.length;
    } else {
      cut();
      pieces.push(bytes);
    }
  };
  let taken = 0;
  for (const message of messages) {
    const { parts, codec } = message;
    if (parts === null || gathered >= GATHERED - LARGE) break;
    message.startAt = from + gathered;
    if (typeof parts === "string" || parts instanceof Uint8Array) add(parts, codec!);
    else for (const part of parts) add(part, codec!);
    message.endAt = from + gathered;
    taken += 1;
  }
  cut();
  return taken;
}

/** Writes a part where there is room for it; gives the place behind it. */
function put(part: Part, codec: Codec, into: Uint8Array, at: number): number {
  if (typeof part === "string") return writeText(part, codec, into, at);
  // Their buffer may have been given away since.
  if (part.length > 0) into.set(part, at);
  return at + part.length;
}

function sizeOf(part: Part, codec: Codec): number {
  return typeof part === "string" ? mostBytes(part, codec) : part.length;
}
