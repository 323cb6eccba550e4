import type { Result } from "../core/mod.ts";
import type { CookieJar } from "./_client_cookies.ts";
import type { EngineOptions } from "./_client_engine.ts";
import type { FormFields } from "./_client_multipart.ts";
import type { ClientRetryOptions } from "./_client_retry.ts";
import {
  formUpload,
  jsonUpload,
  type Progress,
  type Upload,
  type UploadData,
  uploadOf,
} from "./_client_upload.ts";

/** What holds for all requests of a client, and what each may say for itself. */
export interface ClientDefaults {
  /**
   * Milliseconds without progress: for a place in the host's line, and from the last byte
   * that was sent to the head of the response, lookup and connect included. 30,000 by
   * default, 0 for no limit.
   */
  timeout?: number;
  /** Milliseconds that each piece of the body may take; as `timeout` by default. */
  body_timeout?: number;
  /** Milliseconds for the whole, to the last byte of the body; 0, the default, is no limit. */
  deadline?: number;
  /** How many redirects are followed; 10 by default. With 0, the 3xx is the response. */
  redirects?: number;
  /** Whether a redirect may lead from `https:` to `http:`; off by default. */
  insecure_redirects?: boolean;
  /**
   * How often a request is tried, or how and how often (`thread.retry`); 1 by default. Only
   * `timeout`, `dns`, `refused`, `unreachable`, `reset` and `eof` are tried again, and only
   * where that can do no harm: the method is idempotent (`GET`, `HEAD`, `OPTIONS`, `PUT`,
   * `DELETE`), or no connection came about, so that nothing was sent.
   */
  retries?: number | ClientRetryOptions;
}

/** What `client` takes. */
export interface ClientOptions extends ClientDefaults, EngineOptions {
  /** What URLs are relative to. */
  base?: string | URL;
  /** Headers that go along with each request. */
  headers?: HeadersInit;
  /** At most so many requests a host at a time, the next ones wait in line; 64 by default. */
  per_host?: number;
  /** At most so many may wait for one host, the next ones get `exhausted`; no limit by default. */
  backlog?: number;
  /** Keep cookies: in a jar of its own (`true`), or in one of yours. Off by default. */
  cookies?: boolean | CookieJar;
}

/** What a request takes. */
export interface ClientRequestOptions extends ClientDefaults {
  /** The method: `GET`, or `POST` where there is `data`, `json` or a `form`. */
  method?: string;
  /** Headers, in place of the client's of the same name. */
  headers?: HeadersInit;
  /** Added to the URL's query. */
  query?: Record<string, string | number | boolean> | URLSearchParams;
  /** What is sent. */
  data?: UploadData;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as a form: with a file in it as `multipart/form-data`, else URL-encoded. */
  form?: FormFields | FormData;
  /** Hears how much has been sent. */
  progress?: Progress;
  /** Gives the request up, its body too, when aborted: `cancelled`. */
  signal?: AbortSignal;
}

/** The methods that mean the same in any case, as for `fetch`. */
const METHODS: ReadonlySet<string> = new Set([
  ...["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
]);

/** These the runtime refuses to send. */
const FORBIDDEN: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** The method of a request, checked. */
export function methodOf(options: ClientRequestOptions): string {
  const { data, json, form } = options;
  const given = [data, json, form].filter((one) => one !== undefined).length;
  if (given > 1) throw new TypeError("request: only one of data, json and form can be sent");
  const { method = given === 0 ? "GET" : "POST" } = options;
  if (typeof method !== "string" || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) {
    throw new TypeError(`request: method must be an HTTP method: got ${JSON.stringify(method)}`);
  }
  const upper = method.toUpperCase();
  if (FORBIDDEN.has(upper)) throw new RangeError(`request: the runtime sends no ${upper}`);
  if (given > 0 && (upper === "GET" || upper === "HEAD")) {
    throw new TypeError(`request: ${upper} sends no data`);
  }
  return METHODS.has(upper) ? upper : method;
}

/** The URL of a request, checked, with its query. */
export function urlOf(
  url: string | URL,
  base: string | URL | undefined,
  query: ClientRequestOptions["query"],
): URL {
  const target = URL.parse(url, base);
  if (target === null) throw new TypeError("request: url is no URL");
  if (target.protocol !== "http:" && target.protocol !== "https:") {
    throw new TypeError(`request: url must be http: or https:: got ${target.protocol}`);
  }
  if (query !== undefined) {
    const pairs = query instanceof URLSearchParams ? query : Object.entries(query);
    for (const [name, value] of pairs) target.searchParams.append(name, String(value));
  }
  return target;
}

/** What a request sends; `null` for nothing. */
export async function uploadIn(options: ClientRequestOptions): Promise<Result<Upload | null>> {
  const { data, json, form, progress } = options;
  if (data !== undefined) return await uploadOf(data, progress);
  if (form !== undefined) return await formUpload(form, progress);
  return json === undefined ? [null, null] : jsonUpload(json, progress);
}

/** How often a request is tried. */
export function retriesOf(
  retries: ClientDefaults["retries"] = 1,
): ClientRetryOptions & { attempts: number } {
  const given = typeof retries === "number" ? { attempts: retries } : retries;
  return { ...given, attempts: countOf(given.attempts ?? 5, "retries", 1) };
}

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
