/** What each encoding makes of what is sent and received, at run time and in types. */
import { assertEquals, assertThrows } from "@std/assert";
import { type BufferedStream, type Bytes, type Encoding, pair } from "../../stream/mod.ts";

const encoder = new TextEncoder();
const bytes = (text: string): Bytes => encoder.encode(text);

async function withPair<E extends Encoding>(
  encoding: E,
  fn: (a: BufferedStream<E>, b: BufferedStream<E>) => Promise<void>,
): Promise<void> {
  const [a, b] = pair({ encoding });
  try {
    await fn(a, b);
  } finally {
    a.close_immediately();
    b.close_immediately();
  }
}

const TEXT = "é\r\nzwei\nab--cd--x12rest\nend";

Deno.test('under "lines" lines are strings and the rest is bytes', () =>
  withPair("lines", async (a, b) => {
    await a.send(TEXT);
    await a.shutdown("send");
    await b.peek(bytes(TEXT).length);
    const [first]: [string | null, unknown] = await b.receive();
    const { value: second }: IteratorResult<string> = await b.lines().next();
    const [until]: [Bytes | null, unknown] = await b.receiveuntil("--");
    const [piece]: [Bytes | null, unknown, boolean?] = await b.receiveuntil("--", { size: 9 });
    const [one]: [Bytes | null, unknown] = await b.receive(1);
    const [any]: [Bytes | null, unknown] = await b.receiveany(2);
    const [peeked]: [Bytes | null, unknown] = await b.peek(1);
    const { value: lines }: IteratorResult<string[]> = await b.lines({ batch: true }).next();
    const [all]: [Bytes | null, unknown] = await b.receive("*a");
    assertEquals([first, second, lines], ["é", "zwei", ["rest"]]);
    const rest = ["ab", "cd", "x", "12", "r", "end"].map(bytes);
    assertEquals([until, piece, one, any, peeked, all], rest);
  }));

for (const encoding of ["utf-8", "latin1"] as const) {
  Deno.test(`under "${encoding}" everything is a string`, () =>
    withPair(encoding, async (a, b) => {
      await a.send(TEXT);
      await a.shutdown("send");
      await b.peek(TEXT.length);
      const [first]: [string | null, unknown] = await b.receive();
      const { value: second }: IteratorResult<string> = await b.lines().next();
      const [until]: [string | null, unknown] = await b.receiveuntil("--");
      const [piece]: [string | null, unknown, boolean?] = await b.receiveuntil("--", { size: 9 });
      const [one]: [string | null, unknown] = await b.receive(1);
      const [any]: [string | null, unknown] = await b.receiveany(4);
      const [peeked]: [Bytes | null, unknown] = await b.peek(1);
      const { value: lines }: IteratorResult<string[]> = await b.lines({ batch: true }).next();
      const [all]: [string | null, unknown] = await b.receive("*a");
      assertEquals([first, second, lines], ["é", "zwei", ["st"]]);
      assertEquals([until, piece, one, any, all], ["ab", "cd", "x", "12re", "end"]);
      assertEquals(peeked, bytes("s"));
    }));
}

Deno.test('under "bytes" everything is bytes, and no line at hand is lost', () =>
  withPair("bytes", async (a, b) => {
    await a.send(TEXT);
    await a.shutdown("send");
    await b.peek(bytes(TEXT).length);
    const [first]: [Bytes | null, unknown] = await b.receive();
    const { value: second }: IteratorResult<Bytes> = await b.lines().next();
    const [until]: [Bytes | null, unknown] = await b.receiveuntil("--");
    const [third]: [Bytes | null, unknown] = await b.receive("*l");
    const [all]: [Bytes | null, unknown] = await b.receive("*a");
    assertEquals(
      [first, second, until, third, all],
      ["é", "zwei", "ab", "cd--x12rest", "end"].map(bytes),
    );
  }));

