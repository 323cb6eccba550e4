import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { bytesOf } from "./_bytes.ts";
import type { Input } from "./types.ts";

/**
 * Whether two values are the same, in a time that does not tell where they differ.
 *
 * For signatures, tokens and digests that come from outside: `===` stops at the first
 * difference, and who may try often can measure that. Only the lengths are no secret. A
 * string counts as its UTF-8, so a string and bytes can be compared. Throws `TypeError`
 * for anything but strings or bytes. Needs no permission.
 *
 * @example Usage
 * ```ts
 * import { equals } from "@alilua/coevent/util";
 *
 * console.log(equals("secret", "secret"), equals("secret", "secrets")); // true false
 * ```
 */
export function equals(a: Input, b: Input): boolean {
  const left = bytesOf("equals", "a", a);
  const right = bytesOf("equals", "b", b);
  // Half a character has no bytes of its own: two of them would pass for one another.
  if (isTorn(a) || isTorn(b)) return a === b;
  // Some versions of the standard library throw for different lengths.
  return left.length === right.length && timingSafeEqual(left, right);
}

function isTorn(text: Input): boolean {
  return typeof text === "string" && !text.isWellFormed();
}
