import { checkTimeout, IoError, report, type Result } from "../core/mod.ts";
import { retry } from "../thread/mod.ts";
import { attempt } from "./_client_attempt.ts";
import { Body } from "./_client_body.ts";
import { CookieJar } from "./_client_cookies.ts";
import { Engine } from "./_client_engine.ts";
import { markUnsent } from "./_client_error.ts";
import { Life } from "./_client_life.ts";
import { Lines, type Place } from "./_client_line.ts";
import {
  type ClientDefaults,
  type ClientOptions,
  type ClientRequestOptions,
  countOf,
  methodOf,
  retriesOf,
  uploadIn,
  urlOf,
} from "./_client_options.ts";
import { type Hop, placeOf, redirected } from "./_client_redirect.ts";
import { type ClientBodyOptions, ClientResponse } from "./_client_response.ts";
import { isIdempotent, mayRetry } from "./_client_retry.ts";
import type { Upload, UploadData } from "./_client_upload.ts";

export { type Cookie, CookieJar } from "./_client_cookies.ts";
export type { ClientSslOptions, EngineOptions, ProxyOptions } from "./_client_engine.ts";
export type { FormFields, FormFile, FormValue } from "./_client_multipart.ts";
export type { ClientDefaults, ClientOptions, ClientRequestOptions } from "./_client_options.ts";
export { type ClientBodyOptions, ClientResponse } from "./_client_response.ts";
export type { ClientRetryOptions } from "./_client_retry.ts";
export type { SaveTarget } from "./_client_save.ts";
export type { Progress, UploadData } from "./_client_upload.ts";

/** What `download` takes: what the request does, and what `save` does. */
export type DownloadOptions =
  & Omit<ClientRequestOptions, "progress">
  & Pick<ClientBodyOptions, "max" | "progress">;

/** What a client is doing. */
export interface ClientStats {
  /** Requests under way, those among them whose body has not come to its end. */
  busy: number;
  /** Requests that wait for a place in their host's line. */
  waiting: number;
}

/** So long a body may be that is read away to keep its connection: a redirect's page. */
const LITTLE = 64 * 1024;

/** Closes the connections of a client that was dropped without `close`. */
const dropped = new FinalizationRegistry<Engine>((engine) => {
  engine.close();
  const err = new IoError("closed", "It was dropped without close() and has been closed now");
  report(err, "an HTTP client");
});

/** A request under way: what stays the same over its tries and redirects. */
interface Call {
  life: Life;
  upload: Upload | null;
  options: ClientRequestOptions & ClientDefaults;
}

/**
 * A client for HTTP, on the runtime's `fetch`: connections of its own, a line for each host,
 * cookies, redirects, tries. Made by {@linkcode client}.
 *
 * Every call gives `[response, null]`, whatever the status, or `[null, err]`. Errors:
 * `refused`, `dns`, `unreachable`, `tls`, `timeout`, `reset`, `eof` (the server ended without
 * an answer), `protocol` (it speaks no HTTP, or redirects without end), `too_long` (its head),
 * `exhausted` (over `backlog`), `cancelled`, `closed`, `unsupported`, `no_permission`.
 * Requires `--allow-net` for each host and port that it speaks to, and nothing else.
 *
 * A killed thread's request is given up at once, its body too, and its connection closed.
 */
export class HttpClient implements AsyncDisposable {
  readonly #options: ClientOptions;
  readonly #engine: Engine;
  readonly #lines: Lines;
  readonly #most: number;
  readonly #jar: CookieJar | null;
  /** The requests under way. */
  readonly #lives = new Set<Life>();
  #closed = false;

