import {
  Asked,
  cancelled,
  type Codec,
  IoError,
  type Part,
  type Result,
  type ThreadKilled,
} from "../core/mod.ts";
import type { Outgoing } from "./_outgoing.ts";

/** How a send waits. */
export interface SendWait {
  /** Milliseconds without progress; 0 for no limit. */
  timeout: number;
  signal: AbortSignal | undefined;
  /** Kept from being collected while it waits. */
  owner: object;
}

/** One send, one end of the sending side, or one wait for a turn. */
export class Message extends Asked<Result<number>> {
  /** Data, the end of the sending side, or the wait for a turn of one's own. */
  readonly what: "data" | "end" | "turn";
  readonly parts: Part | Part[] | null;
  readonly codec: Codec | null;
  readonly wait: SendWait;
  /** Its caller has its answer. */
  over = false;
  /** Its place among all bytes gathered, once it is in the batch. */
  startAt = Infinity;
  endAt = Infinity;
  readonly #outgoing: Outgoing;
  readonly #name: string;

  constructor(
    outgoing: Outgoing,
    name: string,
    what: "data" | "end" | "turn",
    parts: Part | Part[] | null,
    codec: Codec | null,
    wait: SendWait,
  ) {
    super();
    this.what = what;
    this.#outgoing = outgoing;
    this.#name = name;
    this.parts = parts;
    this.codec = codec;
    this.wait = wait;
  }

  /** Its bytes; 0 while it is not gathered. */
  get size(): number {
    return this.endAt === Infinity ? 0 : this.endAt - this.startAt;
  }

  override describe(): string {
    return `send ${this.#name}`;
  }

  override kill(error: ThreadKilled): void {
    this.#outgoing.killed(this);
    this.reject(error);
  }

  /** Its signal was aborted. The listener is the object itself: a closure each would cost. */
  handleEvent(): void {
    const { signal } = this.wait;
    this.#outgoing.giveUp(
      this,
      (sent) => {
        const { message, cause } = cancelled(`send to ${this.#name}`, signal!);
        return new IoError("cancelled", message, { cause, sent });
      },
    );
  }
}
