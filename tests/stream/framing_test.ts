import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { broadcast, type FrameCodec, IoError, pair, type RwOptions } from "../../stream/mod.ts";
import { kill, newthread, wait } from "../../thread/mod.ts";

const BOTH = (bytes: 0 | 1 | 2 | 4, endian: "L" | "B" = "L"): RwOptions => ({
  read_head_bytes: bytes,
  read_head_endian: endian,
  write_head_bytes: bytes,
  write_head_endian: endian,
});

function ends(options: RwOptions) {
  const [a, b] = pair({ capacity: 1_000 });
  a.set_rwopt(options);
  b.set_rwopt(options);
  return {
    a,
    b,
    async [Symbol.asyncDispose]() {
      a.close_immediately();
      b.close_immediately();
      await Promise.all([a.close(), b.close()]);
    },
  };
}

/** Every length of one byte; of more, those around each bit, where a sign could slip in. */
function lengthsFor(bytes: 1 | 2 | 4): number[] {
  if (bytes === 1) return Array.from({ length: 256 }, (_, length) => length);
  const top = bytes === 2 ? 16 : 21;
  const around = Array.from({ length: top }, (_, bit) => [2 ** bit - 1, 2 ** bit, 2 ** bit + 1]);
  return [0, ...around.flat(), 2 ** top - 1];
}

for (const bytes of [1, 2, 4] as const) {
  for (const endian of ["L", "B"] as const) {
    Deno.test(`receive_frame() gives what send_frame() sent, head of ${bytes} ${endian}`, async () => {
      await using both = ends(BOTH(bytes, endian));
      for (const length of lengthsFor(bytes)) {
        const data = new Uint8Array(length).map((_, at) => at * 31 + length);
        const sending = both.a.send_frame(data);
        const [frame, err] = await both.b.receive_frame();
        assertEquals(err, null);
        assertStrictEquals(frame!.length, length);
        assert(frame!.every((byte, at) => byte === data[at]), `a frame of ${length} bytes`);
        assertEquals(await sending, [length + bytes, null]);
      }
    });
  }
}

Deno.test("send_frame() puts exactly these heads in front", async () => {
  const heads: [bytes: 0 | 1 | 2 | 4, endian: "L" | "B", length: number, head: number[]][] = [
    [0, "L", 3, []],
    [1, "L", 200, [200]],
    [1, "B", 255, [255]],
    [2, "L", 0x8001, [0x01, 0x80]],
    [2, "B", 0x8001, [0x80, 0x01]],
    [4, "L", 0x010203, [3, 2, 1, 0]],
    [4, "B", 0x010203, [0, 1, 2, 3]],
  ];
  for (const [bytes, endian, length, head] of heads) {
    await using both = ends(BOTH(bytes, endian));
    const sending = both.a.send_frame(new Uint8Array(length).fill(7));
    const [all] = await both.b.receive(bytes + length);
    assertEquals([...all!.subarray(0, bytes)], head, `${bytes} ${endian}`);
    assert(all!.subarray(bytes).every((byte) => byte === 7));
    await sending;
  }
});

Deno.test("receive_frame() tells a length of 4 bytes from 2^31 on as what it is", async () => {
  for (const length of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
    await using both = ends({ read_head_bytes: 4, read_head_endian: "B" });
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, length);
    await both.a.send(head);
    const [, err] = await both.b.receive_frame();
    assertEquals(err?.code, "too_long");
    assert(err!.message.includes(`it has ${length} bytes, more than 67108864`), err!.message);
    // A limit that allows it waits for it, and takes no memory beforehand.
    both.b.set_rwopt({ read_head_max: 2 ** 32 - 1 });
    assertEquals((await both.b.receive_frame({ timeout: 5 }))[1]?.code, "timeout");
    assertEquals(both.b.pending, 4);
  }
});

Deno.test("receive_frame() of a frame that is too long consumes nothing, and says so again", async () => {
  await using both = ends({ ...BOTH(2, "B"), read_head_max: 5 });
  await both.a.send_frame("12345");
  await both.a.send_frame("123456");
  await both.a.send_frame("behind");
  const text = { encoding: "latin1" } as const;
  assertEquals(await both.b.receive_frame(text), ["12345", null]);
  for (let again = 0; again < 20; again++) {
    assertEquals((await both.b.receive_frame())[1]?.code, "too_long");
  }
  // All of it is still there: as a frame under another limit, or as plain bytes.
  assertEquals((await both.b.receive_frame({ max: 5 }))[1]?.code, "too_long");
  assertEquals(await both.b.peek(2), [new Uint8Array([0, 6]), null]);
  assertEquals(await both.b.receive_frame({ ...text, max: 6 }), ["123456", null]);
  both.b.set_rwopt({ read_head_max: 6 });
  assertEquals(await both.b.receive_frame(text), ["behind", null]);
});

