import { IoError, type Result } from "../core/mod.ts";
import { retry } from "../thread/mod.ts";
import { attempt } from "./_client_attempt.ts";
import { Body } from "./_client_body.ts";
import type { CookieJar } from "./_client_cookies.ts";
import type { Connections } from "./_client_engine.ts";
import { markUnsent } from "./_client_error.ts";
import type { Life } from "./_client_life.ts";
import type { Lines, Place } from "./_client_line.ts";
import { type ClientDefaults, retriesOf } from "./_client_options.ts";
import { type Hop, redirected } from "./_client_redirect.ts";
import { type ClientRetryOptions, isIdempotent, mayRetry } from "./_client_retry.ts";
import type { Upload } from "./_client_upload.ts";

/** A call waits so long, in milliseconds, unless told otherwise. */
export const DEFAULT_TIMEOUT = 30_000;

/** So long a body may be that is read away to keep its connection: a redirect's page. */
const LITTLE = 64 * 1024;

/** What requests go out through. */
export interface Way {
  connections: Connections;
  lines: Lines;
  /** So many requests a host at a time. */
  most: number;
  jar: CookieJar | null;
}

/** A response whose body is still to be read. */
export interface Answered {
  response: Response;
  url: URL;
  redirects: string[];
  body: Body;
  life: Life;
  /** How many bytes the body has; `null` where nobody says. */
  length: number | null;
}

/** A request under way: what stays the same over its tries and redirects. */
export class Call {
  readonly #way: Way;
  readonly #life: Life;
  readonly #upload: Upload | null;
  readonly #options: ClientDefaults;
  readonly #timeout: number;

  constructor(way: Way, life: Life, upload: Upload | null, options: ClientDefaults) {
    this.#way = way;
    this.#life = life;
    this.#upload = upload;
    this.#options = options;
    this.#timeout = options.timeout ?? DEFAULT_TIMEOUT;
  }

  /**
   * Sends a request, and those that its redirects ask for. Whoever made its life ends it
   * when this fails, or the thread is killed.
   */
  async answer(first: Hop): Promise<Result<Answered>> {
    const life = this.#life;
    const { jar } = this.#way;
    const { redirects: most = 10, insecure_redirects: insecure = false } = this.#options;
    const redirects: string[] = [];
    for (let hop = first;;) {
      // Mostly there is room, and nobody waits.
      const free = this.#way.lines.tryEnter(hop.url.origin, this.#way.most);
      const [place, lineErr] = free === null ? await this.#enter(hop) : [free, null];
      if (lineErr !== null) return [null, lineErr];
      life.whenOver(() => place.leave());
      const [response, err] = await this.#tries(hop);
      if (err !== null) return [null, err];
      if (jar !== null) await jar.store(hop.url, response.headers.getSetCookie());
      const location = response.headers.get("location");
      const led = most === 0 ? null : redirected(hop, response.status, location, insecure);
      if (led === null) {
        const length = lengthOf(response);
        const body = new Body(life, response.body, length);
        return [{ response, url: hop.url, redirects, body, life, length }, null];
      }
      drain(response, life);
      place.leave();
      const [next, redirectErr] = led;
      if (redirectErr !== null) return [null, redirectErr];
      if (redirects.length === most) {
        const words = `Cannot ${life.what}: it redirects over ${most} times`;
        return [null, new IoError("protocol", words)];
      }
      if (next.carries && this.#upload?.fresh === false) {
        const words = `Cannot ${life.what}: it redirects, and the data cannot be sent twice`;
        return [null, new IoError("unsupported", words)];
      }
      redirects.push(hop.url.href);
      hop = next;
    }
  }

  /** Waits for a place in the host's line. It is given back, at the latest, with the request. */
  async #enter({ url }: Hop): Promise<Result<Place>> {
    const { lines, most } = this.#way;
    const life = this.#life;
    const wait = { timeout: this.#timeout, signal: life.signal };
    const [place, err] = await lines.enter(url.origin, most, wait);
    return err === null ? [place, null] : [null, markUnsent(life.why(err))];
  }

  /** Sends one request, again where that can do no harm. */
  #tries(hop: Hop): Promise<Result<Response>> {
    const { attempts, ...pacing } = retriesOf(this.#options.retries);
    return attempts === 1 ? this.#send(hop) : this.#retry(hop, { attempts, ...pacing });
  }

  async #retry(hop: Hop, pacing: ClientRetryOptions): Promise<Result<Response>> {
    const life = this.#life;
    const upload = this.#upload;
    const result: Result<Response> = await retry(() => this.#send(hop), {
      ...pacing,
      signal: life.signal,
      when: (err) => mayRetry(err, hop.method) && (!hop.carries || upload === null || upload.fresh),
    });
    return result[1] === null ? result : [null, life.why(result[1])];
  }

  #send(hop: Hop): Promise<Result<Response>> {
    const { jar } = this.#way;
    return jar === null ? this.#attempt(hop) : this.#sendWithCookies(hop, jar);
  }

  async #sendWithCookies(hop: Hop, jar: CookieJar): Promise<Result<Response>> {
    const kept = await jar.header(hop.url);
    if (kept === null) return await this.#attempt(hop);
    const own = hop.headers?.get("cookie") ?? null;
    const headers = new Headers(hop.headers ?? []);
    headers.set("cookie", own === null ? kept : `${own}; ${kept}`);
    return await this.#attempt({ ...hop, headers });
  }

  #attempt(hop: Hop): Promise<Result<Response>> {
    const { connections } = this.#way;
    const upload = hop.carries ? this.#upload : null;
    // A request without a body is one that the runtime would repeat, if a connection that was
    // used before breaks after it: a new one was not.
    const repeatable = (upload === null || upload.size === 0) && !isIdempotent(hop.method);
    const engine = () => repeatable ? connections.fresh : connections.pooled;
    return attempt({ hop, upload, life: this.#life, timeout: this.#timeout, engine });
  }
}

/**
 * The length of a body that is not compressed: what is announced is what comes over the wire.
 * Beside `Transfer-Encoding` it means nothing (RFC 9112, 6.3), and may be no number at all.
 */
export function lengthOf({ headers, body }: Response): number | null {
  if (body === null) return 0;
  const encoding = headers.get("content-encoding")?.toLowerCase() ?? "identity";
  const length = headers.get("content-length");
  if (length === null || encoding !== "identity" || headers.has("transfer-encoding")) return null;
  // Several that are the same are one.
  return /^\d+(\s*,\s*\d+)*$/.test(length) ? parseInt(length, 10) : null;
}

/**
 * Reads away what is short, so that its connection can be used again; else closes it. What
 * does not come is given up with its request.
 */
function drain(response: Response, life: Life): void {
  const length = lengthOf(response);
  const reader = response.body?.getReader();
  const giveUp = () => void reader?.cancel().catch(() => {});
  if (length === null || length > LITTLE) return giveUp();
  readAway(reader).catch(() => {});
  life.whenOver(giveUp);
}

async function readAway(reader: ReadableStreamDefaultReader<Uint8Array> | undefined) {
  while (reader !== undefined && !(await reader.read()).done);
}
