/** What is received: patterns, frames, and the first message of a TLS client. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { readHello } from "../../cosocket/_client_hello.ts";
import { all, codecOf, count, Inbox, line, type Pattern, until } from "../../core/mod.ts";
import { pair } from "../../stream/mod.ts";
import { bytes, type Target, target } from "./target.ts";

/** Something asked for, as JSON. */
type Ask =
  | { ask: "line"; max: number }
  | { ask: "count"; count: number }
  | { ask: "until"; mark: string; inclusive: boolean; max: number }
  | { ask: "all"; max: number };

const asks: fc.Arbitrary<Ask> = fc.oneof(
  fc.record({ ask: fc.constant("line" as const), max: fc.integer({ min: 1, max: 30 }) }),
  fc.record({ ask: fc.constant("count" as const), count: fc.nat(12) }),
  fc.record({
    ask: fc.constant("until" as const),
    mark: fc.constantFrom("a", "ab", "aab", "abab", "aaa", "\r\n", "\n\n"),
    inclusive: fc.boolean(),
    max: fc.integer({ min: 1, max: 30 }),
  }),
  fc.record({ ask: fc.constant("all" as const), max: fc.integer({ min: 1, max: 80 }) }),
);

const codec = codecOf("latin1");
const latin1 = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

function patternOf(ask: Ask): Pattern {
  if (ask.ask === "line") return line(codec, ask.max);
  if (ask.ask === "count") return count(codec, ask.count);
  if (ask.ask === "all") return all(codec, ask.max);
  const { inclusive, max } = ask;
  return until(codec, latin1(ask.mark), { inclusive, max, size: null });
}

/** What must come of it, told by looking at all the bytes at once: a text, or a code. */
function expected(ask: Ask, rest: string): { gives: string; takes: number } | string {
  if (ask.ask === "count") {
    if (ask.count <= rest.length) return { gives: rest.slice(0, ask.count), takes: ask.count };
    return rest === "" ? "end" : "eof";
  }
  if (ask.ask === "all") {
    return rest.length > ask.max ? "too_long" : { gives: rest, takes: rest.length };
  }
  const mark = ask.ask === "line" ? "\n" : ask.mark;
  const at = rest.indexOf(mark);
  if (at < 0) {
    // To a byte it is not told while what is last may begin the boundary, or be a CR.
    const sure = rest.length - (ask.ask === "line" ? 1 : mark.length - 1);
    if (sure > ask.max) return "too_long";
    return rest === "" ? "end" : rest.length > ask.max ? "unsure" : "eof";
  }
  let gives = rest.slice(0, at);
  if (ask.ask === "line" && gives.endsWith("\r")) gives = gives.slice(0, -1);
  const counted = ask.ask === "until" && ask.inclusive ? at + mark.length : gives.length;
  if (counted > ask.max) return "too_long";
  if (ask.ask === "until" && ask.inclusive) gives += mark;
  return { gives, takes: at + mark.length };
}

/** Feeds an inbox piece by piece and takes one pattern after the other. */
function holdsFor(text: string, cuts: number[], list: Ask[]): void {
  const inbox = new Inbox();
  let fed = 0;
  let consumed = 0;
  let cut = 0;
  const feed = (): boolean => {
    if (fed === text.length) return false;
    const size = Math.min(1 + (cuts[cut++ % cuts.length] ?? 0), text.length - fed);
    const room = inbox.room();
    const piece = latin1(text.slice(fed, fed + Math.min(size, room.length)));
    room.set(piece);
    inbox.filled(piece.length, room.length);
    fed += piece.length;
    return true;
  };
  for (const ask of list) {
    const pattern = patternOf(ask);
    const before = inbox.pending;
    let taken = pattern.take(inbox);
    let pending = before;
    while (taken === undefined) {
      assertEquals(inbox.pending, pending, "a take that gave nothing has consumed");
      taken = feed() ? pattern.take(inbox) : pattern.end(inbox);
      pending = inbox.pending;
    }
    const want = expected(ask, text.slice(consumed));
    const [value, err] = taken;
    if (err !== null) {
      assertEquals(consumed + inbox.pending, fed, `${err.code} has consumed`);
      const codes = want === "unsure" ? ["eof", "too_long"] : [want];
      assert(codes.includes(err.code), `${JSON.stringify(ask)}: ${err.code}, not ${want}`);
    } else if (value === null) {
      assertEquals(inbox.pending, 0);
      assert(want === "end", `an end came: ${JSON.stringify([ask, want])}`);
    } else {
      if (typeof want === "string") {
        throw new Error(`${JSON.stringify(ask)} gave '${value}', not ${want}`);
      }
      assertEquals(value, want.gives);
      consumed += want.takes;
    }
    assertEquals(fed - inbox.pending, consumed);
  }
}