Deno.test("send_frame() of what is too long sends nothing and harms nothing", async () => {
  await using both = ends(BOTH(1));
  assertEquals((await both.a.send_frame(new Uint8Array(256)))[1]?.code, "too_long");
  both.a.set_rwopt({ write_head_max: 3 });
  assertEquals((await both.a.send_frame("four"))[1]?.code, "too_long");
  assertEquals((await both.a.send_frame("äö"))[1]?.code, "too_long");
  assertEquals(await both.a.send_frame(["a", 1, "b"]), [4, null]);
  assertEquals(await both.b.receive_frame({ encoding: "utf-8" }), ["a1b", null]);
  assertEquals(both.b.pending, 0);
});

Deno.test("receive_frame() that is given up in a head or in a body consumes nothing", async () => {
  for (let cut = 0; cut < 9; cut++) {
    await using both = ends(BOTH(4, "B"));
    const whole = new Uint8Array([0, 0, 0, 5, 104, 101, 108, 108, 111]);
    if (cut > 0) {
      await both.a.send(whole.subarray(0, cut));
      await both.b.peek(cut);
    }
    assertEquals((await both.b.receive_frame({ timeout: 2 }))[1]?.code, "timeout");
    const aborter = new AbortController();
    const aborted = both.b.receive_frame({ signal: aborter.signal });
    aborter.abort();
    assertEquals((await aborted)[1]?.code, "cancelled");
    const interrupted = both.b.receive_frame();
    both.b.interrupt();
    assertEquals((await interrupted)[1]?.code, "cancelled");
    const killed = newthread(() => both.b.receive_frame());
    kill(killed);
    assertEquals((await wait(killed))[1]?.code, "killed");
    assertEquals(both.b.pending, cut);
    await both.a.send(whole.subarray(cut));
    assertEquals(await both.b.receive_frame({ encoding: "utf-8" }), ["hello", null]);
  }
});

Deno.test("receive_frame() gives eof for an end in the middle, and keeps the rest", async () => {
  for (const part of [[0], [0, 3], [0, 3, 1, 2]]) {
    await using both = ends(BOTH(2, "B"));
    await both.a.send(new Uint8Array(part));
    await both.a.shutdown("send");
    assertEquals((await both.b.receive_frame())[1]?.code, "eof");
    assertEquals(await both.b.receive("*a"), [new Uint8Array(part), null]);
    assertEquals(await both.b.receive_frame(), [null, null]);
  }
});

Deno.test("receive_frame() keeps a frame whose bytes the encoding does not allow", async () => {
  await using both = ends(BOTH(1));
  await both.a.send_frame(new Uint8Array([0xff, 0x41]));
  assertEquals((await both.b.receive_frame({ encoding: "utf-8" }))[1]?.code, "bad_text");
  assertEquals(await both.b.receive_frame({ encoding: "latin1" }), ["\xffA", null]);
});

Deno.test("receive_frame() without a head gives what is there, as node-lua's read", async () => {
  const [a, b] = pair();
  assertEquals(await a.send_frame("as it is\n"), [9, null]);
  assertEquals(await b.receive_frame({ encoding: "utf-8" }), ["as it is\n", null]);
  await a.close();
  assertEquals(await b.receive_frame(), [null, null]);
  await b.close();
});

Deno.test("the encoding of a stream holds for its frames, in types too", async () => {
  const [a, b] = pair({ encoding: "latin1" });
  a.set_rwopt({ write_head_bytes: 1 });
  b.set_rwopt({ read_head_bytes: 1 });
  await a.send_frame("\xe9\xff");
  const [frame] = await b.receive_frame();
  const text: string | null = frame;
  assertEquals(text, "\xe9\xff");
  assertThrows(() => a.send_frame("€"), TypeError, "is no byte of a latin1 string");
  await a.close();
  await b.close();
});

Deno.test("get_rwopt() tells what set_rwopt() has set, and the limits that follow from it", () => {
  const [a, b] = pair();
  const unset = {
    read_head_bytes: 0,
    read_head_endian: "L",
    read_head_max: 0,
    write_head_bytes: 0,
    write_head_endian: "L",
    write_head_max: 0,
  } as const;
  assertEquals(a.get_rwopt(), unset);
  a.set_rwopt({ read_head_bytes: 1 });
  assertEquals(a.get_rwopt(), { ...unset, read_head_bytes: 1, read_head_max: 255 });
  // The limit follows the head, where node-lua keeps 255.
  a.set_rwopt({ read_head_bytes: 2, read_head_endian: "B" });
  assertEquals(a.get_rwopt().read_head_max, 65_535);
  a.set_rwopt({ read_head_max: 100 });
  a.set_rwopt({ read_head_endian: "L" });
  assertEquals(a.get_rwopt().read_head_max, 100);
  a.set_rwopt({ read_head_bytes: 4, write_head_bytes: 4 });
  assertEquals(a.get_rwopt().read_head_max, 64 * 1024 * 1024);
  assertEquals(a.get_rwopt().write_head_max, 2 ** 32 - 1);
  assertEquals(b.get_rwopt(), unset, "the options of one stream are those of another");
  a.close_immediately();
  b.close_immediately();
});

