import { countListener, own, report } from "../core/mod.ts";
import { Cell } from "./_cell.ts";
import { NOBODY } from "./_create.ts";
import type { Hand, Home } from "./_home.ts";
import { Office } from "./_office.ts";
import {
  type Asked,
  type Batch,
  isMessage,
  type Mail,
  type Packet,
  REPLY,
  unpack,
} from "./_packet.ts";
import type { Place } from "./_place.ts";
import { endBrood } from "./_broods.ts";
import { endInThisTurn } from "./_last_turn.ts";
import { startProcess } from "./_process.ts";
import { hearSignals } from "./_signals.ts";
import { startThread } from "./_thread.ts";
import type { Ending } from "./types.ts";

/** Beats of the heart without a word after which a thread or process counts as stuck. */
const BEATS = 4;

/** So many milliseconds may one take to leave that is told to, until it is killed. */
const LEAVING = 2_000;

/**
 * So many at least has a process to say that it leaves; one that still answered its heart
 * has a beat. One that says nothing is stuck, and waiting for it would be in vain.
 */
const LEAST_PATIENCE = 100;

/** The main thread's knowledge: which context lives where, and who goes where next. */
export class Hub implements Home {
  readonly office: Office;
  readonly main: Cell;
  /** Threads given up as stuck, which may burn a processor until the program ends. */
  abandoned = 0;
  readonly #places = new Map<number, Place>();
  /** Where mail of this batch went on to: it has waited for a turn already. */
  readonly #relayed = new Set<Place>();
  readonly #at = new Map<number, Place>();
  /** Threads that may still start something. */
  readonly #givenUp = new Set<Place>();
  readonly #making = new Map<number, (fault: string | null) => void>();
  #last = 0;
  #lastPlace = 0;
  #stuckAfter = 2000;
  #heart: ReturnType<typeof setInterval> | null = null;

