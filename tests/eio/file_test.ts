import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type FileHandle, open, tmpfile, unwrap } from "../../eio/mod.ts";
import { kill, newthread, wait } from "../../thread/mod.ts";
import { size, sizes } from "../sizes.ts";
import { scratch } from "./scratch.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

/** What each mode does to a file that holds "old", and to one that is missing. */
const MODES: [mode: string, there: string | null, missing: string | null][] = [
  ["r", "old", null],
  ["r+", "new", null],
  ["w", "new", "new"],
  ["w+", "new", "new"],
  ["a", "oldnew", "new"],
  ["a+", "oldnew", "new"],
  ["x", null, "new"],
  ["wx", null, "new"],
  ["ax", null, "new"],
];

for (const [mode, there, missing] of MODES) {
  Deno.test(`open() with "${mode}" does as it says to a file, and to one that is missing`, async () => {
    await using folder = await scratch();
    for (const [name, wanted] of [["there", there], ["missing", missing]] as const) {
      const path = `${folder.path}/${name}`;
      if (name === "there") await Deno.writeTextFile(path, "old");
      const [file, err] = await open(path, mode as "r");
      if (wanted === null) {
        assertEquals(err?.code, name === "there" ? "exists" : "not_found");
        continue;
      }
      await using _ = file!;
      if (mode !== "r") await unwrap(file!.write("new"));
      else assertThrows(() => file!.write("new"), TypeError, 'it was opened with "r"');
      if (/^[wax]+$/.test(mode)) assertThrows(() => file!.read(1), TypeError, "opened with");
      assertEquals(await Deno.readTextFile(path), wanted);
    }
  });
}

Deno.test("read() and write() go on from the cursor, seek() moves it", async () => {
  await using file = await unwrap(tmpfile({ encoding: "utf-8" }));
  assertEquals(await file.write(["one ", ["two ", 3], " vier ü"]), [17, null]);
  assertEquals(await file.seek(0), [0, null]);
  assertEquals(await file.read(4), ["one ", null]);
  assertEquals(await file.seek(1, "cur"), [5, null]);
  assertEquals(await file.read(2), ["wo", null]);
  // A character that does not fit is left whole.
  assertEquals(await file.seek(-3, "end"), [14, null]);
  assertEquals(await file.read(2), [" ", null]);
  assertEquals(await file.read(2), ["ü", null]);
  assertEquals(await file.read(2), [null, null]);
  assertEquals((await file.seek(-1))[1]?.errno, "EINVAL");
  assertEquals(await file.seek(0, "cur"), [17, null]);
  assertEquals(await file.size(), [17, null]);
});

Deno.test("read() and write() at an offset neither use nor move the cursor", async () => {
  await using file = await unwrap(tmpfile());
  await file.write("0123456789");
  await file.seek(3);
  assertEquals(await file.write("AB", 7), [2, null]);
  assertEquals(await file.read(3, 6), [bytes(54, 65, 66), null]);
  assertEquals(await file.read(2), [bytes(51, 52), null]);
  // Behind the end: zeros in between, as the system does it.
  assertEquals(await file.write("!", 12), [1, null]);
  assertEquals(await file.read(4, 9), [bytes(57, 0, 0, 33), null]);
  assertEquals(await file.read(4, 13), [null, null]);
  assertEquals(await file.seek(0, "cur"), [5, null]);
});

Deno.test("calls at offsets overlap, and none mixes with another", async () => {
  await using file = await unwrap(tmpfile());
  const piece = 10_000;
  const count = 100;
  const order = Array.from({ length: count }, (_, n) => (n * 37) % count);
  const writes = order.map((n) => file.write(new Uint8Array(piece).fill(n), n * piece));
  for (const [written] of await Promise.all(writes)) assertEquals(written, piece);
  const reads = order.map((n) => file.read(piece, n * piece));
  for (const [index, [got]] of (await Promise.all(reads)).entries()) {
    assertEquals(got!.length, piece);
    assert(got!.every((one) => one === order[index]));
  }
});

Deno.test("a second call on the cursor is busy, whatever it is", async () => {
  await using file = await unwrap(tmpfile());
  await file.write("some text");
  await file.seek(0);
  const first = file.read(4);
  assertEquals(file.busy(), true);
  for (const call of [file.read(1), file.write("x"), file.seek(0)]) {
    assertEquals((await call)[1]?.code, "busy");
  }
  assertEquals((await first)[0]?.length, 4);
  assertEquals([file.busy(), (await file.seek(0, "cur"))[0]], [false, 4]);
});

Deno.test("write() says how much of it is on a disk that is full", async () => {
  await using full = await unwrap(open("/dev/full", "w"));
  const [, err] = await full.write("anything");
  assertEquals([err?.code, err?.sent], ["no_space", 0]);
});

