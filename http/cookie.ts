import {
  checkCookieAttribute,
  checkCookieName,
  checkCookieValue,
  kindOf,
  shown,
} from "./_check.ts";

/** What a cookie carries beside its name and value. */
export interface CookieOptions {
  /** It ends then. */
  expires?: Date;
  /** It ends after so many seconds, as the protocol counts; 0 takes it back. */
  max_age?: number;
  /** It is for this domain and those below it; without it, for this host alone. */
  domain?: string;
  /** It is for this path and those below it. */
  path?: string;
  /** It travels over TLS only. */
  secure?: boolean;
  /** Scripts of the page cannot read it. */
  httponly?: boolean;
  /** Whether it goes along with requests from other sites; `"none"` wants `secure`. */
  samesite?: "strict" | "lax" | "none";
  /** It is kept apart for each site that embeds this one; wants `secure`. */
  partitioned?: boolean;
}

const SAME_SITE = { strict: "Strict", lax: "Lax", none: "None" } as const;

/** The value of a `Set-Cookie`; throws `TypeError` for what RFC 6265 does not allow. */
export function cookieOf(name: string, value: string, options: CookieOptions): string {
  checkCookieName(name);
  checkCookieValue(value, name);
  const parts = [`${name}=${value}`];
  const { expires, max_age, domain, path, samesite } = options;
  if (expires !== undefined) {
    if (!(expires instanceof Date) || Number.isNaN(expires.getTime())) {
      throw new TypeError(`setcookie: expires must be a Date: got ${shown(expires)}`);
    }
    parts.push(`Expires=${expires.toUTCString()}`);
  }
  if (max_age !== undefined) {
    if (!Number.isInteger(max_age)) {
      const got = typeof max_age === "number" ? max_age : kindOf(max_age);
      throw new TypeError(`setcookie: max_age must be a whole number of seconds: got ${got}`);
    }
    parts.push(`Max-Age=${max_age}`);
  }
  if (domain !== undefined) {
    checkCookieAttribute(domain, "domain");
    parts.push(`Domain=${domain}`);
  }
  if (path !== undefined) {
    checkCookieAttribute(path, "path");
    parts.push(`Path=${path}`);
  }
  const secure = options.secure === true;
  if (secure) parts.push("Secure");
  if (options.httponly === true) parts.push("HttpOnly");
  if (samesite !== undefined) {
    const word = SAME_SITE[samesite];
    if (word === undefined) {
      throw new TypeError(
        `setcookie: samesite must be "strict", "lax" or "none": got ${shown(samesite)}`,
      );
    }
    parts.push(`SameSite=${word}`);
  }
  if (options.partitioned === true) parts.push("Partitioned");
  if (!secure && (samesite === "none" || options.partitioned === true)) {
    // Browsers drop such a cookie without a word.
    const which = samesite === "none" ? 'samesite "none"' : "partitioned";
    throw new TypeError(`setcookie: ${which} wants secure, or browsers refuse the cookie`);
  }
  return parts.join("; ");
}

/** The cookies of a request: the first of a name counts; quotes around a value are left out. */
export function cookiesIn(header: string | null): Map<string, string> {
  const cookies = new Map<string, string>();
  if (header === null) return cookies;
  for (const pair of header.split(";")) {
    const at = pair.indexOf("=");
    if (at < 0) continue;
    const name = pair.slice(0, at).trim();
    if (name === "" || cookies.has(name)) continue;
    const value = pair.slice(at + 1).trim();
    const quoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"');
    cookies.set(name, quoted ? value.slice(1, -1) : value);
  }
  return cookies;
}
