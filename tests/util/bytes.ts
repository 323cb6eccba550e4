/** Input for the codecs' tests: seeded, so that a failure replays. */
import { random } from "../stream/promise.ts";

/** `count` byte strings of growing length, the same each time. */
export function someBytes(count: number, seed = 1): Uint8Array<ArrayBuffer>[] {
  const next = random(seed);
  return Array.from({ length: count }, (_, length) => {
    return Uint8Array.from({ length }, () => Math.floor(next() * 256));
  });
}

/** Texts that codecs trip over. */
export const HOSTILE_TEXTS = [
  ...[
    "",
    "a",
    "ab",
    "abc",
    "\0",
    "\0\0",
    "+",
    "%",
    "%%",
    "%4",
    "%zz",
    "%41",
    "a b",
    "é",
    "ß€",
    "😀",
  ],
  ...["\ufeffmark", "' OR 1=1 --", '"; DROP TABLE t; --', "\\", "\\'", "\\\\'", "\x1a", "\r\n\t\b"],
  "a".repeat(70_000),
];

/** The bytes of a text. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
