import type { IoError } from "./error.ts";

/**
 * What a call gives that the world may refuse: the value and `null`, or `null` and
 * the error. Destructure with `const`, or TypeScript does not narrow.
 */
export type Result<T> = [value: T, err: null] | [value: null, err: IoError];

/** A {@linkcode Result} with a third case: `[null, null]`, the clean end of the stream. */
export type ReadResult<T> =
  | [value: T, err: null]
  | [value: null, err: null]
  | [value: null, err: IoError];

/** Makes the good half of a {@linkcode Result}. */
export function ok<T>(value: T): [value: T, err: null] {
  return [value, null];
}

/** Makes the failed half of a {@linkcode Result}. */
export function fail(err: IoError): [value: null, err: IoError] {
  return [null, err];
}

/**
 * Gives the value of a result or throws its {@linkcode IoError}, for scripts and
 * examples. A promise of a result gives a promise of the value. The end of a
 * stream, `[null, null]`, gives `null`.
 *
 * @example Usage
 * ```ts
 * import { type Result, unwrap } from "@alilua/coevent";
 *
 * const answer: Result<number> = [42, null];
 * console.log(unwrap(answer)); // 42
 * console.log(await unwrap(Promise.resolve(answer))); // 42
 * ```
 */
export function unwrap<R extends readonly [unknown, IoError | null]>(
  result: PromiseLike<R>,
): Promise<Unwrapped<R>>;
/** Gives the value of a result at once, or throws. */
export function unwrap<R extends readonly [unknown, IoError | null]>(result: R): Unwrapped<R>;
export function unwrap<R extends readonly [unknown, IoError | null]>(
  result: R | PromiseLike<R>,
): Unwrapped<R> | Promise<Unwrapped<R>> {
  if (typeof result !== "object" || result === null) {
    throw new TypeError(
      `unwrap wants a result, [value, err]: got ${result === null ? "null" : typeof result}`,
    );
  }
  if ("then" in result) return Promise.resolve(result).then((settled) => unwrap(settled));
  if (result[1] !== null) throw result[1];
  return result[0] as Unwrapped<R>;
}

/** The value that {@linkcode unwrap} gives for a result of type `R`. */
export type Unwrapped<R> = R extends readonly [infer T, null] ? T : never;
