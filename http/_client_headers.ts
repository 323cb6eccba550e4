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

/** Raw lines as headers; what could slip in a line of its own throws. */
export function headersOf(lines: string | readonly string[] = []): Headers {
  const headers = new Headers();
  const all = typeof lines === "string" ? lines.split(/\r\n|\n/) : lines;
  for (const line of all) {
    if (line === "") continue;
    const colon = line.indexOf(":");
    if (colon < 1) {
      throw new TypeError("httprequest: header must be lines of 'Name: value'");
    }
    addHeader(headers, line.slice(0, colon).trim(), line.slice(colon + 1).trim(), "httprequest");
  }
  return headers;
}
