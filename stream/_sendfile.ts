import { type Bytes, IoError, park, type ReadResult, type Result } from "../core/mod.ts";
import type { SendWait } from "./_message.ts";
import type { Channel } from "./channel.ts";
import type { FileLike } from "./types.ts";

/** So much is read at once; one piece is read while the one before is sent. */
const PIECE = 128 * 1024;

/** What is to be sent. */
export interface FilePart {
  file: FileLike;
  offset: number;
  /** `undefined` for all to the end. */
  count: number | undefined;
}

/** Sends a part of a file, with nothing of others in between. */
export async function sendFile(
  channel: Channel,
  part: FilePart,
  wait: SendWait,
): Promise<Result<number>> {
  const { outgoing } = channel;
  const [turn, err] = await outgoing.takeTurn(wait);
  if (err !== null) return [null, err];
  let held = outgoing.corked ? outgoing.takeHeld() : [];
  let sent = 0;
  let whole = false;
  try {
    const pieces = new Pieces(channel.name, part, wait);
    for (;;) {
      const [piece, readError] = await pieces.next();
      if (readError !== null) return [null, after(readError, sent)];
      if (piece === null) break;
      const before = held;
      held = [];
      const [count, sendError] = await outgoing.sendAs(turn, [...before, piece]);
      if (sendError !== null) {
        const more = Math.max((sendError.sent ?? 0) - sizeOf(before), 0);
        return [null, after(sendError, sent + more)];
      }
      sent += count - sizeOf(before);
    }
    whole = true;
    return [sent, null];
  } finally {
    outgoing.giveBackHeld(held);
    outgoing.endTurn(turn, !whole && sent > 0);
  }
}

/** The pieces of a file; the next one is read ahead. */
class Pieces {
  readonly #name: string;
  readonly #part: FilePart;
  readonly #wait: SendWait;
  #at: number;
  /** Where it must not end before; `Infinity` while nobody knows. */
  #end: number;
  #known: boolean;
  #reading: Promise<ReadResult<Uint8Array>> | null = null;
  /** One is sent while the other is read into. */
  readonly #memory: [Bytes | null, Bytes | null] = [null, null];
  #turn: 0 | 1 = 0;

  constructor(name: string, part: FilePart, wait: SendWait) {
    this.#name = name;
    this.#part = part;
    this.#wait = wait;
    this.#at = part.offset;
    this.#known = part.count !== undefined;
    this.#end = part.offset + (part.count ?? Infinity);
  }

  async next(): Promise<ReadResult<Uint8Array>> {
    if (!this.#known) {
      const err = await this.#measure();
      if (err !== null) return [null, err];
    }
    if (this.#at >= this.#end) return [null, null];
    const [piece, err] = await (this.#reading ?? this.#read());
    this.#reading = null;
    if (err !== null) return [null, err];
    if (piece === null || piece.length === 0) return this.#ended();
    this.#at += piece.length;
    if (this.#at < this.#end) {
      this.#reading = this.#read();
      // Whoever gives up meanwhile does not look at it any more.
      this.#reading.catch(() => {});
    }
    return [piece, null];
  }

  /** Asks the file for its size, if it knows it. */
  async #measure(): Promise<IoError | null> {
    this.#known = true;
    const { file } = this.#part;
    if (file.size === undefined) return null;
    const [size, err] = await this.#bounded(() => file.size!());
    if (err !== null) return err;
    this.#end = size!;
    return null;
  }

  #read(): Promise<ReadResult<Uint8Array>> {
    const length = Math.min(PIECE, this.#end - this.#at);
    return this.#bounded(async () => {
      if (this.#part.file.read_into !== undefined) return await this.#readInto(length);
      const [piece, err] = await this.#part.file.read(length, this.#at);
      if (err !== null) return [null, err];
      if (piece === null || (piece instanceof Uint8Array && piece.length <= length)) {
        return [piece, null];
      }
      throw new TypeError(`read must give at most ${length} bytes: got ${describe(piece)}`);
    });
  }

  async #readInto(length: number): Promise<ReadResult<Uint8Array>> {
    const turn = this.#turn = this.#turn === 0 ? 1 : 0;
    const memory = this.#memory[turn] ??= new Uint8Array(Math.min(length, PIECE));
    const into = memory.subarray(0, length);
    const [count, err] = await this.#part.file.read_into!(into, this.#at);
    if (err !== null) return [null, err];
    return [count === null ? null : into.subarray(0, count), null];
  }

  /** Waits for the file no longer than a send may. */
  #bounded<T>(call: () => Promise<ReadResult<T>>): Promise<ReadResult<T>> {
    const { timeout, signal } = this.#wait;
    const options = signal === undefined ? { timeout } : { timeout, signal };
    return park<ReadResult<T>>(() => `read a file for ${this.#name}`, options, (wake) => {
      // A kill reaches the read too; this wait has thrown by then.
      Promise.resolve().then(call).then(wake, (cause) => {
        wake([null, new IoError("failed", "Cannot send a file: its read threw", { cause })]);
      });
      return () => {};
    });
  }

  #ended(): ReadResult<Uint8Array> {
    if (this.#end === Infinity) return [null, null];
    const { offset } = this.#part;
    const words = `Cannot send a file to ${this.#name}: it ended after ` +
      `${this.#at - offset} of ${this.#end - offset} bytes`;
    return [null, new IoError("eof", words)];
  }
}

function describe(piece: unknown): string {
  return piece instanceof Uint8Array ? `${piece.length}` : typeof piece;
}

function sizeOf(pieces: Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

/** An error that tells how much has left. */
function after(err: IoError, sent: number): IoError {
  const { code, message, cause, errno } = err;
  const options = errno === undefined ? { cause, sent } : { cause, sent, errno };
  return new IoError(code, message, options);
}
