import { afterTurn } from "../core/mod.ts";
import { BufferedStream, type LinesOptions, type Source } from "../stream/mod.ts";
import type { Descriptor } from "./_descriptor.ts";
import type { Caller } from "./_question.ts";

/** A stream over a file from some place on: it reads ahead, and knows how far. */
export class Reader {
  readonly stream: BufferedStream;
  readonly #descriptor: Descriptor;
  readonly #caller: Caller = { gone: false, onGone: null };
  #ahead: number;

  constructor(descriptor: Descriptor, from: number, timeout: number) {
    this.#descriptor = descriptor;
    this.#ahead = from;
    const source: Source = {
      read: async (into) => {
        const count = await descriptor.read(this.#ahead, into, this.#caller);
        this.#ahead += count ?? 0;
        return count;
      },
      write: () => Promise.reject(new Error("Only reads")),
      end: () => Promise.resolve(),
      close: () => {
        this.#caller.gone = true;
      },
      keeps_alive: true,
    };
    this.stream = new BufferedStream(source, { name: descriptor.path, timeout });
    // A stream that is dropped is reported; this one is the file's, which is reported itself.
    descriptor.reader = this;
  }

  /** Where the next byte stands that nobody has been given. */
  get cursor(): number {
    return this.#ahead - this.stream.pending;
  }

  close(): void {
    if (this.#descriptor.reader === this) this.#descriptor.reader = null;
    this.stream.close_immediately();
  }
}

/** A file, as its line iterators see it. */
export interface LineFile {
  /** The reader in use; another one after the cursor was moved. */
  readonly reader: Reader | null;
  /** A new reader from the cursor on; throws the `IoError` of why there is none. */
  newReader(): Reader;
}

/** The lines of a file from its cursor on, wherever that has been moved in between. */
export class FileLines<T> implements AsyncIterableIterator<T> {
  readonly #file: LineFile;
  readonly #options: LinesOptions;
  #reader: Reader | null = null;
  #lines: AsyncIterator<T> | null = null;

  constructor(file: LineFile, options: LinesOptions) {
    this.#file = file;
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#lines === null || this.#file.reader !== this.#reader) {
      try {
        this.#reader = this.#file.newReader();
      } catch (error) {
        // In a turn of its own, as every failure that is known at once.
        return afterTurn(error).then((thrown) => {
          throw thrown;
        });
      }
      const options = this.#options as object;
      this.#lines = this.#reader.stream.lines(options) as AsyncIterator<unknown> as AsyncIterator<
        T
      >;
    }
    return this.#lines.next();
  }
}
