import {
  checkTimeout,
  type Encoding,
  fail,
  IoError,
  ok,
  park,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { TcpSocket } from "../cosocket/mod.ts";
import {
  BufferedStream,
  DEFAULT_TIMEOUT,
  type FileLike,
  type StreamOptions,
} from "../stream/mod.ts";
import { gone } from "./_office.ts";
import { FarEnd, type Opened } from "./_share_far.ts";
import { Share } from "./_share_owner.ts";
import { addressOf, type Answer, type Parts, partsOfAddress } from "./_share_words.ts";
import { newLine, postTo, selfOf, takeFrom, wiredHome } from "./_share_wire.ts";
import type { Inside } from "./types.ts";

/** What {@linkcode share} takes. */
export interface ShareOptions {
  /** In a context: its own side, which is the owner. */
  inside?: Inside;
  /**
   * Give the claimant the socket itself, where the runtime can: an isolated context that
   * claims a socket of the main thread, accepted by `cosocket.listen` with `reuseport` or
   * `keepidle`, of which nothing was received or sent. The stream here is closed then, and
   * nothing goes through this thread. Else it is shared as ever; off by default.
   */
  move?: boolean;
}

/** What {@linkcode open} and {@linkcode claim} take. */
export interface OpenSharedOptions<E extends Encoding> extends StreamOptions<E>, WaitOptions {
  /** In a context: its own side, whose end is an end of its use. */
  inside?: Inside;
}

/**
 * A stream whose socket is in another context; {@linkcode open} and {@linkcode claim} give it.
 *
 * @example A stream like any other
 * ```ts
 * import { claim, share, SharedStream, unwrap } from "@alilua/coevent/context";
 * import { pair } from "@alilua/coevent/stream";
 *
 * const [ours, peer] = pair();
 * await using there = unwrap(await claim(unwrap(share(ours))));
 * console.log(there instanceof SharedStream); // true
 * await there.send("hello\n");
 * console.log(await peer.receive()); // [ "hello", null ]
 * await there.close();
 * await peer.close();
 * ```
 */
export class SharedStream<E extends Encoding = "lines"> extends BufferedStream<E> {
  readonly #far: FarEnd;

  /**
   * Made by {@linkcode open} and {@linkcode claim}.
   *
   * @internal
   */
  constructor(far: FarEnd, options: StreamOptions<E>) {
    super(far, options);
    this.#far = far;
    const channel = this.channel!;
    far.idle = () => !channel.outgoing.busy;
    far.finishing = () => channel.outgoing.finishing;
    far.on_gone = (err) => channel.over(err);
  }

  /** Sends a file, as any stream does; meanwhile nobody else sends to the socket. */
  override sendfile(
    file: FileLike,
    offset?: number,
    count?: number,
    options?: WaitOptions,
  ): Promise<Result<number>> {
    return this.#sent(super.sendfile(file, offset, count, options));
  }

  /** Nothing is written behind its last piece that could tell that it was the last. */
  async #sent(sending: Promise<Result<number>>): Promise<Result<number>> {
    try {
      return await sending;
    } finally {
      this.#far.release(this.channel!.outgoing.torn);
    }
  }
}

/**
 * Shares a stream: gives an address, a string to be sent to other contexts. Any of them can
 * {@linkcode open} it to send, and one can {@linkcode claim} it.
 *
 * The stream stays here and can be used on: sends of all sides are queued, each whole. Once
 * it is claimed, receives here give `busy`. Its close here ends it for all (`gone`), and so
 * does the end of the context that shares. The same stream has one address. `closed` when
 * it is not open. Never waits, and needs no permission.
 *
 * From node-lua (`tcp.set_wshared`, `tcp.fd`), whose number any context can write to.
 *
 * @example Usage
 * ```ts
 * import { claim, share, unwrap } from "@alilua/coevent/context";
 * import { pair } from "@alilua/coevent/stream";
 *
 * const [ours, peer] = pair();
 * const address = unwrap(share(ours)); // send it to a context, which does the rest
 * await using there = unwrap(await claim(address));
 * await peer.send("hello\n");
 * console.log(await there.receive()); // [ "hello", null ]
 * await there.close();
 * await peer.close();
 * ```
 */
export function share(
  stream: BufferedStream<Encoding>,
  options: ShareOptions = {},
): Result<string> {
  if (!(stream instanceof BufferedStream)) {
    throw new TypeError(`share wants a stream: got ${stream === null ? "null" : typeof stream}`);
  }
  const owner = selfOf(options.inside, "share");
  const channel = BufferedStream.channel_of(stream);
  if (channel === null || channel.closed) {
    return fail(new IoError("closed", "Cannot share a stream that is not open"));
  }
  const shared = Share.of(stream, channel, owner);
  shared.moves = options.move ?? false;
  return ok(addressOf(shared.parts));
}

