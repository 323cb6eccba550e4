import { type Bytes, IoError } from "../core/mod.ts";
import type { Source } from "../stream/mod.ts";
import type { Body } from "./_client_body.ts";

/** A body as the foundation of a stream, which cannot be written to. */
export class BodySource implements Source {
  readonly keeps_alive = true;
  readonly #body: Body;
  readonly #what: string;
  readonly #close: () => void;

  constructor(body: Body, what: string, close: () => void) {
    this.#body = body;
    this.#what = what;
    this.#close = close;
  }

  async read(into: Bytes): Promise<number | null> {
    // A read of nobody's: it goes on when the thread that waited for it is killed.
    while (this.#body.empty) await new Promise<void>((resolve) => this.#body.tell(resolve));
    const [piece, err] = this.#body.take()!;
    if (err !== null) throw err;
    if (piece === null) return null;
    if (piece.length > into.length) this.#body.unread(piece.subarray(into.length));
    const part = piece.subarray(0, into.length);
    into.set(part);
    return part.length;
  }

  write(): Promise<number> {
    return Promise.reject(this.#refusal("send to"));
  }

  end(): Promise<void> {
    return Promise.reject(this.#refusal("end"));
  }

  close(): void {
    this.#close();
  }

  #refusal(action: string): IoError {
    return new IoError("unsupported", `Cannot ${action} the body of ${this.#what}: it only comes`);
  }
}