  /** Use {@linkcode client}. */
  constructor(options: ClientOptions = {}) {
    const { per_host = 64, backlog = Infinity, cookies = false } = options;
    this.#options = options;
    this.#most = countOf(per_host, "per_host", 1);
    this.#lines = new Lines(countOf(backlog, "backlog", 0));
    this.#jar = cookies === true ? new CookieJar() : cookies === false ? null : cookies;
    // What cannot be used is said now, not by the first request.
    checkOptions(options);
    this.#engine = new Engine(options);
    dropped.register(this, this.#engine, this);
  }

  /** The cookies, where they are on. */
  get cookies(): CookieJar | null {
    return this.#jar;
  }

  /** Sends a request and waits for the head of its response; `GET` unless `method` says so. */
  async request(
    url: string | URL,
    options: ClientRequestOptions = {},
  ): Promise<Result<ClientResponse>> {
    const all = { ...this.#options, ...options };
    checkOptions(all);
    const method = methodOf(options);
    const target = urlOf(url, this.#options.base, options.query);
    const headers = new Headers(this.#options.headers);
    for (const [name, value] of new Headers(options.headers)) headers.set(name, value);
    const what = `${method} ${placeOf(target)}`;
    if (this.#closed) {
      return [null, new IoError("closed", `Cannot ${what}: the client was closed`)];
    }
    const life = new Life(what, all.deadline ?? 0, options.signal);
    this.#lives.add(life);
    life.whenOver(() => this.#lives.delete(life));
    let answered = false;
    try {
      const [upload, err] = await uploadIn(options);
      if (err !== null) return [null, err];
      if (upload !== null && upload.type !== null && !headers.has("content-type")) {
        headers.set("content-type", upload.type);
      }
      const hop: Hop = { method, url: target, headers, carries: upload !== null };
      const result = await this.#follow(hop, { life, upload, options: all });
      answered = result[1] === null;
      return result;
    } finally {
      // Also for a thread that was killed meanwhile.
      if (!answered) life.over();
    }
  }

  /** Asks for what is there. */
  get(url: string | URL, options: ClientRequestOptions = {}): Promise<Result<ClientResponse>> {
    return this.request(url, { ...options, method: "GET" });
  }

  /** Asks for the headers that `get` would give; there is no body. */
  head(url: string | URL, options: ClientRequestOptions = {}): Promise<Result<ClientResponse>> {
    return this.request(url, { ...options, method: "HEAD" });
  }

  /** Sends data, or what `json` and `form` of the options say. */
  post(
    url: string | URL,
    data?: UploadData,
    options: ClientRequestOptions = {},
  ): Promise<Result<ClientResponse>> {
    return this.request(url, withData("POST", data, options));
  }

  /** Puts data where the URL says. */
  put(
    url: string | URL,
    data?: UploadData,
    options: ClientRequestOptions = {},
  ): Promise<Result<ClientResponse>> {
    return this.request(url, withData("PUT", data, options));
  }

  /** Changes a part of what is there. */
  patch(
    url: string | URL,
    data?: UploadData,
    options: ClientRequestOptions = {},
  ): Promise<Result<ClientResponse>> {
    return this.request(url, withData("PATCH", data, options));
  }

  /** Removes what is there. */
  delete(url: string | URL, options: ClientRequestOptions = {}): Promise<Result<ClientResponse>> {
    return this.request(url, { ...options, method: "DELETE" });
  }

  /**
   * Asks for what is there and writes it to a file: the byte count, when all of it has come;
   * until then, the path leads to what it did before. A status but 2xx is the error `reply`,
   * and no file is made. Else as `get` and `save`. From LEM (`c:download`, which raises).
   */
  async download(
    url: string | URL,
    path: string | URL,
    options: DownloadOptions = {},
  ): Promise<Result<number>> {
    const { max, progress, ...asked } = options;
    const [res, err] = await this.request(url, asked);
    if (err !== null) return [null, err];
    await using response = res;
    const { status, status_text } = response;
    if (!response.ok) {
      const words = `Cannot download ${placeOf(new URL(response.url))}: it answered`;
      return [null, new IoError("reply", `${words} ${status} ${status_text}`.trimEnd())];
    }
    return await response.save(path, {
      ...(max === undefined ? {} : { max }),
      ...(progress === undefined ? {} : { progress }),
    });
  }

  /** How many requests are under way, and how many wait. */
  stats(): ClientStats {
    return this.#lines.count();
  }

  /**
   * Gives up all requests that are under way (`closed`), their bodies too, and closes the
   * connections. Idempotent; never throws `ThreadKilled`.
   */
  close(): Promise<Result<true>> {
    if (!this.#closed) {
      this.#closed = true;
      dropped.unregister(this);
      for (const life of this.#lives) {
        life.end(new IoError("closed", `Cannot ${life.what}: the client was closed`));
      }
      this.#engine.close();
    }
    return Promise.resolve([true, null]);
  }

  /** Closes it, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Sends a request, and those that its redirects ask for. */
  async #follow(first: Hop, call: Call): Promise<Result<ClientResponse>> {
    const { life, upload, options } = call;
    const { redirects: most = 10, insecure_redirects: insecure = false } = options;
    const redirects: string[] = [];
    for (let hop = first;;) {
      const [place, lineErr] = await this.#enter(hop, call);
      if (lineErr !== null) return [null, lineErr];
      const [response, err] = await this.#tries(hop, call);
      if (err !== null) return [null, err];
      await this.#jar?.store(hop.url, response.headers.getSetCookie());
      const location = response.headers.get("location");
      const led = most === 0 ? null : redirected(hop, response.status, location, insecure);
      if (led === null) {
        const body = new Body(life, response.body);
        const timeout = options.body_timeout ?? timeoutOf(options);
        return [
          new ClientResponse({ response, url: hop.url, redirects, body, life, timeout }),
          null,
        ];
      }
      drain(response);
      place.leave();
      const [next, redirectErr] = led;
      if (redirectErr !== null) return [null, redirectErr];
      if (redirects.length === most) {
        return [
          null,
          new IoError("protocol", `Cannot ${life.what}: it redirects over ${most} times`),
        ];
      }
      if (next.carries && upload?.fresh === false) {
        const words = `Cannot ${life.what}: it redirects, and the data cannot be sent twice`;
        return [null, new IoError("unsupported", words)];
      }
      redirects.push(hop.url.href);
      hop = next;
    }
  }

  /** Waits for a place in the host's line. It is given back, at the latest, with the request. */
  async #enter({ url }: Hop, { life, options }: Call): Promise<Result<Place>> {
    const wait = { timeout: timeoutOf(options), signal: life.signal };
    const [place, err] = await this.#lines.enter(url.origin, this.#most, wait);
    if (err !== null) return [null, markUnsent(life.why(err))];
    life.whenOver(() => place.leave());
    return [place, null];
  }

  /** Sends one request, again where that can do no harm. */
  async #tries(hop: Hop, call: Call): Promise<Result<Response>> {
    const { life, upload, options } = call;
    const { attempts, ...pacing } = retriesOf(options.retries);
    if (attempts === 1) return await this.#send(hop, call);
    const result: Result<Response> = await retry(() => this.#send(hop, call), {
      ...pacing,
      attempts,
      signal: life.signal,
      when: (err) =>
        life.ended === null && mayRetry(err, hop.method) &&
        (!hop.carries || upload === null || upload.fresh),
    });
    return result[1] === null ? result : [null, life.why(result[1])];
  }

  async #send(hop: Hop, { life, upload, options }: Call): Promise<Result<Response>> {
    const own = hop.headers.get("cookie");
    const kept = await this.#jar?.header(hop.url) ?? null;
    let sent = hop;
    if (kept !== null) {
      const headers = new Headers(hop.headers);
      headers.set("cookie", own === null ? kept : `${own}; ${kept}`);
      sent = { ...hop, headers };
    }
    // A request without a body is one that the runtime would repeat, if a connection that was
    // used before breaks after it: a new one is none.
    const empty = !hop.carries || upload === null || upload.size === 0;
    const engine = empty && !isIdempotent(hop.method) ? this.#engine.fresh : this.#engine.pooled;
    return await attempt({ hop: sent, upload, life, timeout: timeoutOf(options), engine });
  }
}

