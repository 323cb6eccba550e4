import { type Bytes, checkTimeout, type Result } from "../core/mod.ts";
import type { Address } from "../cosocket/mod.ts";
import { Body } from "./_body.ts";
import type { Exchange } from "./_exchange.ts";
import { cookiesIn } from "./cookie.ts";
import type { BodyOptions } from "./types.ts";

/**
 * A request, as a handler gets it.
 *
 * What is not asked for is not worked out. A field that was never read while the handler
 * ran cannot be read afterwards: the runtime has let go of the request then, and throws.
 * The names are LEM's (`method uri path headers client body`), beside `query`, `cookies`
 * and the standard `Request` underneath.
 *
 * @example What was asked for
 * ```ts
 * import { listen, unwrap } from "@alilua/coevent/http";
 *
 * await using server = await unwrap(listen("127.0.0.1", 0, async (req, res) => {
 *   const [text] = await req.text();
 *   res.add(`${req.method} ${req.path} ${req.query.get("a")} ${text}`);
 * }));
 * const url = `http://127.0.0.1:${server.port}/there?a=1`;
 * const response = await fetch(url, { method: "POST", body: "hello" });
 * console.log(await response.text()); // POST /there 1 hello
 * ```
 */
export class HttpRequest {
  /**
   * The exchange that it belongs to.
   *
   * @internal
   */
  readonly exchange: Exchange;
  /**
   * The standard request. Whoever reads its body reads past `body` and its limits in time;
   * `Deno.upgradeWebSocket` takes it.
   */
  readonly request: Request;
  #uri: string | null = null;
  #query: URLSearchParams | null = null;
  #cookies: Map<string, string> | null = null;
  #client: Address | null = null;
  #body: Body | null = null;

  /**
   * Made by the server.
   *
   * @internal
   */
  constructor(exchange: Exchange) {
    this.exchange = exchange;
    this.request = exchange.request;
  }

  /** The method, in capitals: `GET`. */
  get method(): string {
    return this.request.method;
  }

  /** What was asked for, as it came: `/a%20b?c=d`. */
  get uri(): string {
    return this.#uri ??= targetOf(this.request.url);
  }

  /**
   * The path without the query, decoded: `/a b`. Where an escape is none, or not UTF-8,
   * it is the path as it came. A `%2f` is a slash here as well: what leads to files is for
   * `http.static`, which looks closer. LEM also makes `+` a space, which is for queries.
   */
  get path(): string {
    const { uri } = this;
    const end = uri.indexOf("?");
    const path = end < 0 ? uri : uri.slice(0, end);
    if (!path.includes("%")) return path;
    try {
      return decodeURIComponent(path);
    } catch {
      return path;
    }
  }

  /** The query, parsed: `req.query.get("name")`. */
  get query(): URLSearchParams {
    if (this.#query !== null) return this.#query;
    const at = this.uri.indexOf("?");
    return this.#query = new URLSearchParams(at < 0 ? "" : this.uri.slice(at + 1));
  }

  /** The header: `req.headers.get("accept")`. Fields of one name are joined by commas. */
  get headers(): Headers {
    return this.request.headers;
  }

  /** The cookies: `req.cookies.get("session")`. Of several of one name, the first counts. */
  get cookies(): ReadonlyMap<string, string> {
    return this.#cookies ??= cookiesIn(this.headers.get("cookie"));
  }

  /** Who has sent it: behind a proxy, the proxy. */
  get client(): Address {
    if (this.#client !== null) return this.#client;
    const remote = this.exchange.info.remoteAddr;
    return this.#client = remote.transport === "tcp" || remote.transport === "udp"
      ? { family: "tcp", ip: remote.hostname, port: remote.port }
      : { family: "unix", path: "" };
  }

  /**
   * Sets how many milliseconds after the request has come its answer must have begun, in
   * place of the server's `timeout`; 0 for no limit.
   */
  settimeout(ms: number): void {
    this.exchange.settimeout(checkTimeout(ms, "settimeout: ms"));
  }

  /**
   * Reads the whole body; empty where there is none. Called again, it gives the same bytes.
   *
   * Longer than `maxsize` (the server's `max_body` by default, and never more) is
   * `too_long`; a client that keeps silent for `body_timeout` is `timeout`; one that has
   * gone is `reset`. Unless the handler answers otherwise, these become 413 and 408. After
   * an error the rest of the body is lost. `busy` while another thread reads it, or where it
   * was read from `request`. From LEM, where too long is `oversized`.
   */
  body(maxsize?: number, options: BodyOptions = {}): Promise<Result<Bytes>> {
    this.#body ??= new Body(this.exchange);
    return this.#body.read(maxsize, options);
  }

  /** Reads the body as UTF-8 text; otherwise as {@linkcode HttpRequest.body}, and `bad_text` (400). */
  text(maxsize?: number, options: BodyOptions = {}): Promise<Result<string>> {
    this.#body ??= new Body(this.exchange);
    return this.#body.text(maxsize, options);
  }

  /** Reads the body as JSON; what is none is `protocol` (400). */
  json(maxsize?: number, options: BodyOptions = {}): Promise<Result<unknown>> {
    this.#body ??= new Body(this.exchange);
    return this.#body.json(maxsize, options);
  }

  /**
   * Reads the body as a form, `application/x-www-form-urlencoded` or
   * `multipart/form-data`, with its files; what is none is `protocol` (400).
   */
  form(maxsize?: number, options: BodyOptions = {}): Promise<Result<FormData>> {
    this.#body ??= new Body(this.exchange);
    return this.#body.form(maxsize, options);
  }
}

/** What stands behind the host in a URL of the runtime's, which it has not changed. */
function targetOf(url: string): string {
  const at = url.indexOf("/", url.indexOf("://") + 3);
  return at < 0 ? "/" : url.slice(at);
}
