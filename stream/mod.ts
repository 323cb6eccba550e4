/**
 * The stream contract that sockets, pipes, files and memory share: receive patterns
 * that consume nothing when they fail, timeouts, one reader and one writer, queued
 * sends, half-close, kill. Needs no permission.
 *
 * A line arrives late; the receive times out; the next receive gives the whole line:
 *
 * ```ts
 * import { pair } from "@alilua/coevent/stream";
 *
 * const [ours, theirs] = pair();
 * await theirs.send("hel");
 * const [, err] = await ours.receive("*l", { timeout: 10 });
 * console.log(err?.code); // timeout
 * await theirs.send("lo\n");
 * const [line] = await ours.receive();
 * console.log(line); // hello
 * await Promise.all([ours.close(), theirs.close()]);
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
export * from "./broadcast.ts";
export * from "./buffered.ts";
export * from "./channel.ts";
export type { FrameCodec, HeadBytes, HeadEndian, RwOptions } from "./framing.ts";
export * from "./pair.ts";
export * from "./select.ts";
export * from "./source.ts";
export * from "./types.ts";