Deno.test({
  name:
    "write() on a small file system says no_space, how much of it is there, and nothing is lost",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
  async fn() {
    await using folder = await scratch();
    const mount = new Deno.Command("mount", {
      args: ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder.path],
      stderr: "null",
    });
    // A container may forbid it; then there is no such file system to be had.
    if (!(await mount.output()).success) return console.log("NOT RUN: mount is forbidden here");
    try {
      const file = await unwrap(open(`${folder.path}/f`, "w+"));
      const [, err] = await file.write(new Uint8Array(1_000_000).fill(7));
      assertEquals(err?.code, "no_space");
      assertEquals(await file.size(), [err!.sent!, null]);
      assertEquals(await file.seek(0, "cur"), [err!.sent!, null]);
      await file.truncate(100);
      assertEquals(await file.write("fits", 96), [4, null]);
      await file.close();
    } finally {
      await new Deno.Command("umount", { args: [folder.path] }).output();
    }
  },
});

Deno.test("a file without a byte, a sparse one, and one larger than what is asked for", async () => {
  await using file = await unwrap(tmpfile());
  assertEquals(await file.read(10), [null, null]);
  assertEquals(await file.read(0), [bytes(), null]);
  assertEquals([await file.size(), await file.write(""), await file.write([])], [
    [0, null],
    [0, null],
    [0, null],
  ]);
  await file.truncate(3_000_000);
  const [stat] = await file.stat();
  assertEquals(stat?.size, 3_000_000);
  if (Deno.build.os === "linux") assert(stat!.blocks! * 512 < 100_000, `${stat!.blocks} blocks`);
  const [zeros] = await file.read(4_000_000);
  assertEquals([zeros!.length, zeros!.every((one) => one === 0)], [3_000_000, true]);
  await file.truncate(5);
  assertEquals(await file.size(), [5, null]);
  assertEquals(await file.read(1), [null, null]);
});

Deno.test("a large file goes out and comes back whole", async () => {
  await using file = await unwrap(tmpfile());
  const piece = new Uint8Array(1_000_003);
  for (let at = 0; at < piece.length; at++) piece[at] = at % 251;
  for (let n = 0; n < sizes.fileMegabytes; n++) await unwrap(file.write(piece));
  assertEquals(await file.seek(0), [0, null]);
  const into = new Uint8Array(piece.length);
  for (let n = 0; n < sizes.fileMegabytes; n++) {
    assertEquals(await file.read_into(into), [piece.length, null]);
    assert(into.every((one, at) => one === at % 251), `piece ${n} of ${size}`);
  }
  assertEquals(await file.read_into(into), [null, null]);
});

Deno.test("lines() gives every line, also the unfinished last one, and leaves the cursor there", async () => {
  await using file = await unwrap(tmpfile());
  const all = Array.from({ length: 5_000 }, (_, n) => `line ${n} ${"ü".repeat(n % 50)}`);
  await file.write(all.map((line, n) => line + (n % 2 ? "\n" : "\r\n")).concat("last"));
  await file.seek(0);
  let count = 0;
  for await (const line of file.lines()) {
    assertEquals(line, all[count++]);
    if (count === 1_000) break;
  }
  const [next] = await file.read(all[1_000]!.length, { timeout: 0 });
  assertEquals(new TextDecoder().decode(next!).slice(0, 9), "line 1000");
  await file.seek(0);
  const rest: string[] = [];
  for await (const batch of file.lines({ batch: true })) rest.push(...batch);
  assertEquals(rest, [...all, "last"]);
});

Deno.test("lines() sees what is written meanwhile, and throws what fails", async () => {
  await using file = await unwrap(tmpfile());
  await file.write("one\ntwo\n");
  await file.seek(0);
  const lines = file.lines();
  assertEquals((await lines.next()).value, "one");
  await file.write("TWO\nthree\n", 4);
  assertEquals((await lines.next()).value, "TWO");
  assertEquals((await lines.next()).value, "three");
  assertEquals((await lines.next()).done, true);
  await file.seek(0, "end");
  await file.write(bytes(0xff, 10));
  await file.seek(-2, "end");
  let code = "";
  try {
    for await (const _ of file.lines());
  } catch (error) {
    code = (error as { code: string }).code;
  }
  assertEquals(code, "bad_text");
});

Deno.test("encodings hold for reading and writing, and one write may choose its own", async () => {
  await using latin1 = await unwrap(tmpfile({ encoding: "latin1" }));
  assertEquals(await latin1.write("\xe9\xff"), [2, null]);
  assertThrows(() => latin1.write("€"), TypeError, "U+20AC");
  assertEquals(await latin1.write("€", { encoding: "utf-8" }), [3, null]);
  await latin1.seek(0);
  const [text]: [string | null, unknown] = await latin1.read(2);
  assertEquals(text, "\xe9\xff");
  await using utf8 = await unwrap(tmpfile({ encoding: "utf-8" }));
  await utf8.write(bytes(65, 0xff));
  await utf8.seek(0);
  assertEquals((await utf8.read(2))[1]?.code, "bad_text");
  // Consumed is nothing.
  assertEquals(await utf8.seek(0, "cur"), [0, null]);
});

