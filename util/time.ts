/**
 * How far the wall clock's start lies before that of `performance.now()`, in
 * milliseconds, as well as it is known: `Date.now()` counts whole milliseconds only, so
 * this is first up to one too small, and gets better whenever it turns to the next.
 */
let offset = Date.now() - performance.now();

/**
 * The time in whole seconds since 1970, UTC.
 *
 * Follows the system's clock, also when it is set back. Needs no permission. From aLiLua.
 *
 * @example Usage
 * ```ts
 * import { time } from "@alilua/coevent/util";
 *
 * console.log(new Date(time() * 1000).toISOString());
 * ```
 */
export function time(): number {
  return Math.floor(Date.now() / 1000);
}

/**
 * The time in whole microseconds since 1970, UTC.
 *
 * Follows the system's clock, also when it is set back, and agrees with `Date.now()` to
 * the millisecond; the digits below come from a finer clock. To measure how long
 * something took, `system.hrtime()` is better. Needs no permission. From aLiLua, which
 * documents microseconds and gives milliseconds.
 *
 * @example Usage
 * ```ts
 * import { longtime } from "@alilua/coevent/util";
 *
 * console.log(longtime()); // such as 1795228800123456
 * ```
 */
export function longtime(): number {
  const now = Date.now();
  const fine = performance.now() + offset - now;
  const within = Math.min(Math.max(fine, 0), 0.999);
  // Too small: Date.now() has just turned. Too large: the system's clock was set back.
  if (fine < 0 || fine >= 1) offset += within - fine;
  return now * 1000 + Math.floor(within * 1000);
}
