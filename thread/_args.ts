/** Throws unless `count` is a whole number from `least` on, or `Infinity`; gives it back. */
export function countOf(count: number, name: string, least: number): number {
  if (typeof count !== "number") {
    throw new TypeError(`${name} must be a number: got ${typeof count}`);
  }
  if (count !== Infinity && !(Number.isInteger(count) && count >= least)) {
    throw new RangeError(`${name} must be a whole number from ${least} on: got ${count}`);
  }
  return count;
}

/** Throws unless `fn` is a function; gives it back. */
export function functionOf<F>(fn: F, caller: string): F {
  if (typeof fn !== "function") throw new TypeError(`${caller} wants a function: got ${typeof fn}`);
  return fn;
}

/** What waits are called in `list()`: `queue 'jobs'`. */
export function named(kind: string, name: string | undefined): string {
  const article = kind === "event" ? "an" : "a";
  return name === undefined ? `${article} ${kind}` : `${kind} '${name}'`;
}

/** Throws unless `choice` is one of the two, or left out; gives it back. */
export function onErrorOf<C extends string>(choice: C | undefined): C | undefined {
  if (choice === undefined || choice === "cancel" || choice === "collect") return choice;
  throw new TypeError(`on_error must be "cancel" or "collect": got ${choice}`);
}
