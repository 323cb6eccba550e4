import {
  type Bytes,
  IoError,
  type ReadResult,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { open } from "../eio/mod.ts";
import type { FileLike } from "../stream/mod.ts";
import { kindOf } from "./_check.ts";

/** So much is read at once. */
const PIECE = 128 * 1024;

/** A part of a file that is open. */
export interface FilePart {
  file: FileLike;
  offset: number;
  size: number;
  /** Closes what was opened for it. */
  close(): Promise<unknown>;
}

/** Opens a part of a file; throws where the caller could have known better. */
export async function openPart(
  file: string | FileLike,
  offset: number,
  count: number | undefined,
  options: WaitOptions,
): Promise<Result<FilePart>> {
  checkWhole(offset, "offset");
  if (count !== undefined) checkWhole(count, "count");
  if (typeof file !== "string") {
    if (typeof file?.read !== "function") {
      throw new TypeError(`sendfile wants a path or an open file: got ${kindOf(file)}`);
    }
    return await measured(file, offset, count, () => Promise.resolve());
  }
  const [handle, err] = await open(file, "r", options);
  if (err !== null) return [null, err];
  let opened = false;
  try {
    const part = await measured(handle as FileLike, offset, count, () => handle.close());
    opened = part[1] === null;
    return part;
  } finally {
    // Also where the handler was killed meanwhile.
    if (!opened) await handle.close();
  }
}

async function measured(
  file: FileLike,
  offset: number,
  count: number | undefined,
  close: () => Promise<unknown>,
): Promise<Result<FilePart>> {
  if (count !== undefined) return [{ file, offset, size: count, close }, null];
  if (file.size === undefined) {
    throw new TypeError("sendfile wants a count for a file that does not know its size");
  }
  const [whole, err] = await file.size();
  return err === null
    ? [{ file, offset, size: Math.max(whole - offset, 0), close }, null]
    : [null, err];
}

/** The part, piece by piece, each in memory of its own; an error ends it. */
export async function* piecesOf(
  { file, offset, size }: FilePart,
  options: WaitOptions,
): AsyncGenerator<Result<Bytes>> {
  for (let at = 0; at < size;) {
    const [piece, err] = await readPiece(file, Math.min(PIECE, size - at), offset + at, options);
    if (err !== null) return yield [null, err];
    if (piece === null || piece.length === 0) {
      const words = `Cannot send a file: it ended after ${at} of ${size} bytes`;
      return yield [null, new IoError("eof", words)];
    }
    yield [piece, null];
    at += piece.length;
  }
}

async function readPiece(
  file: FileLike,
  length: number,
  at: number,
  options: WaitOptions,
): Promise<ReadResult<Bytes>> {
  if (file.read_into === undefined) {
    const [piece, err] = await file.read(length, at);
    if (err !== null) return [null, err];
    return [piece === null ? null : piece.slice(), null];
  }
  const into = new Uint8Array(length);
  const read = file.read_into as (
    into: Bytes,
    at: number,
    options: WaitOptions,
  ) => Promise<ReadResult<number>>;
  const [count, err] = await read.call(file, into, at, options);
  if (err !== null) return [null, err];
  return [count === null ? null : into.subarray(0, count), null];
}

function checkWhole(value: number, name: string): void {
  if (typeof value !== "number") {
    throw new TypeError(`sendfile: ${name} must be a number: got ${kindOf(value)}`);
  }
  if (!Number.isInteger(value) || value < 0) {
    throw new RangeError(`sendfile: ${name} must be a whole number from 0: got ${value}`);
  }
}
