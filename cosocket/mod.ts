/**
 * Sockets for straight-line network programs: TCP, TLS and Unix sockets with line and
 * count patterns, timeouts that lose nothing, and a pool that hands out no dead or
 * dirty socket. Needs `--allow-net` for what it connects to.
 *
 * ```ts
 * import { tcp } from "@alilua/coevent/cosocket";
 *
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
 *   return new Response("hello\n");
 * });
 *
 * const sock = tcp();
 * await sock.connect("127.0.0.1", server.addr.port);
 * await sock.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
 * for (;;) {
 *   const [line, err] = await sock.receive("*l");
 *   if (line === null) {
 *     if (err) console.error("Read Error:", err.code);
 *     break;
 *   }
 *   console.log(line);
 * }
 * await sock.close();
 * await server.shutdown();
 * ```
 *
 * @module
 */
export type {
  Bytes,
  Data,
  Encoding,
  ErrorCode,
  GoneReason,
  IoErrorOptions,
  Line,
  NamedEncoding,
  Payload,
  ReadResult,
  Result,
  WaitOptions,
} from "../core/mod.ts";
export { IoError, unwrap, type Unwrapped } from "../core/mod.ts";
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
export * from "./bind.ts";
export { pool_close, pool_stats } from "./pool.ts";
export * as dns from "./dns.ts";
export * from "./server.ts";
export * from "./server_types.ts";
export * from "./tcp.ts";
export * from "./types.ts";
export * from "./udp.ts";