  constructor() {
    globalThis.addEventListener("unload", this.#endAll);
    own.endOthers = this.#endAll;
    this.office = new Office(0, {
      mail: (mail, moved, ours) => this.#forward(mail, moved, ours),
      about: (id, packet) => this.#onward(id, packet),
      link: (place) => this.#places.get(place)?.link ?? null,
      hurry: (mail) => this.#placeFor(mail)?.link.flush(),
      isolated: (id) => this.#at.get(id)?.isolated === true,
    });
    this.main = new Cell(this.office, 0, 0, "main", []);
    this.office.cells.set(0, this.main);
  }

  /** Milliseconds of silence after which a thread counts as stuck; holds from now on. */
  set stuckAfter(milliseconds: number) {
    this.#stuckAfter = milliseconds;
    if (this.#heart === null) return;
    clearInterval(this.#heart);
    this.#startHeart();
  }

  hand(to: number): Hand | null {
    return this.#at.get(to)?.hand ?? null;
  }

  create(
    url: string,
    options: Asked,
    parent: number,
    made: (id: number, fault: string | null) => void,
  ): () => void {
    const id = ++this.#last;
    const take = (from: Place, batch: Batch) => this.#take(from, batch);
    const number = this.#lastPlace + 1;
    let place: Place;
    try {
      place = options.isolated
        ? this.#add(startProcess(number, url, options, take))
        : this.#leastLoaded() ?? this.#add(startThread(number, take));
    } catch (error) {
      made(id, String(error));
      return () => {};
    }
    this.#listenToErrors();
    place.ids.add(id);
    this.#at.set(id, place);
    this.#making.set(id, (fault) => made(id, fault));
    const name = options.name ?? new URL(url).pathname.split("/").pop() ?? url;
    place.link.post({ k: "create", id, url, name, args: options.args ?? [], parent });
    return () => this.#onward(id, { k: "destroy", id, reason: NOBODY });
  }

  readonly #endAll = (): void => {
    endInThisTurn([...this.#places.values(), ...this.#givenUp]);
  };

  readonly #uncaught = (event: Event): void => {
    if (!event.defaultPrevented) this.#endAll();
  };

  /** The runtime would end threads and processes, and what they have started would be left. */
  #listenToErrors(): void {
    for (const type of ["error", "unhandledrejection"]) {
      // Last in the row, to see whether another listener has taken care of the error.
      globalThis.removeEventListener(type, this.#uncaught);
      globalThis.addEventListener(type, this.#uncaught);
    }
  }

  #leastLoaded(): Place | null {
    const threads = [...this.#places.values()].filter((place) => !place.isolated && !place.over);
    if (threads.length < navigator.hardwareConcurrency) {
      return threads.find((place) => place.ids.size === 0) ?? null;
    }
    return threads.reduce((least, place) => place.ids.size < least.ids.size ? place : least);
  }

  #add(place: Place): Place {
    this.#places.set(place.number, place);
    this.#lastPlace = place.number;
    place.gone.then((ending) => this.#left(place, place.verdict ?? ending));
    if (this.#heart === null) this.#startHeart();
    return place;
  }

  #startHeart(): void {
    this.#heart = setInterval(() => this.#beat(), this.#stuckAfter / BEATS);
    Deno.unrefTimer(this.#heart);
  }

  /** It has gone, or is given up: every context on it has ended. */
  #left(place: Place, ending: Ending): void {
    if (!this.#places.delete(place.number)) return;
    place.over = true;
    place.link.close();
    if (place.brood.listens) countListener(false);
    for (const callOff of place.asks.values()) callOff();
    if (this.#places.size === 0 && this.#heart !== null) {
      clearInterval(this.#heart);
      this.#heart = null;
    }
    for (const id of [...place.ids]) this.#ended(place, id, ending);
  }

  #take(place: Place, batch: Batch): void {
    place.heard = place.started = true;
    unpack(batch, (packet) => this.#packet(place, packet), (mail, moved) => {
      if ((mail.kind === REPLY ? mail.via : mail.to) === 0) this.office.deliver(mail);
      else this.#relay(place, mail, moved);
    });
    for (const { link } of this.#relayed) link.flush();
    this.#relayed.clear();
  }

  #packet(place: Place, packet: Packet): void {
    if (packet.k === "made") this.#made(packet.id, null);
    else if (packet.k === "end") this.#end(place, packet.id, packet.ending);
    else if (packet.k === "watch") this.#watch(place, packet.id);
    else if (packet.k === "destroy") this.#onward(packet.id, packet);
    else if (packet.k === "taken") {
      if (packet.to === 0) this.office.take(packet);
      else this.#places.get(packet.to)?.link.post(packet);
    } else if (packet.k === "failed") {
      place.verdict = { reason: "threw", message: packet.message };
      place.over = true;
      place.kill();
    } else if (packet.k === "leaving") place.leaves = true;
    else if (packet.k === "child") {
      const { brood } = place;
      if (!packet.runs) brood.leave(packet.pid);
      else if (brood.expect()) brood.enter(packet.pid);
    } else if (packet.k === "ask") this.#ask(place, packet);
    else if (packet.k === "unask") place.asks.get(packet.token)?.();
  }

  /** A context creates another. */
  #ask(place: Place, { token, url, options, parent }: Packet & { k: "ask" }): void {
    const calledOff = this.create(url, options, parent, (id, fault) => {
      place.asks.delete(token);
      place.link.post({ k: "asked", token, id, fault });
    });
    if (this.#making.has(this.#last)) place.asks.set(token, calledOff);
  }

  #made(id: number, fault: string | null): void {
    this.#making.get(id)?.(fault);
    this.#making.delete(id);
  }

  /** The last context of a place takes it along: its end is told when the place has gone. */
  #end(place: Place, id: number, ending: Ending): void {
    // Destroyed, and returned by itself as well: its first end is on its way.
    if (!place.ids.has(id) || place.over) return;
    if (place.ids.size > 1) return this.#ended(place, id, ending);
    place.over = true;
    place.verdict = ending;
    // Nothing of its own has run.
    if (!place.started) return place.kill();
    place.link.post({ k: "leave" });
    place.link.flush();
    const timers = [setTimeout(() => place.kill(), LEAVING)];
    if (place.isolated) {
      const patience = place.silent > 0 ? LEAST_PATIENCE : this.#stuckAfter / BEATS;
      timers.push(setTimeout(() => {
        if (!place.leaves) place.kill();
      }, Math.max(patience, LEAST_PATIENCE)));
    }
    for (const timer of timers) Deno.unrefTimer(timer);
    place.gone.then(() => timers.forEach(clearTimeout));
  }

  #ended(place: Place, id: number, ending: Ending): void {
    place.ids.delete(id);
    this.#at.delete(id);
    this.#made(id, ending.message);
    this.office.senders.heard(id, ending);
    for (const other of this.#places.values()) other.link.post({ k: "end", id, ending });
  }

  #watch(place: Place, id: number): void {
    if (id === 0 || this.#at.has(id)) return;
    place.link.post({ k: "end", id, ending: this.#endingOf(id) });
  }

  #endingOf(id: number): Ending {
    return this.office.senders.endings.get(id) ??
      { reason: "returned", message: "long ago, or never was" };
  }

  /** Mail of the main thread; for a context that has ended, that is told. */
  #forward(mail: Mail, moved: Transferable[], ours: boolean): void {
    const place = this.#placeFor(mail);
    if (place !== undefined) place.link.mail(mail, moved, ours);
    else if (isMessage(mail.kind)) this.#onward(mail.to, { k: "watch", id: mail.to });
  }

  /** Mail from one thread to another; what cannot go there is told to the sender. */
  #relay(sender: Place, mail: Mail, moved: Transferable[]): void {
    const place = this.#placeFor(mail);
    if (place === undefined) {
      if (isMessage(mail.kind)) this.#watch(sender, mail.to);
      return;
    }
    try {
      place.link.mail(mail, moved, true);
      this.#relayed.add(place);
    } catch (error) {
      const { kind, session, via } = mail;
      const of = kind === REPLY ? mail.from : mail.to;
      const words = String(error);
      this.#places.get(via)?.link.post({ k: "refused", to: via, of, kind, session, words });
    }
  }

  #placeFor({ kind, via, to }: Mail): Place | undefined {
    return kind === REPLY ? this.#places.get(via) : this.#at.get(to);
  }

