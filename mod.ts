/**
 * Straight-line network programs, as in Lua: sockets that lose nothing, light threads,
 * `[value, err]` results. The names of aLiLua's coevent, and one namespace a module.
 *
 * ```ts
 * import L, { cosocket, newthread, wait } from "@alilua/coevent";
 *
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
 *   return new Response("hello\n");
 * });
 *
 * await L(async () => {
 *   const fetches = [1, 2].map(() =>
 *     newthread(async () => {
 *       const sock = cosocket.tcp();
 *       const [, err] = await sock.connect("127.0.0.1", server.addr.port);
 *       if (err) throw err;
 *       await sock.send("GET / HTTP/1.0\r\n\r\n");
 *       const [status] = await sock.receive("*l");
 *       await sock.close();
 *       return status;
 *     })
 *   );
 *   for (const [status] of await wait(fetches)) console.log(status); // HTTP/1.0 200 OK
 * });
 * await server.shutdown();
 * ```
 *
 * @module
 */
export { startloop as default } from "./thread/mod.ts";
export {
  coroutine_wait,
  IoError,
  kill,
  newthread,
  scope,
  sleep,
  startloop,
  swop,
  unwrap,
  wait,
  wait_any,
} from "./thread/mod.ts";
export type {
  ErrorCode,
  FirstEnded,
  GoneReason,
  IoErrorOptions,
  ReadResult,
  Result,
  Scope,
  ScopeOptions,
  SleepOptions,
  Thread,
  Unwrapped,
  Waited,
  WaitedList,
  WaitOptions,
} from "./thread/mod.ts";
export {
  type AnswerBody,
  type AnswerEncoding,
  type FileLike,
  type FormFields,
  type FormFile,
  type FormValue,
  type HttpAnswer,
  httprequest,
  type HttpRequestOptions,
  type HttpRequestResult,
} from "./http/mod.ts";
export {
  ALERT,
  DEBUG,
  ERR,
  INFO,
  type Level,
  type LevelName,
  LOG,
  type LogOptions,
  NO,
  NOTICE,
  open_log,
  type Threshold,
  WARN,
} from "./log/mod.ts";
export {
  base64_decode,
  base64_decode_url,
  base64_encode,
  base64_encode_url,
  type Bytes,
  escape,
  escape_uri,
  hmac_sha1,
  type Input,
  longtime,
  md5,
  sha1bin,
  type TextEncoding,
  time,
  unescape_uri,
} from "./util/mod.ts";
export * as context from "./context/mod.ts";
export * as cosocket from "./_compat.ts";
export * as eio from "./eio/mod.ts";
export * as http from "./http/mod.ts";
export * as log from "./log/mod.ts";
export * as process from "./process/mod.ts";
export * as stream from "./stream/mod.ts";
export * as system from "./system/mod.ts";
export * as thread from "./thread/mod.ts";
export * as util from "./util/mod.ts";
export * as websocket from "./websocket/mod.ts";
