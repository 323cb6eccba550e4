import type { Bytes } from "../core/mod.ts";
import { wantInput } from "./_check.ts";

/** What MySQL and MariaDB read behind a backslash, by what it stands for. */
const ESCAPES: Readonly<Record<string, string>> = {
  "\0": "\\0",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
  "\x1a": "\\Z",
  '"': '\\"',
  "'": "\\'",
  "\\": "\\\\",
};

// deno-lint-ignore no-control-regex -- these are what must be escaped
const SPECIAL = /[\0\b\t\n\r\x1a"'\\]/g;

/** By byte: what follows the backslash, or 0 for a byte that stays. */
const BEHIND = new Uint8Array(256);
for (const [plain, escaped] of Object.entries(ESCAPES)) {
  BEHIND[plain.charCodeAt(0)] = escaped.charCodeAt(1);
}

/**
 * Escapes a value for a quoted string of a MySQL or MariaDB statement, `'` or `"`.
 *
 * A backslash goes before NUL, backspace, tab, line feed, carriage return, Ctrl-Z,
 * backslash and both quotes; the control characters become their letters. The quotes
 * around it are the caller's. A string gives a string, bytes give bytes, for a statement
 * that is sent as bytes.
 *
 * It holds where the connection's character set is `utf8mb4`, `latin1`, `binary` or
 * another whose characters never end in the byte of a backslash. Under `gbk`, `big5` or
 * `sjis` no escaping by bytes is safe, nor under the SQL mode `NO_BACKSLASH_ESCAPES`:
 * there, as best everywhere, send values apart from the statement, with placeholders.
 *
 * Throws `TypeError` for anything but a string or bytes. Needs no permission. From aLiLua.
 *
 * @example Usage
 * ```ts
 * import { escape } from "@alilua/coevent/util";
 *
 * console.log(`SELECT * FROM users WHERE name = '${escape("O'Neill")}'`);
 * // SELECT * FROM users WHERE name = 'O\'Neill'
 * ```
 */
export function escape(value: string): string;
/** Escapes bytes. */
export function escape(value: Uint8Array): Bytes;
export function escape(value: string | Uint8Array): string | Bytes {
  if (typeof value === "string") return value.replace(SPECIAL, (character) => ESCAPES[character]!);
  wantInput("escape", "value", value);
  let more = 0;
  for (const byte of value) if (BEHIND[byte] !== 0) more++;
  const escaped = new Uint8Array(value.length + more);
  let at = 0;
  for (const byte of value) {
    const behind = BEHIND[byte]!;
    if (behind !== 0) escaped[at++] = 0x5c;
    escaped[at++] = behind === 0 ? byte : behind;
  }
  return escaped;
}
