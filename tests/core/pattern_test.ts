/**
 * Every pattern at every split point of tricky inputs, against a reference that looks
 * at the whole input at once and was written without a look at the buffer.
 */
import { assert, assertEquals } from "@std/assert";
import {
  all,
  any,
  codecOf,
  count,
  Inbox,
  IoError,
  line,
  lineOrRest,
  type Pattern,
  peek,
  type Taken,
  until,
} from "../../core/mod.ts";

const text = new TextEncoder();

const INPUTS: Record<string, Uint8Array> = {
  "nothing": new Uint8Array(0),
  "one line feed": text.encode("\n"),
  "lines": text.encode("one\ntwo\n\nthree\n"),
  "CR LF": text.encode("one\r\ntwo\r\r\n\r\nthree\r"),
  "CR at the end of a piece": text.encode("a\r\n\rb\r\r\n"),
  "aab in aaab": text.encode("aaab-aab--aaaab"),
  "boundary of dashes": text.encode("x--y---z----"),
  "abab in ababab": text.encode("ababab!abab?"),
  "multi-byte": text.encode("é€😀\nä\r\nö😀"),
  "byte order mark": new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0x0a, 0xef, 0xbb, 0xbf, 0x0a]),
  "no UTF-8": new Uint8Array([0xff, 0x0a, 0x61, 0xc3, 0x0a, 0x62, 0x0a, 0xe2, 0x82]),
  "NUL and 0xff": new Uint8Array([0, 10, 255, 0, 13, 10, 0]),
  "gbk": new Uint8Array([0xc4, 0xe3, 0xba, 0xc3, 0x0a, 0x61, 0x0d, 0x0a, 0x81]),
};

const ENCODINGS = ["lines", "utf-8", "latin1", "bytes", "gbk"] as const;
type Encoding = (typeof ENCODINGS)[number];
type Label = Exclude<Encoding, "lines">;

type Value = string | Uint8Array;

