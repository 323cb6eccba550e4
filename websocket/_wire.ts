import { Deadline, IoError, now, poll, report, type Result, root, runIn } from "../core/mod.ts";
import { breakOf, CLIENT_OFFSET, type Closing, GOING_AWAY, meaningOf, NORMAL } from "./_codes.ts";
import { Incoming } from "./_incoming.ts";
import type { Settings } from "./_options.ts";
import { Outgoing, type Outlet } from "./_outgoing.ts";
import type { DisconnectHandler } from "./types.ts";

/** After so many milliseconds the server looks again whether it can say goodbye. */
const LOOK = 4;

/**
 * A server's end must be open after so many milliseconds. The runtime never tells that the
 * client has gone before it had our response, or that the response was not returned.
 */
const OPENING = 10_000;

/** Which end of the connection we are. */
export type Role = "client" | "server";

/**
 * One connection: the runtime's WebSocket, what has arrived, what waits to leave, and how
 * it came to its end.
 *
 * The runtime's events hold it; the `MessageSocket` that programs hold is held by nobody
 * else, so that one that is dropped can be collected.
 */
export class Wire implements Outlet {
  readonly name: string;
  readonly url: string;
  readonly incoming: Incoming;
  readonly outgoing: Outgoing;
  readonly #socket: WebSocket;
  readonly #role: Role;
  readonly #settings: Settings;
  readonly #protocol: string | undefined;
  /** The first end it came to, by whomever; `null` while it is open. */
  closing: Closing | null = null;
  /** What a receive gives for its end; `null` for a clean one, and while it is open. */
  err: IoError | null = null;
  /** We closed it: all later calls say so. */
  #closed = false;
  readonly #opening = new Deadline(() => this.#failToOpen(), false);
  /** Nothing more is to be heard of the runtime. */
  #released = false;
  /** Runs while what was sent leaves, in front of the goodbye. */
  #draining: ReturnType<typeof setTimeout> | undefined;
  #due: number | null = null;
  #atOnce = false;
  /** A message has come since this was last false. */
  #noisy = false;
  #farewell: Promise<Result<true>> | null = null;
  #onReleased: (() => void)[] = [];
  readonly #onOver: Set<() => void> = new Set();
  #onDisconnect: DisconnectHandler | null = null;
  /** Why it is over; `null` while it is not, or was not told yet. */
  #over: { reason: IoError | null } | null = null;
  /** The runtime's words, which come before its close event. */
  #words = "";