Deno.test("set_rwopt() throws for what is wrong, and changes nothing", () => {
  const [a, b] = pair();
  const wrong: [options: unknown, words: string][] = [
    [null, "set_rwopt wants an object: got null"],
    [{ read_head_byte: 2 }, "set_rwopt knows no option 'read_head_byte'"],
    [{ read_head_bytes: 3 }, "read_head_bytes must be 0, 1, 2 or 4: got 3"],
    [{ write_head_endian: "big" }, 'write_head_endian must be "L" or "B": got \'big\''],
    [{ read_head_max: 1 }, "read_head_max must be 0 to 0 bytes with read_head_bytes 0: got 1"],
    [{ write_head_bytes: 1, write_head_max: 256 }, "must be 0 to 255 bytes"],
    [{ read_head_bytes: 2, write_head_bytes: 2, write_head_max: -1 }, "must be 0 to 65535 bytes"],
  ];
  for (const [options, words] of wrong) {
    assertThrows(() => a.set_rwopt(options as RwOptions), Error, words);
    assertEquals(a.get_rwopt().read_head_bytes, 0);
  }
  a.close_immediately();
  b.close_immediately();
});

/** A line of JSON, as a codec. */
const json: FrameCodec<unknown> = {
  encode: (value) => `${JSON.stringify(value)}\n`,
  decode(bytes) {
    const end = bytes.indexOf(10);
    if (end < 0) return null;
    return [JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))), end + 1];
  },
};

Deno.test("a codec of two functions sends and receives values", async () => {
  await using both = ends({});
  const values = [1, "two", { three: [3] }, "long ".repeat(5_000), null];
  const sending = Promise.all(values.map((value) => both.a.send_frame(value, json)));
  for (const value of values) assertEquals(await both.b.receive_frame(json), [value, null]);
  assertEquals((await sending).map(([, err]) => err), [null, null, null, null, null]);
  await both.a.shutdown("send");
  assertEquals(await both.b.receive_frame(json), [null, null]);
});

Deno.test("a codec that throws is failed with its error as cause, and nothing is consumed", async () => {
  await using both = ends({});
  await both.a.send('{"broken\n[1]\n');
  for (let again = 0; again < 2; again++) {
    const [, err] = await both.b.receive_frame(json);
    assertEquals([err?.code, (err?.cause as Error).name], ["failed", "SyntaxError"]);
  }
  assertEquals(await both.b.receive(), ['{"broken', null]);
  assertEquals(await both.b.receive_frame(json), [[1], null]);
  const loop: Record<string, unknown> = {};
  loop.itself = loop;
  const [, unsent] = await both.a.send_frame(loop, json);
  assertEquals([unsent?.code, (unsent?.cause as Error).name], ["failed", "TypeError"]);
  await both.a.send("the next\n");
  assertEquals(await both.b.receive(), ["the next", null]);
});

Deno.test("a codec may throw an IoError of its own", async () => {
  await using both = ends({});
  await both.a.send("?");
  const strict: FrameCodec<number> = {
    encode: String,
    decode() {
      throw new IoError("protocol", "Cannot be");
    },
  };
  assertEquals((await both.b.receive_frame(strict))[1]?.code, "protocol");
  assertEquals(both.b.pending, 1);
});

Deno.test("a codec that tells a length which cannot be is failed", async () => {
  for (
    const [length, words] of [[0, "1 byte or more: got 0"], [9, "took 9 bytes, and 3"]] as const
  ) {
    await using both = ends({});
    await both.a.send("abc");
    const wrong: FrameCodec<string> = { encode: (text) => text, decode: () => ["x", length] };
    const [, err] = await both.b.receive_frame(wrong);
    assertEquals(err?.code, "failed");
    assert(String(err?.cause).includes(words), String(err?.cause));
    assertEquals(both.b.pending, 3);
  }
});

Deno.test("a codec that tells how much it wants is asked no sooner", async () => {
  await using both = ends({});
  const asked: number[] = [];
  const eager: FrameCodec<number> = {
    encode: () => "",
    decode(bytes) {
      asked.push(bytes.length);
      return bytes.length < 2_000 ? 2_000 : [bytes.length, 2_000];
    },
  };
  const receiving = both.b.receive_frame(eager);
  // 1,000 bytes at most lie between the ends, so that it comes in pieces.
  for (let i = 0; i < 20; i++) await both.a.send(new Uint8Array(100));
  assertEquals(await receiving, [2_000, null]);
  assertEquals([asked.length, asked[1]], [2, 2_000]);
});

