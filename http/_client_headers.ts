/** A name that a header may have: RFC 9110, 5.6.2. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * Headers of what a program gives. What is not allowed throws, by its name alone: a value
 * may be secret, and the platform's error shows it.
 */
export function headersFrom(given: HeadersInit | undefined, caller: string): Headers {
  const headers = new Headers();
  if (given === undefined) return headers;
  for (const [name, value] of Symbol.iterator in given ? given : Object.entries(given)) {
    addHeader(headers, name!, value!, caller);
  }
  return headers;
}

/** Adds one header, or throws without its value. */
export function addHeader(headers: Headers, name: string, value: string, caller: string): void {
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new TypeError(`${caller}: a header has a name that is none`);
  }
  let bad = false;
  try {
    headers.append(name, value);
  } catch {
    bad = true;
  }
  if (bad) throw new TypeError(`${caller}: header '${name}' has a value that is not allowed`);
}
