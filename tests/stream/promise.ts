/**
 * The first promise as a property: what all successful receives return, joined, is the
 * source; nothing lost, nothing twice, whatever gave up in between.
 */
import { assert, assertEquals } from "@std/assert";
import type { BufferedStream, IoError } from "../../stream/mod.ts";
import { kill, newthread, wait } from "../../thread/mod.ts";

/** A generator of numbers from 0 to 1 that a seed determines (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Bytes with many line ends, lone CRs and boundary-like runs in them. */
export function source(next: () => number, length: number): Uint8Array<ArrayBuffer> {
  const alphabet = [10, 10, 13, 45, 45, 45, 97, 98, 195, 169, 255, 0];
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length;) {
    // Runs without a line end, so that lines of all lengths come up.
    const run = next() < 0.02 ? Math.floor(next() * 3_000) : 1;
    for (let n = 0; n < run && i < length; n++) bytes[i++] = 120;
    if (i < length) bytes[i++] = alphabet[Math.floor(next() * alphabet.length)]!;
  }
  return bytes;
}

/** How time passes while a receive waits: real, or faked. */
export type Pass = () => Promise<void>;

/**
 * Receives everything with random patterns, giving up at random, and holds what was
 * received against what is left of the source after each step.
 */
export async function receiveAll(
  stream: BufferedStream,
  bytes: Uint8Array,
  next: () => number,
  pass: Pass,
): Promise<{ steps: number; givenUp: number }> {
  let at = 0;
  let steps = 0;
  let givenUp = 0;
  const expectNext = (got: Uint8Array, what: string) => {
    const wanted = bytes.subarray(at, at + got.length);
    assert(
      got.length === wanted.length && got.every((byte, i) => byte === wanted[i]),
      `${what} at ${at} of ${bytes.length}: the bytes are not the next ones`,
    );
    at += got.length;
  };
  const pick = (most: number) => 1 + Math.floor(next() * most);

  for (;;) {
    steps += 1;
    assert(steps < 50 * bytes.length + 1_000, "it makes no progress");
    const timeout = next() < 0.5 ? pick(20) : 0;
    const options = { encoding: "bytes" as const, timeout, max: 1 << 20 };
    const how = next();
    const aborter = new AbortController();
    const signalled = how < 0.1 ? { ...options, signal: aborter.signal } : options;
    let last: boolean | undefined;
    let call: () => Promise<readonly [unknown, IoError | null]>;
    let accept: (value: Uint8Array) => void;
    const kind = Math.floor(next() * 8);
    if (kind === 0) {
      call = () => stream.receive("*l", signalled);
      accept = (line) => {
        expectNext(line, "line");
        if (bytes[at] === 13 && bytes[at + 1] === 10) at += 1;
        assertEquals(bytes[at], 10, `a line that ends at ${at} has no line feed behind it`);
        at += 1;
      };
    } else if (kind === 1) {
      const count = pick(200);
      call = () => stream.receive(count, signalled);
      accept = (piece) => {
        assertEquals(piece.length, count);
        expectNext(piece, "count");
      };
    } else if (kind === 2) {
      const count = pick(2_000);
      call = () => stream.receive(Math.min(count, bytes.length - at || 1), signalled);
      accept = (piece) => expectNext(piece, "large count");
    } else if (kind === 3) {
      const most = pick(500);
      call = () => stream.receiveany(most, signalled);
      accept = (piece) => {
        assert(piece.length >= 1 && piece.length <= most);
        expectNext(piece, "any");
      };
    } else if (kind === 4) {
      const count = pick(50);
      call = () => stream.peek(count, signalled);
      accept = (piece) => {
        const before = at;
        expectNext(piece, "peek");
        at = before;
      };
    } else {
      const boundary = kind === 5 ? "--" : kind === 6 ? "\n-" : "ab";
      const inclusive = next() < 0.5;
      const size = next() < 0.5 ? 2 + pick(100) : undefined;
      const mark = new TextEncoder().encode(boundary);
      call = async () => {
        if (size === undefined) {
          return await stream.receiveuntil(boundary, { ...signalled, inclusive });
        }
        const piece = await stream.receiveuntil(boundary, { ...signalled, inclusive, size });
        last = piece[2];
        return [piece[0], piece[1]] as const;
      };
      accept = (piece) => {
        if (size !== undefined) assert(piece.length <= size);
        expectNext(piece, "until");
        if (inclusive || last === false) return;
        expectNext(mark, "boundary");
      };
    }

    const reader = newthread(call);
    const waits = () => reader.state.startsWith("receive");
    if (!waits()) {
      // It was met from what is at hand; a kill now would hit a thread that has its answer.
    } else if (how < 0.1) {
      if (next() < 0.5) await pass();
      aborter.abort();
    } else if (how < 0.2) {
      if (next() < 0.5) await pass();
      if (waits()) kill(reader);
    } else if (how < 0.3) {
      if (next() < 0.5) await pass();
      stream.interrupt();
    }
    let result: Awaited<ReturnType<typeof call>> | null = null;
    const done = wait(reader).then((outcome) => result = outcome as typeof result);
    while (result === null) {
      await pass();
      if (result === null) await Promise.race([done, pass()]);
    }
    const [value, err] = result as Awaited<ReturnType<typeof call>>;
    if (err !== null) {
      givenUp += 1;
      if (err.code !== "eof") {
        assert(["timeout", "cancelled", "killed"].includes(err.code), err.code);
        continue;
      }
      // The end: the rest is fetched, and that is all.
      const [rest, restErr] = await stream.receive("*a", { encoding: "bytes" });
      assertEquals(restErr, null);
      expectNext(rest!, "rest");
    } else if (value !== null) {
      accept(value as Uint8Array);
      continue;
    }
    assertEquals(at, bytes.length, "the stream ended before the source did");
    assertEquals(await stream.receiveany(), [null, null]);
    return { steps, givenUp };
  }
}
