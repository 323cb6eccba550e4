import { assert, assertEquals } from "@std/assert";
import { connect, listen, unwrap } from "../../cosocket/mod.ts";
import { open } from "../../eio/mod.ts";
import { BufferedStream, type FileLike, IoError, pair, type ReadResult } from "../../stream/mod.ts";
import { kill, newthread, wait } from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

const TEXT = { encoding: "latin1" } as const;
const DENIED = new IoError("denied", "Cannot read");

/** A file of one text, whose reads a test may change. */
function fileOf(text: string, read?: FileLike["read"]): FileLike & { reads: number[] } {
  const bytes = new TextEncoder().encode(text);
  const file = {
    reads: [] as number[],
    read(length: number, offset: number): Promise<ReadResult<Uint8Array>> {
      file.reads.push(offset);
      if (read !== undefined) return read(length, offset);
      const piece = bytes.slice(offset, offset + length);
      return Promise.resolve([piece.length === 0 ? null : piece, null]);
    },
  };
  return file;
}

Deno.test("sendfile() sends to the end, from an offset, or so much", async () => {
  const [a, b] = pair();
  const file = fileOf("0123456789");
  assertEquals(await a.sendfile(file), [10, null]);
  assertEquals(await a.sendfile(file, 7), [3, null]);
  assertEquals(await a.sendfile(file, 2, 3), [3, null]);
  assertEquals(await a.sendfile(file, 2, 0), [0, null]);
  assertEquals(await a.sendfile(file, 99), [0, null]);
  assertEquals(await b.receive(16, TEXT), ["0123456789789234", null]);
  assertEquals(a.busy(), false);
  await Promise.all([a.close(), b.close()]);
});

Deno.test("sendfile() of more than there is gives eof, and tells how much has left", async () => {
  const [a, b] = pair();
  const [, err] = await a.sendfile(fileOf("0123456789"), 4, 7);
  assertEquals([err?.code, err?.sent], ["eof", 6]);
  assert(err!.message.includes("it ended after 6 of 7 bytes"), err!.message);
  assertEquals((await a.send("x"))[1]?.code, "dirty");
  await Promise.all([a.close(), b.close()]);
});

Deno.test("sendfile() that fails before its first byte harms nothing", async () => {
  const never = new Promise<never>(() => {});
  const fails: [read: FileLike["read"], code: string, cause: string | null][] = [
    [() => Promise.resolve([null, DENIED]), "denied", null],
    [() => Promise.reject(new Error("its own")), "failed", "Error: its own"],
    [
      () => {
        throw new Error("at once");
      },
      "failed",
      "Error: at once",
    ],
    [
      (length) => Promise.resolve([new Uint8Array(length + 1), null]),
      "failed",
      "TypeError: read must give at most 131072 bytes: got 131073",
    ],
    [
      () => Promise.resolve(["text", null] as unknown as [Uint8Array, null]),
      "failed",
      "TypeError: read must give at most 131072 bytes: got string",
    ],
    [() => never, "timeout", null],
  ];
  const [a, b] = pair();
  for (const [read, code, cause] of fails) {
    const sending = a.sendfile(fileOf("", read), 0, undefined, { timeout: 5 });
    const queued = a.send("queued\n");
    const [, err] = await sending;
    assertEquals([err?.code, err?.sent], [code, 0]);
    if (cause !== null) assertEquals(String(err?.cause), cause);
    assertEquals(await queued, [7, null]);
    assertEquals(await b.receive(), ["queued", null]);
  }
  const aborter = new AbortController();
  const { signal } = aborter;
  const aborted = a.sendfile(fileOf("", () => never), 0, undefined, { signal });
  aborter.abort();
  assertEquals((await aborted)[1]?.code, "cancelled");
  assertEquals((await a.sendfile(fileOf("x"), 0, 1, { signal }))[1]?.code, "cancelled");
  const killed = newthread(() => a.sendfile(fileOf("", () => never)));
  await new Promise((resolve) => setTimeout(resolve, 0));
  kill(killed);
  assertEquals((await wait(killed))[1]?.code, "killed");
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(await a.send("still whole\n"), [12, null]);
  assertEquals(await b.receive(), ["still whole", null]);
  assertEquals(b.pending, 0);
  await Promise.all([a.close(), b.close()]);
});

