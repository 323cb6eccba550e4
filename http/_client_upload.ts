import { type Bytes, IoError, type Result } from "../core/mod.ts";
import type { FileLike } from "../stream/mod.ts";
import {
  bytesStretch,
  fileStretch,
  type FormFields,
  hasFile,
  isFileLike,
  multipartOf,
  pairsOf,
  shrunk,
  type Stretch,
  textStretch,
} from "./_client_multipart.ts";

/** What can be read from as a web stream: a socket of ours, a child's pipe. */
export interface ReadableSide {
  /** All that comes, to the end. */
  readonly readable: ReadableStream<Uint8Array>;
}

/**
 * What a request can carry: text, bytes, a `Blob`, an open file of `eio` (from its
 * beginning, as long as it is then), a form, or what comes piece by piece: a stream of ours,
 * a web stream, an iterable. The last ones go out in chunks and can be sent only once.
 */
export type UploadData =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | FileLike
  | URLSearchParams
  | FormData
  | ReadableSide
  | ReadableStream<Uint8Array | string>
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array | string>;

/** Hears how far a transfer has come; `total` is `null` where nobody knows. */
export type Progress = (done: number, total: number | null) => unknown;

/** Why an upload breaks off that nobody waits for any more. */
const STOPPED = new IoError("closed", "Cannot send the body: the request is over");

/** Streams and iterators that a request has begun to send. They end empty, in silence, for the next. */
const spent = new WeakSet<object>();

/** At most so much is handed to the runtime at once. */
const PIECE = 64 * 1024;

/** What a request sends: counted, and made again for another try where that is possible. */
export class Upload {
  /** Its media type, where the data tells. */
  readonly type: string | null;
  /** Its length in bytes; `null` where only its end will tell. */
  readonly size: number | null;
  /** Whether it can be sent again. */
  readonly replayable: boolean;
  /** Called for each piece that leaves. */
  onPiece: (() => void) | null = null;
  /** Called with what a source failed with, or what code of the program threw (`failed`). */
  onFailure: ((err: IoError) => void) | null = null;
  readonly #pieces: () => AsyncIterator<Uint8Array>;
  readonly #progress: Progress | undefined;
  #begun = false;
  /** Where the try under way gets its pieces. */
  #source: AsyncIterator<Uint8Array> | null = null;

  constructor(
    type: string | null,
    size: number | null,
    replayable: boolean,
    pieces: () => AsyncIterator<Uint8Array>,
    progress: Progress | undefined,
  ) {
    this.type = type;
    this.size = size;
    this.replayable = replayable;
    this.#pieces = pieces;
    this.#progress = progress;
  }

  /** Whether another try can send it from its beginning. */
  get fresh(): boolean {
    return this.replayable || !this.#begun;
  }