/**
 * Opens a shared stream to send to it. Receiving gives `closed`.
 *
 * What is sent goes over to the owner in pieces, the next one when its system has taken
 * the one before; a send gives its count when all of it has. What several contexts send is
 * queued, each whole. When one of them ends in the middle of a send, all later sends of
 * everybody are `dirty`. Closing it, or `shutdown`, ends this use of it alone.
 *
 * Errors: `closed` when it is shared no more, `gone` when its owner has ended, `timeout`
 * (30,000 ms by default, which are also those of its calls), `cancelled`. A string that is
 * no address throws a TypeError. Needs no permission.
 *
 * @example Usage
 * ```ts
 * import { open, share, unwrap } from "@alilua/coevent/context";
 * import { pair } from "@alilua/coevent/stream";
 *
 * const [ours, peer] = pair();
 * const there = unwrap(await open(unwrap(share(ours)))); // in another context, mostly
 * await there.send("hello\n");
 * console.log(await peer.receive()); // [ "hello", null ]
 * await there.close(); // this use of it alone
 * await ours.close();
 * await peer.close();
 * ```
 */
export function open<E extends Encoding = "lines">(
  address: string,
  options: OpenSharedOptions<E> = {},
): Promise<Result<SharedStream<E>>> {
  // What is opened to send is never moved.
  return openAddress(address, false, options) as Promise<Result<SharedStream<E>>>;
}

/**
 * Opens a shared stream for sending and receiving, once: a second claim is `busy`, and so
 * is one while the owner receives.
 *
 * It keeps the whole contract of a stream: what the owner had at hand comes first, a receive
 * that fails consumes nothing, ends and errors come with their codes. At most 256 KiB are on
 * their way. Closing it closes the socket, and `shutdown` half-closes it. When its context
 * ends without that, what had crossed is lost, so the socket is closed at once. Errors: as
 * {@linkcode open}, and `busy`.
 *
 * @example Usage
 * ```ts
 * import { claim, share, unwrap } from "@alilua/coevent/context";
 * import { pair } from "@alilua/coevent/stream";
 *
 * const [ours, peer] = pair();
 * const address = unwrap(share(ours));
 * await using there = unwrap(await claim(address));
 * console.log((await claim(address))[1]?.code); // busy
 * await there.close(); // and the socket
 * console.log(await peer.receive()); // [ null, null ]
 * await peer.close();
 * ```
 */
export function claim<E extends Encoding = "lines">(
  address: string,
  options: OpenSharedOptions<E> = {},
): Promise<Result<BufferedStream<E>>> {
  return openAddress(address, true, options);
}

/** Throws what the caller could have known before anything is begun. */
function openAddress<E extends Encoding>(
  address: string,
  claim: boolean,
  { inside, signal, ...options }: OpenSharedOptions<E>,
): Promise<Result<BufferedStream<E>>> {
  const caller = claim ? "claim" : "open";
  const parts = partsOfAddress(address, caller);
  const self = selfOf(inside, caller);
  const timeout = checkTimeout(options.timeout ?? DEFAULT_TIMEOUT);
  // Its own options are checked where a stream is made.
  new BufferedStream(null, options);
  const wait: WaitOptions = signal === undefined ? { timeout } : { timeout, signal };
  return connectTo({ ...parts, claim, self, wait }, options);
}

/** Whose stream is opened by whom, and how. */
interface Asking extends Parts {
  claim: boolean;
  self: number;
  wait: WaitOptions;
}

async function connectTo<E extends Encoding>(
  { owner, line: there, token, claim, self, wait }: Asking,
  options: StreamOptions<E>,
): Promise<Result<BufferedStream<E>>> {
  const line = newLine();
  const abort = new AbortController();
  const far = new FarEnd(there, {
    claim,
    say: (to, request) => postTo(owner, to, self, request),
    left() {
      forget();
      abort.abort();
    },
  });
  let forget = () => {};
  const what = () => `${claim ? "claim" : "open"} the shared stream of context ${owner}`;
  const [opened, err] = await park<Result<Opened>>(what, wait, (wake) => {
    forget = takeFrom(self, line, (word) => far.take(word as Answer));
    far.opening((answer) => wake(answer instanceof IoError ? fail(answer) : [answer, null]));
    postTo(owner, there, self, { k: "open", token, claim, line });
    // The main thread's end is that of the program.
    if (owner !== 0) {
      wiredHome().office.handle(owner, self).wait({ signal: abort.signal }).then(([ending]) => {
        if (ending !== null) far.gone(gone(owner, ending));
      });
    }
    return () => far.abandon();
  });
  if (err !== null) return fail(err);
  return ok<BufferedStream<E>>(
    opened.k === "moved"
      ? TcpSocket.of_socket<E>(opened.socket, options)
      : new SharedStream<E>(far, { name: opened.name, ...options }),
  );
}
