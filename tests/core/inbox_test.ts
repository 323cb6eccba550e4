import { assert, assertEquals } from "@std/assert";
import { codecOf, count, Inbox, IoError, line } from "../../core/mod.ts";
import { random } from "../stream/promise.ts";

const text = new TextEncoder();

/** Lets bytes arrive, as much at a time as the room takes. */
function arrive(inbox: Inbox, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const room = inbox.room();
    const piece = bytes.subarray(at, at + room.length);
    room.set(piece);
    inbox.filled(piece.length, room.length);
    at += piece.length;
  }
}

Deno.test("Inbox takes go on while a room is lent out", () => {
  const inbox = new Inbox();
  arrive(inbox, text.encode("one\ntwo\nthr"));
  const room = inbox.room();
  assertEquals(inbox.line("utf-8", 100), "one");
  assertEquals(inbox.line("utf-8", 100), "two");
  assertEquals(inbox.line("utf-8", 100), undefined);
  room.set(text.encode("ee\n"));
  inbox.filled(3, room.length);
  assertEquals(inbox.line("utf-8", 100), "three");
  assertEquals(inbox.pending, 0);
});

Deno.test("Inbox gives the same under random takes, whatever is decoded ahead", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const next = random(seed);
    const ascii = next() < 0.5;
    const lines = Array.from({ length: 400 }, () => {
      const length = next() < 0.05 ? 20_000 : Math.floor(next() * 90);
      return (ascii ? "x" : "é").repeat(length) + (next() < 0.3 ? "\r" : "");
    });
    const bytes = text.encode(lines.map((one) => `${one}\n`).join(""));
    const inbox = new Inbox();
    let arrived = 0;
    let at = 0;
    while (at < bytes.length) {
      if (arrived < bytes.length && next() < 0.5) {
        const size = Math.floor(next() * 9_000);
        arrive(inbox, bytes.subarray(arrived, arrived + size));
        arrived = Math.min(arrived + size, bytes.length);
      }
      const kinds = ["utf-8", "latin1", "bytes"] as const;
      const kind = kinds[next() < 0.7 ? 0 : Math.floor(next() * 3)]!;
      if (next() < 0.8) {
        const got = inbox.line(kind, 65_536);
        const lf = bytes.indexOf(10, at);
        if (lf >= arrived) {
          assertEquals(got, undefined);
        } else {
          const to = lf > at && bytes[lf - 1] === 13 ? lf - 1 : lf;
          const raw = bytes.subarray(at, to);
          if (got instanceof IoError) {
            // A count has cut a character in two before: only then is it no UTF-8.
            assertEquals(kind, "utf-8");
            at += inbox.pending > 0 ? 1 : 0;
            inbox.skip(1);
            continue;
          }
          const wanted = kind === "bytes"
            ? raw
            : new TextDecoder(kind === "latin1" ? "latin1" : "utf-8").decode(raw);
          // TextDecoder's latin1 is windows-1252, which differs only beyond ASCII.
          if (kind !== "latin1" || ascii) assertEquals(got, wanted);
          else assertEquals((got as string).length, raw.length);
          at = lf + 1;
        }
      } else {
        const size = Math.floor(next() * 40);
        const got = inbox.count("bytes", size);
        if (at + size > arrived) assertEquals(got, undefined);
        else {
          assertEquals(got, bytes.slice(at, at + size));
          at += size;
        }
      }
      assertEquals(inbox.pending, arrived - at);
    }
  }
});

Deno.test("Inbox offers little while little comes, and much while much comes", () => {
  const inbox = new Inbox();
  const read = (count: number): number => {
    const { length } = inbox.room();
    inbox.filled(Math.min(count, length), length);
    inbox.skip(inbox.pending);
    return length;
  };
  assertEquals(read(100), 1_024);
  assertEquals(read(128), 128, "an idle stream must not hold more after a first small read");
  assertEquals(read(1_024), 1_024);
  assertEquals(read(8_192), 8_192);
  for (let times = 0; times < 8; times++) assertEquals(read(8_192), 65_536);
  for (let times = 0; times < 8; times++) assertEquals(read(10), 8_192);
  for (let times = 0; times < 8; times++) assertEquals(read(10), 1_024);
  assertEquals(read(10), 128, "an idle stream must not hold 64 KiB");
});

Deno.test("Inbox offers as much as before while some reads are small and some are not", () => {
  const inbox = new Inbox();
  for (let read = 0; read < 40; read++) {
    const { length } = inbox.room();
    assertEquals(length, 1_024);
    inbox.filled(read % 8 === 0 ? 129 : 10, length);
    inbox.skip(inbox.pending);
  }
});

Deno.test("Inbox grows by doubling: what is moved stays within a few times what came", () => {
  const inbox = new Inbox();
  let moved = 0;
  let memory = inbox.room().buffer;
  const total = 8 * 1024 * 1024;
  for (let arrived = 0; arrived < total;) {
    const room = inbox.room();
    if (room.buffer !== memory) {
      memory = room.buffer;
      moved += inbox.pending;
    }
    inbox.filled(room.length, room.length);
    arrived += room.length;
  }
  assert(inbox.pending >= total);
  assert(moved <= 2 * total, `${moved} bytes were moved for ${total}`);
});

Deno.test("Inbox compacts seldom while a part is always left unread", () => {
  const inbox = new Inbox();
  const pattern = count(codecOf("bytes"), 1_000);
  let kept = 0;
  let largest = 0;
  for (let round = 0; round < 5_000; round++) {
    const room = inbox.room();
    largest = Math.max(largest, room.byteOffset + room.length);
    const came = Math.min(room.length, 1_500);
    inbox.filled(came, room.length);
    kept += came;
    while (kept > 40_000) {
      pattern.take(inbox);
      kept -= 1_000;
    }
    assertEquals(inbox.pending, kept);
  }
  assert(largest <= 512 * 1024, `memory grew to ${largest}`);
});

Deno.test("Inbox looks at no byte twice for a line that comes in many pieces", () => {
  const inbox = new Inbox();
  const pattern = line(codecOf("lines"), 64 * 1024 * 1024);
  // A rescan from the start at each arrival would look at 4 GiB here.
  for (let piece = 0; piece < 2_000; piece++) {
    arrive(inbox, new Uint8Array(2_000).fill(120));
    assertEquals(pattern.take(inbox), undefined);
  }
  arrive(inbox, text.encode("\n"));
  assertEquals(pattern.take(inbox)?.[0]?.length, 4_000_000);
});
