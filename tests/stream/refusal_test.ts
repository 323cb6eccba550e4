/** How streams refuse: what is closed, what was killed, what is too much, what is no argument. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { broadcast, BufferedStream, type IoError, pair } from "../../stream/mod.ts";
import { codecOf } from "../../core/mod.ts";
import { kill, newthread, startloop, wait } from "../../thread/mod.ts";

/** A file of one byte, which tells whether it was read. */
function oneByte() {
  const file = {
    reads: 0,
    read: () => {
      file.reads += 1;
      return Promise.resolve<[Uint8Array<ArrayBuffer>, null]>([new Uint8Array(1), null]);
    },
  };
  return file;
}

Deno.test("a killed thread sends nothing, corked or not", async () => {
  const [a, b] = pair();
  const refused: string[] = [];
  const file = oneByte();
  a.cork();
  await startloop(async () => {
    const thread = newthread(async () => {
      try {
        await b.receive();
      } finally {
        for (const call of [() => a.send("no\n"), () => a.sendfile(file, 0, 1)]) {
          await call().catch((error) => refused.push(error.name));
        }
      }
    });
    kill(thread);
    assertEquals((await wait(thread))[1]?.code, "killed");
  });
  assertEquals([refused, file.reads], [["ThreadKilled", "ThreadKilled"], 0]);
  assertEquals(await a.uncork(), [0, null]);
  await a.close();
  assertEquals(await b.receive(), [null, null]);
  await b.close();
});

Deno.test("a stream that is not connected refuses uncork() and sendfile()", async () => {
  const stream = new BufferedStream(null);
  assertEquals((await stream.uncork())[1]?.code, "closed");
  assertEquals((await stream.sendfile(oneByte()))[1]?.code, "closed");
});

Deno.test("a stream that is closed refuses uncork() and sendfile()", async () => {
  const [a, b] = pair();
  await a.close();
  await b.close();
  assertEquals((await a.uncork())[1]?.code, "closed");
  assertEquals((await a.sendfile(oneByte(), 0, 1))[1]?.code, "closed");
});

Deno.test("peek() of more than max is too_long and consumes nothing", async () => {
  const [a, b] = pair();
  await a.send("abc\n");
  assertEquals((await b.peek(4, { max: 3 }))[1]?.code, "too_long");
  assertEquals(await b.receive(), ["abc", null]);
  await a.close();
  await b.close();
});

Deno.test("a short line behind a long one that was kept is measured too", async () => {
  const [a, b] = pair();
  await a.send("a\nbcdef\nc\n");
  assertEquals(await b.receive(), ["a", null]);
  assertEquals((await b.receive("*l", { max: 4 }))[1]?.code, "too_long");
  assertEquals(await b.receive(), ["bcdef", null]);
  assertEquals(await b.receive(), ["c", null]);
  await a.close();
  await b.close();
});

Deno.test("readable gives the error of a receive, writable that of a send", async () => {
  const [a, b] = pair();
  b.close_immediately();
  const writer = a.writable.getWriter();
  const failed = await assertRejects(() => writer.write("x")) as IoError;
  assertEquals(failed.code, "reset");
  await assertRejects(() => writer.closed);
  a.close_immediately();
  const [c, d] = pair();
  const reader = c.readable.getReader();
  const reading = reader.read();
  c.close_immediately();
  assertEquals((await assertRejects(() => reading) as IoError).code, "closed");
  await d.close();
});

Deno.test("abort of writable closes the stream at once", async () => {
  const [a, b] = pair();
  await a.writable.abort("enough");
  assert(a.closed());
  assertEquals((await a.send("x"))[1]?.code, "closed");
  b.close_immediately();
  await b.close();
});

Deno.test("arguments of the wrong kind throw and are named", async () => {
  const [a, b] = pair();
  const wrong = (call: () => unknown, words: string) =>
    assertRejects(async () => await call(), TypeError, words);
  await wrong(() => a.receive("4" as never), "4");
  await wrong(() => a.peek("4" as never), "peek wants a number of bytes: got string");
  await wrong(() => a.shutdown("receive" as never), 'shutdown wants "send": got "receive"');
  await wrong(() => a.receiveuntil(4 as never), "a boundary of text or bytes: got number");
  await wrong(() => broadcast([{} as never], "x"), "broadcast wants streams of ours");
  assertThrows(() => codecOf(7 as never), TypeError, "encoding must be a string: got number");
  await a.close();
  await b.close();
});
