/** Sends: what is queued, what is stuck half-way, and how each of them comes to its end. */
import { assert, assertEquals } from "@std/assert";
import { BufferedStream, pair, type Source } from "../../stream/mod.ts";
import { FakeClock, kill, newthread, wait } from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

/** More than a pair takes while nobody reads. */
const BIG = new Uint8Array(1024 * 1024);

async function withPair(
  fn: (a: BufferedStream, b: BufferedStream) => Promise<void>,
  capacity = 65_536,
): Promise<void> {
  const [a, b] = pair({ capacity });
  try {
    await fn(a, b);
  } finally {
    a.close_immediately();
    b.close_immediately();
    await Promise.all([a.close(), b.close()]);
  }
}

/** Forgets how a send ends that is only there to be in the way. */
function stuck(stream: BufferedStream): void {
  stream.send(BIG, { timeout: 0 });
}

Deno.test("send() times out though it was queued in one turn with a stuck one", () =>
  withPair(async (a) => {
    using clock = new FakeClock();
    stuck(a);
    const queued = a.send("x", { timeout: 100 });
    const ended = a.shutdown("send", { timeout: 150 });
    await clock.tick(100);
    const [, err] = await queued;
    assertEquals([err?.code, err?.sent], ["timeout", 0]);
    await clock.tick(50);
    assertEquals((await ended)[1]?.code, "timeout");
  }));

Deno.test("send() that was withdrawn from the queue leaves the stream fit for more", () =>
  withPair(async (a, b) => {
    using clock = new FakeClock();
    stuck(a);
    const queued = a.send("withdrawn", { timeout: 100 });
    await clock.tick(100);
    assertEquals((await queued)[1]?.code, "timeout");
    const more = a.send("more");
    await b.receive(BIG.length);
    assertEquals(await more, [4, null]);
    assertEquals(await b.receive(4, { encoding: "latin1" }), ["more", null]);
  }));

Deno.test("a send whose time passes while others make progress waits on", () =>
  withPair(async (a, b) => {
    using clock = new FakeClock();
    const sends = [a.send(new Uint8Array(100), { timeout: 0 }), a.send("y", { timeout: 50 })];
    for (let round = 0; round < 9; round++) {
      await clock.tick(40);
      assertEquals((await b.receive(10))[1], null);
    }
    await b.receive(11);
    assertEquals(await Promise.all(sends), [[100, null], [1, null]]);
  }, 10));

Deno.test("a message that was given up half-way still goes out whole, before the queued ones", () =>
  withPair(async (a, b) => {
    using clock = new FakeClock();
    const torn = a.send("0123456789", { timeout: 50 });
    await clock.tick(0);
    const queued = a.send("abc", { timeout: 0 });
    await clock.tick(50);
    const [, err] = await torn;
    assertEquals([err?.code, err?.sent], ["timeout", 4]);
    const [, later] = await a.send("no more");
    assertEquals([later?.code, later?.sent], ["dirty", 0]);
    assertEquals((await a.shutdown("send"))[1]?.code, "dirty");
    assertEquals(await b.receive(13, { encoding: "latin1" }), ["0123456789abc", null]);
    assertEquals(await queued, [3, null]);
  }, 4));

Deno.test("the sends of one turn are one write", async () => {
  const writes: string[] = [];
  const source: Source = {
    read: () => new Promise(() => {}),
    write(bytes) {
      writes.push(new TextDecoder().decode(bytes));
      return Promise.resolve(bytes.length);
    },
    end: () => Promise.resolve(),
    close: () => {},
    keeps_alive: false,
  };
  const stream = new BufferedStream(source);
  const sent = [stream.send("a"), stream.send(["b", 1]), stream.send(new Uint8Array([99]))];
  assertEquals(await Promise.all(sent), [[1, null], [2, null], [1, null]]);
  assertEquals(writes, ["ab1c"]);
  await stream.close();
});

