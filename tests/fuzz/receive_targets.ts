/** More of what is received: pieces, text in UTF-8, frames of a program's codec, TLS hellos. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { readHello } from "../../cosocket/_client_hello.ts";
import { codecOf, count, Inbox, line, type Pattern, type Taken, until } from "../../core/mod.ts";
import { type FrameCodec, IoError, pair } from "../../stream/mod.ts";
import { bytes, type Target, target } from "./target.ts";

const latin1 = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** How what comes is cut: so many bytes and one more, over and over. */
const cuts = fc.array(fc.nat(9), { minLength: 1, maxLength: 8 });

/** An inbox that is fed piece by piece, as long as a pattern is not met. */
class Fed {
  readonly inbox = new Inbox();
  readonly #data: Uint8Array;
  readonly #cuts: number[];
  #fed = 0;
  #cut = 0;

  constructor(data: Uint8Array, cuts: number[]) {
    this.#data = data;
    this.#cuts = cuts;
  }

  /** So many bytes have been consumed. */
  get consumed(): number {
    return this.#fed - this.inbox.pending;
  }

  take(pattern: Pattern): Taken {
    for (;;) {
      const before = this.inbox.pending;
      const taken = pattern.take(this.inbox);
      if (taken !== undefined) return taken;
      assertEquals(this.inbox.pending, before, "a take that gave nothing has consumed");
      if (this.#fed === this.#data.length) return pattern.end(this.inbox);
      const room = this.inbox.room();
      const size = 1 + this.#cuts[this.#cut++ % this.#cuts.length]!;
      const piece = this.#data.subarray(this.#fed, this.#fed + Math.min(size, room.length));
      room.set(piece);
      this.inbox.filled(piece.length, room.length);
      this.#fed += piece.length;
    }
  }
}

/** Text that is UTF-8 here and there. */
const halfText = fc.array(
  fc.oneof(
    fc.constantFrom("a", "\n", "\r\n", "\ufeff", "\u00fc", "\u20ac", "\ud83d\ude00").map((text) => [
      ...new TextEncoder().encode(text),
    ]),
    fc.constantFrom([0x80], [0xc3], [0xe2, 0x82], [0xf0, 0x9f], [0xff], [0xed, 0xa0, 0x80]),
  ),
  { maxLength: 12 },
).map((parts) => parts.flat());

/** What the bytes are as UTF-8; `null` where they are none. */
function textOf(data: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return null;
  }
}

/** Netstrings; `hint` is how a decoder says that it wants more: exactly, too little, or not. */
function netstrings(hint: "exact" | "one" | "null"): FrameCodec<number[]> {
  return {
    encode: (value) => [`${value.length}:`, Uint8Array.from(value), ","],
    decode(data) {
      const colon = data.indexOf(0x3a);
      const digits = String.fromCharCode(...data.subarray(0, colon < 0 ? data.length : colon));
      if (!/^\d*$/.test(digits)) throw new IoError("protocol", `'${digits}' is no length`);
      const end = colon + 1 + Number(digits);
      if (colon < 0 || data.length <= end) {
        return hint === "null" ? null : hint === "one" || colon < 0 ? 1 : end + 1;
      }
      return [[...data.subarray(colon + 1, end)], end + 1];
    },
  };
}

/** What the wire log's text stands for. */
function unescaped(text: string): number[] {
  const list: number[] = [];
  for (const [, hex, short, plain] of text.matchAll(/\\x([0-9a-f]{2})|\\([tnr"\\])|([ -~])/g)) {
    if (hex !== undefined) list.push(parseInt(hex, 16));
    else if (short !== undefined) list.push(JSON.parse(`"\\${short}"`).charCodeAt(0));
    else list.push(plain!.charCodeAt(0));
  }
  return list;
}

/** A list behind its length in so many bytes. */
function listOf(size: number, content: number[]): number[] {
  return [...Array.from({ length: size }, (_, n) => content.length >> 8 * (size - 1 - n) & 255)]
    .concat(content);
}

const hellos = fc.record({
  name: fc.stringMatching(/^[!-~]{1,20}$/),
  session: bytes(32),
  ciphers: bytes(10),
  /** Extensions that stand before the name. */
  before: fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), bytes(10)), { maxLength: 3 }),
  /** Where the message is cut into records. */
  records: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 6 }),
  behind: bytes(5),
});

