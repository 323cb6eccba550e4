import { setImmediate } from "node:timers";
import type { Packet } from "./_packet.ts";

/** One way to another thread or process: what is posted in one turn goes as one batch. */
export class Link {
  readonly #post: (batch: Packet[], moved: Transferable[]) => void;
  #batch: Packet[] = [];
  #closed = false;

  constructor(post: (batch: Packet[], moved: Transferable[]) => void) {
    this.#post = post;
  }

  post(packet: Packet): void {
    if (this.#closed) return;
    if (this.#batch.push(packet) === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    const batch = this.#batch;
    if (this.#closed || batch.length === 0) return;
    this.#batch = [];
    this.#post(batch, batch.flatMap((packet) => "moved" in packet ? packet.moved : []));
  }

  close(): void {
    this.#closed = true;
    this.#batch = [];
  }
}
