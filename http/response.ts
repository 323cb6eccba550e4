import { IoError, type Payload, type Result } from "../core/mod.ts";
import type { FileLike } from "../stream/mod.ts";
import { BodyStream } from "./_body_stream.ts";
import { checkStatus, kindOf } from "./_check.ts";
import type { Exchange } from "./_exchange.ts";
import { eventOf } from "./_event.ts";
import { type FilePart, openPart, piecesOf } from "./_file_part.ts";
import { cookieOf, type CookieOptions } from "./cookie.ts";
import { type Fields, ResponseHeaders } from "./headers.ts";
import { status_text } from "./status.ts";
import { typeOf } from "./_media_types.ts";
import type { EventOptions, WriteOptions } from "./types.ts";

/** Milliseconds that a client may take nothing. */
const WRITE_TIMEOUT = 30_000;

/** Answers that have no body whatever was added. */
const NO_BODY = new Set([204, 205, 304]);

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

const encoder = new TextEncoder();

/**
 * The answer to a request, as a handler fills it.
 *
 * What was added leaves as one when the handler returns, with its length; what is written
 * or flushed leaves at once, in chunks, and as fast as the client takes it. Without a
 * status it is 200, or 204 where nothing was added; a request whose body was refused is
 * then 413, 408 or 400. `Date` and `Content-Length` come by themselves; the answer to
 * `HEAD` has the header of `GET` and no body.
 *
 * What could slip a line into the header throws `TypeError`, and so does what comes after
 * the handler has returned. From LEM (`status headers add file`).
 *
 * @example A status, a header and a body
 * ```ts
 * import { listen, unwrap } from "@alilua/coevent/http";
 *
 * await using server = await unwrap(listen("127.0.0.1", 0, (_req, res) => {
 *   res.status = 404;
 *   res.headers.set("x-why", "not here");
 *   res.add("no such page\n");
 * }));
 * const response = await fetch(`http://127.0.0.1:${server.port}/`);
 * console.log(response.status, response.headers.get("x-why"), await response.text());
 * ```
 */
export class HttpResponse {
  readonly #exchange: Exchange;
  #status = 0;
  #headers: ResponseHeaders | null = null;
  /** A content type that no other header stands beside. */
  #type: string | null = null;
  /** What was added and has not left: text as long as it is all text. */
  #text = "";
  #parts: (string | Uint8Array)[] | null = null;
  #added = false;
  #bodiless = false;
  #body: BodyStream | null = null;

  /**
   * Made by the server.
   *
   * @internal
   */
  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** The status: a whole number from 200 to 599, or `TypeError`. HTTP/2 has no words for it. */
  get status(): number {
    return this.#status === 0 ? 200 : this.#status;
  }

  set status(status: number) {
    checkStatus(status, "res.status");
    this.#checkHead("res.status");
    this.#status = status;
  }

