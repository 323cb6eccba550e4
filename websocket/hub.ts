import { checkTimeout, evenKilled, type Result } from "../core/mod.ts";
import { POLICY } from "./_codes.ts";
import { GRACE, parted, sayGoodbye, type ShutdownOptions } from "./_goodbye.ts";
import { count } from "./_options.ts";
import { checkMessage, type MessageSocket, wireOf } from "./socket.ts";

/** A member counts as slow while more bytes than this wait to leave. */
const LIMIT = 1024 * 1024;

/** How a hub is made. */
export interface HubOptions<T> {
  /** Makes the message of a value, once for all members; without it, messages are sent. */
  encode?: (value: T) => string | Uint8Array;
  /** A member that more bytes wait for is slow: 1 MiB by default; a text counts its length. */
  limit?: number;
  /**
   * What becomes of a slow member: `"drop"`, the default, closes it with 1008; `"skip"`
   * leaves the message out for it, for what the next message makes up for.
   */
  slow?: "drop" | "skip";
}

/** What a send of a hub takes. */
export interface HubSendOptions {
  /** Not to this one: who has said it, for instance. */
  except?: MessageSocket;
}

/**
 * Sockets that are told the same. Made by {@linkcode hub}.
 *
 * @example Who is there
 * ```ts
 * import { connect, hub, serve, unwrap } from "@alilua/coevent/websocket";
 *
 * const room = hub();
 * await using chat = serve(async (socket) => {
 *   room.join(socket);
 *   room.send(`${room.size} here`);
 *   await socket.receive();
 * });
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, chat.fetch);
 * const ann = await unwrap(connect(`ws://127.0.0.1:${server.addr.port}`));
 * console.log(await ann.receive()); // [ "1 here", null ]
 * await ann.close();
 * await server.shutdown();
 * ```
 */
export class Hub<T = string | Uint8Array> implements AsyncDisposable, Iterable<MessageSocket> {
  readonly #encode: ((value: T) => string | Uint8Array) | null;
  readonly #limit: number;
  readonly #drops: boolean;
  /** Each member, and the way to forget it. */
  readonly #members: Map<MessageSocket, () => void> = new Map();
  #closed = false;

  /** Use {@linkcode hub}. */
  constructor(options: HubOptions<T> = {}) {
    const { encode = null, limit = LIMIT, slow = "drop" } = options;
    if (encode !== null && typeof encode !== "function") {
      throw new TypeError(`hub: encode must be a function: got ${typeof encode}`);
    }
    if (slow !== "drop" && slow !== "skip") {
      throw new TypeError(`hub: slow must be "drop" or "skip": got '${slow}'`);
    }
    this.#encode = encode;
    this.#limit = count(limit, "hub: limit", 0);
    this.#drops = slow === "drop";
  }

  /** How many members there are. */
  get size(): number {
    return this.#members.size;
  }

  /**
   * Takes a socket in, until it leaves or its connection is over; false if that is over
   * already. After a shutdown it is closed with 1001 instead.
   */
  join(socket: MessageSocket): boolean {
    const wire = wireOf(socket, "join");
    if (wire.closing !== null) return false;
    if (this.#closed) {
      void sayGoodbye([wire]);
      return false;
    }
    if (!this.#members.has(socket)) {
      this.#members.set(socket, wire.whenOver(() => this.#members.delete(socket)));
    }
    return true;
  }

  /** Lets a socket go, which stays open; false if it was no member. */
  leave(socket: MessageSocket): boolean {
    this.#members.get(socket)?.();
    return this.#members.delete(socket);
  }

  /** Whether a socket is a member. */
  has(socket: MessageSocket): boolean {
    return this.#members.has(socket);
  }

  /**
   * Sends to all members, and gives to how many. Never waits: what a member does not take
   * waits for it alone, and one that too much waits for is dropped or skipped (`slow`).
   * The value is encoded once; each member's frame is the runtime's work.
   */
  send(value: T, { except }: HubSendOptions = {}): number {
    const message = this.#encode === null ? value as string | Uint8Array : this.#encode(value);
    checkMessage(message, this.#encode === null ? "hub.send" : "hub: encode");
    let told = 0;
    for (const socket of this.#members.keys()) {
      if (socket === except) continue;
      const wire = wireOf(socket, "send");
      if (wire.outgoing.waiting <= this.#limit) {
        wire.outgoing.post(message);
        told += 1;
      } else if (this.#drops) {
        wire.close(POLICY, "too slow");
      }
    }
    return told;
  }

  /**
   * Tells all members that we go away (1001) and waits for their answers, `grace`
   * milliseconds at most and `close_timeout` of each. Gives how many have not answered.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<Result<number>> {
    const grace = checkTimeout(options.grace ?? GRACE, "shutdown: grace");
    this.#closed = true;
    return [await parted([...this].map((socket) => wireOf(socket, "shutdown")), grace), null];
  }

  /** The members, in the order they came. */
  [Symbol.iterator](): IterableIterator<MessageSocket> {
    return this.#members.keys();
  }

  /** Shuts it down, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await evenKilled(this.shutdown());
  }
}

/**
 * Makes a hub: sockets that are told the same, such as all in a room.
 *
 * A member leaves by itself when its connection is over. What a hub sends stands in line
 * with the socket's own sends.
 *
 * @example A room
 * ```ts
 * import { connect, hub, serve, unwrap } from "@alilua/coevent/websocket";
 *
 * const room = hub<{ said: string }>({ encode: JSON.stringify });
 * await using chat = serve(async (socket) => {
 *   room.join(socket);
 *   for await (const said of socket) room.send({ said: String(said) });
 * });
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, chat.fetch);
 *
 * const ann = await unwrap(connect(`ws://127.0.0.1:${server.addr.port}`));
 * await ann.send("hello");
 * console.log(await ann.receive()); // [ '{"said":"hello"}', null ]
 * await ann.close();
 * await server.shutdown();
 * ```
 */
export function hub<T = string | Uint8Array>(options: HubOptions<T> = {}): Hub<T> {
  return new Hub<T>(options);
}
