import { setImmediate } from "node:timers";
import {
  afterTurn,
  checkTimeout,
  current,
  dying,
  fail,
  IoError,
  park,
  report,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import type { Cell } from "./_cell.ts";
import { copy, NOT_QUICK, quickCopy } from "./_copy.ts";
import type { Link } from "./_link.ts";
import {
  BESIDE,
  CONFIRM,
  isMessage,
  type Mail,
  type Packet,
  QUERY,
  type Refused,
  REPLY,
  SEND,
} from "./_packet.ts";
import type { Context, Ending, SendOptions } from "./types.ts";

/** How many messages of one thread may lie untaken in a mailbox. */
export const MAILBOX = 1024;
/** How many ends a thread remembers; older ones are asked of the main thread. */
const REMEMBERED = 10_000;

const SENT: Promise<Result<true>> = Promise.resolve(
  Object.freeze<Result<true>>([true, null]) as Result<true>,
);

/** One that waits for room in a mailbox. */
interface Waiting {
  put(): void;
  fail(err: IoError): void;
}

/** A context as this thread sees it. */
interface Target {
  /** Messages of this thread that it has not taken yet. */
  untaken: number;
  /** How many of them were plain sends, which nobody waits for any more. */
  loose: number;
  readonly waiting: Set<Waiting>;
  readonly answers: Map<number, (result: Result<unknown>) => void>;
  readonly waits: Set<(result: Result<Ending>) => void>;
}

/** How an office reaches the rest of the program. */
export interface Outside {
  /** Mail for a context that is not here; as {@linkcode Link.mail}. */
  mail(mail: Mail, moved: Transferable[], ours: boolean): void;
  /** A packet about a context that is not here. */
  about(id: number, packet: Packet): void;
  /** The way to another thread, by its number; null if it has gone. */
  link(place: number): Link | null;
  /** Sends at once what waits for the end of the turn, on the way of this mail. */
  hurry(mail: Mail): void;
  /** A context of this thread has ended. */
  ended(id: number, ending: Ending): void;
}

/** Sends, waits and ends of one thread: the side of the senders. */
export class Office {
  readonly cells: Map<number, Cell> = new Map();
  readonly endings: Map<number, Ending> = new Map();
  /** The number of this thread. */
  readonly place: number;
  /** Takes what comes beside the mailboxes; nobody does at first. */
  beside: (mail: Mail) => void = () => {};
  readonly #targets = new Map<number, Target>();
  readonly #outside: Outside;
  #session = 0;
  /** How many wait for answers. */
  #asking = 0;

  constructor(place: number, outside: Outside) {
    this.place = place;
    this.#outside = outside;
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

  /** Answers a message; nobody hears it who has given up, or ended. `last`: no other follows. */
  reply(
    { from, to, via, session }: Mail,
    value: unknown,
    last: boolean,
    transfer?: Transferable[],
  ): void {
    const mail = { kind: REPLY, to: from, from: to, via, session, value };
    this.#post(mail, transfer);
    if (last) this.#outside.hurry(mail);
  }

  /** A packet for this thread, or somebody in it. */
  take(packet: Packet): void {
    if (packet.k === "taken") this.taken(packet.of, packet.count, packet.loose);
    else if (packet.k === "refused") this.#refused(packet);
    else if (packet.k === "end") this.heard(packet.id, packet.ending);
    else if (packet.k === "destroy") {
      this.ended(packet.id, { reason: "destroyed", message: packet.reason });
    }
  }

  /** Mail for somebody here. */
  deliver(mail: Mail): void {
    if (mail.kind === REPLY) {
      this.#targets.get(mail.from)?.answers.get(mail.session)?.([mail.value, null]);
    } else if (mail.kind === BESIDE) this.beside(mail);
    else this.cells.get(mail.to)?.deliver(mail);
  }

  /** Posts beside the mailbox of a context; the value is the receiver's from now on. */
  postBeside(to: number, line: number, from: number, value: unknown): void {
    const mail: Mail = { kind: BESIDE, to, from, via: this.place, session: line, value };
    // Later, as from elsewhere; and not in a microtask, or two here would let nobody else run.
    if (this.cells.has(to)) setImmediate(() => this.beside(mail));
    else this.#outside.mail(mail, [], true);
  }

  /** A cell took a message of that thread: all of one batch are told at once. */
  acknowledge(cell: Cell, { kind, via }: Mail): void {
    const loose = kind === SEND ? 1 : 0;
    if (via === this.place) return this.taken(cell.id, 1, loose);
    const link = this.#outside.link(via);
    if (link === null) return;
    let ack = cell.acks.get(via);
    if (ack === undefined || ack.round !== link.round) {
      const taken = { k: "taken" as const, to: via, of: cell.id, count: 0, loose: 0 };
      cell.acks.set(via, ack = { taken, round: link.round });
      link.post(taken);
    }
    ack.taken.count += 1;
    ack.taken.loose += loose;
  }

  /** Messages of this thread have been taken: whoever waits longest for room has it. */
  taken(of: number, count: number, loose: number): void {
    const target = this.#targets.get(of);
    if (target === undefined) return;
    target.untaken -= count;
    target.loose -= loose;
    for (const first of target.waiting) {
      if (target.untaken >= MAILBOX) break;
      target.waiting.delete(first);
      first.put();
    }
  }

  /** A cell of this thread has ended; only the first end counts. */
  ended(id: number, ending: Ending): void {
    const cell = this.cells.get(id);
    if (cell === undefined || id === 0) return;
    this.cells.delete(id);
    this.#outside.ended(id, ending);
    cell.stop(ending.message);
  }

  /** Wakes all who wait for a context that has ended. */
  heard(id: number, ending: Ending): void {
    if (this.endings.has(id)) return;
    const target = this.#targets.get(id);
    const unread = target?.loose ?? 0;
    if (unread > 0) ending = { ...ending, unread };
    this.endings.set(id, ending);
    if (this.endings.size > REMEMBERED) {
      for (const oldest of this.endings.keys()) {
        this.endings.delete(oldest);
        break;
      }
    }
    if (target === undefined) return;
    this.#targets.delete(id);
    const err = gone(id, ending);
    if (unread > 0) report(err, lost(unread, ending));
    for (const waiting of target.waiting) waiting.fail(err);
    for (const answer of target.answers.values()) answer(fail(gone(id, ending)));
    for (const wake of target.waits) wake([ending, null]);
  }

  #send(
    to: number,
    from: number,
    value: unknown,
    options: SendOptions = {},
  ): Promise<Result<true>> {
    if (options.confirm === true) return this.#ask<true>(CONFIRM, to, from, value, options);
    try {
      const what = () => `send to context ${to}`;
      if (hindered(options)) return park<Result<true>>(what, options, () => () => {});
      const ending = this.endings.get(to);
      if (ending !== undefined) return afterTurn(fail(gone(to, ending)));
      const target = this.#target(to);
      const mail: Mail = { kind: SEND, to, from, via: this.place, session: 0, value };
      if (hasRoom(target)) {
        this.#put(target, mail, options.transfer);
        return SENT;
      }
      const owned = this.#own(mail, options.transfer);
      return park<Result<true>>(what, options, (wake) => {
        const waiting = this.#waiting(target, owned, (result) => wake(result));
        target.waiting.add(waiting);
        return () => target.waiting.delete(waiting);
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #query<Out>(
    to: number,
    from: number,
    value: unknown,
    options: SendOptions = {},
  ): Promise<Result<Out>> {
    return this.#ask<Out>(QUERY, to, from, value, options);
  }

  /** Sends what is answered, and waits for the answer. */
  #ask<Out>(
    kind: number,
    to: number,
    from: number,
    value: unknown,
    options: SendOptions,
  ): Promise<Result<Out>> {
    try {
      const what = () => kind === QUERY ? `query context ${to}` : `send to context ${to}`;
      if (hindered(options)) return park<Result<Out>>(what, options, () => () => {});
      const ending = this.endings.get(to);
      if (ending !== undefined) return afterTurn(fail(gone(to, ending)));
      const target = this.#target(to);
      const session = ++this.#session;
      const mail: Mail = { kind, to, from, via: this.place, session, value };
      let owned: [Mail, Transferable[]] | null = null;
      if (hasRoom(target)) {
        this.#put(target, mail, options.transfer);
        // Where others are under way, the next will be here soon, and they go together.
        if (this.#asking === 0) this.#outside.hurry(mail);
      } else owned = this.#own(mail, options.transfer);
      return park<Result<Out>>(what, options, (wake) => {
        const forget = () => {
          target.answers.delete(session);
          this.#asking -= 1;
        };
        const answer = (result: Result<unknown>) => {
          forget();
          wake(result as Result<Out>);
        };
        target.answers.set(session, answer);
        this.#asking += 1;
        if (owned === null) return forget;
        const waiting = this.#waiting(target, owned, ([, err]) => err && answer(fail(err)));
        target.waiting.add(waiting);
        return () => {
          forget();
          target.waiting.delete(waiting);
        };
      });
    } catch (error) {
      return Promise.reject(error);
    }
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
      this.#outside.about(id, { k: "watch", id });
      return () => waits.delete(wake);
    });
  }

  #destroy(id: number, reason: string): Result<true> {
    if (id === 0) throw new TypeError("destroy: the main thread cannot be destroyed");
    const ending = this.endings.get(id);
    if (ending !== undefined) return fail(gone(id, ending));
    // Who destroys it drops what lies there unread, and needs not be told.
    const target = this.#targets.get(id);
    if (target !== undefined) target.loose = -Infinity;
    if (this.cells.has(id)) this.ended(id, { reason: "destroyed", message: reason });
    else this.#outside.about(id, { k: "destroy", id, reason });
    return [true, null];
  }

  /** What must wait for room is copied now. */
  #own(mail: Mail, transfer?: Transferable[]): [Mail, Transferable[]] {
    const [value, moved] = copy(mail.value, transfer);
    return [{ ...mail, value }, moved];
  }

  #waiting(
    target: Target,
    [mail, moved]: [Mail, Transferable[]],
    done: (result: Result<true>) => void,
  ): Waiting {
    return {
      put: () => {
        try {
          // Its value is ours: no need to copy it once more.
          if (this.cells.has(mail.to)) this.deliver(mail);
          else this.#outside.mail(mail, moved, true);
          this.#count(target, mail);
          done([true, null]);
        } catch (cause) {
          done(fail(unsupported(mail.to, String(cause), cause)));
        }
      },
      fail: (err) => done(fail(err)),
    };
  }

  /** Puts mail in a mailbox that has room. */
  #put(target: Target, mail: Mail, transfer?: Transferable[]): void {
    this.#post(mail, transfer);
    this.#count(target, mail);
  }

  #count(target: Target, mail: Mail): void {
    target.untaken += 1;
    if (mail.kind === SEND) target.loose += 1;
  }

  /** Posts mail whose value is the sender's own; throws a TypeError if it cannot be copied. */
  #post(mail: Mail, transfer: Transferable[] = []): void {
    // Who asked may have ended and still wait: its thread takes the answer.
    if (mail.kind === REPLY ? mail.via === this.place : this.cells.has(mail.to)) {
      const [value] = copy(mail.value, transfer);
      this.deliver({ ...mail, value });
      return;
    }
    const quick = transfer.length === 0 ? quickCopy(mail.value) : NOT_QUICK;
    const ours = quick !== NOT_QUICK;
    if (ours) mail.value = quick;
    this.#outside.mail(mail, transfer, ours);
  }

  /** The main thread found that mail cannot go where it should. */
  #refused({ of, kind, session, words }: Refused): void {
    if (isMessage(kind)) this.taken(of, 1, kind === SEND ? 1 : 0);
    const err = unsupported(of, words);
    const answer = this.#targets.get(of)?.answers.get(session);
    if (kind === SEND) report(err, `a message to context ${of}`);
    else answer?.(fail(err));
  }

  #target(id: number): Target {
    let target = this.#targets.get(id);
    if (target === undefined) {
      target = { untaken: 0, loose: 0, waiting: new Set(), answers: new Map(), waits: new Set() };
      this.#targets.set(id, target);
    }
    return target;
  }
}

/** Nobody waits while there is room: so who finds some overtakes nobody. */
function hasRoom(target: Target): boolean {
  return target.untaken < MAILBOX;
}

/** Whether a call must fail that could be met at once. */
function hindered(options: WaitOptions): boolean {
  checkTimeout(options.timeout ?? 0);
  return options.signal?.aborted === true || (dying !== 0 && current().killed !== null);
}

function lost(count: number, { reason }: Ending): string {
  // Only one that ends by itself has said before what it had taken.
  const known = reason === "returned" || reason === "threw" ? "" : "up to ";
  return `${known}${count} unread message${count === 1 ? "" : "s"}`;
}

function unsupported(id: number, words: string, cause?: unknown): IoError {
  return new IoError("unsupported", `Cannot send to context ${id}: ${words}`, { cause });
}

/** The error of whoever wants something of a context that has ended. */
export function gone(id: number, { reason, message }: Ending): IoError {
  return new IoError("gone", `Context ${id} has ended (${reason}): ${message}`, { reason });
}
