import { evenKilled, fail, type Result } from "../core/mod.ts";
import { setImmediate } from "node:timers";
import type { Cell } from "./_cell.ts";
import { copy, NOT_QUICK, quickCopy } from "./_copy.ts";
import type { Link } from "./_link.ts";
import { BESIDE, type Mail, type Packet, REPLY, SEND } from "./_packet.ts";
import { gone, Senders } from "./_senders.ts";
import type { Context, Ending } from "./types.ts";

export { gone };

/** How an office reaches the rest of the program. */
export interface Outside {
  /** Mail for a context that is not here; as {@linkcode Link.mail}. */
  mail(mail: Mail, moved: Transferable[], ours: boolean): void;
  /** A packet about a context that is not here, or has just ended. */
  about(id: number, packet: Packet): void;
  /** The way to another thread, by its number; null if it has gone. */
  link(place: number): Link | null;
  /** Sends at once what waits for the end of the turn, on the way of this mail. */
  hurry(mail: Mail): void;
  /** Whether that context is known to be reached as a process is, which takes less. */
  isolated(id: number): boolean;
}

/** Mail and packets of one thread: for the contexts that run here, and from them. */
export class Office {
  readonly cells: Map<number, Cell> = new Map();
  /** The number of this thread. */
  readonly place: number;
  /** Takes what comes beside the mailboxes; nobody does at first. */
  beside: (mail: Mail) => void = () => {};
  /** What they have under way. */
  readonly senders: Senders;
  readonly #outside: Outside;

  constructor(place: number, outside: Outside) {
    this.place = place;
    this.#outside = outside;
    this.senders = new Senders(place, {
      post: (mail, transfer) => this.#post(mail, transfer),
      postOurs: (mail, moved) => this.#postOurs(mail, moved),
      hurry: (mail) => outside.hurry(mail),
      watch: (id) => outside.about(id, { k: "watch", id }),
      isolated: (id) => !this.cells.has(id) && outside.isolated(id),
    });
  }

  handle(id: number, from: number): Context {
    const { senders } = this;
    return {
      id,
      send: (value, options) => senders.send(id, from, value, options),
      query: (value, options) => senders.query(id, from, value, options),
      wait: (options) => senders.wait(id, options),
      destroy: (reason = "destroyed") => this.#destroy(id, reason),
      [Symbol.asyncDispose]: () => {
        this.#destroy(id, "destroyed");
        return evenKilled(senders.wait(id));
      },
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
    const { senders } = this;
    if (packet.k === "taken") senders.taken(packet.of, packet.count, packet.loose);
    else if (packet.k === "refused") senders.refused(packet);
    else if (packet.k === "end") senders.heard(packet.id, packet.ending);
    else if (packet.k === "destroy") {
      this.ended(packet.id, { reason: "destroyed", message: packet.reason });
    }
  }

  /** Mail for somebody here. */
  deliver(mail: Mail): void {
    if (mail.kind === REPLY) this.senders.answered(mail);
    else if (mail.kind === BESIDE) this.beside(mail);
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
    if (via === this.place) return this.senders.taken(cell.id, 1, loose);
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

  /** A cell of this thread has ended; only the first end counts. */
  ended(id: number, ending: Ending): void {
    const cell = this.cells.get(id);
    if (cell === undefined || id === 0) return;
    this.cells.delete(id);
    this.#outside.about(id, { k: "end", id, ending });
    cell.stop(ending.message);
  }

  #destroy(id: number, reason: string): Result<true> {
    if (id === 0) throw new TypeError("destroy: the main thread cannot be destroyed");
    const ending = this.senders.endings.get(id);
    if (ending !== undefined) return fail(gone(id, ending));
    this.senders.drop(id);
    if (this.cells.has(id)) this.ended(id, { reason: "destroyed", message: reason });
    else this.#outside.about(id, { k: "destroy", id, reason });
    return [true, null];
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

  #postOurs(mail: Mail, moved: Transferable[]): void {
    if (this.cells.has(mail.to)) this.deliver(mail);
    else this.#outside.mail(mail, moved, true);
  }
}