Deno.test("close() ends when the send that it waits for is aborted, times out or is killed", async () => {
  for (const how of ["abort", "timeout", "kill"]) {
    await withPair(async (a) => {
      using clock = new FakeClock();
      const aborter = new AbortController();
      const timeout = how === "timeout" ? 100 : 0;
      const sender = newthread(() => a.send(BIG, { timeout, signal: aborter.signal }));
      await clock.tick(0);
      let closed = false;
      const closing = a.close().then(() => closed = true);
      await clock.tick(99);
      assertEquals(closed, false);
      if (how === "abort") aborter.abort();
      if (how === "kill") kill(sender);
      await clock.tick(1);
      assertEquals(closed, true, how);
      assertEquals(
        (await wait(sender))[1]?.code,
        how === "abort" ? "cancelled" : how === "kill" ? "killed" : "timeout",
      );
      await closing;
    });
  }
});

Deno.test("shutdown() twice waits twice, and one that is withdrawn leaves the other", () =>
  withPair(async (a, b) => {
    using clock = new FakeClock();
    stuck(a);
    const first = a.shutdown("send", { timeout: 50 });
    const second = a.shutdown("send", { timeout: 0 });
    await clock.tick(50);
    assertEquals((await first)[1]?.code, "timeout");
    assertEquals((await a.send("x"))[1]?.code, "closed");
    const [all] = await b.receive("*a");
    assertEquals(all?.length, BIG.length);
    assertEquals(await second, [true, null]);
    assertEquals(await a.shutdown("send"), [true, null]);
  }));

Deno.test("shutdown() that was withdrawn lets sends through again", () =>
  withPair(async (a, b) => {
    using clock = new FakeClock();
    stuck(a);
    const ended = a.shutdown("send", { timeout: 50 });
    await clock.tick(50);
    assertEquals((await ended)[1]?.code, "timeout");
    const sent = a.send("after all");
    await b.receive(BIG.length);
    assertEquals(await sent, [9, null]);
  }));

Deno.test("send() of bytes whose buffer was given away sends none", () =>
  withPair(async (a, b) => {
    const bytes = new Uint8Array(20_000);
    const sent = a.send(bytes);
    const small = a.send([new Uint8Array(10), "whole"]);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    assertEquals(await sent, [0, null]);
    assertEquals(await small, [15, null]);
    assertEquals((await b.receiveany())[0]?.length, 15);
  }));

Deno.test("send() of nothing but bytes whose buffer was given away sends none, among large ones too", () =>
  withPair(async (a, b) => {
    const [alone, among] = [new Uint8Array(10), new Uint8Array(10)];
    const first = a.send(alone);
    structuredClone(alone.buffer, { transfer: [alone.buffer] });
    assertEquals(await first, [0, null]);
    const rest = a.send([new Uint8Array(20_000), among, "whole"]);
    structuredClone(among.buffer, { transfer: [among.buffer] });
    assertEquals(await rest, [20_005, null]);
    assertEquals((await b.receive(20_005))[0]?.length, 20_005);
    assertEquals(b.pending, 0);
  }));

Deno.test("close_immediately() lets nothing out that the other end has not taken", () =>
  withPair(async (a, b) => {
    const sent = a.send(new Uint8Array(100), { timeout: 0 });
    await turn();
    a.close_immediately();
    assertEquals((await sent)[1]?.code, "closed");
    assertEquals((await b.receive("*a"))[0]?.length, 10);
  }, 10));

Deno.test("list() and state say of a send that has just begun that it has waited 0 ms", () =>
  withPair(async (a) => {
    const sender = newthread(() => a.send("x"));
    assertEquals(sender.state, "send pair:a, 0 ms");
    assertEquals(await wait(sender), [1, null]);
  }));

/** A source that is under our hands. */
function handSource(more: Partial<Source>): Source {
  return {
    read: () => new Promise(() => {}),
    write: (bytes) => Promise.resolve(bytes.length),
    end: () => Promise.resolve(),
    close: () => {},
    keeps_alive: true,
    ...more,
  };
}

Deno.test("close() and close_immediately() take no harm from a source that cannot close", async () => {
  const source = handSource({ close: () => Promise.reject(new Error("cannot")) });
  assertEquals(await new BufferedStream(source).close(), [true, null]);
  assertEquals(new BufferedStream(source).close_immediately(), [true, null]);
  await turn();
});

Deno.test("close_immediately() ends a close that lingers", async () => {
  using clock = new FakeClock();
  const stream = new BufferedStream(handSource({ lingers: true }));
  await stream.send("unanswered");
  let closed = false;
  const closing = stream.close().then(() => closed = true);
  await clock.tick(10);
  assertEquals(closed, false, "it does not linger at all");
  stream.close_immediately();
  await clock.tick(0);
  assertEquals(closed, true);
  await closing;
});

