import {
  atOnce,
  behindTurn,
  type Codec,
  due,
  type Inbox,
  IoError,
  lineOrRest,
  type Taken,
} from "../core/mod.ts";

/** What the iterators need of a stream. */
export interface LineSource {
  /** The inbox, if nobody waits on it and a fast look is allowed; else `null`. */
  readonly atHand: () => Inbox | null;
  readonly receive: (pattern: ReturnType<typeof lineOrRest>) => Promise<Taken>;
}

type Step<T> = IteratorResult<T, undefined>;

const END: Step<never> = { done: true, value: undefined };

/** Lines one by one. Written by hand: a generator would cost more than the line. */
export class LineIterator<T> implements AsyncIterableIterator<T> {
  protected readonly source: LineSource;
  protected readonly codec: Codec;
  protected readonly max: number;

  constructor(source: LineSource, codec: Codec, max: number) {
    this.source = source;
    this.codec = codec;
    this.max = max;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step<T>> {
    const line = this.source.atHand()?.line(this.codec.line, this.max);
    if (line === undefined || line instanceof IoError) return this.wait();
    const step: Step<T> = { done: false, value: line as T };
    return due() ? behindTurn(step) : Promise.resolve(step);
  }

  protected async wait(): Promise<Step<T>> {
    const [value, err] = await this.source.receive(lineOrRest(this.codec, this.max));
    if (err !== null) throw err;
    return value === null ? END : { done: false, value: value as T };
  }
}

/** Lines in arrays of those at hand. */
export class BatchIterator<T> extends LineIterator<T[]> {
  override next(): Promise<Step<T[]>> {
    const lines: T[] = [];
    this.#gather(lines);
    return lines.length > 0 ? atOnce<Step<T[]>>({ done: false, value: lines }) : this.wait();
  }

  protected override async wait(): Promise<Step<T[]>> {
    const [value, err] = await this.source.receive(lineOrRest(this.codec, this.max));
    if (err !== null) throw err;
    if (value === null) return END;
    const lines = [value as T];
    this.#gather(lines);
    return { done: false, value: lines };
  }

  #gather(lines: T[]): void {
    const inbox = this.source.atHand();
    if (inbox === null) return;
    for (;;) {
      const line = inbox.line(this.codec.line, this.max);
      // What is wrong with a line is said by the next step.
      if (line === undefined || line instanceof IoError) return;
      lines.push(line as T);
    }
  }
}
