import { Deadline, IoError, now, report, type Result, root, runIn } from "../core/mod.ts";
import { Incoming } from "./_incoming.ts";
import { Outgoing } from "./_outgoing.ts";
import type { Source } from "./source.ts";

/** A close waits so long, in milliseconds, for the peer to end too, where that matters. */
const LINGER = 1_000;

let lastId = 0;

/** Hears once that a connection is over: `null` for a clean end, else the error. */
export type DisconnectHandler = (reason: IoError | null) => unknown;

/** Hears the wire log of one stream, a line an event. */
export type TraceHandler = (line: string) => void;

/**
 * One connection: its source, what has arrived, what waits to leave, and its marks.
 * A {@linkcode BufferedStream} is a handle on at most one channel; a pool keeps
 * channels without a handle. Programs have no need of it.
 *
 * @example What a stream stands on
 * ```ts
 * import { Channel } from "@alilua/coevent/stream";
 *
 * const channel = new Channel({
 *   read: () => Promise.resolve(null),
 *   write: (bytes) => Promise.resolve(bytes.length),
 *   end: () => Promise.resolve(),
 *   close() {},
 *   keeps_alive: true,
 * }, "nowhere");
 * console.log(channel.name, channel.closed); // nowhere false
 * ```
 */
export class Channel {
  /** Counts up; the wire log names it. */
  readonly id: number = ++lastId;
  /** The other side, for messages: `127.0.0.1:80`. */
  readonly name: string;
  /** What it stands on. */
  readonly source: Source;
  /**
   * The receiving half.
   *
   * @internal
   */
  readonly incoming: Incoming;
  /**
   * The sending half.
   *
   * @internal
   */
  readonly outgoing: Outgoing;
  /** Where the wire log goes; `null` while it is off. */
  trace: ((event: string) => void) | null = null;
  /** Called once, when the source has been given back. */
  on_release: (() => void) | null = null;
  /** Called once, when the other side has ended or failed, or we have closed. */
  on_over: DisconnectHandler | null = null;
  #state: "open" | "closing" | "released" = "open";
  #closing: Promise<Result<true>> | null = null;
  /** How it came to its end, once it has; made when somebody asks. */
  #over: (() => IoError | null) | null = null;
  /** The source has been told to close and still says farewell. */
  #parting: Promise<void> | null = null;
  #taint: string | null = null;
  #unanswered = false;
  #endLinger: (() => void) | null = null;

  /** Makes a channel over a source. */
  constructor(source: Source, name: string) {
    this.source = source;
    this.name = name;
    this.incoming = new Incoming(this);
    this.outgoing = new Outgoing(this);
  }

  /** Closed by us, or about to be. */
  get closed(): boolean {
    return this.#state !== "open";
  }

  /** The source has been given back. */
  get released(): boolean {
    return this.#state === "released";
  }

  /** It has come to its end; the first reason stays. */
  over(reason: IoError | null): void {
    this.#over ??= () => reason;
    this.#tell();
  }

  /** Has the handler called, at once if it is over already; `null` takes it back. */
  tell(handler: DisconnectHandler | null): void {
    this.on_over = handler;
    if (handler === null) return;
    if (this.#over === null) this.incoming.listen();
    else this.#tell();
  }

  #tell(): void {
    const handler = this.on_over;
    const over = this.#over;
    if (handler === null || over === null) return;
    this.on_over = null;
    queueMicrotask(async () => {
      try {
        // Whoever happened to wait when it ended may have been killed since.
        await runIn(root, handler, [over()]);
      } catch (error) {
        report(error, `on_disconnect of ${this.name}`);
      }
    });
  }

  /** Marks it as unfit for a pool, and why; the first reason stays. */
  taint(why: string): void {
    this.#taint ??= why;
  }

  /** Bytes have arrived. */
  arrived(): void {
    this.#unanswered = false;
  }

  /** Bytes have been sent, and nothing has been received since. */
  sent(): void {
    this.#unanswered = true;
  }

  /** Why it must not be used for another conversation; `null` if it may. */
  unfit(unanswered: boolean): IoError | null {
    if (this.closed) return this.#unfit("closed", "it is closed");
    if (this.incoming.busy) return this.#unfit("busy", "a receive is waiting");
    if (this.outgoing.busy) return this.#unfit("dirty", "a send is under way");
    const { pending } = this.incoming.inbox;
    if (pending > 0) return this.#unfit("dirty", `${pending} bytes were not read`);
    if (this.incoming.ended) return this.#unfit("closed", "the peer has ended");
    if (this.outgoing.ending) return this.#unfit("dirty", "its sending side was shut down");
    if (this.outgoing.corked) return this.#unfit("dirty", "it is corked");
    if (this.#taint !== null) return this.#unfit("dirty", this.#taint);
    if (this.#unanswered && !unanswered) {
      return this.#unfit("dirty", "nothing was received since the last send");
    }
    return null;
  }

  #unfit(code: "busy" | "closed" | "dirty", why: string): IoError {
    return new IoError(code, `Cannot keep ${this.name} alive: ${why}`);
  }