Deno.test("lock() waits for the others, try_lock() never, and close gives it back", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/lock`;
  const handles = await Promise.all([1, 2, 3].map(() => unwrap(open(path, "a+"))));
  const [a, b, c] = handles as [FileHandle, FileHandle, FileHandle];
  assertEquals([await a.lock("r"), b.try_lock("r")], [[true, null], [true, null]]);
  assertEquals(c.try_lock("w")[1]?.code, "busy");
  const waiting = c.lock("w");
  assertEquals((await b.lock("w", { timeout: 5 }))[1]?.code, "timeout");
  a.unlock();
  await b.close();
  assertEquals(await waiting, [true, null]);
  const thread = newthread(() => a.lock("w", { timeout: 0 }));
  await new Promise((resolve) => setTimeout(resolve, 0));
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  await c.close();
  // Who was killed must not have got it. (A child that is being started may hold it a moment.)
  const d = await unwrap(open(path, "a+"));
  assertEquals(await d.lock("w"), [true, null]);
  await Promise.all([a.close(), d.close()]);
});

Deno.test("after close() every call says closed, and close() again is fine", async () => {
  const file = await unwrap(tmpfile());
  await file.write("x");
  assertEquals([await file.close(), await file.close(), file.closed()], [
    [true, null],
    [true, null],
    true,
  ]);
  const calls = [
    file.read(1),
    file.write("x"),
    file.seek(0),
    file.sync(),
    file.size(),
    file.stat(),
    file.truncate(),
    file.lock(),
  ];
  for (const call of calls) assertEquals((await call)[1]?.code, "closed");
});

Deno.test("many handles are open at once, and each is its own", async () => {
  await using folder = await scratch();
  const files = await Promise.all(
    Array.from({ length: sizes.handles }, (_, n) => unwrap(open(`${folder.path}/${n}`, "w+"))),
  );
  await Promise.all(files.map((file, n) => unwrap(file.write(`file ${n}`))));
  for (const [n, file] of files.entries()) {
    await file.seek(0);
    assertEquals(new TextDecoder().decode((await file.read(100))[0]!), `file ${n}`);
  }
  await Promise.all(files.map((file) => file.close()));
});

Deno.test("a thread that is killed in a call leaves the file usable", async () => {
  await using file = await unwrap(tmpfile());
  const thread = newthread(() => file.write(new Uint8Array(8_000_000)));
  assertStringIncludes(thread.state, "write '");
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  while (thread.state !== "ended") await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(await file.seek(0), [0, null]);
  assertEquals(await file.write("still"), [5, null]);
  assertEquals(await file.read(5, 0), [new TextEncoder().encode("still"), null]);
});

Deno.test("misuse throws and names the argument", async () => {
  await using file = await unwrap(tmpfile());
  const wrong: [call: () => unknown, words: string][] = [
    [() => open("", "r"), "path"],
    [() => open("a\0b", "r"), "path"],
    [() => open(5 as unknown as string), "path"],
    [() => open("a", "rw" as "r"), "mode"],
    [() => open("a", "w", 644), 'perm 644 is decimal: write 0o644 or "644"'],
    [() => open("a", "w", 755), 'perm 755 is decimal: write 0o755 or "755"'],
    [() => open("a", "w", "9" as "644"), "perm"],
    [() => file.read(-1), "read: length"],
    [() => file.read(1.5), "read: length"],
    [() => file.read("1" as unknown as number), "read: length"],
    [() => file.read(1, -1), "offset"],
    [() => file.seek(0, "start" as "set"), '"set", "cur" or "end"'],
    [() => file.seek(NaN), "seek: pos"],
    [() => file.truncate(-1), "truncate: length"],
    [() => file.write({} as unknown as string), "write wants"],
    [() => file.lock("rw" as "r"), 'lock wants "r" or "w"'],
    [() => file.settimeout(-1), "settimeout: ms"],
  ];
  for (const [call, words] of wrong) {
    const error = assertThrows(call, Error) as Error;
    assertStringIncludes(error.message, words);
    assert(error instanceof TypeError || error instanceof RangeError);
  }
});

Deno.test("a file that is dropped in the middle of lines() is closed, reported, and leaves nothing", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/lines`;
  await Deno.writeTextFile(path, "one\ntwo\nthree\n");
  const url = (module: string) => new URL(`../../${module}/mod.ts`, import.meta.url).href;
  const program = `import { open, unwrap } from "${url("eio")}";
    import { on_error } from "${url("thread")}";
    let told = 0;
    on_error(() => told += 1);
    const one = async () => {
      const file = await unwrap(open("${path}"));
      for await (const line of file.lines()) if (line === "two") break;
    };
    const drop = async (count) => {
      const end = told + count;
      for (let n = 0; n < count; n++) await one();
      while (told < end) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      gc();
      return Deno.memoryUsage().heapUsed;
    };
    await drop(100);
    const before = await drop(100);
    const after = await drop(1000);
    console.log((after - before) / 1000 < 1000, told);`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", "-A", "--v8-flags=--expose-gc"],
      `data:text/typescript,${encodeURIComponent(program)}`,
    ],
    env: { NO_COLOR: "1" },
    // A report that never comes must not hang the tests.
    signal: AbortSignal.timeout(60_000),
  }).output();
  const decoder = new TextDecoder();
  assertEquals([decoder.decode(stdout), decoder.decode(stderr)], ["true 1200\n", ""]);
});
