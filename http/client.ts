import { checkTimeout, IoError, report, type Result } from "../core/mod.ts";
import { Call, DEFAULT_TIMEOUT, type Way } from "./_client_call.ts";
import { CookieJar } from "./_client_cookies.ts";
import { Engine } from "./_client_engine.ts";
import { headersFrom } from "./_client_headers.ts";
import { Life } from "./_client_life.ts";
import { Lines } from "./_client_line.ts";
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
import { type Hop, placeOf } from "./_client_redirect.ts";
import { type ClientBodyOptions, ClientResponse } from "./_client_response.ts";
import type { UploadData } from "./_client_upload.ts";

export type { Data, Encoding, Line, NamedEncoding } from "../core/mod.ts";
export type {
  BufferedStream,
  Channel,
  DisconnectHandler,
  EncodedReceiveOptions,
  FileLike,
  FrameCodec,
  HeadBytes,
  HeadEndian,
  LinesOptions,
  Peer,
  ReceiveOptions,
  RwOptions,
  SendOptions,
  Source,
  Stream,
  StreamOptions,
  TraceHandler,
  TryOptions,
  UntilOptions,
  UntilPiece,
  UntilPieceOptions,
} from "../stream/mod.ts";
export { type Cookie, CookieJar } from "./_client_cookies.ts";
export type { ClientSslOptions, EngineOptions, ProxyOptions } from "./_client_engine.ts";
export type { FormFields, FormFile, FormValue } from "./_client_multipart.ts";
export type { ClientDefaults, ClientOptions, ClientRequestOptions } from "./_client_options.ts";
export { type ClientBodyOptions, ClientResponse } from "./_client_response.ts";
export type { ClientRetryOptions } from "./_client_retry.ts";
export type { BodySender, BodyWriter, SaveTarget } from "./_client_save.ts";
export type { Progress, ReadableSide, UploadData } from "./_client_upload.ts";

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

/** Closes the connections of a client that was dropped without `close`. */
const dropped = new FinalizationRegistry<Engine>((engine) => {
  engine.close();
  const err = new IoError("closed", "It was dropped without close() and has been closed now");
  report(err, "an HTTP client");
});

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
 *
 * @example What it is busy with
 * ```ts
 * import { client } from "@alilua/coevent/http";
 *
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
 *   return new Response(request.body);
 * });
 * await using http = client({ base: `http://127.0.0.1:${server.addr.port}` });
 * const [response, err] = await http.post("/", "hello");
 * if (err) throw err;
 * console.log(await response.text()); // [ "hello", null ]
 * await http.close();
 * await server.shutdown();
 * ```
 */
export class HttpClient implements AsyncDisposable {
  readonly #options: ClientOptions;
  readonly #engine: Engine;
  readonly #way: Way;
  /** The requests under way. */
  readonly #lives = new Set<Life>();
  #closed = false;

  /** Use {@linkcode client}. */
  constructor(options: ClientOptions = {}) {
    const { per_host = 64, backlog = Infinity, cookies = false } = options;
    this.#options = options;
    const most = countOf(per_host, "per_host", 1);
    const lines = new Lines(countOf(backlog, "backlog", 0));
    const jar = cookies === true ? new CookieJar() : cookies === false ? null : cookies;
    // What cannot be used is said now, not by the first request.
    checkOptions(options);
    headersFrom(options.headers, "client");
    this.#engine = new Engine(options);
    this.#way = { connections: this.#engine, lines, most, jar };
    dropped.register(this, this.#engine, this);
  }

  /** The cookies, where they are on. */
  get cookies(): CookieJar | null {
    return this.#way.jar;
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
    const common = this.#options.headers;
    let headers = common === undefined ? null : headersFrom(common, "client");
    if (options.headers !== undefined) {
      const own = headersFrom(options.headers, "request");
      if (headers === null) headers = own;
      else for (const [name, value] of own) headers.set(name, value);
    }
    const what = `${method} ${placeOf(target)}`;
    if (this.#closed) {
      return [null, new IoError("closed", `Cannot ${what}: the client was closed`)];
    }
    const life = new Life(what, all.deadline ?? 0, options.signal, this);
    this.#lives.add(life);
    life.whenOver(() => this.#lives.delete(life));
    let handed = false;
    try {
      const [upload, err] = await uploadIn(options);
      if (err !== null) return [null, err];
      if (upload !== null && upload.type !== null) {
        headers ??= new Headers();
        if (!headers.has("content-type")) headers.set("content-type", upload.type);
      }
      const hop: Hop = { method, url: target, headers, carries: upload !== null };
      const [answered, failure] = await new Call(this.#way, life, upload, all).answer(hop);
      if (failure !== null) return [null, failure];
      handed = true;
      const timeout = all.body_timeout ?? all.timeout ?? DEFAULT_TIMEOUT;
      return [new ClientResponse(answered, timeout), null];
    } finally {
      // Also where the data cannot be sent.
      if (!handed) life.over();
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
    return this.#way.lines.count();
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
