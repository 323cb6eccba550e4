/** The codes a WebSocket is closed with (RFC 6455, 7.4), and what they mean to a receive. */
import { type ErrorCode, IoError } from "../core/mod.ts";

/** The purpose is fulfilled. */
export const NORMAL = 1000;
/** The server goes down, or the page is left. */
export const GOING_AWAY = 1001;
/** The frames are not what the protocol allows. */
const BROKEN = 1002;
/** The other side closed without a code. */
export const NO_CODE = 1005;
/** The connection ended without a close. */
export const LOST = 1006;
/** A text is not UTF-8. */
const BAD_TEXT = 1007;
/** Against a rule of ours: too much waits to be received. */
export const POLICY = 1008;
/** A message is too big. */
export const TOO_BIG = 1009;
/** Our own code failed. */
export const FAILED = 1011;

/** The runtime lets a client send only these of a program's own, so it adds 3,000 to ours. */
export const CLIENT_OFFSET = 3_000;

const MOST_REASON = 123;

const encoder = new TextEncoder();

/** How a WebSocket came to its end. */
export interface Closing {
  code: number;
  reason: string;
}

/** Throws for a code or a reason that must not be sent. */
export function checkClose(code: number, reason: string): void {
  if (typeof code !== "number") {
    throw new TypeError(`close: code must be a number: got ${typeof code}`);
  }
  if (!Number.isInteger(code) || (code !== NORMAL && (code < 3000 || code > 4999))) {
    throw new RangeError(`close: code must be 1000, or 3000 to 4999: got ${code}`);
  }
  if (typeof reason !== "string") {
    throw new TypeError(`close: reason must be a string: got ${typeof reason}`);
  }
  const { length } = encoder.encode(reason);
  if (length > MOST_REASON) {
    throw new RangeError(`close: reason must be at most 123 bytes of UTF-8: got ${length}`);
  }
}

const MEANINGS: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  [BROKEN]: ["protocol", "it says that we broke the protocol"],
  1003: ["protocol", "it does not take this kind of message"],
  [BAD_TEXT]: ["bad_text", "it says that our text is not UTF-8"],
  [POLICY]: ["denied", "it says that we broke a rule of its"],
  [TOO_BIG]: ["too_long", "it says that our message is too big"],
  1010: ["protocol", "it misses an extension"],
  [FAILED]: ["reset", "it has failed"],
  1012: ["reset", "it starts anew"],
  1013: ["reset", "it has too much to do"],
};

/** What a close by the other side is to a receive: `null` for a clean end. */
export function meaningOf({ code, reason }: Closing, name: string): IoError | null {
  if (code === NORMAL || code === GOING_AWAY || code === NO_CODE || code >= 3000) return null;
  const [word, meaning] = MEANINGS[code] ?? ["protocol", "it closed with a code of no meaning"];
  const said = reason === "" ? "" : `: '${reason}'`;
  return new IoError(word, `Cannot receive from ${name}: ${meaning} (${code})${said}`);
}

/** The runtime's words for what ended a connection without a close. */
const BREAKS: readonly (readonly [RegExp, number, ErrorCode])[] = [
  [/UTF-8/, BAD_TEXT, "bad_text"],
  [/^Frame too large/, TOO_BIG, "too_long"],
  [/^(Invalid|Reserved|Control|Ping frame)/, BROKEN, "protocol"],
];

/**
 * What it means that the connection ended without a close. The runtime cuts a peer off
 * that breaks the protocol, and tells it nothing; the code says what it would be told.
 */
export function breakOf(words: string, name: string): Closing & { err: IoError } {
  const [, code, word] = BREAKS.find(([pattern]) => pattern.test(words)) ?? [null, LOST, "reset"];
  const why = words === "" ? "the connection ended without a close" : words;
  const err = new IoError(word as ErrorCode, `Cannot receive from ${name}: ${why} (${code})`);
  return { code: code as number, reason: words, err };
}