Deno.test("a close that lingers ends when the peer ends, or after a second", async () => {
  using clock = new FakeClock();
  const ended = Promise.withResolvers<number | null>();
  const reads = [ended.promise, new Promise<null>(() => {})];
  const calls: string[] = [];
  const streams = reads.map((read) =>
    new BufferedStream(handSource({
      lingers: true,
      read: () => read,
      end: () => Promise.resolve().then(() => void calls.push("end")),
      close: () => void calls.push("close"),
    }))
  );
  await Promise.all(streams.map((stream) => stream.send("unanswered")));
  const closings = streams.map((stream) => stream.close());
  await clock.tick(10);
  assertEquals(calls, ["end", "end"]);
  ended.resolve(null);
  await clock.tick(10);
  assertEquals(calls, ["end", "end", "close"]);
  await clock.tick(1_000);
  assertEquals(calls, ["end", "end", "close", "close"]);
  await Promise.all(closings);
});

Deno.test("a close that lingers waits for the source's own farewell, whatever else ends meanwhile", async () => {
  using clock = new FakeClock();
  const [end, farewell] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const calls: string[] = [];
  const stream = new BufferedStream(handSource({
    lingers: true,
    end: () => end.promise,
    close: () => {
      calls.push("close");
      return farewell.promise;
    },
  }));
  await stream.send("unanswered");
  const closing = stream.close().then(() => calls.push("closed"));
  await clock.tick(1_000);
  assertEquals(calls, ["close"]);
  end.reject(new Error("closed meanwhile"));
  await clock.tick(0);
  assertEquals(calls, ["close"]);
  farewell.resolve();
  await closing;
  assertEquals(calls, ["close", "closed"]);
});

Deno.test("a stream that is closed at once while its source ends is asked for nothing more", async () => {
  const calls: string[] = [];
  const end = Promise.withResolvers<void>();
  const make = (lingers: boolean) =>
    new BufferedStream(handSource({
      lingers,
      read: () => {
        calls.push("read");
        return new Promise(() => {});
      },
      end: () => end.promise,
    }));
  const lingering = make(true);
  await lingering.send("unanswered");
  const closing = lingering.close();
  const halfClosed = make(false);
  halfClosed.trace((line) => calls.push(line.replace(/^#\d+ \S+ /, "")));
  const shutdown = halfClosed.shutdown("send");
  await turn();
  lingering.close_immediately();
  halfClosed.close_immediately();
  end.resolve();
  assertEquals((await shutdown)[1]?.code, "closed");
  await closing;
  await turn();
  assertEquals(calls, ["close at once"]);
});

Deno.test("a send that fails fails all that wait behind it, and all that come later", async () => {
  const failure = new Deno.errors.BrokenPipe("broken");
  const stream = new BufferedStream(handSource({ write: () => Promise.reject(failure) }));
  const sends = [stream.send("a"), stream.send(BIG), stream.shutdown("send")];
  for (const [, err] of await Promise.all(sends)) {
    assertEquals([err?.code, err?.cause], ["reset", failure]);
  }
  assertEquals((await stream.send("b"))[1]?.code, "reset");
  assertEquals((await stream.shutdown("send"))[1]?.code, "reset");
  assertEquals(stream.busy(), false);
  assertEquals(await stream.close(), [true, null]);
});

Deno.test("err.sent is a lower bound that counts what each write has taken", async () => {
  using clock = new FakeClock();
  let writes = 0;
  const source = handSource({
    write: (bytes) =>
      ++writes < 3 ? Promise.resolve(Math.min(7, bytes.length)) : new Promise(() => {}),
  });
  const stream = new BufferedStream(source);
  const first = stream.send("12345", { timeout: 0 });
  const second = stream.send("67890abcdefghijkl", { timeout: 100 });
  await clock.tick(100);
  assertEquals(await first, [5, null]);
  const [, err] = await second;
  assertEquals([err?.code, err?.sent], ["timeout", 9]);
  assert(stream.busy(), "the rest of it is still on its way");
  stream.close_immediately();
});
