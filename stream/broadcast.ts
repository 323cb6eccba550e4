import {
  afterTurn,
  type Bytes,
  type Encoding,
  type IoError,
  type Payload,
  type Result,
} from "../core/mod.ts";
import { BufferedStream } from "./buffered.ts";
import type { FrameCodec } from "./framing.ts";
import type { SendOptions, Stream } from "./types.ts";

/** What {@linkcode broadcast} takes. */
export interface BroadcastOptions<T> extends SendOptions {
  /** Frames of your own; without it, each stream frames as its `set_rwopt` says. */
  codec: FrameCodec<T>;
}

/**
 * Sends one frame to many streams; gives what became of each, in order. It is encoded
 * once, or once for each way of framing among them, not once a stream.
 *
 * All are sent at the same time, and each waits for itself: one that does not read holds
 * up no other, and gets its `timeout`. So await it where the slowest may take its time,
 * or give a `timeout` that a slow reader is worth.
 *
 * @example To all in a room
 * ```ts
 * import { broadcast, pair } from "@alilua/coevent/stream";
 *
 * const ends = [pair(), pair(), pair()];
 * for (const end of ends.flat()) end.set_rwopt({ read_head_bytes: 2, write_head_bytes: 2 });
 * const results = await broadcast(ends.map(([ours]) => ours), "hello");
 * console.log(results.map(([count]) => count)); // [ 7, 7, 7 ]
 * console.log(await ends[2]![1].receive_frame({ encoding: "utf-8" })); // [ "hello", null ]
 * for (const end of ends.flat()) await end.close();
 * ```
 */
export function broadcast(
  streams: Iterable<Stream<Encoding>>,
  data: Payload,
  options?: SendOptions & { codec?: never },
): Promise<Result<number>[]>;
/** Sends to many streams what a codec of yours makes of a value. */
export function broadcast<T>(
  streams: Iterable<Stream<Encoding>>,
  value: T,
  options: BroadcastOptions<T>,
): Promise<Result<number>[]>;
export function broadcast(
  streams: Iterable<Stream<Encoding>>,
  value: unknown,
  options: SendOptions & { codec?: FrameCodec<unknown> } = {},
): Promise<Result<number>[]> {
  const { codec = null, encoding } = options;
  const made = new Map<string, Bytes | IoError>();
  const sends: Promise<Result<number>>[] = [];
  for (const stream of streams) {
    if (!(stream instanceof BufferedStream)) throw new TypeError("broadcast wants streams of ours");
    const bytes = stream.frame_for(value, codec, encoding, made);
    sends.push(
      bytes instanceof Uint8Array
        ? stream.send(bytes, options)
        : afterTurn<Result<number>>([null, bytes]),
    );
  }
  // Nobody is there yet: a loop that talks for ever must let them come.
  if (sends.length === 0) return afterTurn<Result<number>[]>([]);
  return Promise.all(sends);
}