  /**
   * What `fetch` is given. With its length it goes out under `Content-Length`. Bytes alone
   * would do too, but those the runtime sends a second time, by itself and whatever the
   * method, when a reused connection breaks after the first: of a stream it cannot.
   */
  body(): BodyInit {
    // Text would bring a type along that nobody asked for.
    if (this.size === 0) return new Uint8Array(0);
    if (this.size === null) return this.#stream();
    return new Sized(this.size, () => this.#stream());
  }

  /** Ends the try under way: its source is told, and what has left is not whole. */
  stop(): void {
    const source = this.#source;
    this.#source = null;
    source?.return?.().catch(() => {});
  }

  #stream(): ReadableStream<Bytes> {
    this.#begun = true;
    // The try before may still be told that nobody wants it: that is no end of this one.
    this.stop();
    const source = this.#source = this.#pieces();
    let done = 0;
    return new ReadableStream<Bytes>({
      pull: async (controller) => {
        try {
          const next = await source.next();
          if (source !== this.#source) return controller.error(STOPPED);
          if (next.done) return controller.close();
          done += next.value.length;
          controller.enqueue(next.value as Bytes);
          this.onPiece?.();
          await this.#progress?.(done, this.size);
        } catch (error) {
          const err = failed(error);
          controller.error(err);
          if (source === this.#source) this.onFailure?.(err);
        }
      },
      cancel: () => {
        if (source === this.#source) this.stop();
      },
    }, { highWaterMark: 0 });
  }
}

/** Bytes of a known length that are made when they are sent. `fetch` asks a `Blob` for both. */
class Sized extends Blob {
  readonly #size: number;
  readonly #make: () => ReadableStream<Bytes>;

  constructor(size: number, make: () => ReadableStream<Bytes>) {
    super([]);
    this.#size = size;
    this.#make = make;
  }

  override get size(): number {
    return this.#size;
  }

  override stream(): ReadableStream<Bytes> {
    return this.#make();
  }
}

/** Makes what is sent of what was given. */
export async function uploadOf(
  data: UploadData,
  progress: Progress | undefined,
): Promise<Result<Upload>> {
  if (typeof data === "string") {
    return made("text/plain;charset=UTF-8", [textStretch(data)], progress);
  }
  if (data instanceof Uint8Array) return made(null, [bytesStretch(data)], progress);
  if (data instanceof ArrayBuffer) {
    return made(null, [bytesStretch(new Uint8Array(data))], progress);
  }
  if (data instanceof Blob) {
    const type = data.type === "" ? null : data.type;
    return made(type, [{ blob: data, size: data.size }], progress);
  }
  if (data instanceof URLSearchParams) return encodedForm(data, progress);
  if (data instanceof FormData) return await formUpload(data, progress);
  if (isFileLike(data)) {
    const [file, err] = await fileStretch(data);
    return err === null ? made(null, [file], progress) : [null, err];
  }
  if (typeof data === "object" && data !== null) {
    if (Symbol.asyncIterator in data || Symbol.iterator in data) return comes(data, progress);
    if (data.readable instanceof ReadableStream) return comes(data.readable, progress);
  }
  throw new TypeError(`data must be text, bytes, a form, a file or a stream: got ${kind(data)}`);
}

/** A form, as aLiLua's tables: with a file in it `multipart/form-data`, else URL-encoded. */
export async function formUpload(
  form: FormFields | FormData,
  progress: Progress | undefined,
): Promise<Result<Upload>> {
  const pairs = pairsOf(form);
  if (!hasFile(pairs) && !(form instanceof FormData)) {
    const params = new URLSearchParams();
    for (const [name, value] of pairs) params.append(name, String(value));
    return encodedForm(params, progress);
  }
  const [multipart, err] = await multipartOf(pairs);
  if (err !== null) return [null, err];
  return made(multipart.type, multipart.stretches, progress);
}

/** JSON of anything that has one. */
export function jsonUpload(value: unknown, progress: Progress | undefined): Result<Upload> {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`json: ${kind(value)} has no JSON`);
  return made("application/json", [textStretch(text)], progress);
}

function encodedForm(params: URLSearchParams, progress: Progress | undefined): Result<Upload> {
  const type = "application/x-www-form-urlencoded;charset=UTF-8";
  return made(type, [textStretch(params.toString())], progress);
}

function made(
  type: string | null,
  stretches: Stretch[],
  progress: Progress | undefined,
): Result<Upload> {
  const size = stretches.reduce((sum, stretch) => sum + stretch.size, 0);
  return [new Upload(type, size, true, () => piecesOf(stretches), progress), null];
}

function comes(
  source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
  progress: Progress | undefined,
): Result<Upload> {
  if (spent.has(source)) {
    const words = "Cannot send the body: an earlier request began to send it, and it comes once";
    return [null, new IoError("unsupported", words)];
  }
  const once = source instanceof ReadableStream || "next" in source;
  const pieces = () => {
    if (once) spent.add(source);
    return comingPieces(source);
  };
  return [new Upload(null, null, false, pieces, progress), null];
}

async function* piecesOf(stretches: Stretch[]): AsyncGenerator<Uint8Array> {
  for (const stretch of stretches) {
    if ("bytes" in stretch) yield* cut(stretch.bytes);
    else if ("blob" in stretch) yield* stretch.blob.stream();
    else yield* filePieces(stretch.file, stretch.size);
  }
}

function* cut(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

async function* filePieces(file: FileLike, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size;) {
    const [piece, err] = await file.read(Math.min(PIECE, size - at), at);
    if (err !== null) throw err;
    if (piece === null) throw shrunk(size, at);
    at += piece.length;
    yield piece;
  }
}

async function* comingPieces(
  source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const piece of source) {
    const bytes = typeof piece === "string" ? encoder.encode(piece) : piece;
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError(`data: its pieces must be text or bytes: got ${kind(piece)}`);
    }
    if (bytes.length > 0) yield bytes;
  }
}

function failed(error: unknown): IoError {
  if (error instanceof IoError) return error;
  const words = error instanceof Error ? error.message : String(error);
  return new IoError("failed", `Cannot send the body: ${words}`, { cause: error });
}

function kind(value: unknown): string {
  return value === null ? "null" : typeof value;
}
