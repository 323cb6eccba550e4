/** How much memory the inbox holds, moves and looks at: counted, not timed. */
import { assert, assertEquals } from "@std/assert";
import { all, codecOf, Inbox, line, lineOrRest, type Pattern, until } from "../../core/mod.ts";

const SMALL = 1024;
const LARGE = 64 * 1024;

/** Lets so many bytes arrive, as fast as the room takes them. */
function flood(inbox: Inbox, total: number): void {
  for (let arrived = 0; arrived < total;) {
    const room = inbox.room();
    const count = Math.min(room.length, total - arrived);
    inbox.filled(count, room.length);
    arrived += count;
  }
}

const held = (inbox: Inbox) => inbox.room().buffer.byteLength;

Deno.test("Inbox gives back what a large message took, once that was taken", () => {
  const inbox = new Inbox();
  flood(inbox, 8 * 1024 * 1024);
  assert(held(inbox) >= 8 * 1024 * 1024);
  inbox.skip(inbox.pending);
  assert(held(inbox) <= LARGE, `${held(inbox)} bytes are held for nothing`);
});

Deno.test("Inbox gives back what a large message took, though a byte is always left", () => {
  const inbox = new Inbox();
  flood(inbox, 8 * 1024 * 1024);
  inbox.skip(inbox.pending - 1);
  assert(held(inbox) <= LARGE, `${held(inbox)} bytes are held for one`);
  assertEquals(inbox.pending, 1);
  for (let read = 0; read < 50; read++) {
    const { length } = inbox.room();
    inbox.filled(10, length);
    inbox.skip(10);
  }
  assert(held(inbox) <= 16 * SMALL, `${held(inbox)} bytes are held for one, and little comes`);
  assertEquals(inbox.pending, 1);
});

Deno.test("Inbox keeps the bytes at hand when it gives memory back", () => {
  const inbox = new Inbox();
  flood(inbox, 1024 * 1024);
  const room = inbox.room();
  room.set(new TextEncoder().encode("one\ntwo\nthree"));
  inbox.filled(13, room.length);
  inbox.skip(inbox.pending - 13);
  assertEquals(inbox.line("utf-8", 100), "one");
  const before = held(inbox);
  assert(before <= LARGE, `${before} bytes are held for 9`);
  assertEquals(inbox.line("utf-8", 100), "two");
  assertEquals(inbox.line("utf-8", 100), undefined);
  assertEquals(inbox.rest("utf-8", 100), "three");
});

Deno.test("Inbox keeps nothing of many lines, once they were taken and little comes", async () => {
  const program = `
    import { Inbox } from "${new URL("../../core/mod.ts", import.meta.url)}";
    const lines = new TextEncoder().encode("a line of some length\\n".repeat(900));
    const line = new TextEncoder().encode("x\\n");
    function arrive(inbox, bytes) {
      for (let at = 0; at < bytes.length;) {
        const room = inbox.room();
        const piece = bytes.subarray(at, at + room.length);
        room.set(piece);
        inbox.filled(piece.length, room.length);
        at += piece.length;
        while (inbox.line("utf-8", 100) !== undefined);
      }
    }
    gc();
    const before = Deno.memoryUsage().heapUsed;
    const all = Array.from({ length: 500 }, () => new Inbox());
    for (const inbox of all) {
      arrive(inbox, lines);
      for (let read = 0; read < 40; read++) arrive(inbox, line);
      inbox.room();
    }
    gc();
    console.log((Deno.memoryUsage().heapUsed - before) / all.length);
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "--no-check", "--allow-read", "--v8-flags=--expose-gc", "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(program));
  await input.close();
  const { stdout, success } = await child.output();
  assert(success);
  const bytes = Number(new TextDecoder().decode(stdout));
  // The text of a window is 16 KiB.
  assert(bytes < 4_000, `an idle inbox holds ${bytes} bytes of the heap`);
});

for (const kept of [0, 1, 100, 5_000, 70_000, 300_000]) {
  Deno.test(`Inbox moves no more than comes while ${kept} bytes are always left`, () => {
    const inbox = new Inbox();
    const total = 16 * 1024 * 1024;
    let moved = 0;
    let arrived = 0;
    for (let turn = 0; arrived < total; turn++) {
      const left = inbox.pending;
      const before = inbox.view();
      const room = inbox.room();
      const after = inbox.view();
      // What stands elsewhere now was copied.
      const moves = before.buffer !== after.buffer || before.byteOffset !== after.byteOffset;
      if (moves) moved += left;
      const count = turn % 3 === 0 ? room.length : Math.min(room.length, 1 + (turn * 37) % 1_500);
      inbox.filled(count, room.length);
      arrived += count;
      if (inbox.pending > kept) inbox.skip(inbox.pending - kept);
    }
    assert(moved <= 2 * total, `${moved} bytes were moved for ${arrived}`);
    assert(held(inbox) <= 32 * Math.max(kept, LARGE), `${held(inbox)} bytes are held for ${kept}`);
  });
}

Deno.test("Inbox never lends out an empty room, nor one that reaches into what is at hand", () => {
  const inbox = new Inbox();
  let mark = 0;
  const expected: number[] = [];
  for (let turn = 0; turn < 3_000; turn++) {
    const room = inbox.room();
    assert(room.length > 0 && room.length <= LARGE, `a room of ${room.length} bytes`);
    const count = 1 + (turn * 7919) % Math.min(room.length, 3_000);
    for (let i = 0; i < count; i++) {
      room[i] = mark;
      expected.push(mark);
      mark = (mark + 1) % 251;
    }
    inbox.filled(count, room.length);
    const take = Math.min(inbox.pending, (turn * 104_729) % 2_900);
    assertEquals(inbox.count("bytes", take), Uint8Array.from(expected.splice(0, take)));
  }
});

/** Counts the bytes that searches may look at while `fn` runs. */
function searchedDuring(fn: () => void): number {
  let searched = 0;
  const arrays: Uint8Array = Object.getPrototypeOf(Uint8Array.prototype);
  const { indexOf } = arrays;
  arrays.indexOf = function (this: Uint8Array, value: number, from = 0): number {
    const found = indexOf.call(this, value, from);
    searched += (found < 0 ? this.length : found) - from;
    return found;
  };
  try {
    fn();
  } finally {
    arrays.indexOf = indexOf;
  }
  return searched;
}

const ENDLESS: Record<string, Pattern> = {
  "a line": line(codecOf("lines"), Infinity),
  "a line under latin1": line(codecOf("latin1"), Infinity),
  "a line or the rest": lineOrRest(codecOf("lines"), Infinity),
  "up to a boundary": until(codecOf("bytes"), new TextEncoder().encode("\r\n.\r\n"), {
    inclusive: false,
    size: null,
    max: Infinity,
  }),
  "everything": all(codecOf("bytes"), Infinity),
};

for (const [what, pattern] of Object.entries(ENDLESS)) {
  Deno.test(`Inbox looks at hardly a byte twice for ${what} that comes in many pieces`, () => {
    const inbox = new Inbox();
    const pieces = 2_000;
    const size = 1_000;
    const searched = searchedDuring(() => {
      for (let piece = 0; piece < pieces; piece++) {
        const room = inbox.room();
        const count = Math.min(size, room.length);
        room.fill(120, 0, count);
        inbox.filled(count, room.length);
        assertEquals(pattern.take(inbox), undefined);
      }
    });
    // A look from the start at each arrival would be two thousand million.
    assert(searched <= pieces * (size + SMALL), `${searched} bytes were looked at`);
  });
}
