import { afterTurn, atOnce, dying, type IoError, park, refusal, type Result } from "../core/mod.ts";
import { parkable, type SocketWait } from "./_options.ts";

/** The runtime does not tell when bytes have left: it is asked, first after so many ms. */
const FIRST_LOOK = 1;
const LONGEST_LOOK = 16;

/** A message that waits to be handed to the runtime. */
interface Waiting {
  message: string | Uint8Array;
  wake: (result: Result<true>) => void;
  /** Kept from being collected while it waits. */
  owner: object;
}

/** What the sending half needs of its connection. */
export interface Outlet {
  /** Messages can be handed over. */
  readonly open: boolean;
  /** How many bytes wait to leave. */
  readonly buffered: number;
  /** Hands a message to the runtime, which takes a copy. */
  hand(message: string | Uint8Array): void;
  /** Why nothing can be sent any more; `null` if that is not so. */
  refusal(): IoError | null;
}

/**
 * The sending half: messages that wait until fewer bytes than the mark wait to leave.
 *
 * A message is with the runtime or it is not: one that gives up while it waits is taken
 * back whole, and harms nothing.
 */
export class Outgoing {
  readonly #name: string;
  readonly #mark: number;
  readonly #outlet: Outlet;
  #line: Waiting[] = [];
  #look = FIRST_LOOK;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string, mark: number, outlet: Outlet) {
    this.#name = name;
    this.#mark = mark;
    this.#outlet = outlet;
  }

  get busy(): boolean {
    return this.#line.length > 0;
  }

  send(message: string | Uint8Array, wait: SocketWait): Promise<Result<true>> {
    if (dying !== 0) {
      const refused = refusal();
      if (refused !== null) return refused;
    }
    const err = this.#outlet.refusal();
    if (err !== null) return afterTurn<Result<true>>([null, err]);
    const free = this.#line.length === 0 && this.#outlet.open &&
      this.#outlet.buffered <= this.#mark;
    if (free && wait.signal?.aborted !== true) {
      this.#outlet.hand(message);
      return atOnce<Result<true>>([true, null]);
    }
    return this.#queue(message, wait);
  }

  /** How many bytes wait to leave, with the runtime and here; a text counts its length. */
  get waiting(): number {
    return this.#line.reduce((sum, { message }) => sum + message.length, this.#outlet.buffered);
  }

  /** Sends without waiting, whatever the mark; behind what waits already. */
  post(message: string | Uint8Array): void {
    if (this.#outlet.refusal() !== null) return;
    if (this.#line.length === 0 && this.#outlet.open) return this.#outlet.hand(message);
    // Nobody waits for it, so nobody knows how long its bytes must stay as they are.
    const own = typeof message === "string" ? message : message.slice();
    this.#line.push({ message: own, wake: () => {}, owner: this });
  }

  #queue(message: Waiting["message"], wait: SocketWait): Promise<Result<true>> {
    return park<Result<true>>(() => `send to ${this.#name}`, parkable(wait), (wake) => {
      const waiting: Waiting = { message, wake, owner: wait.owner };
      this.#line.push(waiting);
      this.#look = FIRST_LOOK;
      this.#lookLater();
      return () => {
        this.#line = this.#line.filter((other) => other !== waiting);
        this.#lookLater();
      };
    });
  }

  /** Hands over what there is room for, and looks again while something waits. */
  pump(): void {
    const { open } = this.#outlet;
    while (open && this.#line.length > 0 && this.#outlet.buffered <= this.#mark) {
      this.#handOver();
      this.#look = FIRST_LOOK;
    }
    this.#lookLater();
  }

  /** Hands over all that waits, for a close that comes behind it. */
  flush(): void {
    while (this.#line.length > 0) this.#handOver();
    this.#lookLater();
  }

  /** Nothing can be sent any more. */
  fail(err: IoError): void {
    for (const { wake } of this.#line.splice(0)) wake([null, err]);
    this.#lookLater();
  }

  #handOver(): void {
    const { message, wake } = this.#line.shift()!;
    this.#outlet.hand(message);
    wake([true, null]);
  }

  #lookLater(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#line.length === 0 || !this.#outlet.open) return;
    this.#timer = setTimeout(() => this.pump(), this.#look);
    this.#look = Math.min(2 * this.#look, LONGEST_LOOK);
  }
}
