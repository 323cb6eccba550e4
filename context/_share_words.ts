/** What the two sides of a shared stream say to each other, beside its bytes. */
import { type Bytes, IoError } from "../core/mod.ts";
import type { Peer } from "../stream/mod.ts";
import type { PackedError } from "./_share_wire.ts";

/** So many bytes that were received may be on their way, or wait to be taken. */
export const WINDOW = 256 * 1024;

/** So many bytes are sent at a time, before the owner's system has them. */
export const MOST_SENT = 256 * 1024;

/** To the owner. Bytes without a word around them are a part of what is to be sent. */
export type Request =
  /** The first one, on the line of the address; the answers come to `line`. */
  | { k: "open"; token: string; claim: boolean; line: number }
  /** So many bytes of what was received have been taken. */
  | { k: "taken"; count: number }
  /** All that is left to be sent for now. */
  | { k: "rest"; piece: Bytes }
  /** What was sent is whole, or was given up half-way: others may send. */
  | { k: "release"; torn: boolean }
  | { k: "end" }
  | { k: "close"; atOnce: boolean };

/** From the owner. Bytes without a word around them were received. */
export type Answer =
  | { k: "opened"; line: number; name: string; remote: Peer | null }
  | { k: "refused"; err: PackedError }
  /** The socket itself came along. */
  | { k: "moved" }
  | { k: "wrote" }
  | { k: "unwritten"; err: PackedError }
  | { k: "eof" }
  | { k: "failed"; err: PackedError }
  | { k: "ended"; err: PackedError | null }
  | { k: "closed" }
  /** The stream is there no more. */
  | { k: "gone"; err: PackedError };

/** An address taken apart: whose stream, on which line, and a word that cannot be guessed. */
export interface Parts {
  owner: number;
  line: number;
  token: string;
}

/** Makes an address. */
export function addressOf({ owner, line, token }: Parts): string {
  return `shared:${owner}:${line}:${token}`;
}

/** Takes an address apart; throws for what is none. */
export function partsOfAddress(address: unknown, caller: string): Parts {
  const found = typeof address === "string"
    ? /^shared:(\d+):(\d+):([0-9a-f]{32})$/.exec(address)
    : null;
  if (found === null) {
    const got = typeof address === "string" ? `'${address}'` : typeof address;
    throw new TypeError(`${caller} wants an address that share() gave: got ${got}`);
  }
  return { owner: Number(found[1]), line: Number(found[2]), token: found[3]! };
}

/** The error for one who comes too late. */
export function noMore(name: string): IoError {
  return new IoError("closed", `Cannot open ${name}: it is not shared any more`);
}