  /** The header: `res.headers.set("content-type", "text/css")`. */
  get headers(): ResponseHeaders {
    if (this.#headers === null) {
      this.#headers = new ResponseHeaders();
      if (this.#type !== null) this.#headers.set("content-type", this.#type);
      if (this.#body !== null) this.#headers.seal();
    }
    return this.#headers;
  }

  /** Whether the head has gone out; from then on only the body can be written. */
  get begun(): boolean {
    return this.#body !== null;
  }

  /**
   * Adds text, bytes, numbers or lists of them to the body. Bytes are copied. Waits for
   * nothing: it leaves with the next `flush` or `write`, or when the handler returns.
   */
  add(...data: Payload[]): void {
    this.#checkOpen("add");
    for (const one of data) this.#add(one);
  }

  /** Adds a value as JSON, and says so in the header unless a type was set. */
  json(value: unknown): void {
    this.#checkOpen("json");
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`json: ${kindOf(value)} has no form in JSON`);
    this.#defaultType("application/json");
    this.#add(text);
  }

  /** Sets a cookie; what RFC 6265 does not allow throws `TypeError`. */
  setcookie(name: string, value: string, options: CookieOptions = {}): void {
    this.#checkHead("setcookie");
    this.headers.append("set-cookie", cookieOf(name, value, options));
  }

  /** Sends the client elsewhere: 302 by default, or 301, 303, 307, 308. */
  redirect(url: string, status: number = 302): void {
    this.#checkHead("redirect");
    if (typeof url !== "string" || url === "") {
      throw new TypeError(`redirect wants a URL: got ${url === "" ? '""' : kindOf(url)}`);
    }
    if (!REDIRECTS.has(status)) {
      throw new TypeError(`redirect wants 301, 302, 303, 307 or 308: got ${status}`);
    }
    // Text beyond ASCII is escaped; what is a control character is refused.
    this.headers.set("location", url.toWellFormed().replace(/[^\p{ASCII}]+/gu, encodeURIComponent));
    this.#status = status;
  }

  /**
   * Writes to the body at once, after what was added; the head goes out with the first of
   * it. Gives the count of bytes when the runtime has them, which it takes no faster than
   * the client does.
   *
   * A client that takes nothing for `timeout` (30,000) is `timeout`, and the rest was not
   * sent; one that has gone is `reset`, unless its handler was killed before.
   */
  write(data: Payload, options: WriteOptions = {}): Promise<Result<number>> {
    this.#checkOpen("write");
    this.#add(data);
    return this.flush(options);
  }

  /** Sends what was added, or the head alone, and waits as `write` does. */
  flush(options: WriteOptions = {}): Promise<Result<number>> {
    this.#checkOpen("flush");
    const body = this.#begin();
    const bytes = this.#takeBytes();
    return this.#write(body, bytes, options);
  }

  /**
   * Sends a server-sent event, and with the first of them the head that a browser's
   * `EventSource` wants. Data of several lines stays one event. Waits as `write` does.
   */
  event(data: string, options: EventOptions = {}): Promise<Result<number>> {
    this.#checkOpen("event");
    const text = eventOf(data, options);
    if (this.#body === null) {
      this.#defaultType("text/event-stream");
      if (!this.headers.has("cache-control")) this.headers.set("cache-control", "no-cache");
      // Or nginx would gather them.
      this.headers.set("x-accel-buffering", "no");
    }
    this.#add(text);
    return this.flush(options);
  }

  /**
   * Sends a file, or `count` bytes of it from `offset` on, after what was written; gives
   * the count. A path is opened and closed; what `eio.open` has given stays open. Where
   * nothing was written before, its length stands in the header, and for a path its type.
   *
   * Errors are those of `eio.open`, `eof` where the file ends too early, and those of
   * `write`. What cannot be opened becomes 404 unless the handler answers otherwise, and
   * once bytes have left, an error breaks the answer off. Requires `--allow-read` for the
   * path. From LEM (`res.file`).
   */
  async sendfile(
    file: string | FileLike,
    offset: number = 0,
    count?: number,
    options: WriteOptions = {},
  ): Promise<Result<number>> {
    this.#checkOpen("sendfile");
    const [part, err] = await openPart(file, offset, count, options);
    if (err !== null) {
      if (err.code === "not_found" || err.code === "not_dir" || err.code === "is_dir") {
        this.#exchange.fault(404);
      }
      return [null, err];
    }
    try {
      if (typeof file === "string") this.#defaultType(typeOf(file));
      return await this.#sendPart(part, options);
    } finally {
      await part.close();
    }
  }

  /**
   * The answer, when its handler has returned and nothing was written before.
   *
   * @internal
   */
  finish(): Response {
    const fault = this.#exchange.faulty;
    if (fault !== 0 && this.#status === 0 && !this.#added) {
      this.#status = fault;
      this.#add(`${status_text(fault)}\n`);
    }
    const told = this.#added || this.#tellsOfBody();
    const status = this.#status !== 0 ? this.#status : told ? 200 : 204;
    const fields = this.#fields();
    if (!this.#added || this.#bodiless || NO_BODY.has(status)) {
      return responseOf(null, status, fields);
    }
    const parts = this.#parts;
    if (parts === null) return responseOf(this.#text, status, fields);
    return responseOf(bytesOf(parts) as Uint8Array<ArrayBuffer>, status, fields);
  }

  /**
   * Takes bytes as the whole body, which nobody else holds.
   *
   * @internal
   */
  give(bytes: Uint8Array): void {
    this.#added = true;
    this.#parts = [bytes];
  }

  /**
   * Says to `HEAD` how long the body would be.
   *
   * @internal
   */
  promise(length: number): void {
    this.headers.set("content-length", length);
    this.#added = true;
    this.#bodiless = true;
  }

  /**
   * Lets the answer go before the handler has returned.
   *
   * @internal
   */
  send(): void {
    this.#exchange.answer(this.finish());
  }

  /**
   * The handler has returned after it had begun to write: what is left goes out.
   *
   * @internal
   */
  end(): void {
    const body = this.#body;
    if (body === null) return;
    const rest = this.#takeBytes();
    if (rest.length > 0) {
      // Nobody waits for it. A client that does not take it must not take what it has for
      // the whole, nor wait for more; one that has gone is no news any more.
      body.write(rest, { timeout: WRITE_TIMEOUT }).then(
        ([, err]) => err !== null && this.break_off(),
        () => this.break_off(),
      );
    }
    body.end();
  }

  /**
   * The answer cannot be brought to its end.
   *
   * @internal
   */
  break_off(): void {
    this.#body?.break(new BrokenOff());
  }

  #add(data: Payload): void {
    this.#added = true;
    if (typeof data === "string" || typeof data === "number") {
      if (this.#parts === null) this.#text += data;
      else this.#parts.push(String(data));
    } else if (data instanceof Uint8Array) {
      this.#parts ??= this.#text === "" ? [] : [this.#text];
      this.#parts.push(data.slice());
    } else if (Array.isArray(data)) {
      for (const part of data) this.#add(part);
    } else {
      throw new TypeError(
        `a body is strings, bytes, numbers or lists of them: got ${kindOf(data)}`,
      );
    }
  }

  #takeBytes(): Uint8Array {
    const bytes = this.#parts === null ? encoder.encode(this.#text) : bytesOf(this.#parts);
    this.#text = "";
    this.#parts = null;
    return bytes;
  }

  /** Sends the head, if it has not gone out. */
  #begin(length?: number): BodyStream {
    if (this.#body !== null) return this.#body;
    const exchange = this.#exchange;
    const status = this.#status !== 0 ? this.#status : 200;
    if (NO_BODY.has(status)) throw new TypeError(`an answer of status ${status} has no body`);
    if (length !== undefined) this.headers.set("content-length", length);
    else if (this.#parts === null && this.#text !== "") {
      // As the runtime does with text that leaves as one.
      this.#defaultType("text/plain;charset=UTF-8");
    }
    const discards = exchange.request.method === "HEAD";
    const body = new BodyStream(() => exchange.name, () => exchange.left(), discards);
    this.#body = body;
    const response = responseOf(body.stream, status, this.#fields());
    this.#headers?.seal();
    // A file may be open only when the handler has returned, for all who have not waited for it.
    if (exchange.answered) body.break(new BrokenOff());
    else exchange.answer(response, true);
    return body;
  }

  #write(body: BodyStream, bytes: Uint8Array, options: WriteOptions): Promise<Result<number>> {
    return body.write(bytes, { ...options, timeout: options.timeout ?? WRITE_TIMEOUT });
  }

  async #sendPart(part: FilePart, options: WriteOptions): Promise<Result<number>> {
    const before = this.#body === null && !this.#added ? part.size : undefined;
    const body = this.#begin(before);
    const held = this.#takeBytes();
    if (held.length > 0) {
      const [, err] = await this.#write(body, held, options);
      if (err !== null) return [null, err];
    }
    if (body.discards) return [part.size, null];
    let sent = 0;
    for await (const [piece, readErr] of piecesOf(part, options)) {
      const [count, err] = readErr !== null
        ? [null, readErr]
        : await this.#write(body, piece, options);
      if (err !== null) {
        // The client must not take what it has for the whole.
        this.break_off();
        return [null, after(err, sent)];
      }
      sent += count;
    }
    return [sent, null];
  }

