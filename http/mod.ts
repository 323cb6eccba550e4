/**
 * HTTP over Deno's own engine: a server with a light thread for each request, and a client.
 *
 * Parsing, TLS and HTTP/2 are `Deno.serve`'s. Needs `--allow-net` for where it listens,
 * and for each host that a client asks.
 *
 * ```ts
 * import { listen, unwrap } from "@alilua/coevent/http";
 * import { sleep } from "@alilua/coevent/thread";
 *
 * await using server = await unwrap(listen("127.0.0.1", 0, async (req, res) => {
 *   if (req.path !== "/slowly") return res.add("hello\n");
 *   for (const word of ["one", "two", "three"]) {
 *     await res.write(`${word}\n`); // waits while the client is slow to take it
 *     await sleep(10); // throws when the client has gone
 *   }
 * }));
 * const response = await fetch(`http://127.0.0.1:${server.port}/slowly`);
 * console.log(await response.text()); // one two three
 * ```
 *
 * @module
 */
export {
  type Bytes,
  type Encoding,
  type ErrorCode,
  type GoneReason,
  IoError,
} from "../core/mod.ts";
export type {
  IoErrorOptions,
  NamedEncoding,
  Payload,
  ReadResult,
  Result,
  WaitOptions,
} from "../core/mod.ts";
export { unwrap, type Unwrapped } from "../core/mod.ts";
export type { Address } from "../cosocket/mod.ts";
export type { ExitStatus } from "../process/mod.ts";
export type { FileLike } from "../stream/mod.ts";
export * from "./app.ts";
export * from "./client.ts";
export type { CookieOptions } from "./cookie.ts";
export { ResponseHeaders } from "./headers.ts";
export * from "./httprequest.ts";
export * from "./libev.ts";
export { HttpServer, listen } from "./listen.ts";
export { HttpRequest } from "./request.ts";
export { HttpResponse } from "./response.ts";
export * from "./run.ts";
export { serve_static, serve_static as static, type StaticOptions } from "./static.ts";
export * from "./status.ts";
export type {
  BodyOptions,
  EventOptions,
  FetchApp,
  Handler,
  ListenOptions,
  RequestHandler,
  RequestLimits,
  ShutdownOptions,
  WriteOptions,
} from "./types.ts";
