import { setImmediate } from "node:timers";
import {
  afterTurn,
  checkTimeout,
  Deadline,
  type Encoding,
  IoError,
  now,
  park,
  poll,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { BufferedStream, DEFAULT_TIMEOUT } from "./buffered.ts";
import type { Channel } from "./channel.ts";
import type { Stream } from "./types.ts";

/**
 * Waits until at least one of many streams is readable, and gives all that are, in the
 * order of the list: bytes are here that no `try_receive` has found too few, or the end,
 * a failure or a close is there to be told by the next receive.
 *
 * Nothing is consumed, and no reader is left behind, however it ends: what arrives waits
 * for the next receive. While it waits it is the one reader of each stream. Timeout in
 * milliseconds, 30,000 by default, 0 for no limit. Errors: `timeout`, `cancelled` (the
 * signal, or `interrupt` of one of them), `busy` (a receive or another select waits on
 * one of them; nothing has been waited for then). An empty list throws.
 *
 * @example The first that speaks
 * ```ts
 * import { pair, select } from "@alilua/coevent/stream";
 *
 * const [one, toOne] = pair();
 * const [two, toTwo] = pair();
 * await toTwo.send("me first\n");
 * const [ready, err] = await select([one, two], { timeout: 1_000 });
 * if (err) throw err;
 * console.log(ready.length, await ready[0]!.receive()); // 1 [ "me first", null ]
 * for (const end of [one, toOne, two, toTwo]) await end.close();
 * ```
 */
export function select<S extends Stream<Encoding>>(
  streams: Iterable<S>,
  options: WaitOptions = {},
): Promise<Result<S[]>> {
  const list = [...new Set(streams)];
  if (list.length === 0) throw new RangeError("select wants at least one stream: got none");
  const { timeout = DEFAULT_TIMEOUT, signal } = options;
  checkTimeout(timeout);
  const channels = list.map((stream) => {
    if (stream instanceof BufferedStream) return BufferedStream.channel_of(stream);
    throw new TypeError("select wants streams of ours");
  });
  const taken = channels.find((channel) => channel?.incoming.busy === true);
  if (taken !== undefined) {
    const words = `Cannot select: another receive is waiting on ${taken!.name}`;
    return afterTurn<Result<S[]>>([null, new IoError("busy", words)]);
  }
  const ready = () => list.filter((_, index) => isReadable(channels[index]!));
  const what = () => `select among ${list.length} streams`;
  const wait = signal === undefined ? {} : { signal };
  return park<Result<S[]>>(what, wait, (wake) => {
    let over = false;
    const stop = () => {
      over = true;
      deadline.remove();
      for (const channel of channels) channel?.incoming.select(null);
    };
    const end = (result: Result<S[]>) => {
      if (over) return;
      stop();
      wake(result);
    };
    const look = (err: IoError | null) => {
      if (err !== null) return end([null, err]);
      const found = ready();
      if (found.length > 0) end([found, null]);
    };
    const late = () => {
      end([null, new IoError("timeout", `Cannot ${what()}: nothing within ${timeout} ms`)]);
    };
    // What is in the kernel by now comes first.
    const deadline = new Deadline(() => poll(late), true);
    for (const channel of channels) channel?.incoming.select(look);
    if (ready().length > 0) {
      // Whoever takes no heed of what is there must not freeze the program.
      setImmediate(() => look(null));
    } else if (timeout > 0 && timeout !== Infinity) {
      deadline.set(now() + timeout);
    }
    return stop;
  });
}

function isReadable(channel: Channel | null): boolean {
  // Without a channel a receive answers at once, too.
  return channel === null || channel.incoming.readable;
}
