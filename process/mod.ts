/**
 * Child processes and the program itself: start programs, talk to them, learn how they
 * ended, end them with all that they have started, listen to signals.
 *
 * {@linkcode run_process} runs a command to its end, {@linkcode popen} gives a stream to
 * it, {@linkcode exec} a child, {@linkcode fork} another Deno program, once or for ever.
 * Each child leads a process group; it ends with the scope it was started in, and with
 * the program, unless it is `detached`.
 * Starting needs `--allow-run=sh` for a command as text, `--allow-run=<program>` for a
 * list, `--allow-run=deno` for `fork`.
 *
 * ```ts
 * import { popen, run_process, unwrap } from "@alilua/coevent/process";
 *
 * const [result, err] = await run_process("echo out; echo err >&2; exit 3");
 * console.log(err ? err.message : result); // code: 3, stdout: "out\n", stderr: "err\n"
 *
 * await using child = unwrap(popen(["cat"], "rw"));
 * await child.send("through a child\n");
 * console.log(await child.receive("*l", { timeout: 1_000 })); // [ "through a child", null ]
 * await child.shutdown("send");
 * console.log((await unwrap(child.wait())).success); // true
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
export { children } from "./_registry.ts";
export * from "./exec.ts";
export { type BackoffOptions, fork, type ForkOptions, type OnExit } from "./fork.ts";
export * from "./kill.ts";
export * from "./popen.ts";
export * from "./run_process.ts";
export * from "./self.ts";
export * as signal from "./signal.ts";
export * from "./types.ts";
