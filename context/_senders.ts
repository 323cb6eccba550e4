import {
  afterTurn,
  checkTimeout,
  current,
  dying,
  fail,
  fairly,
  IoError,
  park,
  report,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { checkForProcess, checkTransfer, copy } from "./_copy.ts";
import { CONFIRM, isMessage, type Mail, QUERY, type Refused, SEND } from "./_packet.ts";
import type { Ending, SendOptions } from "./types.ts";

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

/** How the senders of a thread reach the receivers. */
export interface Ways {
  /** Posts mail whose value is the sender's own; a TypeError if that cannot be copied. */
  post(mail: Mail, transfer?: Transferable[]): void;
  /** Posts mail whose value is ours. */
  postOurs(mail: Mail, moved: Transferable[]): void;
  /** Sends at once what waits for the end of the turn, on the way of this mail. */
  hurry(mail: Mail): void;
  /** Asks to be told when that context has ended. */
  watch(id: number): void;
  /** Whether that context is known to be reached as a process is, which takes less. */
  isolated(id: number): boolean;
}

/**
 * What the contexts of one thread have under way to others: sends that wait for room,
 * queries that wait for an answer, and waits for an end.
 */
export class Senders {
  readonly endings: Map<number, Ending> = new Map();
  readonly #place: number;
  readonly #ways: Ways;
  readonly #targets = new Map<number, Target>();
  #session = 0;
  /** How many wait for answers. */
  #asking = 0;

  constructor(place: number, ways: Ways) {
    this.#place = place;
    this.#ways = ways;
  }

  send(
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
      const mail: Mail = { kind: SEND, to, from, via: this.#place, session: 0, value };
      if (hasRoom(target)) {
        this.#put(target, mail, options.transfer);
        // What is sent leaves at the end of the turn, which must come.
        return fairly(SENT);
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

  query<Out>(
    to: number,
    from: number,
    value: unknown,
    options: SendOptions = {},
  ): Promise<Result<Out>> {
    return this.#ask<Out>(QUERY, to, from, value, options);
  }

  wait(id: number, options: WaitOptions = {}): Promise<Result<Ending>> {
    return park<Result<Ending>>(() => `wait for context ${id}`, options, (wake) => {
      const ending = this.endings.get(id);
      if (ending !== undefined) {
        wake([ending, null]);
        return () => {};
      }
      const { waits } = this.#target(id);
      waits.add(wake);
      this.#ways.watch(id);
      return () => waits.delete(wake);
    });
  }

  /** Who destroys a context drops what lies there unread, and needs not be told. */
  drop(id: number): void {
    const target = this.#targets.get(id);
    if (target !== undefined) target.loose = -Infinity;
  }

  /** An answer has come. */
  answered({ from, session, value }: Mail): void {
    this.#targets.get(from)?.answers.get(session)?.([value, null]);
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

  /** The main thread found that mail cannot go where it should. */
  refused({ of, kind, session, words }: Refused): void {
    if (isMessage(kind)) this.taken(of, 1, kind === SEND ? 1 : 0);
    const err = new IoError("unsupported", `Cannot send to context ${of}: ${words}`);
    const answer = this.#targets.get(of)?.answers.get(session);
    if (kind === SEND) report(err, `a message to context ${of}`);
    else answer?.(fail(err));
  }

  /** Wakes all who wait for a context that has ended. */
  heard(id: number, ending: Ending): void {
    if (this.endings.has(id)) return;
    const target = this.#targets.get(id);
    const unread = target?.loose ?? 0;
    if (unread > 0) ending = { ...ending, unread };
    this.endings.set(id, ending);
    if (this.endings.size > REMEMBERED) {
      const [oldest] = this.endings.keys();
      this.endings.delete(oldest!);
    }
    if (target === undefined) return;
    this.#targets.delete(id);
    const err = gone(id, ending);
    if (unread > 0) report(err, lost(unread, ending));
    for (const waiting of target.waiting) waiting.fail(err);
    for (const answer of target.answers.values()) answer(fail(gone(id, ending)));
    for (const wake of target.waits) wake([ending, null]);
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
      const mail: Mail = { kind, to, from, via: this.#place, session, value };
      let owned: [Mail, Transferable[]] | null = null;
      if (hasRoom(target)) {
        this.#put(target, mail, options.transfer);
        // Where others are under way, the next will be here soon, and they go together.
        if (this.#asking === 0) this.#ways.hurry(mail);
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

  /** What must wait for room is copied now, or is refused as if there were some. */
  #own(mail: Mail, transfer?: Transferable[]): [Mail, Transferable[]] {
    const isolated = this.#ways.isolated(mail.to);
    if (isolated) checkTransfer(transfer);
    const [value, moved] = copy(mail.value, transfer);
    if (isolated) checkForProcess(value);
    return [{ ...mail, value }, moved];
  }

  #waiting(
    target: Target,
    [mail, moved]: [Mail, Transferable[]],
    done: (result: Result<true>) => void,
  ): Waiting {
    return {
      put: () => {
        // Its value is ours: no need to copy it once more.
        this.#ways.postOurs(mail, moved);
        this.#count(target, mail);
        done([true, null]);
      },
      fail: (err) => done(fail(err)),
    };
  }

  /** Puts mail in a mailbox that has room. */
  #put(target: Target, mail: Mail, transfer?: Transferable[]): void {
    this.#ways.post(mail, transfer);
    this.#count(target, mail);
  }

  #count(target: Target, mail: Mail): void {
    target.untaken += 1;
    if (mail.kind === SEND) target.loose += 1;
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

/** The error of whoever wants something of a context that has ended. */
export function gone(id: number, { reason, message }: Ending): IoError {
  return new IoError("gone", `Context ${id} has ended (${reason}): ${message}`, { reason });
}