  /**
   * Lets accepted sends go out, each as long as it may wait, then gives the source back.
   *
   * Where the last send is unanswered or input is unread, the source is half-closed
   * first and what comes is thrown away until the peer has ended too, for a second at
   * most: TCP would otherwise reset the connection, and the peer lose what we sent.
   */
  close(): Promise<Result<true>> {
    if (this.#closing !== null) return this.#closing;
    if (this.#state === "released") {
      return Promise.resolve(this.#parting).then(() => [true, null]);
    }
    this.#state = "closing";
    this.trace?.("close");
    // Input that nobody will read endangers output that the peer has not read yet.
    // Of a peer that has ended none will come.
    const risky = this.source.lingers === true && !this.incoming.ended &&
      (this.#unanswered || this.incoming.inbox.pending > 0);
    this.incoming.close(() => this.closed_error("receive from"));
    this.outgoing.uncorkToClose();
    return this.#closing = new Promise((resolve) => {
      const closed = () => resolve([true, null]);
      this.outgoing.whenDrained(() => {
        if (risky && !this.outgoing.torn && !this.released) this.#linger(closed);
        else this.#finish(closed);
      });
    });
  }

  #finish(then: () => void): void {
    const farewell = this.#release(false);
    if (farewell === undefined) then();
    else farewell.then(then, then);
  }

  /** Says that we have ended and lets the peer end too, for a while, before the close. */
  #linger(then: () => void): void {
    let over = false;
    const finish = () => {
      if (over) return;
      over = true;
      limit.remove();
      this.#finish(then);
    };
    const limit = new Deadline(finish, true);
    limit.set(now() + LINGER);
    this.#endLinger = finish;
    this.source.end().then(() => this.incoming.discard(finish), finish);
  }

  /** Gives the source back at once; sends that wait are dropped. */
  close_immediately(): void {
    if (this.#state === "released") {
      if (this.#parting !== null) this.source.close(true, true);
      return;
    }
    if (this.#state === "open") {
      this.trace?.("close at once");
      this.#state = "closing";
      this.incoming.close(() => this.closed_error("receive from"));
    }
    this.#release(true)?.catch(() => {});
    this.#endLinger?.();
  }

  #release(atOnce: boolean): Promise<void> | undefined {
    if (this.#state === "released") return undefined;
    this.#state = "released";
    const whole = !atOnce && !this.outgoing.torn;
    const underWay = this.incoming.reading || this.outgoing.writing;
    this.outgoing.close(() => this.closed_error("send to"));
    this.#over ??= () => whole ? null : this.closed_error("finish");
    this.#tell();
    // Behind a message that is stuck half-way a farewell would be stuck too.
    const farewell = this.source.close(atOnce || this.outgoing.torn, underWay) ?? undefined;
    // Whoever counts connections must count this one until it is gone.
    const gone = () => {
      this.#parting = null;
      this.on_release?.();
    };
    if (farewell === undefined) gone();
    else this.#parting = farewell.then(gone, gone);
    return farewell;
  }

  /** The error of an operation on a channel that we closed. */
  closed_error(action: string): IoError {
    return new IoError("closed", `Cannot ${action} ${this.name}: it was closed`);
  }

  /** Turns the wire log on, or off with `null`. */
  trace_to(handler: TraceHandler | null): void {
    let heard = false;
    this.trace = handler === null ? null : (event) => {
      // A handler that closes or sends would otherwise hear itself, without an end.
      if (heard) return;
      heard = true;
      try {
        handler(`#${this.id} ${this.name} ${event}`);
      } catch (error) {
        report(error, `trace of ${this.name}`);
      } finally {
        heard = false;
      }
    };
  }

  /** Logs bytes: `> "PING\r\n" 6 B`, the first 200 of them. */
  trace_bytes(direction: ">" | "<", bytes: Uint8Array): void {
    let text = "";
    for (const byte of bytes.subarray(0, 200)) text += escapeByte(byte);
    const more = bytes.length > 200 ? "..." : "";
    this.trace?.(`${direction} "${text}"${more} ${bytes.length} B`);
  }
}

const SHORT_ESCAPES: Readonly<Record<number, string>> = {
  9: "\\t",
  10: "\\n",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

function escapeByte(byte: number): string {
  const short = SHORT_ESCAPES[byte];
  if (short !== undefined) return short;
  if (byte >= 32 && byte < 127) return String.fromCharCode(byte);
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
