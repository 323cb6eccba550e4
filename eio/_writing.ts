import { fail, IoError, ok, type Result, type WaitOptions } from "../core/mod.ts";
import type { Place } from "./_cursor.ts";
import { type Descriptor, PIECE } from "./_descriptor.ts";
import type { Caller, Question } from "./_question.ts";

/** A write of all of some pieces. Every step moves the place: it may end at any of them. */
class Putting implements Question<number, Result<number>> {
  readonly #to: Descriptor;
  readonly #place: Place;
  readonly #pieces: Uint8Array[];
  readonly #options: WaitOptions;
  readonly #from: number;
  /** What is being written, and how much of it has been. */
  #index = 0;
  #done = 0;
  #sent = 0;

  constructor(to: Descriptor, place: Place, pieces: Uint8Array[], options: WaitOptions) {
    this.#to = to;
    this.#place = place;
    this.#pieces = pieces;
    this.#options = options;
    this.#from = place.at;
  }

  begin(): Promise<Result<number>> {
    return this.#to.operations.ask(this, this.#options);
  }

  what(): string {
    return this.#to.writing();
  }

  run(caller: Caller): Promise<number> {
    const bytes = this.#pieces[this.#index]!;
    const piece = bytes.length <= PIECE && this.#done === 0
      ? bytes
      : bytes.subarray(this.#done, this.#done + PIECE);
    return this.#to.write(this.#from + this.#sent, piece, caller);
  }

  answered(count: number): Result<number> | Promise<Result<number>> {
    this.#sent += count;
    this.#done += count;
    this.#place.at = this.#to.append ? this.#to.written : this.#from + this.#sent;
    if (this.#done === this.#pieces[this.#index]!.length) {
      this.#index += 1;
      this.#done = 0;
    }
    if (this.#index < this.#pieces.length) return this.begin();
    this.#place.leave();
    return ok(this.#sent);
  }

  failed({ code, message, cause, errno }: IoError): Result<number> {
    this.#place.leave();
    const sent = this.#sent;
    const more = errno === undefined ? { cause, sent } : { cause, sent, errno };
    return fail(new IoError(code, message, more));
  }

  killed(): void {
    this.#place.leave();
  }
}

/** Writes all of the pieces, none of which is empty, and gives how many bytes that was. */
export function put(
  to: Descriptor,
  place: Place,
  pieces: Uint8Array[],
  options: WaitOptions,
): Promise<Result<number>> {
  if (pieces.length > 0) return new Putting(to, place, pieces, options).begin();
  place.leave();
  return Promise.resolve(ok(0));
}
