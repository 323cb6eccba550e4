import { leftByKill, report } from "../core/mod.ts";
import { Cell } from "./_cell.ts";
import type { Link } from "./_link.ts";
import { Office } from "./_office.ts";
import { type Asked, type Batch, type Packet, unpack } from "./_packet.ts";
import { current, type Home } from "./_home.ts";
import { setImmediate } from "node:timers";
import type { ContextFunction } from "./types.ts";

/** As any program ends: so whoever listens to that ends what was started here. */
function leave(): void {
  Deno.exit(0);
}

/** A worker thread or a process that runs contexts: its side of the link to the main thread. */
export class Member implements Home {
  readonly office: Office;
  readonly #link: Link;
  readonly #load: (url: string) => Promise<unknown>;
  readonly #asks = new Map<number, (id: number, fault: string | null) => void>();
  #token = 0;

  /** `place` is the number of this thread. */
  constructor(place: number, link: Link, load: (url: string) => Promise<unknown>) {
    this.#link = link;
    this.#load = load;
    this.office = new Office(place, {
      mail: (mail, moved, ours) => link.mail(mail, moved, ours),
      about: (_id, packet) => link.post(packet),
      link: () => link,
      hurry: () => link.flush(),
      isolated: () => link.isolated,
    });
    current.home = this;
    // What was sent before Deno.exit() has been sent.
    globalThis.addEventListener("unload", () => link.flush());
    // What one context leaves uncaught must not end its neighbours.
    globalThis.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      if (!leftByKill(event.reason)) report(event.reason, "a promise in a context");
    });
    globalThis.addEventListener("error", (event) => {
      event.preventDefault();
      report(event.error, "a callback in a context");
    });
  }

  take(batch: Batch): void {
    unpack(batch, (packet) => this.#take(packet), (mail) => this.office.deliver(mail));
  }

  create(
    url: string,
    options: Asked,
    parent: number,
    made: (id: number, fault: string | null) => void,
  ): () => void {
    const token = ++this.#token;
    this.#asks.set(token, made);
    this.#link.post({ k: "ask", token, url, options, parent });
    return () => this.#link.post({ k: "unask", token });
  }

  #take(packet: Packet): void {
    if (packet.k === "create") this.#create(packet);
    else if (packet.k === "leave") this.#leave();
    else if (packet.k === "ping") this.#link.post({ k: "pong" });
    else if (packet.k === "asked") {
      this.#asks.get(packet.token)?.(packet.id, packet.fault);
      this.#asks.delete(packet.token);
    } else this.office.take(packet);
  }

  /** In a turn of its own: what was posted with the order to leave has been taken. */
  #leave(): void {
    this.#link.post({ k: "leaving" });
    this.#link.flush();
    setImmediate(leave);
  }

  async #create({ id, parent, name, args, url }: Packet & { k: "create" }): Promise<void> {
    const { office } = this;
    const cell = new Cell(office, id, parent, name, args);
    office.cells.set(id, cell);
    let fault: string;
    try {
      const fn = await this.#load(url);
      if (typeof fn === "function") {
        this.#link.post({ k: "made", id });
        if (office.cells.has(id)) cell.enter(fn as ContextFunction);
        return;
      }
      fault = `its default export must be a function: got ${typeof fn}`;
    } catch (error) {
      fault = String(error);
    }
    // The end of a context that was never made says why.
    office.ended(id, { reason: "threw", message: fault });
  }
}
