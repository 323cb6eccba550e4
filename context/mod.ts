/**
 * Contexts: functions with a mailbox, in worker threads or in processes of their own.
 *
 * **In a thread nothing can be killed, limited or narrowed**: a busy loop burns its thread
 * until the program ends, and permissions are the program's. What must be killable is
 * created with `isolated: true`. Threads need `--allow-read` of the module and of this
 * package where it lies on disk, isolated contexts `--allow-run=deno` and
 * `--allow-env=NODE_V8_COVERAGE`.
 *
 * ```ts
 * import { create, unwrap } from "@alilua/coevent/context";
 *
 * // A module of yours: new URL("./double.ts", import.meta.url).
 * const url = new URL(`data:text/javascript,export default async (inside) => {
 *   const [message] = await inside.recv();
 *   inside.reply(message, message.value * 2);
 * }`);
 * const ctx = unwrap(await create<number, number>(url, { name: "double" }));
 * console.log(unwrap(await ctx.query(21, { timeout: 5000 }))); // 42
 * const { reason } = unwrap(await ctx.wait());
 * console.log(reason); // returned
 * ```
 *
 * @module
 */
export { type ErrorCode, type GoneReason, IoError, type IoErrorOptions } from "../core/mod.ts";
export type {
  Bytes,
  Data,
  Encoding,
  Line,
  NamedEncoding,
  Payload,
  ReadResult,
} from "../core/mod.ts";
export { type Result, unwrap, type Unwrapped, type WaitOptions } from "../core/mod.ts";
export type {
  Address,
  BufferedStream,
  Channel,
  ConnectOptions,
  ConnectTarget,
  DisconnectHandler,
  EncodedReceiveOptions,
  FileLike,
  FrameCodec,
  HandshakeOptions,
  HeadBytes,
  HeadEndian,
  KeepaliveOptions,
  LinesOptions,
  ListenOptions,
  Peer,
  PeerCert,
  ReceiveOptions,
  Resolver,
  RwOptions,
  ServerHandshakeOptions,
  ShutdownOptions,
  Source,
  SslIdentity,
  SslOptions,
  SslServerOptions,
  Stream,
  StreamOptions,
  TcpOptions,
  TcpSocket,
  TraceHandler,
  TryOptions,
  UntilOptions,
  UntilPiece,
  UntilPieceOptions,
} from "../cosocket/mod.ts";
// A context has options of its own under that name.
export type { SendOptions as StreamSendOptions } from "../cosocket/mod.ts";
export * from "./create.ts";
export * from "./listen.ts";
export * from "./share.ts";
export * from "./supervise.ts";
export * from "./types.ts";
