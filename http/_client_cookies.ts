import type { Cookie as ToughCookie, CookieJar as ToughJar } from "npm:tough-cookie@6.1.0";

/** A cookie that a jar holds. */
export interface Cookie {
  /** What it is called. */
  name: string;
  /** What it says. */
  value: string;
  /** The host, or with `host_only` false the domain, that it goes to. */
  domain: string;
  /** Whether it goes to the host alone, not to those below it. */
  host_only: boolean;
  /** The path that it goes to, and all below it. */
  path: string;
  /** Whether it goes over TLS only. */
  secure: boolean;
  /** Whether scripts of a page may not see it. */
  http_only: boolean;
  /** When it ends; `null` for one that ends with the jar. */
  expires: Date | null;
}

/** So many cookies are held, as RFC 6265, 6.1 asks for; the oldest goes first. */
const MOST = 3_000;

/** So long may one be, by RFC 6265, 6.1; a longer one is dropped. */
const LONGEST = 4_096;

/**
 * Loaded when the first cookie is, for it holds the list of public suffixes: 60 ms and
 * 20 MB that a program without cookies does not spend.
 */
async function loadJar(): Promise<ToughJar> {
  const { CookieJar } = await import("npm:tough-cookie@6.1.0");
  return new CookieJar();
}

/**
 * Cookies as RFC 6265 has them: by domain (no public suffix such as `co.uk`), path, `Secure`,
 * expiry, and for their host alone where they name no domain. Hand it to `client`, to
 * several of them where they shall share it. Needs no permission.
 *
 * @example Kept over a restart
 * ```ts
 * import { CookieJar } from "@alilua/coevent/http";
 *
 * const jar = new CookieJar();
 * await jar.store("https://example.com/", ["session=abc; Secure; Max-Age=3600"]);
 * const text = JSON.stringify(await jar.save());
 *
 * const again = await CookieJar.load(JSON.parse(text));
 * console.log(await again.header("https://example.com/a")); // session=abc
 * console.log(await again.header("http://example.com/a")); // null
 * ```
 */
export class CookieJar {
  #jar: Promise<ToughJar> | null = null;

  /** The cookies that a request to this URL carries, as its `Cookie`; `null` for none. */
  async header(url: string | URL): Promise<string | null> {
    // An empty jar is never opened.
    if (this.#jar === null) return null;
    const jar = await this.#jar;
    return jar.getCookieStringSync(hrefOf(url)) || null;
  }

  /**
   * Keeps what the `Set-Cookie` lines of a response from this URL say. What is malformed,
   * for another domain, or insecure although it says `Secure`, is left out without a word,
   * as browsers do; of more than 3,000 cookies, the oldest go.
   */
  async store(url: string | URL, lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const href = hrefOf(url);
    const jar = await this.#open();
    for (const line of lines) {
      if (line.length <= LONGEST) jar.setCookieSync(line, href, { ignoreError: true });
    }
    await this.#trim(jar);
  }

  /** All cookies that have not ended. */
  async list(): Promise<Cookie[]> {
    if (this.#jar === null) return [];
    const { cookies } = (await this.#jar).serializeSync() ?? { cookies: [] };
    const { Cookie } = await import("npm:tough-cookie@6.1.0");
    const alive: Cookie[] = [];
    for (const one of cookies) {
      const cookie = Cookie.fromJSON(one);
      if (cookie !== undefined && cookie.TTL() > 0) alive.push(shown(cookie));
    }
    return alive;
  }

  /** Drops all cookies. */
  clear(): void {
    this.#jar = null;
  }

  /** All that the jar holds, as JSON can write it; secrets, mostly. */
  async save(): Promise<Record<string, unknown>> {
    const jar = await this.#open();
    return { ...jar.serializeSync() };
  }

  /** A jar as `save` gave it. What is no such thing throws `TypeError`. */
  static async load(saved: Record<string, unknown>): Promise<CookieJar> {
    if (!Array.isArray(saved?.cookies)) throw new TypeError("CookieJar.load wants what save gave");
    const { CookieJar: Tough } = await import("npm:tough-cookie@6.1.0");
    const jar = new CookieJar();
    jar.#jar = Promise.resolve(Tough.deserializeSync(JSON.stringify(saved)));
    return jar;
  }

  #open(): Promise<ToughJar> {
    return this.#jar ??= loadJar();
  }

  async #trim(jar: ToughJar): Promise<void> {
    const cookies = await jar.store.getAllCookies();
    const tooMany = cookies.length - MOST;
    if (tooMany <= 0) return;
    const oldest = cookies.toSorted((a, b) => (a.creationIndex ?? 0) - (b.creationIndex ?? 0));
    for (const { domain, path, key } of oldest.slice(0, tooMany)) {
      await jar.store.removeCookie(domain, path, key);
    }
  }
}

function shown(cookie: ToughCookie): Cookie {
  const { key, value, domain, hostOnly, path, secure, httpOnly } = cookie;
  return {
    name: key,
    value,
    domain: domain ?? "",
    host_only: hostOnly ?? true,
    path: path ?? "/",
    secure,
    http_only: httpOnly,
    expires: cookie.isPersistent() ? cookie.expiryDate() ?? null : null,
  };
}

function hrefOf(url: string | URL): string {
  const parsed = URL.parse(url);
  if (parsed === null) throw new TypeError("CookieJar: url is no URL");
  return parsed.href;
}