  /** `protocol` is the subprotocol of a server's end, which the runtime does not tell. */
  constructor(
    socket: WebSocket,
    role: Role,
    url: string,
    settings: Settings,
    protocol: string | undefined = undefined,
  ) {
    this.#protocol = protocol;
    this.#socket = socket;
    this.#role = role;
    this.#settings = settings;
    this.url = url;
    this.name = nameOf(url);
    this.incoming = new Incoming(this.name, settings.max_queue, settings.max_bytes);
    this.outgoing = new Outgoing(this.name, settings.high_mark, this);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", this.#opened);
    socket.addEventListener("message", this.#arrived);
    socket.addEventListener("error", this.#failed);
    socket.addEventListener("close", this.#ended);
    if (role === "server") this.#opening.set(now() + OPENING);
  }

  get protocol(): string {
    return this.#protocol ?? this.#socket.protocol;
  }

  /** The other side has answered the goodbye, or is gone. */
  get released(): boolean {
    return this.#released;
  }

  get open(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  get buffered(): number {
    return this.#socket.bufferedAmount;
  }

  hand(message: string | Uint8Array): void {
    this.#socket.send(message);
  }

  refusal(): IoError | null {
    if (this.#closed) return this.#closedError("send to");
    if (this.closing === null) return null;
    const { code } = this.closing;
    return new IoError("reset", `Cannot send to ${this.name}: the connection is over (${code})`);
  }

  /** Calls `then` once, when it is over, which it must not be yet; gives the way to take that back. */
  whenOver(then: () => void): () => void {
    this.#onOver.add(then);
    return () => this.#onOver.delete(then);
  }

  /** Has the handler called when it is over; at once if it is. */
  tell(handler: DisconnectHandler | null): void {
    this.#onDisconnect = handler;
    this.#tell();
  }

  /**
   * Closes it: hands over what waits to be sent, then says goodbye, and waits for the
   * answer, but not for ever. `atOnce` says it in this turn: a server that ends with its
   * scope is cut off in the next one, by a runtime that sends a code which is none (1005).
   */
  close(code: number, reason: string, atOnce = false): Promise<Result<true>> {
    if (!this.#closed) {
      this.#closed = true;
      this.err = this.#closedError("receive from");
      this.incoming.close(this.err);
      if (this.closing === null) {
        if (this.open) this.outgoing.flush();
        this.#atOnce = atOnce;
        this.#finish({ code, reason }, null);
      }
    }
    return this.#farewell ??= this.#leave();
  }

  /** The first end is the one that counts: whoever calls has seen that there was none. */
  #finish(closing: Closing, reason: IoError | null): void {
    this.closing = closing;
    this.outgoing.fail(this.refusal()!);
    this.#over = { reason };
    for (const then of this.#onOver) then();
    this.#onOver.clear();
    this.#tell();
    if (this.open) this.#say(closing);
  }

  /**
   * Says goodbye. As soon as a message arrives behind it, the server's runtime cuts the
   * connection: what still waits to leave is lost, and the goodbye itself may be. So the
   * server waits in front of it until all has left and nothing has come for a while.
   */
  #say(closing: Closing): void {
    if (this.#role === "client" || this.#atOnce || now() >= this.#dueAt()) {
      return this.#tellRuntime(closing);
    }
    this.#noisy = false;
    const look = () => {
      if (!this.open) return;
      if (this.buffered === 0 && !this.#noisy) this.#tellRuntime(closing);
      else this.#draining = setTimeout(() => this.#say(closing), LOOK);
    };
    poll(look);
  }

  #tellRuntime({ code, reason }: Closing): void {
    const own = this.#role === "client" && code !== NORMAL && code < CLIENT_OFFSET;
    this.#socket.close(own ? code + CLIENT_OFFSET : code, reason);
  }

  /** When the wait for the other side is over; it begins when this is first asked. */
  #dueAt(): number {
    const { close_timeout } = this.#settings;
    return this.#due ??= close_timeout === 0 ? Infinity : now() + close_timeout;
  }

  /** Waits for the end of what was told goodbye. */
  #leave(): Promise<Result<true>> {
    if (this.#released) return Promise.resolve([true, null]);
    return new Promise((resolve) => {
      const done = () => {
        limit.remove();
        resolve([true, null]);
      };
      const limit = new Deadline(done, true);
      if (this.#dueAt() !== Infinity) limit.set(this.#dueAt());
      this.#onReleased.push(done);
    });
  }

  readonly #opened = (): void => {
    this.#opening.remove();
    // It came too late.
    if (this.#released) this.#socket.close(GOING_AWAY);
    else if (this.closing !== null) this.#say(this.closing);
    else this.outgoing.pump();
  };

  readonly #arrived = ({ data }: MessageEvent<string | ArrayBuffer>): void => {
    this.#noisy = true;
    const message = typeof data === "string" ? data : new Uint8Array(data);
    const overflow = this.incoming.arrive(message);
    if (overflow === null) return;
    const { code, err } = overflow;
    this.err = err;
    this.incoming.end(err);
    this.#finish({ code, reason: "" }, err);
  };

  #failToOpen(): void {
    this.#words = "it did not open: its client is gone, or the response was not returned";
    this.#release(null);
  }

  readonly #failed = (event: Event): void => {
    this.#words = event instanceof ErrorEvent ? event.message : "";
    // A handshake of the server that fails has no close event.
    if (this.#role === "server" && this.#socket.readyState === WebSocket.CONNECTING) {
      this.#release(null);
    }
  };

  readonly #ended = ({ code, reason, wasClean }: CloseEvent): void => {
    this.#release(wasClean ? { code, reason } : null);
  };

  /** The runtime has let go of it; `said` is what the other side closed it with, if it did. */
  #release(said: Closing | null): void {
    if (this.#released) return;
    this.#released = true;
    clearTimeout(this.#draining);
    this.#opening.remove();
    if (this.closing === null) {
      const how = said === null
        ? breakOf(this.#words, this.name)
        : { ...said, err: meaningOf(said, this.name) };
      this.err = how.err;
      this.incoming.end(how.err ?? true);
      this.#finish({ code: how.code, reason: how.reason }, how.err);
    }
    for (const released of this.#onReleased.splice(0)) released();
  }

  #tell(): void {
    const handler = this.#onDisconnect;
    const over = this.#over;
    if (handler === null || over === null) return;
    this.#onDisconnect = null;
    queueMicrotask(async () => {
      try {
        // Whoever happened to wait when it ended may have been killed since.
        await runIn(root, handler, [over.reason]);
      } catch (error) {
        report(error, `on_disconnect of ${this.name}`);
      }
    });
  }

  #closedError(action: string): IoError {
    return new IoError("closed", `Cannot ${action} ${this.name}: it was closed`);
  }
}

/** An address without what may be a secret: the query, a user and a password. */
function nameOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}