/** Decodes strictly, or `null`. */
function decoded(bytes: Uint8Array, label: Label): Value | null {
  if (label === "bytes") return bytes;
  if (label === "latin1") return String.fromCharCode(...bytes);
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

const lineLabel = (encoding: Encoding): Label => encoding === "lines" ? "utf-8" : encoding;
const dataLabel = (encoding: Encoding): Label =>
  encoding === "utf-8" || encoding === "latin1" ? encoding : "bytes";

function find(bytes: Uint8Array, what: Uint8Array, from: number): number {
  for (let at = from; at + what.length <= bytes.length; at++) {
    if (what.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

/** What a pattern gives on the rest of an input: what, and how much is consumed. */
type Reference = (rest: Uint8Array) => { give: Uint8Array; consumed: number } | "eof" | "end";

interface Case {
  name: string;
  pattern(encoding: Encoding): Pattern;
  reference: Reference;
  label(encoding: Encoding): Label;
}

const referenceLine: Reference = (rest) => {
  if (rest.length === 0) return "end";
  const lf = rest.indexOf(10);
  if (lf < 0) return "eof";
  const to = lf > 0 && rest[lf - 1] === 13 ? lf - 1 : lf;
  return { give: rest.subarray(0, to), consumed: lf + 1 };
};

function referenceUntil(boundary: string, inclusive: boolean): Reference {
  const mark = text.encode(boundary);
  return (rest) => {
    if (rest.length === 0) return "end";
    const at = find(rest, mark, 0);
    if (at < 0) return "eof";
    const consumed = at + mark.length;
    return { give: rest.subarray(0, inclusive ? consumed : at), consumed };
  };
}

function referenceCount(n: number, consumes: boolean): Reference {
  return (rest) => {
    if (rest.length >= n) return { give: rest.subarray(0, n), consumed: consumes ? n : 0 };
    return rest.length === 0 ? "end" : "eof";
  };
}

const CASES: Case[] = [
  {
    name: "*l",
    pattern: (encoding) => line(codecOf(encoding), 1_000),
    reference: referenceLine,
    label: lineLabel,
  },
  {
    name: "line or rest",
    pattern: (encoding) => lineOrRest(codecOf(encoding), 1_000),
    reference: (rest) => {
      const found = referenceLine(rest);
      return found === "eof" ? { give: rest, consumed: rest.length } : found;
    },
    label: lineLabel,
  },
  {
    name: "*a",
    pattern: (encoding) => all(codecOf(encoding), 1_000),
    reference: (rest) => ({ give: rest, consumed: rest.length }),
    label: dataLabel,
  },
  ...[1, 2, 3, 5].map((n): Case => ({
    name: `${n} bytes`,
    pattern: (encoding) => count(codecOf(encoding), n),
    reference: referenceCount(n, true),
    label: dataLabel,
  })),
  {
    name: "peek 2",
    pattern: (encoding) => peek(codecOf(encoding), 2),
    reference: referenceCount(2, false),
    label: dataLabel,
  },
  ...["aab", "--", "abab", "\r\n", "x"].flatMap((boundary) =>
    [false, true].map((inclusive): Case => ({
      name: `until ${JSON.stringify(boundary)}${inclusive ? ", inclusive" : ""}`,
      pattern: (encoding) =>
        until(codecOf(encoding), text.encode(boundary), { inclusive, size: null, max: 1_000 }),
      reference: referenceUntil(boundary, inclusive),
      label: dataLabel,
    }))
  ),
];

function arrive(inbox: Inbox, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const room = inbox.room();
    const piece = bytes.subarray(at, at + room.length);
    room.set(piece);
    inbox.filled(piece.length, room.length);
    at += piece.length;
  }
}

/** Takes as a channel does: at each arrival, and at the end. */
function takeOver(inbox: Inbox, pattern: Pattern, pieces: Uint8Array[]): Taken {
  for (;;) {
    const got = pattern.take(inbox);
    if (got !== undefined) return got;
    const piece = pieces.shift();
    if (piece === undefined) return pattern.end(inbox);
    arrive(inbox, piece);
  }
}

function* splits(input: Uint8Array): Generator<Uint8Array[]> {
  yield [input];
  for (let at = 1; at < input.length; at++) yield [input.subarray(0, at), input.subarray(at)];
  yield Array.from(input, (_, at) => input.subarray(at, at + 1));
}

for (const { name, pattern, reference, label } of CASES) {
  Deno.test(`the pattern ${name} gives what the whole input says, at every split`, () => {
    let compared = 0;
    for (const [what, input] of Object.entries(INPUTS)) {
      for (const encoding of ENCODINGS) {
        for (const pieces of splits(input)) {
          const where = `${what}, ${encoding}, split ${pieces.map((one) => one.length)}`;
          const inbox = new Inbox();
          const left = [...pieces];
          let at = 0;
          // Until the end, or something that stays; a peek is taken once.
          for (let round = 0; round <= input.length + 1; round++) {
            const expected = reference(input.subarray(at));
            const [value, err] = takeOver(inbox, pattern(encoding), left);
            compared += 1;
            if (expected === "end") {
              assertEquals([value, err], [null, null], where);
              break;
            }
            if (expected === "eof") {
              assertEquals(err?.code, "eof", where);
              break;
            }
            const wanted = decoded(expected.give, label(encoding));
            if (wanted === null) {
              assertEquals(err?.code, "bad_text", where);
              break;
            }
            assertEquals(err, null, where);
            assertEquals(value, wanted, where);
            at += expected.consumed;
            if (expected.consumed === 0 || (name === "*a" && at === input.length)) break;
          }
          // Whatever failed has consumed nothing.
          for (const piece of left) arrive(inbox, piece);
          assertEquals([...inbox.view()], [...input.subarray(at)], where);
        }
      }
    }
    assert(compared > 500, `only ${compared} comparisons`);
  });
}

Deno.test("receiveany's pattern never cuts a character, and gives all at every split", () => {
  for (const [what, input] of Object.entries(INPUTS)) {
    for (const encoding of ENCODINGS) {
      for (const pieces of splits(input)) {
        for (const max of [4, 5, 1_000]) {
          const inbox = new Inbox();
          const left = [...pieces];
          const got: number[] = [];
          for (;;) {
            const [value, err] = takeOver(inbox, any(codecOf(encoding), max), left);
            if (err !== null) {
              assertEquals([err.code, encoding], ["bad_text", "utf-8"], what);
              assertEquals(decoded(input, "utf-8"), null, what);
              break;
            }
            if (value === null) {
              assertEquals(got, [...input], `${what}, ${encoding}, max ${max}`);
              break;
            }
            const bytes = typeof value !== "string"
              ? value
              : encoding === "latin1"
              ? Uint8Array.from(value, (one) => one.charCodeAt(0))
              : text.encode(value);
            assert(bytes.length >= 1 && bytes.length <= max);
            got.push(...bytes);
          }
        }
      }
    }
  }
});

Deno.test("until in pieces gives the part and says which piece is the last", () => {
  for (const boundary of ["aab", "--", "ab"]) {
    const mark = text.encode(boundary);
    for (const inclusive of [false, true]) {
      for (const size of [3, 4, 7]) {
        for (const input of Object.values(INPUTS)) {
          for (const pieces of splits(input)) {
            const inbox = new Inbox();
            const left = [...pieces];
            let at = 0;
            let part: number[] = [];
            for (;;) {
              const shape = { inclusive, size, max: 1_000 };
              const taken = takeOver(inbox, until(codecOf("bytes"), mark, shape), left);
              const end = find(input, mark, at);
              if (taken[1] !== null || taken[0] === null) {
                assertEquals(taken[1]?.code, inbox.pending > 0 ? "eof" : undefined);
                assertEquals(end, -1);
                break;
              }
              const piece = taken[0] as Uint8Array;
              assert(piece.length <= size);
              part.push(...piece);
              if (taken[2] === false) {
                assert(piece.length > 0);
                continue;
              }
              const to = inclusive ? end + mark.length : end;
              assertEquals(part, [...input.subarray(at, to)]);
              at = end + mark.length;
              part = [];
            }
          }
        }
      }
    }
  }
});

Deno.test("the limit counts the bytes of the line, not its ending", () => {
  for (const ending of ["\n", "\r\n"]) {
    for (const [length, fits] of [[9, true], [10, true], [11, false]] as const) {
      const inbox = new Inbox();
      arrive(inbox, text.encode("é".repeat(2) + "x".repeat(length - 4) + ending));
      const [value, err] = line(codecOf("lines"), 10).take(inbox)!;
      assertEquals(err?.code, fits ? undefined : "too_long");
      assertEquals(value === null, !fits);
    }
  }
});

Deno.test("the rest of a stream without a line feed is a line, and no longer than one may be", () => {
  for (const [length, fits] of [[10, true], [11, false]] as const) {
    const inbox = new Inbox();
    arrive(inbox, text.encode("x".repeat(length)));
    const lines = lineOrRest(codecOf("lines"), 10);
    assertEquals(lines.take(inbox), undefined);
    const [value, err] = lines.end(inbox);
    assertEquals([value, err?.code], fits ? ["x".repeat(10), undefined] : [null, "too_long"]);
    assertEquals(inbox.pending, fits ? 0 : 11);
  }
});

Deno.test("a line that has no end yet is too long as soon as it cannot fit any more", () => {
  const inbox = new Inbox();
  arrive(inbox, text.encode("x".repeat(11)));
  assertEquals(line(codecOf("lines"), 10).take(inbox), undefined, "a CR may still end it");
  arrive(inbox, text.encode("x"));
  assert(line(codecOf("lines"), 10).take(inbox)![1] instanceof IoError);
});