Deno.test("sendfile() of a file that cannot tell its size harms nothing", async () => {
  const [a, b] = pair();
  const file = {
    ...fileOf("0123456789"),
    size: () => Promise.resolve<[null, IoError]>([null, DENIED]),
  };
  const [, err] = await a.sendfile(file);
  assertEquals([err?.code, err?.sent, file.reads], ["denied", 0, []]);
  assertEquals(await a.sendfile(file, 0, 3), [3, null]);
  assertEquals(await b.receive(3, TEXT), ["012", null]);
  await Promise.all([a.close(), b.close()]);
});

Deno.test("a thread that is killed between two pieces of a file sends no more, whenever that is", async () => {
  let between = 0;
  for (let microtasks = 0; microtasks < 40; microtasks++) {
    const writes: PromiseWithResolvers<number>[] = [];
    const stream = new BufferedStream({
      read: () => new Promise(() => {}),
      write: () => {
        writes.push(Promise.withResolvers());
        return writes.at(-1)!.promise;
      },
      end: () => Promise.resolve(),
      close: () => {},
      keeps_alive: true,
    });
    // Pieces that are small, and here at once: each is read while the one before is sent.
    const file = fileOf("", () => Promise.resolve([new Uint8Array(1), null]));
    const thread = newthread(() => stream.sendfile(file, 0, 3));
    const blocked = newthread(() => stream.receive());
    await turn();
    assertEquals(writes.length, 1);
    writes[0]!.resolve(1);
    for (let n = 0; n < microtasks; n++) await Promise.resolve();
    const begun = writes.length;
    kill(thread);
    await turn();
    assertEquals([writes.length, (await wait(thread))[1]?.code], [begun, "killed"]);
    if (begun === 1) between += 1;
    kill(blocked);
    stream.close_immediately();
    await wait(blocked);
  }
  assert(between > 1 && between < 39, `${between} times before the second piece`);
});

Deno.test("sendfile() that fails later marks the stream, and fails what waits behind it", async () => {
  const [a, b] = pair();
  const io = new IoError("io", "Cannot read", { errno: "EIO" });
  const file = fileOf("", (length, offset) => {
    if (offset > 0) return Promise.resolve([null, io]);
    return Promise.resolve([new Uint8Array(length).fill(46), null]);
  });
  const sending = a.sendfile(file);
  const queued = a.send("behind");
  const ending = a.shutdown("send");
  assertEquals((await b.receive(131_072, TEXT))[0]?.length, 131_072);
  const [, err] = await sending;
  assertEquals([err?.code, err?.errno, err?.sent], ["io", "EIO", 131_072]);
  assertEquals([(await queued)[1]?.code, (await ending)[1]?.code], ["dirty", "dirty"]);
  assertEquals((await a.sendfile(fileOf("x")))[1]?.code, "dirty");
  await Promise.all([a.close(), b.close()]);
});

Deno.test("sends behind a sendfile() that is stuck time out, withdrawn whole", async () => {
  const [a, b] = pair();
  let goOn = () => {};
  const stuck = new Promise<void>((resolve) => goOn = resolve);
  const file = fileOf("", async (_, offset) => {
    if (offset > 0) return [null, null];
    await stuck;
    return [new TextEncoder().encode("file"), null];
  });
  const sending = a.sendfile(file, 0, undefined, { timeout: 0 });
  const [, err] = await a.send("too late", { timeout: 5 });
  assertEquals([err?.code, err?.sent], ["timeout", 0]);
  const other = a.sendfile(fileOf("other"), 0, undefined, { timeout: 5 });
  assertEquals((await other)[1]?.code, "timeout");
  const killed = newthread(() => a.send("killed"));
  kill(killed);
  await wait(killed);
  const last = a.send(" and last");
  goOn();
  assertEquals(await sending, [4, null]);
  assertEquals(await last, [9, null]);
  assertEquals(await b.receive(13, TEXT), ["file and last", null]);
  await Promise.all([a.close(), b.close()]);
});

