/**
 * The first promise as a property: what all successful receives return, joined, is the
 * source; nothing lost, nothing twice, whatever gave up in between.
 */
import { assert, assertEquals } from "@std/assert";
import type { BufferedStream, Encoding, IoError, NamedEncoding } from "../../stream/mod.ts";
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

const LF = 10;
const CR = 13;

const BOUNDARIES = ["--", "\n-", "aab", "\r\n", "é-"];

const WORDS = [
  "\n",
  "\n",
  "\r\n",
  "\r",
  "\r\r\n",
  "-",
  "--",
  "a",
  "aab",
  "aaab",
  "x",
  "é",
  "€",
  "😀",
];
const BINARY = [[0xff], [0], [0xc3], [0xef, 0xbb, 0xbf], [0x81, 0x30], [0xe2, 0x82]];

const encoder = new TextEncoder();

/** Bytes full of line ends, boundaries and their beginnings; half of all seeds give UTF-8. */
export function source(next: () => number, length: number): Uint8Array<ArrayBuffer> {
  const words = WORDS.map((word) => encoder.encode(word));
  if (next() < 0.5) words.push(...BINARY.map((bytes) => new Uint8Array(bytes)));
  const bytes = new Uint8Array(length).fill(120);
  for (let at = 0; at < length;) {
    // Now and then a run without any of them, so that lines of all lengths come up.
    if (next() < 0.002) at += Math.floor(next() * 3_000);
    const word = words[Math.floor(next() * words.length)]!;
    if (at + word.length <= length) bytes.set(word, at);
    at += word.length;
  }
  return bytes;
}

/** Lets time pass while a receive waits: real, or faked. */
export type Pass = () => Promise<void>;

/** How often each thing happened. */
export type Counts = Record<string, number>;

type Answer = readonly [value: unknown, err: IoError | null, last?: boolean];

/** Something asked for, and what the source says that its answer must be. */
interface Question {
  what: string;
  encoding: Encoding;
  ask(options: { timeout: number; signal: AbortSignal }): Promise<Answer>;
  /** Throws unless `given` is right at `at`; gives the place behind what it consumes. */
  check(given: Uint8Array, at: number, last: boolean | undefined): number;
}

