import {
  type Bytes,
  codecOf,
  decode,
  type Encoding,
  IoError,
  park,
  type Payload,
  type Result,
} from "../core/mod.ts";
import { Buffer } from "node:buffer";
import { kindOf } from "./_check.ts";
import type { Exchange } from "./_exchange.ts";
import type { HttpServer } from "./listen.ts";
import type { HttpRequest } from "./request.ts";
import type { HttpResponse } from "./response.ts";
import type { RequestHandler } from "./types.ts";

/**
 * What the libev RPC calls for each request. `headers` has the names in lower case; `url` is
 * what was asked for, as it came; `httpd` is `null` under `http.app`.
 */
export type LibevCallback<E extends Encoding = "latin1"> = (
  httpd: HttpServer | null,
  request: LibevRequest,
  method: string,
  url: string,
  headers: Record<string, string>,
  body: LibevBody<E>,
) => unknown;

/** What the body is under an encoding: bytes under `"bytes"`, else a string. */
export type LibevBody<E extends Encoding> = E extends "bytes" ? Bytes : string;

/** What {@linkcode libev} takes beside the callback. */
export interface LibevOptions<E extends Encoding = "latin1"> {
  /**
   * How the body is given: `"latin1"` by default, a byte string as in Lua; `"utf-8"` text,
   * where other bytes are answered with 400; `"bytes"`.
   */
  encoding?: E;
}

/**
 * The answer to a request, as the libev RPC gives it: headers first, then all at once.
 *
 * @example An answer that comes later
 * ```ts
 * import { libev, listen, unwrap } from "@alilua/coevent/http";
 * import { sleep } from "@alilua/coevent/thread";
 *
 * const handler = libev(async (_httpd, request) => {
 *   await sleep(1);
 *   request.reply_header("x-served-by", "coevent");
 *   console.log(request.reply(200, "OK", "hello\n")); // [ true, null ]
 * });
 * await using server = await unwrap(listen("127.0.0.1", 0, handler));
 * console.log(await (await fetch(`http://127.0.0.1:${server.port}/`)).text()); // hello
 * ```
 */
export class LibevRequest {
  /** The request, for what the callback's arguments do not tell. */
  readonly req: HttpRequest;
  readonly #res: HttpResponse;
  readonly #exchange: Exchange;
  #replied: (() => void) | null = null;

  /**
   * Made by {@linkcode libev}.
   *
   * @internal
   */
  constructor(req: HttpRequest, res: HttpResponse) {
    this.req = req;
    this.#res = res;
    this.#exchange = req.exchange;
  }

  /** Adds a header to the answer; what could slip a line in throws `TypeError`. */
  readonly reply_header = (key: string, value: string | number): void => {
    this.#res.headers.append(key, value);
  };

  /**
   * Answers, once: a second time is `closed`, as is an answer that comes too late. The
   * reason is not sent, for the runtime has its own; text is sent as UTF-8.
   */
  readonly reply = (code: number, reason?: string | null, body?: Payload | null): Result<true> => {
    if (reason !== undefined && reason !== null && typeof reason !== "string") {
      throw new TypeError(`reply wants its reason as a string: got ${kindOf(reason)}`);
    }
    const exchange = this.#exchange;
    if (exchange.answered || exchange.over) {
      const words = `Cannot reply to ${exchange.name}: it has been answered`;
      return [null, new IoError("closed", words)];
    }
    this.#res.status = code;
    if (body !== undefined && body !== null) this.#res.add(body);
    this.#res.send();
    this.#replied?.();
    return [true, null];
  };

  /**
   * Waits until it has been answered.
   *
   * @internal
   */
  async answered(): Promise<void> {
    if (this.#exchange.answered) return;
    await park<true>(() => "wait for reply", {}, (wake) => {
      this.#replied = () => wake(true);
      return () => {};
    });
  }
}

/**
 * Makes a handler of a callback in the form of the libev RPC:
 * `callback(httpd, request, method, url, headers, body)`, which answers with
 * `request.reply_header(key, value)` and `request.reply(code, reason, body)`, at once or
 * later. An answer that does not come within the server's `timeout` is 503.
 *
 * @example Usage
 * ```ts
 * import { libev, listen, unwrap } from "@alilua/coevent/http";
 *
 * const handler = libev((_httpd, request, method, url, _headers, body) => {
 *   request.reply_header("x-served-by", "coevent");
 *   request.reply(200, "OK", `${method} ${url}: ${body}`);
 * });
 * await using server = await unwrap(listen("127.0.0.1", 0, handler));
 * const url = `http://127.0.0.1:${server.port}/a?b`;
 * const response = await fetch(url, { method: "POST", body: "hello" });
 * console.log(await response.text()); // POST /a?b: hello
 * ```
 */
export function libev<E extends Encoding = "latin1">(
  callback: LibevCallback<E>,
  options: LibevOptions<E> = {},
): RequestHandler {
  if (typeof callback !== "function") {
    throw new TypeError(`libev wants a function: got ${kindOf(callback)}`);
  }
  const { line } = codecOf(options.encoding ?? "latin1");
  return async (req, res) => {
    const [bytes, err] = await req.body();
    if (err !== null) return;
    let body: Bytes | string = bytes;
    if (line !== "bytes") {
      const memory = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      const text = decode(memory, 0, bytes.length, line);
      if (text instanceof IoError) return req.exchange.fault(400);
      body = text;
    }
    const headers: Record<string, string> = Object.create(null);
    for (const [name, value] of req.headers) headers[name] = value;
    const request = new LibevRequest(req, res);
    const { server } = req.exchange.host;
    await callback(server, request, req.method, req.uri, headers, body as LibevBody<E>);
    await request.answered();
  };
}
