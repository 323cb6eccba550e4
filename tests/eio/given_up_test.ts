/** Calls on a file that are given up, fail, or are no calls at all: what is left of them. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { Deadline } from "../../core/mod.ts";
import { Descriptor } from "../../eio/_descriptor.ts";
import { accessOf } from "../../eio/_mode.ts";
import { ask } from "../../eio/_operation.ts";
import { RegularFile } from "../../eio/_regular.ts";
import * as eio from "../../eio/mod.ts";
import { FakeClock, kill, newthread, ThreadKilled, wait } from "../../thread/mod.ts";
import { scratch } from "./scratch.ts";

const { open, tmpfile, unwrap } = eio;

/** A signal that is aborted, as one finds it. */
const ABORTED = { signal: AbortSignal.abort() };

Deno.test("a call with an aborted signal is cancelled, and leaves the cursor free where it was", async () => {
  await using file = await unwrap(tmpfile());
  await file.write("some text");
  await file.seek(5);
  const calls: (() => Promise<eio.ReadResult<unknown>>)[] = [
    () => file.read(4, ABORTED),
    () => file.read(2_000_000, ABORTED),
    () => file.read_into(new Uint8Array(4), ABORTED),
    () => file.write("x", ABORTED),
    () => file.seek(0, "end", ABORTED),
  ];
  for (const call of calls) {
    assertEquals((await call())[1]?.code, "cancelled");
    assertEquals(file.busy(), false);
  }
  assertEquals(await file.seek(0, "cur"), [5, null]);
  assertEquals((await eio.readfile(file.path, ABORTED))[1]?.code, "cancelled");
});

Deno.test("a call whose signal is aborted in its middle is cancelled, and the next one waits its turn", async () => {
  await using file = await unwrap(tmpfile({ encoding: "utf-8" }));
  await file.write("some text");
  await file.seek(0);
  const abort = new AbortController();
  const reading = file.read(4, { signal: abort.signal });
  const late = file.read(4, 5, { signal: abort.signal });
  abort.abort();
  assertEquals([(await reading)[1]?.code, (await late)[1]?.code], ["cancelled", "cancelled"]);
  assertEquals([await file.read(4), await file.read(4, 5)], [["some", null], ["text", null]]);
});

Deno.test("a thread that is killed in any call on a cursor leaves it free, and where it was", async () => {
  await using file = await unwrap(tmpfile());
  await file.write("some text");
  await file.seek(5);
  const calls: (() => Promise<unknown>)[] = [
    () => file.read(4),
    () => file.read(2_000_000),
    () => file.read_into(new Uint8Array(4)),
    () => file.write("more"),
    () => file.seek(0, "end"),
  ];
  for (const call of calls) {
    const before = file.read(1, 0);
    const thread = newthread(call);
    kill(thread);
    assertEquals((await wait(thread))[1]?.code, "killed");
    await before;
    assertEquals(await file.seek(0, "cur"), [5, null]);
  }
});

Deno.test("a killed thread's later calls throw, and leave the cursor free", async () => {
  await using file = await unwrap(tmpfile());
  await file.write("some text");
  const told = Promise.withResolvers<unknown[]>();
  const thread = newthread(async () => {
    const thrown: unknown[] = [];
    for (const call of [() => file.read(1, 0), () => file.read(1), () => file.write("x")]) {
      try {
        await call();
      } catch (error) {
        thrown.push(error instanceof ThreadKilled);
      }
    }
    told.resolve(thrown);
  });
  kill(thread);
  assertEquals(await told.promise, [true, true, true]);
  assertEquals([file.busy(), await file.seek(0, "cur")], [false, [9, null]]);
});

Deno.test("a lock that is granted to a killed thread is given back", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/f`;
  await using a = await unwrap(open(path, "w"));
  await using b = await unwrap(open(path, "r"));
  const thread = newthread(() => a.lock());
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  assertEquals(await b.lock("w"), [true, null]);
});

Deno.test("a lock that is waited for ends with its file, and a closed file has none", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/f`;
  await using a = await unwrap(open(path, "w"));
  const b = await unwrap(open(path, "r"));
  assertEquals(a.try_lock(), [true, null]);
  const waiting = b.lock();
  await b.close();
  assertEquals((await waiting)[1]?.code, "closed");
  assertEquals([b.try_lock()[1]?.code, b.unlock()], ["closed", [true, null]]);
});

Deno.test("a limit that is reached as the answer comes lets it have its way", async () => {
  using clock = new FakeClock();
  const answer = Promise.withResolvers<string>();
  // The limit asks the event loop once more, and the answer is faster.
  new Deadline(() => answer.resolve("there"), true).set(1_000);
  const asked = ask(() => "wait", { timeout: 1_000 }, () => answer.promise);
  await clock.tick(1_000);
  assertEquals(await asked, ["there", null]);
});

