/**
 * What every pair of connected streams must do, whatever they stand on.
 *
 * `open` gives two ends that are connected; both are closed after each test.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { broadcast, type BufferedStream, type FileLike, select } from "../../stream/mod.ts";
import { kill, newthread, ThreadKilled, wait } from "../../thread/mod.ts";

/** Two ends that are connected. */
export interface Ends {
  a: BufferedStream;
  b: BufferedStream;
}

/** What kinds of streams differ in. */
export interface Traits {
  /** So many bytes surely do not fit into what lies between the ends. */
  overfull?: number;
  /** The end that sends can still receive after its `shutdown`, and the other way round. */
  halfClose?: boolean;
  /** What one send gives at once arrives at once, where nothing else is under way. */
  whole?: boolean;
  /** Cases that move tens of megabytes, too; on by default. */
  heavy?: boolean;
  /** Registers a case; as a test of its own by default. */
  register?: (name: string, fn: () => Promise<void>) => void;
}

const MEGABYTE = 1024 * 1024;

/** Registers the suite under a name. */
export function checkStream(
  kind: string,
  open: () => Promise<Ends & Partial<AsyncDisposable>>,
  traits: Traits = {},
): void {
  const { overfull = 32 * MEGABYTE, halfClose = true, whole = true } = traits;
  const { heavy = true, register = (name, fn) => Deno.test(name, fn) } = traits;

  function test(name: string, fn: (ends: Ends) => Promise<void>): void {
    register(`${kind}: ${name}`, async () => {
      const ends = await open();
      try {
        await fn(ends);
      } finally {
        ends.a.close_immediately();
        ends.b.close_immediately();
        await ends.a.close();
        await ends.b.close();
        await ends[Symbol.asyncDispose]?.();
      }
    });
  }

  function heavyTest(name: string, fn: (ends: Ends) => Promise<void>): void {
    if (heavy) test(name, fn);
  }

  /** Receives as text what a send of `text` brings. */
  async function passes(from: BufferedStream, to: BufferedStream, text: string): Promise<void> {
    assertEquals(await from.send(text), [text.length, null]);
    assertEquals(await to.receive(text.length, { encoding: "latin1" }), [text, null]);
  }

  test("receive() gives lines without LF and one CR", async ({ a, b }) => {
    await a.send("one\ntwo\r\n\r\nthree\r\r\n");
    assertEquals(await b.receive(), ["one", null]);
    assertEquals(await b.receive("*l"), ["two", null]);
    assertEquals(await b.receive(), ["", null]);
    assertEquals(await b.receive(), ["three\r", null]);
  });

  test("receive(n) gives exactly n bytes, and 0 at once", async ({ a, b }) => {
    assertEquals(await b.receive(0), [new Uint8Array(0), null]);
    await a.send(new Uint8Array([1, 2, 3, 4, 5]));
    assertEquals(await b.receive(2), [new Uint8Array([1, 2]), null]);
    assertEquals(await b.receive(3), [new Uint8Array([3, 4, 5]), null]);
  });

  test("receive(n) waits for bytes that come in pieces", async ({ a, b }) => {
    const whole = b.receive(6, { encoding: "latin1" });
    await a.send("abc");
    await a.send("def");
    assertEquals(await whole, ["abcdef", null]);
  });

  test("receiveany() gives what is there, at most so much", async ({ a, b }) => {
    await a.send("abcdef");
    await b.peek(6);
    assertEquals(await b.receiveany(4, { encoding: "latin1" }), ["abcd", null]);
    assertEquals(await b.receiveany(4, { encoding: "latin1" }), ["ef", null]);
  });

  test("receive_into() writes what is there into memory, and gives the count", async ({ a, b }) => {
    const memory = new Uint8Array(4);
    await a.send("abcdef");
    await b.peek(6);
    assertEquals(await b.receive_into(memory), [4, null]);
    assertEquals(new TextDecoder().decode(memory), "abcd");
    assertEquals(await b.receive_into(memory.subarray(1)), [2, null]);
    assertEquals(new TextDecoder().decode(memory), "aefd");
    assertEquals(b.pending, 0);
    await a.shutdown("send");
    assertEquals(await b.receive_into(memory), [null, null]);
  });

  test("receive_into() that fails has written and consumed nothing", async ({ a, b }) => {
    const memory = new Uint8Array(4);
    assertEquals((await b.receive_into(memory, { timeout: 5 }))[1]?.code, "timeout");
    const aborter = new AbortController();
    const aborted = b.receive_into(memory, { signal: aborter.signal });
    assertEquals((await b.receive_into(memory))[1]?.code, "busy");
    aborter.abort();
    assertEquals((await aborted)[1]?.code, "cancelled");
    const detached = b.receive_into(memory);
    structuredClone(memory, { transfer: [memory.buffer] });
    const kept = new Uint8Array(4);
    await a.send("late");
    assertEquals((await detached)[1]?.code, "failed");
    assertEquals(kept, new Uint8Array(4));
    assertEquals(await b.peek(4), [new TextEncoder().encode("late"), null]);
    assertEquals(await b.receive_into(kept), [4, null]);
    assertEquals(new TextDecoder().decode(kept), "late");
  });

  test("receiveuntil() finds a boundary, whole, inclusive and in pieces", async ({ a, b }) => {
    await a.send("one--two--three--");
    const text = { encoding: "latin1" } as const;
    const whole = await b.receiveuntil("--", text);
    assertEquals(new TextDecoder().decode(bytesOf(whole[0])), "one");
    const inclusive = await b.receiveuntil("--", { ...text, inclusive: true });
    assertEquals(new TextDecoder().decode(bytesOf(inclusive[0])), "two--");
    const [piece, , last] = await b.receiveuntil("--", { size: 3 });
    assertEquals([bytesOf(piece).length, last], [3, false]);
    const [rest, , end] = await b.receiveuntil("--", { size: 3 });
    assertEquals([bytesOf(rest).length, end], [2, true]);
  });

  test("peek() consumes nothing", async ({ a, b }) => {
    await a.send("abc");
    assertEquals(await b.peek(2), [new TextEncoder().encode("ab"), null]);
    assertEquals(await b.peek(3), [new TextEncoder().encode("abc"), null]);
    assertEquals(b.pending, 3);
    assertEquals(await b.receive(3, { encoding: "latin1" }), ["abc", null]);
    assertEquals(b.pending, 0);
  });

  if (halfClose) {
    test('receive("*a") gives everything to the end, and then an empty value', async (ends) => {
      await ends.a.send(["all", ["of ", [1, 2]], new TextEncoder().encode("!")]);
      await ends.a.shutdown("send");
      assertEquals(await ends.b.receive("*a", { encoding: "utf-8" }), ["allof 12!", null]);
      assertEquals(await ends.b.receive("*a", { encoding: "utf-8" }), ["", null]);
      assertEquals(await ends.b.receive(), [null, null]);
      assertEquals(await ends.b.receive(), [null, null]);
    });

    test("an end in the middle is eof, and the rest can still be fetched", async ({ a, b }) => {
      await a.send("unfinished");
      await a.shutdown("send");
      assertEquals((await b.receive())[1]?.code, "eof");
      assertEquals((await b.receive(11))[1]?.code, "eof");
      assertEquals((await b.receiveuntil("x"))[1]?.code, "eof");
      assertEquals((await b.peek(11))[1]?.code, "eof");
      assertEquals(b.pending, 10);
      assertEquals(await b.receiveany(99, { encoding: "latin1" }), ["unfinished", null]);
      assertEquals(await b.receive(), [null, null]);
    });

    test("shutdown() half-closes: the other direction goes on", async ({ a, b }) => {
      assertEquals(await a.shutdown("send"), [true, null]);
      assertEquals(await b.receive(), [null, null]);
      await passes(b, a, "still here");
      assertEquals((await a.send("no"))[1]?.code, "closed");
      assertEquals(await a.shutdown("send"), [true, null]);
      await b.shutdown("send");
      assertEquals(await a.receive("*a", { encoding: "utf-8" }), ["", null]);
    });

    test("shutdown() lets what was sent before go out", async ({ a, b }) => {
      const sent = [a.send("one\n"), a.send("two\n")];
      const ended = a.shutdown("send");
      assertEquals(await b.receive("*a", { encoding: "utf-8" }), ["one\ntwo\n", null]);
      assertEquals(await Promise.all(sent), [[4, null], [4, null]]);
      assertEquals(await ended, [true, null]);
    });

    test("lines() gives all lines, the unfinished last one too", async ({ a, b }) => {
      await a.send("one\r\ntwo\nrest");
      await a.shutdown("send");
      assertEquals(await Array.fromAsync(b.lines()), ["one", "two", "rest"]);
    });

    test("lines({ batch }) gives the same in arrays", async ({ a, b }) => {
      const lines = Array.from({ length: 5_000 }, (_, n) => `line ${n}`);
      const sending = a.send(lines.join("\n")).then(() => a.shutdown("send"));
      assertEquals((await Array.fromAsync(b.lines({ batch: true }))).flat(), lines);
      await sending;
    });

    test("readable and writable keep half-close working", async ({ a, b }) => {
      const writer = a.writable.getWriter();
      await writer.write("through a web stream");
      await writer.close();
      const pieces = await Array.fromAsync(b.readable);
      const text = pieces.map((piece) => new TextDecoder().decode(piece)).join("");
      assertEquals(text, "through a web stream");
      await passes(b, a, "and back");
    });

    test("a stream can be piped into itself, and nothing is lost", async ({ a, b }) => {
      const echo = b.readable.pipeTo(b.writable);
      const text = "0123456789".repeat(50_000);
      const sending = a.send(text).then(() => a.shutdown("send"));
      const [all] = await a.receive("*a", { encoding: "latin1" });
      assertEquals(all === text, true, `${all?.length} of ${text.length} came back`);
      assertEquals(await sending, [true, null]);
      await echo;
    });

    test("the end is answered again and again, to loops that look for errors only", async (ends) => {
      await ends.a.shutdown("send");
      const lines = ends.b.lines();
      for (const ask of [() => ends.b.receive(), () => ends.b.receive("*a"), () => lines.next()]) {
        let fired = false;
        const timer = setTimeout(() => fired = true, 1);
        let rounds = 0;
        for (; !fired && rounds < 1_000_000; rounds++) await ask();
        clearTimeout(timer);
        assert(fired, `no timer has fired within ${rounds} rounds`);
      }
      await passes(ends.b, ends.a, "the other direction goes on");
    });

    test("lines() with a limit, a timeout and bytes keep what they do not give", async ({ a, b }) => {
      await a.send("one\n\u00ff\n");
      await b.peek(7);
      const lines = b.lines({ timeout: 5 });
      assertEquals(await lines.next(), { done: false, value: "one" });
      assertEquals((await lines.next()).value, "\u00ff");
      const late = await assertRejects(() => lines.next());
      assertEquals((late as { code?: string }).code, "timeout");
      await a.send(new Uint8Array([0xfe, 10, 0x61]));
      await b.peek(3);
      const bad = await assertRejects(() => lines.next());
      assertEquals((bad as { code?: string }).code, "bad_text");
      const raw = await b.lines({ encoding: "bytes" }).next();
      assertEquals(raw.value, new Uint8Array([0xfe]));
      await a.shutdown("send");
      assertEquals(await Array.fromAsync(b.lines({ batch: true })), [["a"]]);
    });
  }

  test("lines() throws what fails, and leaves the line", async ({ a, b }) => {
    await a.send("good\n0123456789\n");
    const lines = b.lines({ max: 5 });
    assertEquals((await lines.next()).value, "good");
    const thrown = await assertRejects(() => lines.next());
    assertEquals((thrown as { code?: string }).code, "too_long");
    assertEquals(await b.receive(), ["0123456789", null]);
  });

  test("cancelling the readable view keeps the stream, and what comes", async ({ a, b }) => {
    const reader = b.readable.getReader();
    const reading = reader.read();
    await reader.cancel();
    assertEquals((await reading).done, true);
    await passes(a, b, "goes on");
  });

  test("the readable view reads nothing ahead", async ({ a, b }) => {
    const reader = b.readable.getReader();
    await a.send("one\ntwo\n");
    await b.peek(8);
    assertEquals(b.pending, 8);
    reader.releaseLock();
    assertEquals(await b.receive(), ["one", null]);
    assertEquals(await b.receive(), ["two", null]);
  });

  test("every encoding, for one call", async ({ a, b }) => {
    const data = new Uint8Array([0xc3, 0xa9]);
    const line = new Uint8Array([0xc3, 0xa9, 13, 10]);
    await a.send([line, line, line, line, data, data, data, data, "."]);
    assertEquals(await b.receive("*l", { encoding: "utf-8" }), ["é", null]);
    assertEquals(await b.receive("*l", { encoding: "latin1" }), ["Ã©", null]);
    assertEquals(await b.receive("*l", { encoding: "bytes" }), [data, null]);
    assertEquals(await b.receive("*l", { encoding: "gbk" }), ["茅", null]);
    assertEquals(await b.receive(2, { encoding: "utf-8" }), ["é", null]);
    assertEquals(await b.receive(2, { encoding: "latin1" }), ["Ã©", null]);
    assertEquals(await b.receive(2, { encoding: "gbk" }), [data, null]);
    assertEquals((await b.receive(1, { encoding: "utf-8" }))[1]?.code, "bad_text");
    assertEquals(await b.receiveuntil(".", { encoding: "utf-8" }), ["é", null]);
  });

  test("aborts, interrupts and kills in any order lose not a byte", async ({ a, b }) => {
    const aborter = () => {
      const one = new AbortController();
      return { give: one.signal, pull: () => one.abort() };
    };
    for (let round = 0; round < 30; round++) {
      await a.send(`line ${round}`);
      const { give, pull } = aborter();
      const reader = newthread(() => b.receive("*l", round % 3 === 0 ? { signal: give } : {}));
      if (round % 3 === 0) pull();
      else if (round % 3 === 1) b.interrupt();
      else kill(reader);
      const code = (await wait(reader))[1]?.code;
      assertEquals(code, round % 3 === 2 ? "killed" : "cancelled");
      await a.send("\n");
      assertEquals(await b.receive(), [`line ${round}`, null]);
    }
  });

  test("close() wakes the receive, lets the queued sends go first, and tells later ones", async (ends) => {
    const { a, b } = ends;
    const waiting = a.receive();
    const sends = [a.send("first\n"), a.send("second\n"), a.send("third\n")];
    const closing = a.close();
    assertEquals((await waiting)[1]?.code, "closed");
    assertEquals((await a.send("too late"))[1]?.code, "closed");
    const [all] = await b.receive("*a", { encoding: "latin1" });
    assertEquals(all, "first\nsecond\nthird\n");
    assertEquals((await Promise.all(sends)).map(([, err]) => err), [null, null, null]);
    assertEquals(await closing, [true, null]);
    assertEquals([a.closed(), a.busy(), a.pending], [true, false, 0]);
  });

  test("await using closes", async ({ a, b }) => {
    {
      await using closing = a;
      await closing.send("farewell\n");
    }
    assertEquals(a.closed(), true);
    assertEquals(await b.receive(), ["farewell", null]);
    assertEquals(await b.receive(), [null, null]);
  });

  test("leaving a lines() loop leaves the stream open", async ({ a, b }) => {
    await a.send("one\ntwo\n");
    for await (const line of b.lines()) {
      assertEquals(line, "one");
      break;
    }
    assertEquals(await b.receive(), ["two", null]);
  });

  test("a receive that times out consumes nothing, and the next one goes on", async ({ a, b }) => {
    await a.send("late li");
    await b.peek(7);
    const [, err] = await b.receive("*l", { timeout: 10 });
    assertEquals(err?.code, "timeout");
    assertEquals((await b.receive(20, { timeout: 5 }))[1]?.code, "timeout");
    assertEquals((await b.receive("*a", { timeout: 5 }))[1]?.code, "timeout");
    assertEquals((await b.receiveuntil("zz", { timeout: 5 }))[1]?.code, "timeout");
    assertEquals((await b.receiveuntil("zz", { timeout: 5, size: 50 }))[1]?.code, "timeout");
    assertEquals(b.pending, 7);
    await a.send("ne\n");
    assertEquals(await b.receive(), ["late line", null]);
  });

  test("settimeout() holds for every receive", async ({ b }) => {
    b.settimeout(5);
    assertEquals((await b.receive())[1]?.code, "timeout");
    assertEquals((await b.receiveany())[1]?.code, "timeout");
  });

  test("an abort gives cancelled and consumes nothing", async ({ a, b }) => {
    await a.send("par");
    await b.peek(3);
    const aborter = new AbortController();
    const waiting = b.receive("*l", { signal: aborter.signal });
    aborter.abort(new Error("enough"));
    const [, err] = await waiting;
    assertEquals([err?.code, (err?.cause as Error).message], ["cancelled", "enough"]);
    assertEquals((await b.receive("*l", { signal: aborter.signal }))[1]?.code, "cancelled");
    await a.send("tial\n");
    assertEquals(await b.receive(), ["partial", null]);
  });

  test("interrupt() wakes the receive and keeps the stream; idle if none waits", async (ends) => {
    assertEquals(ends.b.interrupt()[1]?.code, "idle");
    const waiting = ends.b.receive();
    assertEquals(ends.b.interrupt(), [true, null]);
    assertEquals((await waiting)[1]?.code, "cancelled");
    await passes(ends.a, ends.b, "goes on");
  });

  test("a killed receive throws ThreadKilled and loses not a byte", async ({ a, b }) => {
    let thrown: unknown;
    await a.send("half a ");
    await b.peek(7);
    const reader = newthread(async () => {
      try {
        await b.receive();
      } catch (error) {
        thrown = error;
        throw error;
      }
    });
    assert(reader.state.startsWith("receive "), reader.state);
    kill(reader, "test");
    assertEquals((await wait(reader))[1]?.code, "killed");
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert(thrown instanceof ThreadKilled);
    await a.send("line\n");
    assertEquals(await b.receive(), ["half a line", null]);
  });

  test("a second reader is busy, and the first one still gets its line", async ({ a, b }) => {
    const first = b.receive();
    assertEquals((await b.receive())[1]?.code, "busy");
    assertEquals((await b.receiveany())[1]?.code, "busy");
    assertEquals(b.busy(), true);
    await a.send("for the first\n");
    assertEquals(await first, ["for the first", null]);
    assertEquals(b.busy(), false);
  });

  test("both directions at once", async ({ a, b }) => {
    const text = "x".repeat(300_000);
    const [sentA, sentB, gotA, gotB] = await Promise.all([
      a.send(text),
      b.send(text),
      a.receive(text.length, { encoding: "latin1" }),
      b.receive(text.length, { encoding: "latin1" }),
    ]);
    assertEquals([sentA[0], sentB[0]], [300_000, 300_000]);
    assertEquals([gotA[0], gotB[0]], [text, text]);
  });

  test("sends of several threads go out in order, each whole", async ({ a, b }) => {
    const threads = Array.from({ length: 20 }, (_, n) => {
      const line = `${String(n).repeat(5_000)}\n`;
      return newthread(() => a.send([line.slice(0, 10), line.slice(10)]));
    });
    for (let n = 0; n < 20; n++) {
      const [line] = await b.receive("*l");
      assertEquals(line, String(n).repeat(5_000));
    }
    for (const [count, err] of await wait(threads)) assert(err === null && count > 5_000);
  });

  test("send() takes text, bytes, numbers and lists, and counts bytes", async ({ a, b }) => {
    assertEquals(await a.send(["é", 12, [new Uint8Array([33]), ["\n"]]]), [6, null]);
    assertEquals(await b.receive(), ["é12!", null]);
    assertEquals(await a.send(""), [0, null]);
    assertEquals(await a.send([]), [0, null]);
    assertEquals(await a.send([[], "", new Uint8Array(0)]), [0, null]);
  });

  test("bytes that are changed after the send has resolved do no harm", async ({ a, b }) => {
    const bytes = new TextEncoder().encode("first\n");
    await a.send(bytes);
    bytes.fill(120);
    assertEquals(await b.receive(), ["first", null]);
  });

  heavyTest("large messages of every shape arrive whole", async ({ a, b }) => {
    const bytes = new Uint8Array(3 * MEGABYTE).map((_, i) => i * 7);
    const text = "ä".repeat(200_000);
    const sending = Promise.all([a.send(bytes), a.send(text), a.send(["<", bytes, text, ">"])]);
    assertEquals((await b.receive(bytes.length))[0], bytes);
    assertEquals((await b.receive(400_000, { encoding: "utf-8" }))[0], text);
    const [all] = await b.receive(bytes.length + 400_002);
    assertEquals(all?.[0], 60);
    assertEquals(all?.subarray(1, bytes.length + 1), bytes);
    assertEquals(all?.at(-1), 62);
    assertEquals((await sending)[2], [bytes.length + 400_002, null]);
  });

  heavyTest(
    "a peer that does not read holds the sender; a timed-out send marks it",
    async (ends) => {
      const { a, b } = ends;
      const big = new Uint8Array(overfull).fill(46);
      const first = a.send(big, { timeout: 30 });
      const queued = a.send("queued and withdrawn", { timeout: 10 });
      const [, err] = await first;
      assertEquals(err?.code, "timeout");
      assert(err!.sent! >= 0 && err!.sent! < big.length, `sent ${err?.sent}`);
      const [, withdrawn] = await queued;
      assertEquals([withdrawn?.code, withdrawn?.sent], ["timeout", 0]);
      assertEquals((await a.send("x"))[1]?.code, "dirty");
      // Receiving goes on, and the message that was begun still goes out whole.
      await b.send("from the other side\n");
      assertEquals(await a.receive(), ["from the other side", null]);
      let received = 0;
      while (received < big.length) {
        const [piece] = await b.receiveany(MEGABYTE);
        received += piece!.length;
        assert(piece!.every((byte) => byte === 46));
      }
      assertEquals(received, big.length);
      assertEquals((await b.receiveany(9, { timeout: 10 }))[1]?.code, "timeout");
    },
  );

  heavyTest("a queued send that is aborted or killed is withdrawn whole", async ({ a, b }) => {
    const big = new Uint8Array(overfull);
    const first = a.send(big, { timeout: 0 });
    await new Promise((resolve) => setTimeout(resolve, 0));
    const aborter = new AbortController();
    const aborted = a.send("aborted", { signal: aborter.signal });
    const killed = newthread(() => a.send("killed"));
    const last = a.send("last", { timeout: 0 });
    aborter.abort();
    kill(killed);
    const [, err] = await aborted;
    assertEquals([err?.code, err?.sent], ["cancelled", 0]);
    assertEquals((await wait(killed))[1]?.code, "killed");
    let left = big.length;
    while (left > 0) left -= (await b.receiveany(Math.min(left, MEGABYTE)))[0]!.length;
    assertEquals(await first, [big.length, null]);
    assertEquals(await last, [4, null]);
    assertEquals(await b.receive(4, { encoding: "latin1" }), ["last", null]);
    // It harmed nothing: the stream takes more.
    await passes(a, b, "more");
  });

  test("close() wakes the receive with closed, and is idempotent", async ({ a, b }) => {
    const waiting = b.receive();
    assertEquals(await b.close(), [true, null]);
    assertEquals((await waiting)[1]?.code, "closed");
    assertEquals(await b.close(), [true, null]);
    assertEquals(b.closed(), true);
    assertEquals((await b.receive())[1]?.code, "closed");
    assertEquals((await b.send("x"))[1]?.code, "closed");
    assertEquals((await b.shutdown("send"))[1]?.code, "closed");
    assertEquals(a.closed(), false);
  });

  heavyTest("close() lets accepted sends go out", async ({ a, b }) => {
    const text = "y".repeat(2 * MEGABYTE);
    const sent = a.send(text);
    const closed = a.close();
    const [all] = await b.receive("*a", { encoding: "latin1" });
    assertEquals(all?.length, text.length);
    assertEquals(await sent, [text.length, null]);
    assertEquals(await closed, [true, null]);
  });

  heavyTest(
    "close() waits for a peer that does not read no longer than the send may",
    async (ends) => {
      ends.a.settimeout(20);
      const sent = ends.a.send(new Uint8Array(overfull));
      assertEquals(await ends.a.close(), [true, null]);
      assertEquals((await sent)[1]?.code, "timeout");
    },
  );

  heavyTest("close_immediately() drops what waits", async ({ a }) => {
    const sent = a.send(new Uint8Array(overfull), { timeout: 0 });
    const queued = a.send("never");
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(a.close_immediately(), [true, null]);
    assertEquals((await sent)[1]?.code, "closed");
    assertEquals((await queued)[1]?.code, "closed");
  });

  test("a loop that takes no heed of failures does not stop the program", async ({ b }) => {
    await b.close();
    let stop = false;
    const timer = setTimeout(() => stop = true, 5);
    let failures = 0;
    // Beyond the 16th each takes a turn, so that the timer comes.
    while (!stop || failures <= 16) {
      const [, err] = await b.receive();
      assertEquals(err?.code, "closed");
      failures += 1;
    }
    clearTimeout(timer);
  });

  test("a killed thread that retries for ever neither spins nor outlives its peers", async (ends) => {
    const stubborn = newthread(async () => {
      for (;;) {
        try {
          await ends.b.receive();
        } catch {
          // It takes no heed, which must not freeze the program.
        }
      }
    });
    kill(stubborn);
    await new Promise((resolve) => setTimeout(resolve, 5));
    assertEquals((await wait(stubborn))[1]?.code, "killed");
    await passes(ends.a, ends.b, "unharmed");
  });

  test("too_long consumes nothing, at exactly the limit", async ({ a, b }) => {
    await a.send(`${"x".repeat(100)}\r\n`);
    assertEquals((await b.receive("*l", { max: 99 }))[1]?.code, "too_long");
    assertEquals(await b.receive("*l", { max: 100 }), ["x".repeat(100), null]);
    assertEquals((await b.receive(11, { max: 10 }))[1]?.code, "too_long");
    await a.send("0123456789");
    await b.peek(10);
    assertEquals((await b.receive("*a", { max: 9 }))[1]?.code, "too_long");
    assertEquals((await b.receiveuntil("9", { max: 8 }))[1]?.code, "too_long");
    assertEquals(await b.receive(10, { max: 10, encoding: "latin1" }), ["0123456789", null]);
  });

  test("an endless line is too_long by default, at 64 KiB", async ({ a, b }) => {
    const sending = a.send("z".repeat(70_000));
    assertEquals((await b.receive())[1]?.code, "too_long");
    assertEquals((await b.receive(70_000, { encoding: "latin1" }))[0]?.length, 70_000);
    await sending;
  });

  test("bad_text stays, and can be taken as bytes", async ({ a, b }) => {
    await a.send(new Uint8Array([0xff, 0x41, 0x0a, 0x42, 0x0a]));
    assertEquals((await b.receive())[1]?.code, "bad_text");
    assertEquals(await b.receive("*l", { encoding: "latin1" }), ["\xffA", null]);
    assertEquals(await b.receive(), ["B", null]);
  });

  test("the wire log names what happens", async ({ a, b }) => {
    const log: string[] = [];
    b.trace((line) => log.push(line.replace(/^#\d+ \S+ /, "")));
    await a.send('say "hi"\r\n\x01');
    await b.receive();
    await b.receive("*l", { timeout: 1 });
    await b.send("ok\n");
    await b.close();
    const text = log.join("\n");
    if (whole) assert(text.includes('< "say \\"hi\\"\\r\\n\\x01" 11 B'), text);
    assert(text.includes("timeout, 1 B kept"), text);
    assert(text.includes('> "ok\\n" 3 B'), text);
    assert(text.endsWith("close"), text);
  });

  const text = { encoding: "latin1" } as const;

  test("cork() holds what is sent, and uncork() sends it as one", async ({ a, b }) => {
    const log: string[] = [];
    a.trace((line) => log.push(line.replace(/^#\d+ \S+ /, "")));
    assertEquals(a.cork(), [true, null]);
    const bytes = new TextEncoder().encode("three");
    assertEquals(await a.send("one "), [4, null]);
    assertEquals(await a.send(["two ", 2, " "]), [6, null]);
    assertEquals(await a.send(bytes), [5, null]);
    bytes.fill(120);
    assertEquals(a.cork(), [true, null]);
    assertEquals((await b.receiveany(99, { timeout: 5 }))[1]?.code, "timeout");
    assertEquals(await a.uncork(), [15, null]);
    assertEquals(await b.receive(15, text), ["one two 2 three", null]);
    assertEquals(log.filter((line) => line.startsWith(">")), ['> "one two 2 three" 15 B']);
    assertEquals(await a.uncork(), [0, null]);
    await passes(a, b, "not held any more");
  });

  test("close() sends what is corked", async ({ a, b }) => {
    a.cork();
    await a.send("held\n");
    assertEquals(await a.close(), [true, null]);
    assertEquals(await b.receive(), ["held", null]);
    assertEquals(await b.receive(), [null, null]);
    assertEquals([a.cork()[1]?.code, (await a.uncork())[1]?.code], ["closed", "closed"]);
  });

  test("sendfile() sends a file in pieces, and other sends wait their turn", async ({ a, b }) => {
    const size = 1_000_001;
    const file = new Memory(size);
    const all = newthread(async () => {
      const before = a.send("before\n");
      const sending = a.sendfile(file);
      const part = a.sendfile(file, 10, 20);
      const after = a.send("after");
      return await Promise.all([before, sending, part, after]);
    });
    assertEquals(await b.receive(), ["before", null]);
    assertEquals((await b.receive(size))[0]?.every((byte, at) => byte === file.at(at)), true);
    assertEquals((await b.receive(20))[0]?.every((byte, at) => byte === file.at(at + 10)), true);
    assertEquals(await b.receive(5, text), ["after", null]);
    const [results] = await wait(all);
    assertEquals(results?.map(([count]) => count), [7, size, 20, 5]);
    assert(file.largest <= 128 * 1024, `${file.largest} bytes were read at once`);
    await passes(a, b, "unharmed");
  });

  test("sendfile() of a file that is cut off is eof, and no garbage follows", async (ends) => {
    const { a, b } = ends;
    const file = new Memory(400_000);
    file.onRead = () => file.size_now = 200_000;
    const sending = a.sendfile(file);
    const queued = a.send("it must not follow");
    let received = 0;
    for (let left = 200_000; left > 0; left = 200_000 - received) {
      const [piece] = await b.receiveany(left);
      for (const byte of piece!) assertEquals(byte, file.at(received++));
    }
    const [, err] = await sending;
    assertEquals([err?.code, err?.sent], ["eof", 200_000]);
    assertEquals([(await queued)[1]?.code, (await a.send("x"))[1]?.code], ["dirty", "dirty"]);
    assertEquals((await b.receiveany(9, { timeout: 5 }))[1]?.code, "timeout");
    await b.send("the other direction goes on\n");
    assertEquals((await a.receive())[1], null);
  });

  heavyTest("a killed sendfile() stops reading its file", async ({ a, b }) => {
    const file = new Memory(overfull);
    const sending = newthread(() => a.sendfile(file, 0, undefined, { timeout: 0 }));
    await b.peek(1);
    kill(sending);
    assertEquals((await wait(sending))[1]?.code, "killed");
    await new Promise((resolve) => setTimeout(resolve, 0));
    const { reads } = file;
    assertEquals((await a.send("x"))[1]?.code, "dirty");
    while ((await b.receiveany(MEGABYTE, { timeout: 20 }))[0] !== null);
    assertEquals(file.reads, reads);
  });

  test("frames arrive as they were sent, whatever is cut in between", async ({ a, b }) => {
    for (const end of [a, b]) end.set_rwopt({ read_head_bytes: 4, write_head_bytes: 4 });
    const lengths = [0, 1, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 300_000];
    const sending = Promise.all(lengths.map((n) => a.send_frame(new Uint8Array(n).fill(n % 251))));
    for (const length of lengths) {
      const [frame] = await b.receive_frame();
      assertEquals([frame?.length, frame?.every((byte) => byte === length % 251)], [length, true]);
    }
    assertEquals((await sending).map(([count]) => count), lengths.map((length) => length + 4));
  });

  test("a frame that is given up or too long consumes nothing", async ({ a, b }) => {
    b.set_rwopt({ read_head_bytes: 2, read_head_endian: "B", read_head_max: 4 });
    await a.send(new Uint8Array([0, 4, 97, 98]));
    await b.peek(4);
    assertEquals((await b.receive_frame({ timeout: 5 }))[1]?.code, "timeout");
    const reader = newthread(() => b.receive_frame());
    kill(reader);
    assertEquals((await wait(reader))[1]?.code, "killed");
    await a.send(new Uint8Array([99, 100, 0, 5, 101]));
    assertEquals(await b.receive_frame(text), ["abcd", null]);
    assertEquals((await b.receive_frame())[1]?.code, "too_long");
    assertEquals((await b.receive_frame())[1]?.code, "too_long");
    assertEquals(await b.receive(3), [new Uint8Array([0, 5, 101]), null]);
  });

  test("broadcast() reaches it like a send", async ({ a, b }) => {
    a.set_rwopt({ write_head_bytes: 1 });
    assertEquals(await broadcast([a, a], "hi"), [[3, null], [3, null]]);
    assertEquals(await b.receive(6, text), ["\x02hi\x02hi", null]);
  });

  test("getpeer() tells who is there, or that nobody can be named", async ({ a }) => {
    const [peer, err] = a.getpeer();
    if (peer === null) assertEquals(err?.code, "unsupported");
    else assert(peer.family === "unix" || (peer.ip === "127.0.0.1" && peer.port > 0));
    await a.close();
    assertEquals(a.getpeer()[1]?.code, "closed");
  });

  test("try_receive() takes what is here and never waits", async ({ a, b }) => {
    assertEquals(b.try_receive()[1]?.code, "timeout");
    assertEquals(b.busy(), false);
    await a.send("one\ntw");
    await b.peek(6);
    assertEquals(b.try_receive(), ["one", null]);
    assertEquals(b.try_receive()[1]?.code, "timeout");
    assertEquals(b.try_receive("*a")[1]?.code, "timeout");
    assertEquals(b.try_receive(3)[1]?.code, "timeout");
    assertEquals(b.try_receive(1, text), ["t", null]);
    assertEquals(b.pending, 1);
    const waiting = b.receive();
    assertEquals(b.try_receive()[1]?.code, "busy");
    await a.send("o\n");
    assertEquals(await waiting, ["wo", null]);
  });

  test("try_receive() and select() read lines without a receive that waits", async (ends) => {
    const lines: string[] = [];
    const reading = newthread(async () => {
      let tries = 0;
      while (lines.length < 3) {
        const [line, err] = ends.b.try_receive();
        if (line !== null) {
          lines.push(line);
          continue;
        }
        assertEquals(err?.code, "timeout");
        tries += 1;
        assertEquals(await select([ends.b]), [[ends.b], null]);
      }
      return tries;
    });
    for (const piece of ["on", "e\ntwo", "\n", "thr", "ee\n"]) {
      await ends.a.send(piece);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const [tries] = await wait(reading);
    assertEquals(lines, ["one", "two", "three"]);
    // Part of a line is here most of the time, and wakes nobody twice.
    assert(tries! <= (whole ? 6 : 14), `${tries} tries`);
  });

  test("select() gives what is readable, consumes nothing, leaves no reader", async ({ a, b }) => {
    assertEquals((await select([a, b], { timeout: 5 }))[1]?.code, "timeout");
    const aborter = new AbortController();
    const aborted = select([a, b], { signal: aborter.signal });
    assertEquals([(await b.receive())[1]?.code, (await select([b]))[1]?.code], ["busy", "busy"]);
    aborter.abort();
    assertEquals((await aborted)[1]?.code, "cancelled");
    const interrupted = select([a, b]);
    assertEquals(b.interrupt(), [true, null]);
    assertEquals((await interrupted)[1]?.code, "cancelled");
    const killed = newthread(() => select([a, b]));
    assert(killed.state.startsWith("select among 2 streams"), killed.state);
    kill(killed);
    assertEquals((await wait(killed))[1]?.code, "killed");
    assertEquals([a.busy(), b.busy()], [false, false]);
    const selecting = select([a, b]);
    await a.send("half a li");
    const [ready] = await selecting;
    assertEquals([ready?.length, ready?.[0] === b], [1, true]);
    assertEquals((await select([a, b]))[0]?.length, 1);
    await a.send("ne\n");
    assertEquals(await b.receive(), ["half a line", null]);
    const receiving = b.receive();
    assertEquals((await select([a, b]))[1]?.code, "busy");
    assertEquals(a.busy(), false);
    await a.send("unharmed\n");
    assertEquals(await receiving, ["unharmed", null]);
  });

  test("select() wakes for a stream that is closed on our side", async ({ a, b }) => {
    const selecting = select([a, b]);
    a.close_immediately();
    const [ready] = await selecting;
    assertEquals(ready?.[0] === a, true);
    assertEquals((await a.receive())[1]?.code, "closed");
  });

  test("on_disconnect() tells once of our close, after what was sent", async ({ a, b }) => {
    const reasons: unknown[] = [];
    const over = new Promise<void>((resolve) =>
      a.on_disconnect((reason) => {
        reasons.push(reason);
        resolve();
      })
    );
    const sent = a.send("all of it\n");
    await a.close();
    await over;
    await a.close();
    assertEquals([reasons, await sent], [[null], [10, null]]);
    assertEquals(await b.receive(), ["all of it", null]);
  });

  heavyTest("on_disconnect() tells why, when not all was sent", async ({ a }) => {
    const reason = new Promise((resolve) => a.on_disconnect(resolve));
    const sent = a.send(new Uint8Array(overfull), { timeout: 0 });
    await new Promise((resolve) => setTimeout(resolve, 0));
    a.close_immediately();
    assertEquals(((await reason) as { code: string }).code, "closed");
    assertEquals((await sent)[1]?.code, "closed");
  });

  if (halfClose) {
    test("select() and on_disconnect() tell of the end of the other side", async ({ a, b }) => {
      const reason = new Promise((resolve) => b.on_disconnect(resolve));
      await a.send("last words\n");
      const [ready] = await select([b]);
      assertEquals(ready?.length, 1);
      await a.shutdown("send");
      // Nobody receives, and it is told all the same.
      assertEquals(await reason, null);
      assertEquals(await b.receive(), ["last words", null]);
      assertEquals((await select([b]))[0]?.length, 1);
      assertEquals(await b.receive(), [null, null]);
      assertEquals(b.try_receive("*a"), [new Uint8Array(0), null]);
      const late = new Promise((resolve) => b.on_disconnect(resolve));
      assertEquals(await late, null);
      await passes(b, a, "the other direction goes on");
    });
  }

  test("misuse throws and names the argument", ({ a }) => {
    const wrong: [() => unknown, string][] = [
      [() => a.receive(-1), "receive wants 0 bytes or more: got -1"],
      [() => a.receive(1.5), "receive wants 0 bytes or more: got 1.5"],
      [() => a.receive("*x" as "*l"), 'receive wants "*l", "*a" or a number of bytes: got \'*x\''],
      [() => a.receiveany(0), "receiveany: max wants 1 bytes or more: got 0"],
      [() => a.receive_into([] as never), "receive_into wants a Uint8Array: got object"],
      [() => a.receive_into(new Uint8Array(0)), "receive_into: the memory has no room"],
      [() => a.receiveuntil(""), "receiveuntil: the boundary is empty"],
      [() => a.receiveuntil("ab", { size: 0 }), "receiveuntil: size wants 1 bytes or more: got 0"],
      [() => a.try_receive("*x" as "*l"), 'try_receive wants "*l", "*a" or a number of bytes'],
      [
        () => a.set_rwopt({ read_head_bytes: 3 as 4 }),
        "read_head_bytes must be 0, 1, 2 or 4: got 3",
      ],
      [() => a.sendfile({} as FileLike), "sendfile wants a file with read(length, offset)"],
      [() => a.sendfile(new Memory(1), -1), "sendfile: offset must be a whole number of bytes"],
      [() => a.sendfile(new Memory(1), 0, 0.5), "sendfile: count must be a whole number of bytes"],
      [() => a.on_disconnect(1 as never), "on_disconnect wants a function or null: got number"],
      [() => select([]), "select wants at least one stream: got none"],
      [() => select([{} as BufferedStream]), "select wants streams of ours"],
      [() => a.receive("*l", { timeout: -1 }), "timeout must be 0 (no limit) or more milliseconds"],
      [() => a.receive("*l", { encoding: "utf-16le" }), "'utf-16le' is not ASCII-compatible"],
      [() => a.receive("*l", { encoding: "nonsense" }), "'nonsense' is not one that TextDecoder"],
      [() => a.send(null as unknown as string), "send wants strings, bytes, numbers or lists"],
      [() => a.send([{} as unknown as string]), "send wants strings, bytes, numbers or lists"],
      [() => a.send("€", { encoding: "latin1" }), "U+20AC at 0 is no byte of a latin1 string"],
      [() => a.send("€", { encoding: "gbk" }), "cannot encode U+20AC at 0 as gbk"],
    ];
    for (const [call, words] of wrong) {
      try {
        call();
        throw new Error(`nothing was thrown: ${words}`);
      } catch (error) {
        assert((error as Error).message.includes(words), String(error));
      }
    }
    return Promise.resolve();
  });
}

/** A file that holds no bytes at all: each follows from its place. */
class Memory implements FileLike {
  size_now: number;
  largest = 0;
  reads = 0;
  onRead = () => {};

  constructor(size: number) {
    this.size_now = size;
  }

  at(place: number): number {
    return (place * 7 + (place >> 8)) & 0xff;
  }

  size(): Promise<[number, null]> {
    return Promise.resolve([this.size_now, null]);
  }

  read(length: number, offset: number): Promise<[Uint8Array | null, null]> {
    this.reads += 1;
    this.largest = Math.max(this.largest, length);
    const count = Math.min(length, this.size_now - offset);
    this.onRead();
    if (count <= 0) return Promise.resolve([null, null]);
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) bytes[i] = this.at(offset + i);
    return Promise.resolve([bytes, null]);
  }
}

function bytesOf(value: unknown): Uint8Array {
  if (typeof value === "string") return new TextEncoder().encode(value);
  return value as Uint8Array;
}
