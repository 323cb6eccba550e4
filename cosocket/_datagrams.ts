import { Buffer } from "node:buffer";
import {
  afterTurn,
  atOnce,
  type Bytes,
  type Codec,
  decode,
  IoError,
  park,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";

/** A datagram, and where it came from. */
export interface Datagram {
  bytes: Bytes;
  ip: string;
  port: number;
}

/** What is received, with the socket's encoding. */
export type Received = [data: Bytes | string, from: { ip: string; port: number }];

/**
 * The datagrams that have come and that nobody has received.
 *
 * The runtime pushes them: they cannot be left in the kernel. So many wait here, and those
 * that come when it is full are dropped and counted, as the kernel itself would do.
 */
export class Datagrams {
  /** How many were dropped. */
  dropped = 0;
  /** Called when somebody begins to wait, and when nobody does any more. */
  onWait: (waits: boolean) => void = () => {};
  readonly #most: number;
  readonly #mostBytes: number;
  readonly #queue: Datagram[] = [];
  #bytes = 0;
  #reader: { codec: Codec; wake: (result: Result<Received>) => void } | null = null;

  constructor(most: number, mostBytes: number) {
    this.#most = most;
    this.#mostBytes = mostBytes;
  }

  /** Datagrams at hand. */
  get pending(): number {
    return this.#queue.length;
  }

  /** Somebody waits. */
  get busy(): boolean {
    return this.#reader !== null;
  }

  /** One has come. */
  put(datagram: Datagram): void {
    const full = this.#queue.length >= this.#most ||
      this.#bytes + datagram.bytes.length > this.#mostBytes;
    if (full && this.#reader === null) {
      this.dropped += 1;
      return;
    }
    this.#queue.push(datagram);
    this.#bytes += datagram.bytes.length;
    const reader = this.#reader;
    if (reader === null) return;
    this.#forget();
    reader.wake(this.#take(reader.codec));
  }

  /** Takes the oldest, or waits for one. */
  receive(name: string, codec: Codec, wait: WaitOptions): Promise<Result<Received>> {
    const fail = (code: "busy", why: string) =>
      afterTurn<Result<Received>>([
        null,
        new IoError(code, `Cannot receive from ${name}: ${why}`),
      ]);
    if (this.#reader !== null) return fail("busy", "another receive is waiting");
    if (this.#queue.length > 0 && wait.signal?.aborted !== true) {
      const taken = this.#take(codec);
      return taken[1] === null ? atOnce(taken) : afterTurn(taken);
    }
    return park<Result<Received>>(() => `receive from ${name}`, wait, (wake) => {
      this.#reader = { codec, wake };
      this.onWait(true);
      return () => this.#forget();
    });
  }

  /** Answers who waits with an error; false if nobody does. */
  giveUp(err: IoError): boolean {
    const reader = this.#reader;
    if (reader === null) return false;
    this.#forget();
    reader.wake([null, err]);
    return true;
  }

  #forget(): void {
    this.#reader = null;
    this.onWait(false);
  }

  /** The oldest, decoded; one that cannot be decoded stays. */
  #take(codec: Codec): Result<Received> {
    const { bytes, ip, port } = this.#queue[0]!;
    const data = codec.data === "bytes"
      ? bytes
      : decode(viewOf(bytes), 0, bytes.length, codec.data);
    if (data instanceof IoError) return [null, data];
    this.#queue.shift();
    this.#bytes -= bytes.length;
    return [[data, { ip, port }], null];
  }
}

function viewOf(bytes: Bytes): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
