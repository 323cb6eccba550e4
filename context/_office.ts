import { checkTimeout, fail, IoError, park, type Result, type WaitOptions } from "../core/mod.ts";
import type { Cell } from "./_cell.ts";
import { copy, type Packet } from "./_packet.ts";
import type { Context, Ending, SendOptions } from "./types.ts";

/** How many messages of one thread may lie unread in a mailbox. */
export const MAILBOX = 1024;
/** How many ends a thread remembers; older ones are asked of the main thread. */
const REMEMBERED = 10_000;

interface Target {
  unread: number;
  full: Set<(result: Result<true>) => void>;
  queries: Map<number, (result: Result<unknown>) => void>;
  waits: Set<(result: Result<Ending>) => void>;
}

/** Sends, waits and ends of one thread: the side of the senders. */
export class Office {
  readonly cells: Map<number, Cell> = new Map();
  readonly endings: Map<number, Ending> = new Map();
  /** Takes what goes beside the mailboxes; set by `_share_wire.ts`. */
  beside: (packet: Packet & { k: "beside" }) => void = () => {};
  readonly #targets = new Map<number, Target>();
  readonly #sessions = new Map<number, number>();
  readonly #onward: (to: number, packet: Packet) => void;
  readonly #onEnd: (id: number, ending: Ending) => void;
  #session = 0;

  constructor(
    onward: (to: number, packet: Packet) => void,
    onEnd: (id: number, ending: Ending) => void,
  ) {
    this.#onward = onward;
    this.#onEnd = onEnd;
  }

  handle(id: number, from: number): Context {
    return {
      id,
      send: (value, options) => this.#send(id, from, value, options),
      query: (value, options) => this.#query(id, from, value, options),
      wait: (options) => this.#wait(id, options),
      destroy: (reason = "destroyed") => this.#destroy(id, reason),
    };
  }

  /** A packet to a context: here, or on its way. */
  route(to: number, packet: Packet): void {
    if (this.cells.has(to)) this.take(packet);
    else this.#onward(to, packet);
  }

  /** A packet for somebody here. */
  take(packet: Packet): void {
    switch (packet.k) {
      case "msg":
        return this.cells.get(packet.to)?.deliver(packet.from, packet.session, packet.value);
      case "reply": {
        const target = this.#targets.get(this.#sessions.get(packet.session) ?? -1);
        return target?.queries.get(packet.session)?.([packet.value, null]);
      }
      case "read":
        return this.#wasRead(packet.of, packet.count);
      case "end":
        return this.heard(packet.id, packet.ending);
      case "destroy":
        return this.ended(packet.id, { reason: "destroyed", message: packet.reason });
      case "beside":
        return this.beside(packet);
    }
  }

  /** A cell took a message out of its mailbox. */
  read(from: number, of: number): void {
    this.route(from, { k: "read", to: from, of, count: 1 });
  }

  /** A cell of this thread has ended; only the first end counts. */
  ended(id: number, ending: Ending): void {
    const cell = this.cells.get(id);
    if (cell === undefined || id === 0) return;
    this.cells.delete(id);
    this.#onEnd(id, ending);
    cell.stop(ending.message);
  }

  /** Wakes all who wait for a context that has ended. */
  heard(id: number, ending: Ending): void {
    this.endings.set(id, ending);
    if (this.endings.size > REMEMBERED) {
      for (const oldest of this.endings.keys()) {
        this.endings.delete(oldest);
        break;
      }
    }
    const target = this.#targets.get(id);
    if (target === undefined) return;
    this.#targets.delete(id);
    for (const wake of target.full) wake(fail(gone(id, ending)));
    for (const [session, wake] of target.queries) {
      this.#sessions.delete(session);
      wake(fail(gone(id, ending)));
    }
    for (const wake of target.waits) wake([ending, null]);
  }

  async #send(
    to: number,
    from: number,
    value: unknown,
    options: SendOptions = {},
  ): Promise<Result<true>> {
    const [copied, moved] = copy(value, options.transfer);
    const refused = await this.#room(to, options);
    if (refused !== null) return refused;
    this.#put(to, { k: "msg", to, from, session: 0, value: copied, moved });
    return [true, null];
  }

  async #query<Out>(
    to: number,
    from: number,
    value: unknown,
    options: SendOptions = {},
  ): Promise<Result<Out>> {
    const { timeout = 0 } = options;
    const until = performance.now() + checkTimeout(timeout);
    const [copied, moved] = copy(value, options.transfer);
    const refused = await this.#room(to, options);
    if (refused !== null) return refused as Result<Out>;
    const left = timeout === 0 ? 0 : Math.max(1, until - performance.now());
    let put = false;
    const answer = await park<Result<Out>>(
      () => `query context ${to}`,
      { ...options, timeout: left },
      (wake) => {
        const session = ++this.#session;
        const { queries } = this.#target(to);
        const forget = () => {
          queries.delete(session);
          this.#sessions.delete(session);
        };
        this.#sessions.set(session, to);
        queries.set(session, (result) => {
          forget();
          wake(result as Result<Out>);
        });
        put = true;
        this.#put(to, { k: "msg", to, from, session, value: copied, moved });
        return forget;
      },
    );
    if (!put) this.#wasRead(to, 1);
    return answer;
  }

  #wait(id: number, options: WaitOptions = {}): Promise<Result<Ending>> {
    return park<Result<Ending>>(() => `wait for context ${id}`, options, (wake) => {
      const ending = this.endings.get(id);
      if (ending !== undefined) {
        wake([ending, null]);
        return () => {};
      }
      const { waits } = this.#target(id);
      waits.add(wake);
      this.#onward(id, { k: "watch", id });
      return () => waits.delete(wake);
    });
  }

  #destroy(id: number, reason: string): Result<true> {
    if (id === 0) throw new TypeError("destroy: the main thread cannot be destroyed");
    const ending = this.endings.get(id);
    if (ending !== undefined) return fail(gone(id, ending));
    this.route(id, { k: "destroy", id, reason });
    return [true, null];
  }

  /** Waits for room in a mailbox; takes none when that fails. */
  async #room(to: number, options: WaitOptions): Promise<[null, IoError] | null> {
    const ending = this.endings.get(to);
    if (ending !== undefined) return [null, gone(to, ending)];
    const target = this.#target(to);
    // Who comes while others wait goes behind them, or the order were lost.
    if (target.unread < MAILBOX && target.full.size === 0) {
      target.unread++;
      return null;
    }
    const [, err] = await park<Result<true>>(() => `send to context ${to}`, options, (wake) => {
      target.full.add(wake);
      return () => target.full.delete(wake);
    });
    return err === null ? null : [null, err];
  }

  /** The wait may have been long: who has ended meanwhile is told of like any other. */
  #put(to: number, packet: Packet): void {
    this.route(to, packet);
  }

  #wasRead(of: number, count: number): void {
    const target = this.#targets.get(of);
    if (target === undefined) return;
    for (let n = 0; n < count; n++) {
      const [first] = target.full;
      if (first === undefined) target.unread--;
      else {
        // Its place goes to the one who waits longest.
        target.full.delete(first);
        first([true, null]);
      }
    }
  }

  #target(id: number): Target {
    let target = this.#targets.get(id);
    if (target === undefined) {
      target = { unread: 0, full: new Set(), queries: new Map(), waits: new Set() };
      this.#targets.set(id, target);
    }
    return target;
  }
}

/** The error of whoever wants something of a context that has ended. */
export function gone(id: number, { reason, message }: Ending): IoError {
  return new IoError("gone", `Context ${id} has ended (${reason}): ${message}`, { reason });
}