const words = fc.array(
  fc.constantFrom("\n", "\r\n", "\r", "a", "b", "aab", "ab", "x", "\n\n", "\xff", "x".repeat(25)),
  { maxLength: 30 },
).map((parts) => parts.join(""));

const heads = fc.record({
  bytes: fc.constantFrom<1 | 2 | 4>(1, 2, 4),
  endian: fc.constantFrom<"B" | "L">("B", "L"),
  max: fc.nat(255),
});

export const STREAM_TARGETS: Target[] = [
  target(
    "receive patterns",
    fc.record({
      text: words,
      cuts: fc.array(fc.nat(9), { minLength: 1, maxLength: 8 }),
      asks: fc.array(asks, { maxLength: 12 }),
    }),
    ({ text, cuts, asks }) => holdsFor(text, cuts, asks),
  ),
  target(
    "frames out of anything",
    fc.record({ head: heads, bytes: bytes(80), cuts: fc.array(fc.nat(9), { maxLength: 6 }) }),
    async ({ head, bytes: list, cuts }) => {
      const [ours, theirs] = pair();
      await using _ours = ours, _theirs = theirs;
      ours.set_rwopt({
        read_head_bytes: head.bytes,
        read_head_endian: head.endian,
        read_head_max: head.max,
      });
      const data = Uint8Array.from(list);
      for (let at = 0, n = 0; at < data.length; n++) {
        const size = 1 + (cuts[n % cuts.length] ?? 50);
        await theirs.send(data.subarray(at, at + size));
        at += size;
      }
      await theirs.shutdown("send");
      for (let at = 0;;) {
        const digits = list.slice(at, at + head.bytes);
        const order = head.endian === "B" ? digits : digits.toReversed();
        const length = order.reduce((sum, digit) => sum * 256 + digit, 0);
        const whole = digits.length === head.bytes;
        const [frame, err] = await ours.receive_frame();
        if (frame !== null) {
          assertEquals([...frame], list.slice(at + head.bytes, at + head.bytes + length));
          assertEquals(frame.length, length);
          at += head.bytes + length;
          continue;
        }
        const rest = list.length - at;
        if (err === null) assertEquals(rest, 0);
        else if (whole && length > head.max) assertEquals(err.code, "too_long");
        else assertEquals(err.code, "eof");
        // Whatever it was, nothing of it is lost.
        assertEquals([...(await ours.receive("*a"))[0]!], list.slice(at));
        return;
      }
    },
  ),
  target(
    "frames there and back",
    fc.record({ head: heads, frames: fc.array(bytes(200), { maxLength: 6 }) }),
    async ({ head, frames }) => {
      const [ours, theirs] = pair();
      await using _ours = ours, _theirs = theirs;
      const { bytes: size, endian } = head;
      theirs.set_rwopt({ write_head_bytes: size, write_head_endian: endian });
      ours.set_rwopt({ read_head_bytes: size, read_head_endian: endian });
      for (const frame of frames) {
        const [sent, err] = await theirs.send_frame(Uint8Array.from(frame));
        assertEquals([sent, err], [frame.length + size, null]);
      }
      for (const frame of frames) assertEquals([...(await ours.receive_frame())[0]!], frame);
    },
  ),
  target(
    "the first message of a TLS client",
    fc.tuple(fc.boolean(), bytes(200)),
    ([begins, list]) => {
      const head = [22, 3, 1, 0, Math.max(list.length - 1, 0), 1, 0, 0, list.length];
      const data = Uint8Array.from(begins ? [...head, ...list] : list);
      const hello = readHello(data);
      if ("needs" in hello) {
        assert(hello.needs > data.length, `it needs ${hello.needs} and has ${data.length}`);
        assert(hello.needs <= data.length + 5 + 0xffff);
      } else if (hello.name !== null) {
        assert(/^[\x21-\x7e]+$/.test(hello.name), hello.name);
      }
    },
  ),
];