  /** A packet about a context to where that is. */
  #onward(id: number, packet: Packet): void {
    const place = this.#at.get(id);
    if (place !== undefined) {
      if (packet.k !== "watch") place.link.post(packet);
      if (packet.k === "destroy") this.#hurry(place, id, packet.reason);
    } else if (packet.k === "watch") {
      queueMicrotask(() => this.office.senders.heard(id, this.#endingOf(id)));
    }
  }

  /** A process can be ended from outside, whatever it is doing. */
  #hurry(place: Place, id: number, message: string): void {
    if (place.isolated) this.#end(place, id, { reason: "destroyed", message });
  }

  #beat(): void {
    for (const place of [...this.#places.values()]) {
      if (!place.started || this.#givenUp.has(place)) continue;
      place.silent = place.heard ? 0 : place.silent + 1;
      place.heard = false;
      if (place.silent < BEATS) place.link.post({ k: "ping" });
      else this.#giveUp(place);
    }
  }

  #giveUp(place: Place): void {
    const what = place.isolated ? "process" : "thread";
    const message = `its ${what} gave no sign of life for ${this.#stuckAfter} ms`;
    const ending: Ending = place.verdict ?? { reason: "destroyed", message };
    place.kill();
    if (place.isolated && !place.killed) {
      // It cannot but end now, and that is told when it has.
      place.killed = true;
      place.verdict = ending;
      place.silent = 0;
      return;
    }
    if (place.isolated) return this.#left(place, ending);
    this.abandoned++;
    this.#givenUp.add(place);
    report(message, `a thread with ${place.ids.size} contexts, given up`);
    place.over = true;
    place.verdict = ending;
    if (!place.brood.empty) hearSignals();
    endBrood(place.brood, () => this.#left(place, ending));
  }
}