Deno.test("another encoding for one call changes its type, and that call alone", () =>
  withPair("lines", async (a, b) => {
    await a.send("a\nb\nc\nd-e-fgh\nrest");
    await a.shutdown("send");
    const [line]: [Bytes | null, unknown] = await b.receive("*l", { encoding: "bytes" });
    const { value: next }: IteratorResult<Bytes> = await b.lines({ encoding: "bytes" }).next();
    const { value: batch }: IteratorResult<Bytes[]> = await b
      .lines({ encoding: "bytes", batch: true, max: 1 }).next();
    const [until]: [string | null, unknown] = await b.receiveuntil("-", { encoding: "latin1" });
    const [piece]: [string | null, unknown, boolean?] = await b
      .receiveuntil("-", { encoding: "utf-8", size: 4 });
    const [count]: [string | null, unknown] = await b.receive(1, { encoding: "latin1" });
    const [any]: [string | null, unknown] = await b.receiveany(2, { encoding: "latin1" });
    const [own]: [string | null, unknown] = await b.receive();
    const [all]: [string | null, unknown] = await b.receive("*a", { encoding: "utf-8" });
    assertEquals([line, next, batch], [bytes("a"), bytes("b"), [bytes("c")]]);
    assertEquals([until, piece, count, any, own, all], ["d", "e", "f", "gh", "", "rest"]);
  }));

Deno.test("gbk decodes lines, and sends ASCII only", () =>
  withPair("gbk", async (a, b) => {
    await a.send([
      new Uint8Array([0xc4, 0xe3, 0xba, 0xc3]),
      "\r\nascii\n",
      new Uint8Array([0xff, 10]),
    ]);
    const [line]: [string | null, unknown] = await b.receive();
    assertEquals(line, "你好");
    assertEquals(await b.receive(), ["ascii", null]);
    assertEquals((await b.receive())[1]?.code, "bad_text");
    const [rest]: [Bytes | null, unknown] = await b.receive(2);
    assertEquals(rest, new Uint8Array([0xff, 10]));
    assertThrows(() => a.send("你"), TypeError, "cannot encode U+4F60 at 0 as gbk: send bytes");
  }));

Deno.test("another label of UTF-8 sends what it receives", () =>
  withPair("utf8", async (a, b) => {
    assertEquals(await a.send("é\n"), [3, null]);
    assertEquals(await b.receive(), ["é", null]);
  }));

Deno.test("latin1 carries every byte both ways", () =>
  withPair("latin1", async (a, b) => {
    const every = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
    // Short and long texts take different roads, and pure ASCII another one.
    for (
      const text of [every, "\xe9", every.repeat(200), "a".repeat(100), "a".repeat(64) + "\xff"]
    ) {
      assertEquals(await a.send(text), [text.length, null]);
      assertEquals(await b.receive(text.length), [text, null]);
    }
    assertThrows(() => a.send(["ok", "\u0100"]), TypeError, "U+0100 at 0 is no byte of a latin1");
  }));

Deno.test("a byte order mark is text like any other", () =>
  withPair("utf-8", async (a, b) => {
    await a.send("\ufeffone\n\ufefftwo\n\ufeff");
    assertEquals(await b.receive(), ["\ufeffone", null]);
    assertEquals(await b.receive(), ["\ufefftwo", null]);
    assertEquals(await b.receive(3), ["\ufeff", null]);
  }));

Deno.test("what can become no character is bad_text at once, and stays", () =>
  withPair("utf-8", async (a, b) => {
    for (const wrong of [[0xff], [0xc0], [0xf8], [0x80], [0x41, 0xff]]) {
      await a.send(new Uint8Array(wrong));
      await b.peek(wrong.length);
      assertEquals((await b.receiveany(9, { timeout: 5 }))[1]?.code, "bad_text", String(wrong));
      assertEquals(b.pending, wrong.length);
      await b.receive(wrong.length, { encoding: "bytes" });
    }
  }));

Deno.test("receiveany() waits for the rest of a character, and says bad_text if none comes", () =>
  withPair("utf-8", async (a, b) => {
    await a.send(new Uint8Array([0xe2, 0x82]));
    const waiting = b.receiveany();
    await a.send(new Uint8Array([0xac, 0xe2]));
    assertEquals(await waiting, ["€", null]);
    await a.shutdown("send");
    assertEquals((await b.receiveany())[1]?.code, "bad_text");
    assertEquals(await b.receiveany(9, { encoding: "bytes" }), [new Uint8Array([0xe2]), null]);
    assertEquals(await b.receiveany(), [null, null]);
  }));

Deno.test("receiveuntil() in pieces gives no empty ones when a boundary cuts a character", () =>
  withPair("utf-8", async (a, b) => {
    await a.send(new Uint8Array([0xc3, 0xa9, 65, 66, 67]));
    const boundary = new Uint8Array([0xa9, 65, 66, 67]);
    const [, err] = await b.receiveuntil(boundary, { size: 4, inclusive: true });
    assertEquals(err?.code, "bad_text");
    assertEquals(b.pending, 5);
  }));