/**
 * Makes a client; close it when it is not needed any more. What is wrong with its options
 * throws.
 *
 * @example Usage
 * ```ts
 * import { client } from "@alilua/coevent/http";
 *
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
 *   return Response.json({ path: new URL(request.url).pathname });
 * });
 *
 * await using http = client({ timeout: 5_000, retries: 3, per_host: 8 });
 * const [res, err] = await http.get(`http://127.0.0.1:${server.addr.port}/a`);
 * if (err) throw err;
 * console.log(res.status, await res.json()); // 200 [ { path: "/a" }, null ]
 * await server.shutdown();
 * ```
 */
export function client(options: ClientOptions = {}): HttpClient {
  return new HttpClient(options);
}

function timeoutOf({ timeout = 30_000 }: ClientDefaults): number {
  return timeout;
}

function checkOptions(options: ClientDefaults): void {
  const { timeout, body_timeout, deadline, redirects } = options;
  if (timeout !== undefined) checkTimeout(timeout);
  if (body_timeout !== undefined) checkTimeout(body_timeout, "body_timeout");
  if (deadline !== undefined) checkTimeout(deadline, "deadline");
  if (redirects !== undefined) countOf(redirects, "redirects", 0);
  retriesOf(options.retries);
}

function withData(
  method: string,
  data: UploadData | undefined,
  options: ClientRequestOptions,
): ClientRequestOptions {
  return { ...options, method, ...(data === undefined ? {} : { data }) };
}

/** Reads away what is short, so that its connection can be used again; else closes it. */
function drain(response: Response): void {
  const { body, headers } = response;
  if (body === null) return;
  const length = headers.get("content-length");
  if (length !== null && Number(length) <= LITTLE) response.bytes().catch(() => {});
  else body.cancel().catch(() => {});
}