Deno.test("a codec's frame that does not end is too_long at max, and nothing is consumed", async () => {
  await using both = ends({});
  await both.a.send("x".repeat(100));
  assertEquals((await both.b.receive_frame(json, { max: 99 }))[1]?.code, "too_long");
  const sized: FrameCodec<string> = { encode: () => "", decode: () => 1_000 };
  assertEquals((await both.b.receive_frame(sized, { max: 999 }))[1]?.code, "too_long");
  assertEquals(both.b.pending, 100);
  assertEquals((await both.b.receive_frame(json, { max: 101, timeout: 2 }))[1]?.code, "timeout");
});

Deno.test("a codec may keep a slice of the bytes: it is a copy, as of any Uint8Array", async () => {
  await using both = ends({});
  const two: FrameCodec<Uint8Array> = {
    encode: (bytes) => bytes,
    decode: (bytes) => bytes.length < 2 ? 2 : [bytes.slice(0, 2), 2],
  };
  const kept: (Uint8Array | null)[] = [];
  for (let n = 0; n < 50; n++) {
    await both.a.send_frame(new Uint8Array([n, 255 - n]), two);
    kept.push((await both.b.receive_frame(two))[0]);
  }
  for (const [n, bytes] of kept.entries()) assertEquals([...bytes!], [n, 255 - n]);
});

Deno.test("broadcast() to 10,000 streams encodes once", async () => {
  const all = Array.from({ length: 10_000 }, () => pair());
  let encodings = 0;
  const codec: FrameCodec<{ tick: number }> = {
    encode(value) {
      encodings += 1;
      return `${JSON.stringify(value)}\n`;
    },
    decode: () => null,
  };
  const results = await broadcast(all.map(([ours]) => ours), { tick: 7 }, { codec });
  assertEquals([encodings, results.length], [1, 10_000]);
  assert(results.every(([count]) => count === 11));
  const lines = await Promise.all(all.map(([, theirs]) => theirs.receive()));
  assert(lines.every(([line]) => line === '{"tick":7}'));
  for (const end of all.flat()) end.close_immediately();
});

Deno.test("broadcast() encodes once, and gives what became of each", async () => {
  const all = Array.from({ length: 50 }, () => pair());
  let encodings = 0;
  const counted: FrameCodec<string> = {
    encode(text) {
      encodings += 1;
      return `${text}\n`;
    },
    decode: () => null,
  };
  all[7]![0].close_immediately();
  const ours = all.map(([end]) => end);
  const results = await broadcast(ours, "hello", { codec: counted });
  assertEquals(encodings, 1);
  for (const [index, [count, err]] of results.entries()) {
    assertEquals([count, err?.code], index === 7 ? [null, "closed"] : [6, undefined]);
    if (index !== 7) assertEquals(await all[index]![1].receive(), ["hello", null]);
  }
  for (const end of all.flat()) end.close_immediately();
});

Deno.test("broadcast() frames for each stream as its own set_rwopt says", async () => {
  const kinds = [BOTH(1), BOTH(2, "B"), BOTH(4, "L"), BOTH(0), BOTH(1)];
  const all = kinds.map((kind) => {
    const [ours, theirs] = pair();
    ours.set_rwopt(kind);
    return [ours, theirs] as const;
  });
  const results = await broadcast(all.map(([ours]) => ours), ["é", 1]);
  assertEquals(results.map(([count]) => count), [4, 5, 7, 3, 4]);
  const heads = [[3], [0, 3], [3, 0, 0, 0], [], [3]];
  for (const [index, [, theirs]] of all.entries()) {
    const [bytes] = await theirs.receiveany();
    assertEquals([...bytes!], [...heads[index]!, 0xc3, 0xa9, 49]);
  }
  const long = await broadcast(all.map(([ours]) => ours), new Uint8Array(256));
  assertEquals(long.map(([, err]) => err?.code), [
    "too_long",
    undefined,
    undefined,
    undefined,
    "too_long",
  ]);
  for (const end of all.flat()) end.close_immediately();
});

Deno.test("broadcast() is held up by no stream that does not read", async () => {
  const [stuck, far] = pair({ capacity: 10 });
  const [good, near] = pair();
  for (const end of [stuck, good]) end.set_rwopt({ write_head_bytes: 2 });
  const results = broadcast([stuck, good], "x".repeat(100), { timeout: 20 });
  near.set_rwopt({ read_head_bytes: 2 });
  assertEquals((await near.receive_frame({ encoding: "latin1" }))[0]?.length, 100);
  assertEquals((await results).map(([, err]) => err?.code), ["timeout", undefined]);
  for (const end of [stuck, far, good, near]) end.close_immediately();
});
