import { IoError, type Result } from "../core/mod.ts";

/** One request of a chain. */
export interface Hop {
  method: string;
  url: URL;
  /** `null` for none. */
  headers: Headers | null;
  /** Whether the body goes along. */
  carries: boolean;
}

/** The statuses that name another place, and that `Location` is followed for. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What says something about a body, and goes when it goes. */
const OF_THE_BODY = [
  ...["content-encoding", "content-language", "content-length", "content-location"],
  ...["content-type", "content-disposition"],
];

/** What another origin must not see. */
const PRIVATE = ["authorization", "cookie", "host", "proxy-authorization"];

/**
 * The request that a response leads to; `null` where it leads nowhere.
 *
 * By RFC 9110, 15.4: 303 makes a GET of all but HEAD, 301 and 302 of a POST, as everybody
 * does; 307 and 308 change nothing. What identifies us stays with its origin.
 */
export function redirected(
  hop: Hop,
  status: number,
  location: string | null,
  insecure: boolean,
): Result<Hop> | null {
  if (!REDIRECTS.has(status) || location === null) return null;
  const { url, method } = hop;
  const refuse = (code: "protocol" | "tls", why: string): Result<Hop> => {
    return [null, new IoError(code, `Cannot follow the redirect of ${placeOf(url)}: ${why}`)];
  };
  const next = URL.parse(location, url);
  if (next === null) return refuse("protocol", "it leads to what is no URL");
  if (next.protocol !== "http:" && next.protocol !== "https:") {
    // `fetch` would read a file, if it leads there.
    return refuse("protocol", `it leads to ${next.protocol}`);
  }
  if (url.protocol === "https:" && next.protocol === "http:" && !insecure) {
    return refuse("tls", `${placeOf(next)} is not under TLS (insecure_redirects allows it)`);
  }
  if (next.hash === "") next.hash = url.hash;

  const headers = new Headers(hop.headers ?? []);
  if (next.origin !== url.origin) {
    for (const name of PRIVATE) headers.delete(name);
  } else if (next.username === "" && next.password === "") {
    next.username = url.username;
    next.password = url.password;
  }
  const becomesGet = status === 303 ? method !== "HEAD" : status < 303 && method === "POST";
  if (becomesGet && method !== "GET") {
    for (const name of OF_THE_BODY) headers.delete(name);
    return [{ method: "GET", url: next, headers, carries: false }, null];
  }
  return [{ method, url: next, headers, carries: hop.carries }, null];
}

/** A URL for messages: without what may be secret in it. */
export function placeOf(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
