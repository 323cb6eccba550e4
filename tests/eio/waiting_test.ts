/** What a FIFO that is open as a file, or as a stream, does with the calls of the others. */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { open, open_stream, unwrap } from "../../eio/mod.ts";
import { scratch } from "./scratch.ts";

async function fifo(path: string): Promise<string> {
  const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
  if (!success) throw new Error(`mkfifo ${path} failed`);
  return path;
}

const ignore = Deno.build.os === "windows";

Deno.test({
  name: "read_into() of a FIFO gives what is there, and waits for more",
  ignore,
  async fn() {
    await using folder = await scratch();
    await using file = await unwrap(open(await fifo(`${folder.path}/p`), "r+"));
    await file.write("some text");
    const into = new Uint8Array(100);
    assertEquals(await file.read_into(into), [9, null]);
    assertEquals(new TextDecoder().decode(into.subarray(0, 9)), "some text");
    assertEquals(await file.read_into(new Uint8Array(0)), [0, null]);
    assertEquals((await file.read_into(into, { timeout: 5 }))[1]?.code, "timeout");
    file.settimeout(5);
    const waiting = file.read_into(into);
    assertEquals(file.busy(), true);
    assertEquals((await waiting)[1]?.code, "timeout");
    assertThrows(() => file.settimeout(-1), RangeError, "settimeout");
  },
});

Deno.test({
  name: "read_into() of a FIFO gives its end",
  ignore,
  async fn() {
    await using folder = await scratch();
    const path = await fifo(`${folder.path}/p`);
    const [reader, writer] = await Promise.all([unwrap(open(path)), unwrap(open(path, "w"))]);
    await writer.write("last");
    await writer.close();
    assertEquals(await reader.read_into(new Uint8Array(10)), [4, null]);
    assertEquals(await reader.read_into(new Uint8Array(10)), [null, null]);
    assertEquals([reader.closed(), await reader.close(), reader.closed()], [
      false,
      [true, null],
      true,
    ]);
    assertEquals((await reader.read_into(new Uint8Array(10)))[1]?.code, "closed");
  },
});

Deno.test({
  name: "what needs a cursor or a disk is unsupported on a FIFO, and harms nothing",
  ignore,
  async fn() {
    await using folder = await scratch();
    await using file = await unwrap(open(await fifo(`${folder.path}/p`), "r+"));
    const calls = [
      file.read_into(new Uint8Array(1), 0),
      file.write("x", 0),
      file.sync(),
    ];
    for (const call of calls) assertEquals((await call)[1]?.code, "unsupported");
    assertEquals(file.try_lock()[1]?.code, "unsupported");
    assertStringIncludes(file.try_lock()[1]!.message, "it is not a file");
    assertEquals(file.unlock(), [true, null]);
    await file.write("x");
    assertEquals((await file.read(1))[0], new Uint8Array([120]));
  },
});

Deno.test({
  name: "shutdown() of a stream ends a FIFO that was opened to be written only, and no other",
  ignore,
  async fn() {
    await using folder = await scratch();
    const path = await fifo(`${folder.path}/p`);
    const [reader, writer] = await Promise.all([
      unwrap(open_stream(path, "r")),
      unwrap(open_stream(path, "w")),
    ]);
    await writer.send("all");
    assertEquals(await writer.shutdown("send"), [true, null]);
    assertEquals(await reader.receive("*a", { encoding: "utf-8" }), ["all", null]);
    await Promise.all([reader.close(), writer.close()]);

    await using both = await unwrap(open_stream(path, "r+"));
    assertEquals((await both.shutdown("send"))[1]?.code, "unsupported");
  },
});

Deno.test({
  name: "a FIFO that was opened one way says closed to the other",
  ignore,
  async fn() {
    await using folder = await scratch();
    const path = await fifo(`${folder.path}/p`);
    const [reader, writer] = await Promise.all([
      unwrap(open_stream(path, "r")),
      unwrap(open_stream(path, "w")),
    ]);
    assertEquals((await writer.receive(1))[1]?.code, "closed");
    assertEquals((await reader.send("x"))[1]?.code, "closed");
    await Promise.all([reader.close(), writer.close()]);
  },
});

Deno.test("a stream of a file is written from its beginning, ends on the disk, and goes one way", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/f`;
  const out = await unwrap(open_stream(path, "w"));
  await out.send("one\n");
  await out.send("two\n");
  assertEquals(await out.shutdown("send"), [true, null]);
  await out.close();
  assertEquals(await Deno.readTextFile(path), "one\ntwo\n");
  const [, err] = await open_stream(path, "r+");
  assertEquals(err?.code, "unsupported");
  assertStringIncludes(err!.message, "goes one way");
});

Deno.test({
  name: "who may only write opens /dev/null as what it is",
  ignore,
  async fn() {
    const module = new URL("../../eio/mod.ts", import.meta.url).href;
    const program = `import { open, unwrap } from "${module}";
      await using none = await unwrap(open("/dev/null", "w"));
      console.log(await none.write("gone"));`;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-check", "--no-prompt", "--allow-write"],
        `data:text/typescript,${encodeURIComponent(program)}`,
      ],
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    assertEquals([decoder.decode(stdout), decoder.decode(stderr)], ["[ 4, null ]\n", ""]);
  },
});
