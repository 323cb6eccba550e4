/** The first message of a TLS client, as far as it must be read to know whom it asks for. */

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;

/** The version and the random bytes, before the lists. */
const FIXED = 2 + 32;

/** A hello may be so long; one with keys for the days after this is a few thousand bytes. */
const LARGEST = 16 * 1024;

/** It may be cut into so many records; a client that cuts finer would cost too much to follow. */
const MOST_RECORDS = 16;

/** What the bytes at hand tell: the name asked for, or how many more must be there first. */
export type Hello = { name: string | null } | { needs: number };

/**
 * Looks for the name (SNI) in the first bytes of a connection. What is no proper hello has
 * no name: the TLS layer has words for it. RFC 8446 (4.1.2, 5.1), RFC 6066 (3).
 */
export function readHello(bytes: Uint8Array): Hello {
  const message: number[] = [];
  let wanted = 4;
  let records = 0;
  for (let at = 0; message.length < wanted;) {
    if (++records > MOST_RECORDS) return { name: null };
    if (bytes.length < at + 5) return { needs: at + 5 };
    if (bytes[at] !== HANDSHAKE) return { name: null };
    const end = at + 5 + (bytes[at + 3]! << 8 | bytes[at + 4]!);
    if (bytes.length < end) return { needs: end };
    message.push(...bytes.subarray(at + 5, end));
    at = end;
    if (message.length < 4) continue;
    if (message[0] !== CLIENT_HELLO) return { name: null };
    wanted = 4 + (message[1]! << 16 | message[2]! << 8 | message[3]!);
    if (wanted > LARGEST) return { name: null };
  }
  return { name: nameIn(new Reader(Uint8Array.from(message.slice(4, wanted)))) };
}

function nameIn(hello: Reader): string | null {
  hello.skip(FIXED);
  hello.take(1);
  hello.take(2);
  hello.take(1);
  for (const extensions = hello.take(2); extensions.left > 0;) {
    const type = extensions.number(2);
    const content = extensions.take(2);
    if (type !== SERVER_NAME) continue;
    const names = content.take(2);
    return names.number(1) === 0 ? names.take(2).text() : null;
  }
  return null;
}

/** Reads numbers and lists; beyond the end there are zeros and nothing. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  skip(count: number): void {
    this.#at = Math.min(this.#at + count, this.#bytes.length);
  }

  number(size: number): number {
    let value = 0;
    for (let n = 0; n < size; n++) value = value << 8 | (this.#bytes[this.#at + n] ?? 0);
    this.skip(size);
    return value;
  }

  /** A list behind its length, of so many bytes. */
  take(size: number): Reader {
    const length = this.number(size);
    const list = new Reader(this.#bytes.subarray(this.#at, this.#at + length));
    this.skip(length);
    return list;
  }

  /** What is left, as a name: letters of it that are large are small ones. */
  text(): string | null {
    const text = String.fromCharCode(...this.#bytes.subarray(this.#at));
    return /^[\x21-\x7e]+$/.test(text) ? text.toLowerCase() : null;
  }
}