function find(bytes: Uint8Array, what: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(what[0]!, from); at >= 0; at = bytes.indexOf(what[0]!, at + 1)) {
    if (what.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return Infinity;
}

function equal(given: Uint8Array, wanted: Uint8Array): boolean {
  return given.length === wanted.length && given.every((byte, i) => byte === wanted[i]);
}

/** Where a line that begins at `at` ends, and where the next one begins. */
function lineAt(bytes: Uint8Array, at: number): [end: number, next: number] {
  const lf = bytes.indexOf(LF, at);
  if (lf < 0) return [bytes.length, bytes.length];
  return [lf > at && bytes[lf - 1] === CR ? lf - 1 : lf, lf + 1];
}

/** The bytes that were received: what a receive gave, turned back. */
function bytesOf(value: unknown, encoding: Encoding): Uint8Array {
  if (typeof value !== "string") return value as Uint8Array;
  if (encoding !== "latin1") return encoder.encode(value);
  return Uint8Array.from(value, (character) => character.charCodeAt(0));
}

const ENCODINGS: NamedEncoding[] = ["lines", "utf-8", "latin1", "bytes"];

/** Asks something at random. */
function question(
  stream: BufferedStream<Encoding>,
  own: Encoding,
  bytes: Uint8Array,
  at: number,
  next: () => number,
): Question {
  const pick = (most: number) => 1 + Math.floor(next() * most);
  const ownEncoding = next() < 0.5;
  const encoding = ownEncoding ? own : ENCODINGS[Math.floor(next() * ENCODINGS.length)]!;
  // Left out, the stream's own holds: the types cannot say both at once.
  const more = (ownEncoding ? {} : { encoding }) as { encoding: Encoding };
  const exactly = (to: number) => (given: Uint8Array) => {
    assert(equal(given, bytes.subarray(at, to)), `not the bytes from ${at} to ${to}`);
    return to;
  };
  const oneLine = (given: Uint8Array) => {
    const [end, behind] = lineAt(bytes, at);
    exactly(end)(given);
    return behind;
  };
  const kind = Math.floor(next() * 9);
  if (kind === 0) {
    const ask: Question["ask"] = (options) => stream.receive("*l", { ...options, ...more });
    // The hot path takes no options at all.
    const bare = ownEncoding && next() < 0.5;
    return { what: "*l", encoding, ask: bare ? () => stream.receive() : ask, check: oneLine };
  }
  if (kind === 1) {
    const ask: Question["ask"] = async (options) => {
      const { value = null } = await stream.lines({ ...options, ...more }).next();
      return [value, null];
    };
    return { what: "lines()", encoding, ask, check: oneLine };
  }
  if (kind === 2) {
    const ask: Question["ask"] = async (options) => {
      const lines = stream.lines({ ...options, ...more, batch: true });
      const { value } = await lines.next();
      if (value === undefined) return [null, null];
      const parts = (value as unknown[]).map((line) => [...bytesOf(line, encoding), LF]);
      return [Uint8Array.from(parts.flat()), null];
    };
    const check = (given: Uint8Array) => {
      let behind = at;
      for (let from = 0; from < given.length;) {
        const [end, afterLine] = lineAt(bytes, behind);
        const line = bytes.subarray(behind, end);
        assert(equal(given.subarray(from, from + line.length), line), "not the next line");
        from += line.length + 1;
        behind = afterLine;
      }
      return behind;
    };
    return { what: "lines({ batch })", encoding, ask, check };
  }
  if (kind === 3) {
    const count = next() < 0.8 ? pick(100) : pick(Math.min(5_000, bytes.length - at || 1));
    return {
      what: `${count} bytes`,
      encoding,
      ask: (options) => stream.receive(count, { ...options, ...more }),
      check: exactly(at + count),
    };
  }
  if (kind === 4) {
    const max = 3 + pick(500);
    const check = (given: Uint8Array) => {
      assert(given.length >= 1 && given.length <= max, `${given.length} of at most ${max}`);
      return exactly(at + given.length)(given);
    };
    const ask: Question["ask"] = (options) => stream.receiveany(max, { ...options, ...more });
    if (max % 2 === 0) return { what: "any", encoding, ask, check };
    const into: Question["ask"] = async (options) => {
      const memory = new Uint8Array(max);
      const [count, err] = await stream.receive_into(memory, options);
      if (count === null) return err === null ? [null, null] : [null, err];
      return [memory.subarray(0, count), null];
    };
    return { what: "into", encoding: "bytes", ask: into, check };
  }
  if (kind === 5) {
    const count = pick(50);
    const check = (given: Uint8Array) => (exactly(at + count)(given), at);
    return {
      what: "peek",
      encoding: "bytes",
      ask: (options) => stream.peek(count, options),
      check,
    };
  }
  const mark = encoder.encode(BOUNDARIES[Math.floor(next() * BOUNDARIES.length)]!);
  const inclusive = next() < 0.5;
  const boundary = find(bytes, mark, at);
  const end = inclusive ? boundary + mark.length : boundary;
  if (kind < 8) {
    return {
      what: "until",
      encoding,
      ask: (options) => stream.receiveuntil(mark, { ...options, ...more, inclusive }),
      check: (given) => (exactly(end)(given), boundary + mark.length),
    };
  }
  const size = 3 + pick(60);
  return {
    what: "until, in pieces",
    encoding,
    ask: (options) => stream.receiveuntil(mark, { ...options, ...more, inclusive, size }),
    check(given, _at, last) {
      assert(
        given.length <= size,
        `a piece of ${given.length} bytes, at most ${size} were asked for`,
      );
      if (last === true) return exactly(end)(given), boundary + mark.length;
      assert(
        given.length > 0 && at + given.length <= boundary,
        "the piece reaches into the boundary",
      );
      return exactly(at + given.length)(given);
    },
  };
}

/**
 * Receives everything with random questions, giving up at random, and holds each answer
 * against the source. `own` is the encoding of the stream.
 */
export async function receiveAll(
  stream: BufferedStream<Encoding>,
  bytes: Uint8Array,
  next: () => number,
  pass: Pass,
  own: Encoding = "lines",
): Promise<Counts> {
  const counts: Counts = { steps: 0 };
  const count = (what: string) => counts[what] = (counts[what] ?? 0) + 1;
  let at = 0;
  for (;;) {
    count("steps");
    assert(counts["steps"]! < 20 * bytes.length + 1_000, "it makes no progress");
    const asked = question(stream, own, bytes, at, next);
    const aborter = new AbortController();
    const timeout = next() < 0.5 ? 1 + Math.floor(next() * 20) : 0;
    const how = next();
    if (how < 0.03) aborter.abort();
    let last: boolean | undefined;
    const reader = newthread(async (): Promise<readonly [unknown, IoError | null]> => {
      const answer = await asked.ask({ timeout, signal: aborter.signal });
      last = answer[2];
      return [answer[0], answer[1]];
    });
    let result: readonly [unknown, IoError | null] | null = null;
    wait(reader).then((outcome) => result = outcome);
    const waits = () => reader.state.startsWith("receive");
    // One that was met from what is at hand has consumed it: a kill would hit its thread, not it.
    if (waits()) {
      count("waits");
      if (next() < 0.3) await pass();
      if (!waits()) count("met");
      else if (how < 0.1) aborter.abort();
      else if (how < 0.2) kill(reader);
      else if (how < 0.3) stream.interrupt();
      else if (how < 0.4) assertEquals((await stream.receiveany())[1]?.code, "busy");
    }
    for (let turn = 0; turn < 12 && result === null; turn++) await null;
    while (result === null) await pass();
    const [value, failure] = result as readonly [unknown, IoError | null];
    // What `lines()` throws is the cause of the thread's failure.
    const err = failure?.code === "failed" ? failure.cause as IoError : failure;
    const where = `${asked.what} in ${asked.encoding} at ${at} of ${bytes.length}`;
    if (err !== null) {
      count(err.code);
      if (err.code === "eof") continue;
      if (err.code === "bad_text") {
        assert(!["latin1", "bytes"].includes(asked.encoding), where);
        // Else nothing but luck would bring it past the place.
        const [byte] = await stream.receive(1, { encoding: "bytes", timeout: 0 });
        assertEquals(byte?.[0], bytes[at], where);
        at += 1;
        continue;
      }
      assert(["timeout", "cancelled", "killed"].includes(err.code), `${where}: ${err}`);
    } else if (value !== null) {
      count(asked.what.replace(/^\d+ /, ""));
      try {
        at = asked.check(bytesOf(value, asked.encoding), at, last);
      } catch (cause) {
        throw new Error(`${where}: ${(cause as Error).message}`, { cause });
      }
    } else {
      assertEquals(at, bytes.length, `${where}: the stream ended before the source did`);
      assertEquals(await stream.receive("*a", { encoding: "latin1" }), ["", null]);
      assertEquals(await stream.receiveany(), [null, null]);
      return counts;
    }
    if (bytes.length - at < 1_000 && next() < 0.1) {
      const all = stream.receive("*a", { encoding: "bytes", timeout: 0 });
      let over = false;
      all.then(() => over = true);
      while (!over) await pass();
      const [rest, restErr] = await all;
      assert(restErr === null && equal(rest, bytes.subarray(at)), `*a at ${at}`);
      count("*a");
      at = bytes.length;
    }
  }
}
