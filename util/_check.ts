/** What is wrong with an argument, in one grammar: who, which, what was wanted, what came. */

/** What a value is, in a word. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value;
}

/** Throws `TypeError` unless `value` is a string. */
export function wantString(caller: string, name: string, value: unknown): void {
  if (typeof value !== "string") {
    throw new TypeError(`${caller}: ${name} must be a string: got ${kindOf(value)}`);
  }
}

/** Throws `TypeError` unless `value` is a string or bytes. */
export function wantInput(caller: string, name: string, value: unknown): void {
  if (typeof value !== "string" && !(value instanceof Uint8Array)) {
    throw new TypeError(
      `${caller}: ${name} must be a string or a Uint8Array: got ${kindOf(value)}`,
    );
  }
}

/** Throws unless `value` is a whole number from `low` to `high`. */
export function wantWhole(
  caller: string,
  name: string,
  value: unknown,
  low: number,
  high: number,
): void {
  if (typeof value !== "number") {
    throw new TypeError(`${caller}: ${name} must be a number: got ${kindOf(value)}`);
  }
  if (!Number.isInteger(value) || value < low || value > high) {
    const range = high === Number.MAX_SAFE_INTEGER ? `${low} or more` : `${low} to ${high}`;
    throw new RangeError(`${caller}: ${name} must be a whole number, ${range}: got ${value}`);
  }
}

/** Throws unless `value` is `true`, `false` or left out. */
export function wantFlag(caller: string, name: string, value: unknown): void {
  if (value !== undefined && typeof value !== "boolean") {
    throw new TypeError(`${caller}: ${name} must be true or false: got ${kindOf(value)}`);
  }
}
