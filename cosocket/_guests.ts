import type { Channel } from "../stream/mod.ts";
import type { Transport } from "./_transport.ts";
import { type Member, Pool } from "./pool.ts";

/** The connections of one server: a pool that nobody asks, which counts what is open. */
export class Guests extends Pool {
  readonly members: Set<Member> = new Set();
  readonly #left: () => void;

  /** Calls `left` whenever a connection has gone. */
  constructor(name: string, left: () => void) {
    super(name);
    this.#left = left;
  }

  override opened(channel: Channel, transport: Transport): Member {
    const member = super.opened(channel, transport);
    this.members.add(member);
    return member;
  }

  override leave(member?: Member): void {
    if (member !== undefined) this.members.delete(member);
    this.#left();
  }
}
