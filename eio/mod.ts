/**
 * Files and directories without blocking: every call is a `[value, err]` result, can be
 * given up by timeout, signal or kill, and leaves nothing open when it is.
 *
 * A handle has a cursor, positional reads and writes, lines and a lock; FIFOs, terminals
 * and devices open as handles, or as streams with the receive patterns of a socket, and
 * hold no thread of the runtime while they wait. Requires `--allow-read` and
 * `--allow-write` for the paths in question, and nothing else.
 *
 * ```ts
 * import { open, readfile, unwrap, write_atomic } from "@alilua/coevent/eio";
 *
 * const path = `${await Deno.makeTempDir()}/notes.txt`;
 * await unwrap(write_atomic(path, "one\ntwo\n"));
 *
 * const [file, err] = await open(path, "a+");
 * if (err) throw err;
 * await file.write("three\n");
 * await file.seek(0);
 * for await (const line of file.lines()) console.log(line);
 * await file.close();
 *
 * const [, missing] = await readfile("no/such/file");
 * console.log(missing?.code); // not_found
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
  Unwrapped,
  WaitOptions,
} from "../core/mod.ts";
export { IoError, unwrap } from "../core/mod.ts";
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
export type { OpenMode } from "./_mode.ts";
export type { Owner } from "./_owner.ts";
export type { Perm } from "./_perm.ts";
export * from "./atomic.ts";
export * from "./change.ts";
export * from "./copy.ts";
export * from "./names.ts";
export * from "./open.ts";
export * from "./stat.ts";
export * from "./tmpfile.ts";
export * from "./tree.ts";
export * from "./types.ts";
export * from "./whole.ts";
