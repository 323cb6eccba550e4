/** Checks of what callers hand in. */
import {
  bytesOf,
  checkTimeout,
  type Codec,
  codecOf,
  type Encoding,
  partsOf,
  type Payload,
  type WaitOptions,
} from "../core/mod.ts";

const NO_OPTIONS = Object.freeze({});

/** Splits `(offset, options)`, of which either may be left out. */
export function offsetAnd<O extends WaitOptions>(
  offset: number | null | undefined | O,
  options: O | undefined,
): [offset: number | null, options: O] {
  if (typeof offset === "object" && offset !== null) return [null, checked(offset)];
  if (offset !== null && offset !== undefined) checkBytes(offset, "offset");
  return [offset ?? null, options === undefined ? NO_OPTIONS as O : checked(options)];
}

function checked<O extends WaitOptions>(options: O): O {
  if (options.timeout !== undefined) checkTimeout(options.timeout);
  return options;
}

/** Throws unless `value` is a whole number of bytes, 0 or more. */
export function checkBytes(value: number, name: string): void {
  if (typeof value !== "number") {
    throw new TypeError(`${name} must be a number of bytes: got ${typeof value}`);
  }
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${name} must be 0 or more bytes: got ${value}`);
  }
}

/** Throws unless it is memory to read into. */
export function checkMemory(into: Uint8Array): void {
  if (into instanceof Uint8Array) return;
  throw new TypeError(`read_into: into must be a Uint8Array: got ${typeof into}`);
}

/**
 * The pieces of bytes that `data` stands for, none of them empty; throws `TypeError` for
 * what cannot be written.
 */
export function bytesToWrite(data: Payload, codec: Codec, encoding?: Encoding): Uint8Array[] {
  const used = encoding === undefined ? codec : codecOf(encoding);
  if (data instanceof Uint8Array) return data.length > 0 ? [data] : [];
  let parts;
  try {
    parts = partsOf(data, used);
  } catch (error) {
    // The words of a socket.
    throw error instanceof TypeError
      ? new TypeError(error.message.replace(/^send/, "write"))
      : error;
  }
  const list = Array.isArray(parts) ? parts : [parts];
  const pieces = list.map((part) => typeof part === "string" ? bytesOf(part, used) : part)
    .filter((piece) => piece.length > 0);
  return pieces.length > 1 ? gathered(pieces) : pieces;
}

/** Small pieces are written at once: each call costs a way to another thread and back. */
const SMALL = 64 * 1024;

function gathered(pieces: Uint8Array[]): Uint8Array[] {
  const out: Uint8Array[] = [];
  let run: Uint8Array[] = [];
  let length = 0;
  const flush = () => {
    if (run.length > 0) out.push(run.length === 1 ? run[0]! : joined(run, length));
    run = [];
    length = 0;
  };
  for (const piece of pieces) {
    if (length + piece.length > SMALL) flush();
    run.push(piece);
    length += piece.length;
  }
  flush();
  return out;
}

/** One array of many. */
export function joined(pieces: Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