export const RECEIVE_TARGETS: Target[] = [
  target(
    "receive up to a boundary in pieces",
    fc.record({
      text: fc.array(fc.constantFrom("a", "b", "c", "aab", "aabaaa", "ab", "\r\n", "\n", "\xff"), {
        maxLength: 20,
      }).map((parts) => parts.join("")),
      cuts,
      mark: fc.constantFrom("a", "ab", "aab", "abab", "aabaaac", "\r\n"),
      inclusive: fc.boolean(),
      size: fc.integer({ min: 1, max: 12 }),
    }),
    ({ text, cuts, mark, inclusive, size }) => {
      const fed = new Fed(latin1(text), cuts);
      for (let rest = text;;) {
        const at = rest.indexOf(mark);
        const wanted = at < 0 ? rest : rest.slice(0, inclusive ? at + mark.length : at);
        let got = "";
        for (;;) {
          const shape = { inclusive, size, max: 1_000 };
          const before = fed.consumed;
          const [value, err, over] = fed.take(until(codecOf("latin1"), latin1(mark), shape)) as [
            string | null,
            IoError | null,
            boolean?,
          ];
          if (value === null) {
            assertEquals(fed.consumed, before, "what failed has consumed");
            assertEquals(at, -1, `${JSON.stringify(mark)} stands in ${JSON.stringify(rest)}`);
            if (err === null) return assertEquals(got, rest);
            assertEquals(err.code, "eof");
            return assertEquals(got + text.slice(before), rest);
          }
          got += value;
          // A boundary is not cut, even where it is longer than a piece.
          assert(value.length <= Math.max(size, mark.length), JSON.stringify(value));
          if (over) break;
          assert(value !== "", "an empty piece");
        }
        assertEquals(got, wanted);
        rest = rest.slice(at + mark.length);
        assertEquals(text.slice(fed.consumed), rest);
      }
    },
  ),
  target(
    "lines and counts in UTF-8",
    fc.record({
      list: halfText,
      cuts,
      asks: fc.array(fc.integer({ min: -1, max: 8 }), { maxLength: 8 }),
    }),
    ({ list, cuts, asks }) => {
      const data = Uint8Array.from(list);
      const fed = new Fed(data, cuts);
      const codec = codecOf("utf-8");
      for (const ask of asks) {
        const before = fed.consumed;
        // -1 is a line.
        const [value, err] = fed.take(ask < 0 ? line(codec, 1_000) : count(codec, ask));
        const rest = data.subarray(before);
        const end = ask < 0 ? rest.indexOf(10) : ask;
        const whole = ask < 0 ? end >= 0 : ask <= rest.length;
        let part = rest.subarray(0, Math.max(end, 0));
        if (ask < 0 && part.at(-1) === 13) part = part.subarray(0, -1);
        const wanted = whole ? textOf(part) : null;
        if (wanted !== null) {
          assertEquals([value, err], [wanted, null]);
          assertEquals(fed.consumed - before, ask < 0 ? end + 1 : ask);
          continue;
        }
        assertEquals(fed.consumed, before, "what failed has consumed");
        assertEquals(value, null);
        if (whole) assertEquals(err?.code, "bad_text");
        else assertEquals(err?.code, rest.length === 0 ? undefined : "eof");
      }
    },
  ),
  target(
    "frames of a codec of the program's",
    fc.record({
      frames: fc.array(bytes(30), { maxLength: 6 }),
      hint: fc.constantFrom<"exact" | "one" | "null">("exact", "one", "null"),
      cuts,
      junk: fc.boolean(),
    }),
    async ({ frames, hint, cuts, junk }) => {
      const [ours, theirs] = pair();
      await using _ours = ours, _theirs = theirs;
      const codec = netstrings(hint);
      const text = frames.map((frame) => `${frame.length}:${String.fromCharCode(...frame)},`);
      const wire = latin1(text.join("") + (junk ? "x9:" : ""));
      for (let at = 0, n = 0; at < wire.length; n++) {
        const size = 1 + cuts[n % cuts.length]!;
        await theirs.send(wire.subarray(at, at + size));
        at += size;
      }
      await theirs.shutdown("send");
      for (const frame of frames) assertEquals(await ours.receive_frame(codec), [frame, null]);
      const [frame, err] = await ours.receive_frame(codec);
      assertEquals([frame, err?.code], [null, junk ? "protocol" : undefined]);
      assertEquals(await ours.receive("*a", { encoding: "latin1" }), [junk ? "x9:" : "", null]);
      // And there and back.
      const [left, right] = pair();
      await using _left = left, _right = right;
      for (const one of frames) assertEquals((await left.send_frame(one, codec))[1], null);
      for (const one of frames) assertEquals(await right.receive_frame(codec), [one, null]);
    },
  ),
  target("bytes in the wire log", bytes(260), async (list) => {
    const [ours, theirs] = pair();
    await using _ours = ours, _theirs = theirs;
    const events: string[] = [];
    ours.trace((event) => events.push(event));
    await ours.send(Uint8Array.from(list));
    const told = events.filter((event) => / > "/.test(event));
    if (list.length === 0) return;
    assertEquals(told.length, 1, events.join("\n"));
    const [, text = "", more, size] = /> "([ -~]*)"(\.\.\.)? (\d+) B$/.exec(told[0]!) ?? [];
    assertEquals(unescaped(text), list.slice(0, 200));
    assertEquals([Number(size), more !== undefined], [list.length, list.length > 200]);
  }),
  target(
    "the name in a TLS hello, however it is cut",
    hellos,
    ({ name, session, ciphers, before, records, behind }) => {
      const sni = listOf(2, listOf(2, [0, ...listOf(2, [...latin1(name)])]));
      const extensions = [
        ...before.flatMap(([type, content]) => [0, type, ...listOf(2, content)]),
        ...[0, 0, ...sni],
      ];
      const body = [3, 3, ...new Array(32).fill(7), ...listOf(1, session)].concat(
        listOf(2, ciphers),
        listOf(1, [0]),
        listOf(2, extensions),
      );
      const message = [1, ...listOf(3, body)];
      const wire: number[] = [];
      let at = 0;
      for (const size of [...records, message.length]) {
        if (at < message.length) wire.push(22, 3, 1, ...listOf(2, message.slice(at, at + size)));
        at += size;
      }
      const whole = wire.length;
      const data = Uint8Array.from([...wire, ...behind]);
      assertEquals(readHello(data), { name: name.toLowerCase() });
      for (let end = 0; end < whole; end++) {
        const hello = readHello(data.subarray(0, end));
        const needs = "needs" in hello ? hello.needs : 0;
        assert(needs > end && needs <= whole, `it needs ${needs} of ${whole}, and has ${end}`);
      }
    },
  ),
];