Deno.test("sendfile() uses two pieces of memory where a file can read into them", async () => {
  const size = 1_000_000;
  const at = (place: number) => (place * 7 + (place >> 8)) & 0xff;
  const used = new Set<ArrayBuffer>();
  const file: FileLike = {
    read: () => Promise.reject(new Error("it was not asked to read into memory")),
    size: () => Promise.resolve([size, null]),
    read_into(into, offset) {
      used.add(into.buffer);
      const count = Math.min(into.length, size - offset);
      for (let i = 0; i < count; i++) into[i] = at(offset + i);
      return Promise.resolve(count === 0 ? [null, null] : [count, null]);
    },
  };
  const [a, b] = pair({ capacity: 1_000 });
  const sending = a.sendfile(file);
  const [got] = await b.receive(size);
  // The one that is being sent is not written to meanwhile.
  assert(got!.every((byte, place) => byte === at(place)));
  assertEquals([await sending, used.size], [[size, null], 2]);
  const failing = { ...file, read_into: () => Promise.resolve<[null, IoError]>([null, DENIED]) };
  assertEquals((await a.sendfile(failing))[1]?.code, "denied");
  const ending = { ...file, read_into: () => Promise.resolve<[null, null]>([null, null]) };
  assertEquals((await a.sendfile(ending))[1]?.code, "eof");
  await Promise.all([a.close(), b.close()]);
});

Deno.test("nothing comes between the pieces of a file, however small they are", async () => {
  const [a, b] = pair();
  const text = "0123456789";
  const file = fileOf("", (_, offset) => {
    const piece = text.slice(offset, offset + 1);
    return Promise.resolve([piece === "" ? null : new TextEncoder().encode(piece), null]);
  });
  const sends = [a.send("<"), a.sendfile(file), a.send(">"), a.sendfile(file), a.send(".")];
  const ending = a.shutdown("send");
  assertEquals(await b.receive("*a", TEXT), [`<${text}>${text}.`, null]);
  assertEquals((await Promise.all(sends)).map(([count]) => count), [1, 10, 1, 10, 1]);
  assertEquals(await ending, [true, null]);
  await Promise.all([a.close(), b.close()]);
});

Deno.test("close() waits for a sendfile() whose file keeps it waiting", async () => {
  const [a, b] = pair();
  let goOn = () => {};
  const stuck = new Promise<void>((resolve) => goOn = resolve);
  const file = fileOf("", async (_, offset) => {
    if (offset > 9) return [null, null];
    if (offset > 0) await stuck;
    return [new TextEncoder().encode("piece"), null];
  });
  const sending = a.sendfile(file);
  assertEquals(await b.receive(5, TEXT), ["piece", null]);
  const closing = a.close();
  goOn();
  assertEquals([await sending, await closing], [[10, null], [true, null]]);
  assertEquals(await b.receive("*a", TEXT), ["piece", null]);
  await b.close();
});

Deno.test("close() lets a sendfile() that was begun go through; close_immediately() does not", async () => {
  const size = 1_000_000;
  const file = () => fileOf("x".repeat(size));
  const [a, b] = pair();
  const sending = a.sendfile(file());
  const closing = a.close();
  assertEquals((await b.receive("*a", TEXT))[0]?.length, size);
  assertEquals([await sending, await closing], [[size, null], [true, null]]);
  assertEquals((await a.sendfile(file()))[1]?.code, "closed");
  await b.close();
  const [c, d] = pair();
  const dropped = c.sendfile(file());
  await d.peek(1);
  c.close_immediately();
  const [, err] = await dropped;
  assertEquals([err?.code, err!.sent! < size], ["closed", true]);
  await Promise.all([c.close(), d.close()]);
});

