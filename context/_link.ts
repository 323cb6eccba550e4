import { setImmediate } from "node:timers";
import { checkForProcess, checkTransfer, copy, uncopyable } from "./_copy.ts";
import type { Batch, Mail, Packet } from "./_packet.ts";

/** A batch of so many entries does not wait for the end of the turn: the receiver can begin. */
const LONGEST_BATCH = 1024;
/** So many bytes are moved instead of copied once more; below, copying is quicker. */
const MANY_BYTES = 4096;

/** One way to another thread or process: what is posted in one turn goes as one batch. */
export class Link {
  readonly isolated: boolean;
  /** Counts the batches that have gone: what was posted in this round can still be changed. */
  round = 0;
  readonly #post: (batch: Batch, moved: Transferable[]) => void;
  #batch: Batch = [];
  #moved: Transferable[] = [];
  #closed = false;

  constructor(isolated: boolean, post: (batch: Batch, moved: Transferable[]) => void) {
    this.isolated = isolated;
    this.#post = post;
  }

  post(packet: Packet): void {
    if (this.#closed) return;
    if (this.#batch.push(packet) === 1) this.#soon();
  }

  /**
   * Posts mail, and moves `moved` along. A value that is not `ours` is copied before this
   * returns; what cannot be copied throws a TypeError, and nothing is posted.
   */
  mail(mail: Mail, moved: Transferable[], ours: boolean): void {
    if (this.#closed) return;
    if (this.isolated) this.#mailToProcess(mail, moved, ours);
    else if (ours) this.#push(mail, moved);
    else this.#mailAtOnce(mail, moved);
  }

  flush(): void {
    const batch = this.#batch;
    const moved = this.#moved;
    if (this.#closed || batch.length === 0) return;
    this.#batch = [];
    this.#moved = [];
    this.round++;
    this.#post(batch, moved);
  }

  close(): void {
    this.#closed = true;
    this.#batch = [];
    this.#moved = [];
  }

  #soon(): void {
    setImmediate(() => this.flush());
  }

  #push({ kind, to, from, via, session, value }: Mail, moved: Transferable[]): void {
    const { length } = this.#batch;
    if (moved.length > 0) {
      this.#batch.push({ k: "moving", moved });
      this.#moved.push(...moved);
    } else if (
      value instanceof Uint8Array && value.length >= MANY_BYTES &&
      value.buffer instanceof ArrayBuffer
    ) this.#moved.push(value.buffer);
    this.#batch.push(kind, to, from, via, session, value);
    if (length >= LONGEST_BATCH) this.flush();
    else if (length === 0) this.#soon();
  }

  /** The port makes the one copy that is needed, and says what cannot be copied. */
  #mailAtOnce({ kind, to, from, via, session, value }: Mail, moved: Transferable[]): void {
    this.flush();
    this.round++;
    const batch: Batch = [kind, to, from, via, session, value];
    if (moved.length > 0) batch.unshift({ k: "moving", moved });
    try {
      this.#post(batch, moved);
    } catch (cause) {
      throw uncopyable(cause);
    }
  }

  /** Its channel copies later, and what cannot be copied is an error of the whole process. */
  #mailToProcess(mail: Mail, moved: Transferable[], ours: boolean): void {
    if (ours) {
      checkForProcess(mail.value);
      return this.#push(mail, []);
    }
    checkTransfer(moved);
    const [value] = copy(mail.value);
    checkForProcess(value);
    this.#push({ ...mail, value }, []);
  }
}