  /** Whether a handler answers `HEAD` by the header alone: 204 would say that `GET` has no body. */
  #tellsOfBody(): boolean {
    return this.#exchange.request.method === "HEAD" && this.#headers !== null &&
      this.#headers.has("content-length");
  }

  #defaultType(type: string): void {
    if (this.#headers !== null) {
      if (!this.#headers.has("content-type")) this.#headers.set("content-type", type);
    } else {
      this.#type ??= type;
    }
  }

  #fields(): Fields {
    if (this.#exchange.host.closing && !this.headers.has("connection")) {
      this.headers.set("connection", "close");
    }
    if (this.#headers !== null) return this.#headers.fields();
    return this.#type === null ? undefined : { "content-type": this.#type };
  }

  #checkOpen(caller: string): void {
    if (this.#exchange.over && this.#exchange.task.killed === null) {
      throw new TypeError(`${caller}: the handler of this request has returned`);
    }
  }

  #checkHead(caller: string): void {
    this.#checkOpen(caller);
    if (this.#exchange.answered) throw new TypeError(`${caller}: the head has gone out already`);
  }
}

/** What a body is broken off with; the runtime would tell it on stderr. */
export class BrokenOff extends Error {
  override readonly name = "BrokenOff";
}

type BodyOf = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;

/** In the form that the runtime is fastest with. */
function responseOf(body: BodyOf, status: number, fields: Fields): Response {
  if (fields !== undefined) return new Response(body, { status, headers: fields });
  return status === 200 ? new Response(body) : new Response(body, { status });
}

function bytesOf(parts: (string | Uint8Array)[]): Uint8Array {
  const all = parts.map((part) => typeof part === "string" ? encoder.encode(part) : part);
  if (all.length === 1) return all[0]!;
  const bytes = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** An error that tells how much has left. */
function after(err: IoError, sent: number): IoError {
  const { code, message, cause } = err;
  return new IoError(code, message, { cause, sent });
}
