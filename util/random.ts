import { wantWhole } from "./_check.ts";

const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/**
 * Bytes from here on are thrown away: only so do all characters come equally often, since
 * 256 is not a multiple of their number.
 */
const FAIR = 256 - 256 % ALPHANUMERIC.length;

/** The runtime gives at most so many random bytes at once. */
const MOST = 65_536;

/**
 * A string of `length` random letters and digits of ASCII, from the system's
 * cryptographic source: for session keys, tokens, and file names.
 *
 * Each character holds 5.95 bits, the default of 32 characters 190. Throws `TypeError`
 * or `RangeError` unless `length` is a whole number from 0 on. Needs no permission. From
 * aLiLua's web server, which allows 4,096 at most.
 *
 * @example Usage
 * ```ts
 * import { random_string } from "@alilua/coevent/util";
 *
 * console.log(random_string(8)); // such as q3Xb07Kd
 * ```
 */
export function random_string(length = 32): string {
  wantWhole("random_string", "length", length, 0, Number.MAX_SAFE_INTEGER);
  let text = "";
  while (text.length < length) {
    // About one byte of 32 is thrown away.
    const bytes = new Uint8Array(Math.min(length - text.length + 8, MOST));
    for (const byte of crypto.getRandomValues(bytes)) {
      if (byte < FAIR && text.length < length) text += ALPHANUMERIC[byte % ALPHANUMERIC.length];
    }
  }
  return text;
}
