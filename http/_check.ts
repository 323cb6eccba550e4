/** What may stand in a header: all that goes out is checked here, so that nobody can slip a line in. */

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** RFC 6265: no controls, spaces, quotes, commas, semicolons, backslashes. */
const COOKIE_VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

const COOKIE_ATTRIBUTE = /^[\x20-\x3a\x3c-\x7e]+$/;

/** These frame the message; who sets them could end it early. */
const FRAMING = new Set(["transfer-encoding", "trailer"]);

/** Throws unless `name` may be the name of a header; gives it in lower case. */
export function checkName(name: string, caller: string): string {
  if (typeof name !== "string") {
    throw new TypeError(`${caller} wants a header's name, a string: got ${kindOf(name)}`);
  }
  if (!TOKEN.test(name)) {
    throw new TypeError(`${caller}: ${shown(name)} is no header's name`);
  }
  const lower = name.toLowerCase();
  if (FRAMING.has(lower)) throw new TypeError(`${caller}: '${lower}' is the server's to set`);
  return lower;
}

/** Throws unless `value` may be the value of a header; gives it without spaces around it. */
export function checkValue(value: string | number, name: string, caller: string): string {
  if (typeof value === "number") return String(value);
  if (typeof value !== "string") {
    throw new TypeError(
      `${caller}: the value of '${name}' must be a string or number: got ${kindOf(value)}`,
    );
  }
  const at = value.search(NOT_IN_VALUE);
  if (at >= 0) {
    throw new TypeError(`${caller}: ${point(value, at)} may not stand in the value of '${name}'`);
  }
  return value.trim();
}

/** Throws unless a response may have this status; gives it back. */
export function checkStatus(status: number, caller: string): number {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    const got = typeof status === "number" ? String(status) : kindOf(status);
    throw new TypeError(`${caller}: a status is a whole number from 200 to 599: got ${got}`);
  }
  return status;
}

/** Throws unless `name` may be a cookie's name (RFC 6265). */
export function checkCookieName(name: string): void {
  if (typeof name !== "string" || !TOKEN.test(name)) {
    throw new TypeError(`setcookie: ${shown(name)} is no cookie's name`);
  }
}

/** Throws unless `value` may be a cookie's value (RFC 6265). */
export function checkCookieValue(value: string, name: string): void {
  if (typeof value !== "string") {
    throw new TypeError(
      `setcookie: the value of '${name}' must be a string: got ${kindOf(value)}`,
    );
  }
  if (!COOKIE_VALUE.test(value)) {
    const words = "encode it, with escape_uri or as base64";
    throw new TypeError(`setcookie: ${shown(value)} is no value for '${name}': ${words}`);
  }
}

/** Throws unless `value` may be what an attribute of a cookie says. */
export function checkCookieAttribute(value: string, attribute: string): void {
  if (typeof value !== "string" || !COOKIE_ATTRIBUTE.test(value)) {
    throw new TypeError(`setcookie: ${shown(value)} is no ${attribute}`);
  }
}

/** What something is, in words for an error. */
export function kindOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}

/** A wrong text as it is shown in an error: control characters escaped, not too long. */
export function shown(value: unknown): string {
  if (typeof value !== "string") return kindOf(value);
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}..."` : text;
}

function point(text: string, at: number): string {
  const code = text.codePointAt(at)!.toString(16).toUpperCase().padStart(4, "0");
  return `U+${code} at ${at}`;
}
