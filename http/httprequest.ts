import { Buffer } from "node:buffer";
import { type Bytes, checkTimeout, IoError, type Result } from "../core/mod.ts";
import { readfile } from "../eio/mod.ts";
import { type Answered, Call, DEFAULT_TIMEOUT } from "./_client_call.ts";
import { type ClientSslOptions, type Connections, Engine } from "./_client_engine.ts";
import { Gathered } from "./_client_gather.ts";
import { addHeader, headersOf } from "./_client_headers.ts";
import { Life } from "./_client_life.ts";
import { Lines } from "./_client_line.ts";
import type { FormFields } from "./_client_multipart.ts";
import { countOf, methodOf, urlOf } from "./_client_options.ts";
import { placeOf } from "./_client_redirect.ts";
import { isIdempotent } from "./_client_retry.ts";
import { textOf } from "./_client_text.ts";
import { formUpload, uploadOf } from "./_client_upload.ts";

/** How `httprequest` gives the body: text by its charset, Lua byte strings, or bytes. */
export type AnswerEncoding = "text" | "latin1" | "bytes";

/** What the body is under an encoding. */
export type AnswerBody<E extends AnswerEncoding> = E extends "bytes" ? Bytes : string;

/** What `httprequest` takes: aLiLua's options, and a few of ours. */
export interface HttpRequestOptions<E extends AnswerEncoding = "text"> {
  /** The method; `GET`, with `data` that is a table `POST`, with other `data` `PUT`. */
  method?: string;
  /**
   * A table is a form, URL-encoded; with a `{ file, name, type }` in it, where `file` is the
   * content or an open file, `multipart/form-data`. Text and bytes go out as they are.
   */
  data?: FormFields | string | Uint8Array;
  /** Raw header lines: `"X-A: b"`, several in a list or in one text. */
  header?: string | readonly string[];
  /** Milliseconds without progress; 30,000 by default, 0 for no limit. */
  timeout?: number;
  /**
   * With a number over 0 the connection is kept for later calls, and at most so many
   * requests of the kind to one host are under way, the next ones wait in line. 0 by default:
   * a connection of its own, closed at the end.
   */
  pool_size?: number;
  /** What `Host` says, in place of the URL's host; that is still where it goes. */
  host?: string;
  /** A client certificate: a path, or the PEM text itself. */
  ssl_cert?: string;
  /** Its key: a path, or the PEM text itself. */
  ssl_key?: string;
  /** What the key is encrypted with. */
  ssl_pw?: string;
  /** Authorities to trust beside the system's, as PEM text. */
  ca?: string | string[];
  /** The most bytes of a body, after decompression; 64 MiB by default. */
  max?: number;
  /**
   * How the body comes: `"text"`, the default, by the charset that it names, else UTF-8;
   * `"latin1"` as in Lua, a character a byte; `"bytes"` as a `Uint8Array`.
   */
  encoding?: E;
  /** Gives up with `cancelled` when aborted. */
  signal?: AbortSignal;
}

/** What a server has answered: aLiLua's table. */
export interface HttpAnswer<B> {
  /** The body, decompressed. */
  body: B;
  /** The status: 200, 404. */
  status: number;
  /** The header, names in lower case; of several lines of a name the values joined by commas. */
  header: Record<string, string>;
}

/**
 * What `httprequest` gives. Where the body breaks off, both: the answer as far as it has
 * come, and the error, as in aLiLua.
 */
export type HttpRequestResult<B> =
  | [answer: HttpAnswer<B>, err: null]
  | [answer: HttpAnswer<B> | null, err: IoError];

/** The most that a body may have unless `max` says otherwise: 64 MiB. */
const MOST_HELD = 64 * 1024 * 1024;

/** Kept connections are the runtime's own: it closes what stays idle. */
const KEPT: Connections = { pooled: undefined, fresh: undefined };

/** The lines of all calls with a `pool_size`. */
const lines = new Lines(Infinity);

/**
 * Asks a server and waits for the whole answer, whatever its status. From aLiLua's
 * `httpclient`, with its options and results; redirects are not followed.
 *
 * Where theirs differ: TLS verifies the server, a form is URL-encoded, `Host` carries the
 * port, no byte of a body without a length is lost, and a chunk that is none is `eof`.
 * `user:word@` in the URL is basic authentication; gzip and Brotli are decompressed.
 *
 * Errors: those of {@linkcode HttpClient}, `too_long` (over `max`), `bad_text`; with `eof`
 * and `reset` the answer may be there as far as it came. Requires `--allow-net` for the host,
 * and `--allow-read` for certificates that are paths.
 *
 * @example Usage
 * ```ts
 * import { httprequest } from "@alilua/coevent/http";
 *
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
 *   return new Response(`${request.method} ${await request.text()}`);
 * });
 *
 * const [res, err] = await httprequest(`http://127.0.0.1:${server.addr.port}/`, {
 *   data: { name: "Ann", age: 42 },
 *   header: ["X-Kind: test"],
 * });
 * if (err) throw err;
 * console.log(res.status, res.body); // 200 POST name=Ann&age=42
 * await server.shutdown();
 * ```
 */