Deno.test({
  name: "a read that the system refuses says so, leaves the cursor, and gives nothing by halves",
  ignore: Deno.build.os !== "linux",
  async fn() {
    // The first page of a process is nobody's.
    const path = "/proc/self/mem";
    await using file = await unwrap(open(path));
    for (const length of [10, 2_000_000]) {
      assertEquals((await file.read(length))[1]?.code, "io");
      assertEquals(file.busy(), false);
    }
    assertEquals((await eio.readfile(path))[1]?.code, "io");
    await using folder = await scratch();
    const [, err] = await eio.copy(path, `${folder.path}/f`);
    assertEquals([err?.code, err?.sent], ["io", 0]);
  },
});

Deno.test("a place behind the largest file is an error of the system's, and the file goes on", async () => {
  await using file = await unwrap(tmpfile());
  await file.write("text");
  const [, err] = await file.read(1, Number.MAX_SAFE_INTEGER);
  // Some file systems end there, others only have nothing there.
  assertEquals(err === null || err.code === "io", true);
  assertEquals((await file.read(4, 0))[0], new TextEncoder().encode("text"));
});

Deno.test("read() of text that has less room than its character is bad_text, and consumes nothing", async () => {
  await using file = await unwrap(tmpfile({ encoding: "utf-8" }));
  await file.write("\u{1f600}");
  await file.seek(0);
  assertEquals((await file.read(2))[1]?.code, "bad_text");
  assertEquals(await file.read(4), ["\u{1f600}", null]);
});

Deno.test("copy() says what is wrong with its ends", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/f`;
  await Deno.writeTextFile(path, "text");
  const code = async (from: string, to: string) => (await eio.copy(from, to))[1]?.code;
  assertEquals(await code(`${folder.path}/none`, `${folder.path}/g`), "not_found");
  assertEquals(await code(path, `${path}/g`), "not_dir");
  assertEquals(await code(path, `${folder.path}/none/g`), "not_found");
  assertEquals(await code(path, folder.path), "is_dir");
  assertEquals(await code(path, path), "exists");
});

Deno.test("lines() of a file that is closed, and another call's, throw what is in the way", async () => {
  const file = await unwrap(tmpfile());
  await file.write("one\ntwo\n");
  await file.seek(0);
  const reading = file.read(2);
  const busy = await assertRejects(() => file.lines().next()) as eio.IoError;
  await reading;
  await file.close();
  const closed = await assertRejects(() => file.lines().next()) as eio.IoError;
  assertEquals([busy.code, closed.code], ["busy", "closed"]);
  assertEquals((await file.read_into(new Uint8Array(1)))[1]?.code, "closed");
});

Deno.test("walk() and readdir() tell FIFOs and sockets apart", async () => {
  await using folder = await scratch();
  using _listener = Deno.listen({ transport: "unix", path: `${folder.path}/socket` });
  const types: string[] = [];
  for await (const { name, type } of eio.walk(folder.path)) types.push(`${name} ${type}`);
  assertEquals(types, ["socket socket"]);
  assertEquals((await unwrap(eio.lstat(`${folder.path}/socket`))).type, "socket");
  const none = eio.walk(`${folder.path}/none`, { follow: true });
  const err = await assertRejects(() => none.next()) as eio.IoError;
  assertEquals(err.code, "not_found");
});

Deno.test("misuse of a call throws at once, names the argument, and leaves the cursor free", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/f`;
  await using file = await unwrap(open(path, "w+"));
  await using reads = await unwrap(open(path, "r"));
  await using writes = new RegularFile(
    new Descriptor(await Deno.open(path, { write: true }), path, false),
    accessOf("w"),
    "lines",
  );
  const memory = new Uint8Array(1);
  const wrong: [call: () => unknown, words: string][] = [
    [() => open(path, 5 as unknown as "r"), "mode must be a string"],
    [() => open(path, "w", true as unknown as number), "perm must be a number or octal digits"],
    [() => open(path, "w", 0o10000), "perm must be 0 to 0o7777"],
    [() => open(new URL("http://127.0.0.1/f")), "path must be a path or a file: URL"],
    [() => file.read_into([] as unknown as typeof memory), "into must be a Uint8Array"],
    [() => file.read(1, { timeout: -1 }), "timeout must be 0 (no limit) or more"],
    [() => file.read_into(memory, 0, { timeout: -1 }), "timeout must be 0 (no limit) or more"],
    [() => file.write("x", { timeout: -1 }), "timeout must be 0 (no limit) or more"],
    [() => file.write(memory, { encoding: "none" }), "encoding 'none'"],
    [() => file.seek("1" as unknown as number), "seek: pos must be a number of bytes"],
    [() => reads.truncate(), 'it was opened with "r"'],
    [() => writes.lines(), 'it was opened with "w"'],
    [() => eio.utime(path, "1" as unknown as number, 1), "must be seconds or a Date"],
    [() => eio.utime(path, 1, Infinity), "must be a time"],
    [() => eio.chown(path, true as unknown as number, 1), "must be a name or a number"],
    [() => eio.chown(path, 1, -1), "must be 0 or more"],
  ];
  for (const [call, words] of wrong) {
    const error = assertThrows(call, Error) as Error;
    assertStringIncludes(error.message, words);
    assertEquals(error instanceof TypeError || error instanceof RangeError, true);
  }
  assertEquals([file.busy(), await file.write("x")], [false, [1, null]]);
  await using same = await unwrap(open(new URL(`file://${path}`)));
  assertEquals(same.path, path);
});
