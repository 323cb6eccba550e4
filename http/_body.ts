import {
  afterTurn,
  type Bytes,
  dying,
  fromOs,
  IoError,
  park,
  refusal,
  type Result,
} from "../core/mod.ts";
import type { Exchange } from "./_exchange.ts";
import type { BodyOptions } from "./types.ts";

/** Up to here a body is read in one step; its length is known and bounded. */
const SMALL = 64 * 1024;

/** A client that goes on and on is cut off. */
const MOST_DISCARDED = 16 * 1024 * 1024;

const EMPTY: Bytes = new Uint8Array(0);

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What an error of the request's own is answered with, unless the handler knows better. */
const STATUS_OF: Partial<Record<string, number>> = {
  too_long: 413,
  timeout: 408,
  bad_text: 400,
  protocol: 400,
};

/**
 * The length that a request announces for its body; `null` where it does not. Told twice, as
 * RFC 9112, 6.3, lets it be, it comes as a list of what is the same: that the runtime sees to.
 */
export function announced(request: Request): number | null {
  const header = request.headers.get("content-length");
  return header === null || !/^\d/.test(header) ? null : parseInt(header, 10);
}

/**
 * Reads on, to nowhere, after the answer was decided without the body: HTTP/2 would reset
 * the stream otherwise, answer and all. The runtime ends it soon, with the answer.
 */
export async function discard(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    for (let left = MOST_DISCARDED; left > 0;) {
      const step = await reader.read();
      if (step.done) return;
      left -= step.value.length;
    }
    await reader.cancel();
  } catch {
    // It was what everybody waited for.
  }
}

/** The standard request as it is, or with a body that breaks off where it grows too long. */
export function bounded(exchange: Exchange): Request {
  const { request, host } = exchange;
  const { method } = request;
  if (method === "GET" || method === "HEAD" || host.maxBody === Infinity) return request;
  // The server has looked at an announced length already, and the runtime holds to it.
  if (announced(request) !== null || request.body === null) return request;
  let left = host.maxBody;
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      left -= piece.length;
      if (left < 0) {
        exchange.fault(413);
        throw tooLong(exchange, host.maxBody);
      }
      controller.enqueue(piece);
    },
  });
  return new Request(request, { body: request.body.pipeThrough(limit) });
}

function tooLong(exchange: Exchange, max: number): IoError {
  const words = `Cannot read the body of ${exchange.name}: it is longer than ${max} bytes`;
  return new IoError("too_long", words);
}

/** The body of a request, read at most once. */
export class Body {
  readonly #exchange: Exchange;
  #bytes: Bytes | null = null;
  #failure: IoError | null = null;
  #reading = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  async read(maxsize: number | undefined, options: BodyOptions): Promise<Result<Bytes>> {
    const { maxBody, bodyTimeout } = this.#exchange.host;
    const max = Math.min(checkMax(maxsize ?? maxBody), maxBody);
    const refused = dying === 0 ? null : refusal();
    if (refused !== null) return await refused;
    if (this.#bytes !== null && this.#bytes.length <= max) return [this.#bytes, null];
    const { request } = this.#exchange;
    const never = this.#never(max, request);
    // It is the same however often it is asked for, so a loop must not spin in it.
    if (never !== null) return await afterTurn(this.#failed(never));
    if (request.body === null) return [this.#bytes = EMPTY, null];
    const timeout = options.timeout ?? bodyTimeout;
    this.#reading = this.#exchange.reading = true;
    try {
      const [bytes, err] = await this.#receive(max, { ...options, timeout });
      if (err !== null) return this.#failed(err);
      return [this.#bytes = bytes, null];
    } finally {
      this.#reading = this.#exchange.reading = false;
    }
  }

  /** Why nothing is to be read any more. */
  #never(max: number, request: Request): IoError | null {
    if (this.#failure !== null) return this.#failure;
    if (this.#bytes !== null) return tooLong(this.#exchange, max);
    if (!this.#reading && !request.bodyUsed) return null;
    return new IoError("busy", `${this.#action()}: it is being read already`);
  }

  async text(maxsize: number | undefined, options: BodyOptions): Promise<Result<string>> {
    const [bytes, err] = await this.read(maxsize, options);
    if (err !== null) return [null, err];
    try {
      return [utf8.decode(bytes), null];
    } catch (cause) {
      const words = `Cannot decode the body of ${this.#exchange.name}: it is not UTF-8`;
      return this.#failed(new IoError("bad_text", words, { cause }));
    }
  }

  async json(maxsize: number | undefined, options: BodyOptions): Promise<Result<unknown>> {
    const [text, err] = await this.text(maxsize, options);
    if (err !== null) return [null, err];
    try {
      return [JSON.parse(text), null];
    } catch {
      // The platform's error shows a piece of it.
      return this.#failed(new IoError("protocol", `${this.#action()}: it is no JSON`));
    }
  }

  async form(maxsize: number | undefined, options: BodyOptions): Promise<Result<FormData>> {
    const [bytes, err] = await this.read(maxsize, options);
    if (err !== null) return [null, err];
    const type = this.#exchange.request.headers.get("content-type") ?? "";
    try {
      return [await new Response(bytes, { headers: { "content-type": type } }).formData(), null];
    } catch (cause) {
      return this.#failed(new IoError("protocol", `${this.#action()}: it is no form`, { cause }));
    }
  }

  async #receive(max: number, options: BodyOptions): Promise<Result<Bytes>> {
    const { request } = this.#exchange;
    const length = announced(request);
    if (length !== null && length > max) {
      void discard(request.body!.getReader());
      return [null, tooLong(this.#exchange, max)];
    }
    if (length !== null && length <= SMALL) return await this.#wait(() => request.bytes(), options);
    const reader = request.body!.getReader();
    const pieces: Uint8Array[] = [];
    let size = 0;
    let whole = false;
    try {
      for (;;) {
        const [step, err] = await this.#wait(() => reader.read(), options);
        if (err !== null) return [null, err];
        if (step.done) break;
        size += step.value.length;
        if (size > max) return [null, tooLong(this.#exchange, max)];
        pieces.push(step.value);
      }
      whole = true;
    } finally {
      if (!whole) void discard(reader);
    }
    return [joined(pieces, size), null];
  }

  /** A read that nobody may wait for is not begun: its failure would be nobody's, and end the program. */
  #wait<T>(read: () => Promise<T>, options: BodyOptions): Promise<Result<T>> {
    return park<Result<T>>(() => `read the body of ${this.#exchange.name}`, options, (wake) => {
      read().then(
        (value) => wake([value, null]),
        (cause) => {
          const { message } = fromOs(cause, this.#action());
          wake([null, new IoError("reset", message, { cause })]);
        },
      );
      return () => {};
    });
  }

  /** Keeps what was wrong for the answer, and for later reads. */
  #failed<T>(err: IoError): Result<T> {
    const status = STATUS_OF[err.code];
    if (status !== undefined) this.#exchange.fault(status);
    if (err.code !== "busy" && this.#bytes === null) this.#failure = err;
    return [null, err];
  }

  #action(): string {
    return `Cannot read the body of ${this.#exchange.name}`;
  }
}

function joined(pieces: Uint8Array[], size: number): Bytes {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function checkMax(maxsize: number): number {
  if (typeof maxsize === "number" && maxsize >= 0) return maxsize;
  throw new TypeError(`body: maxsize must be a number of bytes: got ${maxsize}`);
}