Deno.test("what is corked goes in front of the file, in one write", async () => {
  const [a, b] = pair();
  const log: string[] = [];
  a.trace((line) => log.push(line.replace(/^#\d+ \S+ /, "")));
  a.cork();
  await a.send("head ");
  assertEquals(
    (await a.sendfile(fileOf("", () => Promise.reject(new Error("no")))))[1]?.code,
    "failed",
  );
  assertEquals(await a.sendfile(fileOf("file")), [4, null]);
  await a.send(" tail");
  assertEquals(log, ['> "head file" 9 B']);
  await a.uncork();
  assertEquals(await b.receive(14, TEXT), ["head file tail", null]);
  await Promise.all([a.close(), b.close()]);
});

Deno.test("sendfile() reads on while it sends, and at most one piece ahead", async () => {
  const [a, b] = pair({ capacity: 1_000 });
  const file = fileOf("y".repeat(1_000_000));
  const sending = a.sendfile(file);
  await b.peek(1_000);
  assertEquals(file.reads, [0, 131_072]);
  assertEquals((await b.receive(1_000_000))[1], null);
  assertEquals(await sending, [1_000_000, null]);
  // And each piece but once.
  assertEquals(file.reads, Array.from({ length: 9 }, (_, n) => Math.min(n * 131_072, 1_000_000)));
  await Promise.all([a.close(), b.close()]);
});

Deno.test("sendfile() of a real file over TCP, whole and cut off under way", async () => {
  const path = await Deno.makeTempFile();
  const size = 20_000_000;
  const left = size - 100_000;
  const bytes = new Uint8Array(size).map((_, at) => at * 3 + (at >> 8));
  await Deno.writeFile(path, bytes);
  const server = unwrap(await listen("127.0.0.1", 0));
  const sock = unwrap(await connect("127.0.0.1", server.port));
  const served = unwrap(await server.accept());
  const file = unwrap(await open(path, "r+"));
  try {
    const sending = served.sendfile(file);
    const [got] = await sock.receive(size);
    assert(got!.every((byte, at) => byte === bytes[at]));
    assertEquals(await sending, [size, null]);
    assertEquals(served.getpeer(), served.remoteaddr());
    const cut = served.sendfile(file);
    await sock.peek(1);
    // The rest does not fit into what lies between, so that it cannot have been read by now.
    await file.truncate(left);
    const [rest] = await sock.receive(left);
    assert(rest!.every((byte, at) => byte === bytes[at]));
    const [, err] = await cut;
    assertEquals([err?.code, err?.sent], ["eof", left]);
    assertEquals((await sock.receiveany(9, { timeout: 5 }))[1]?.code, "timeout");
  } finally {
    await file.close();
    sock.close_immediately();
    served.close_immediately();
    await server.close();
    await Deno.remove(path);
  }
});

Deno.test("sendfile() of a large file holds no more than three pieces of it", async () => {
  const size = 300_000_000;
  const piece = new Uint8Array(131_072);
  let readTo = 0;
  const file: FileLike = {
    size: () => Promise.resolve([size, null]),
    read(length, offset) {
      readTo = offset + length;
      return Promise.resolve([piece.subarray(0, length), null]);
    },
  };
  const [a, b] = pair();
  const sending = a.sendfile(file);
  let most = 0;
  for (let left = size; left > 0;) {
    left -= (await b.receiveany(65_536))[0]!.length;
    most = Math.max(most, readTo - (size - left));
  }
  assertEquals(await sending, [size, null]);
  assert(most <= 3 * piece.length, `${most} bytes were read and not received`);
  await Promise.all([a.close(), b.close()]);
});