export async function httprequest<E extends AnswerEncoding = "text">(
  url: string | URL,
  options: HttpRequestOptions<E> = {},
): Promise<HttpRequestResult<AnswerBody<E>>> {
  const { data, timeout = DEFAULT_TIMEOUT, signal, pool_size = 0, max = MOST_HELD } = options;
  const encoding: AnswerEncoding = options.encoding ?? "text";
  checkTimeout(timeout);
  countOf(pool_size, "httprequest: pool_size", 0);
  if (!(max >= 0)) throw new RangeError(`httprequest: max must be 0 or more bytes: got ${max}`);
  if (encoding !== "text" && encoding !== "latin1" && encoding !== "bytes") {
    const got = JSON.stringify(encoding);
    throw new TypeError(`httprequest: encoding must be "text", "latin1" or "bytes": got ${got}`);
  }
  const table = isTable(data);
  const method = methodOf({
    method: options.method ?? (data === undefined ? "GET" : table ? "POST" : "PUT"),
    ...(data === undefined ? {} : { data: "" }),
  });
  const target = urlOf(url, undefined, undefined);
  const headers = headersOf(options.header);
  if (options.host !== undefined) {
    headers.delete("host");
    addHeader(headers, "host", options.host, "httprequest");
  }

  const [ssl, sslErr] = await sslOf(options);
  if (sslErr !== null) return [null, sslErr];
  const [upload, dataErr] = data === undefined
    ? [null, null]
    : table
    ? await formUpload(data, undefined)
    : await uploadOf(data as string | Uint8Array, undefined);
  if (dataErr !== null) return [null, dataErr];
  if (upload !== null && table) headers.set("content-type", upload.type!);

  // What the runtime's own connections cannot do, or would send twice, gets its own.
  const own = pool_size === 0 || ssl !== null || headers.has("host") ||
    (!isIdempotent(method) && (upload?.size ?? 0) === 0);
  const engine = own ? new Engine({ pool_size: 0, ...(ssl === null ? {} : { ssl }) }) : null;
  if (own) headers.set("connection", "close");
  const life = new Life(`${method} ${placeOf(target)}`, 0, signal);
  try {
    const way = pool_size === 0
      ? { lines: new Lines(Infinity), most: Infinity }
      : { lines, most: pool_size };
    const call = new Call({ connections: engine ?? KEPT, jar: null, ...way }, life, upload, {
      timeout,
      redirects: 0,
    });
    const hop = { method, url: target, headers, carries: upload !== null };
    const [answered, err] = await call.answer(hop);
    if (err !== null) return [null, err];
    return await wholeAnswer(answered, max, timeout, encoding) as HttpRequestResult<AnswerBody<E>>;
  } finally {
    life.over();
    engine?.close();
  }
}

/** Reads the body, and gives what has come of it also where it breaks off. */
async function wholeAnswer(
  { response, body, life, length }: Answered,
  max: number,
  timeout: number,
  encoding: AnswerEncoding,
): Promise<HttpRequestResult<string | Bytes>> {
  const gathered = new Gathered();
  let broken: IoError | null = null;
  for (;;) {
    if (Math.max(gathered.size, length ?? 0) > max) {
      const words = `Cannot read the body of ${life.what}: it has over ${max} bytes`;
      return [null, new IoError("too_long", words)];
    }
    const [piece, err] = await body.next({ timeout });
    if (err !== null && err.code !== "eof" && err.code !== "reset") return [null, err];
    broken = err;
    if (piece === null) break;
    gathered.add(piece);
  }
  const { status, headers } = response;
  const bytes = gathered.take();
  const [text, err] = decoded(bytes, encoding, headers.get("content-type"), life.what);
  if (err !== null) return [null, broken ?? err];
  // A name of the world's making must find nothing of a prototype's.
  const header: Record<string, string> = Object.create(null);
  for (const [name, value] of headers) header[name] = value;
  const answer = { body: text, status, header };
  return broken === null ? [answer, null] : [answer, broken];
}

function decoded(
  bytes: Bytes,
  encoding: AnswerEncoding,
  type: string | null,
  what: string,
): Result<string | Bytes> {
  if (encoding === "bytes") return [bytes, null];
  if (encoding === "text") return textOf(bytes, type, what);
  return [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1"), null];
}

function isTable(data: HttpRequestOptions["data"]): data is FormFields {
  return typeof data === "object" && data !== null && !(data instanceof Uint8Array);
}

async function sslOf(
  options: HttpRequestOptions<AnswerEncoding>,
): Promise<Result<ClientSslOptions | null>> {
  const { ssl_cert, ssl_key, ssl_pw, ca } = options;
  if (ssl_cert === undefined && ssl_key === undefined && ca === undefined) return [null, null];
  const ssl: ClientSslOptions = ca === undefined ? {} : { ca };
  for (const [name, given] of [["cert", ssl_cert], ["key", ssl_key]] as const) {
    if (given === undefined) continue;
    const [text, err] = given.includes("-----BEGIN")
      ? [given, null] as const
      : await readfile(given, { encoding: "utf-8" });
    if (err !== null) return [null, err];
    ssl[name] = text;
  }
  if (ssl_pw !== undefined) ssl.passphrase = ssl_pw;
  return [ssl, null];
}
