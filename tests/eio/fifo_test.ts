/** FIFOs, terminals and devices: what makes one wait. */
import { assert, assertEquals } from "@std/assert";
import { closeSync, constants, openSync } from "node:fs";
import { open, open_stream, readfile, unwrap } from "../../eio/mod.ts";
import { BufferedStream, type Source } from "../../stream/mod.ts";
import { Device } from "../../eio/_device.ts";
import { accessOf } from "../../eio/_mode.ts";
import { kill, newthread, sleep, wait } from "../../thread/mod.ts";
import { checkStream } from "../contract/check_stream.ts";
import { peerTest } from "../peers.ts";
import { scratch } from "./scratch.ts";

async function mkfifo(path: string): Promise<string> {
  const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
  if (!success) throw new Error(`mkfifo ${path} failed`);
  return path;
}

/** Whether this process has a path open. */
function isOpen(path: string): boolean {
  return [...Deno.readDirSync("/proc/self/fd")].some(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`) === path;
    } catch {
      return false;
    }
  });
}

/** Whether anybody has a FIFO open for reading, in this process or any other. */
function hasReader(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    assertEquals((error as { code?: unknown }).code, "ENXIO");
    return false;
  }
}

/** A source that reads one FIFO and writes another. */
function both(reads: Source, writes: Source): Source {
  return {
    keeps_alive: true,
    read: (into) => reads.read(into),
    write: (bytes) => writes.write(bytes),
    end: async () => {
      await writes.close(true);
    },
    close: async (atOnce) => {
      await Promise.all([reads.close(atOnce), writes.close(atOnce)]);
    },
  };
}

if (Deno.build.os !== "windows") {
  checkStream("two FIFOs", async () => {
    const folder = await Deno.makeTempDir();
    const paths = await Promise.all(["there", "back"].map((name) => mkfifo(`${folder}/${name}`)));
    const caller = { gone: false, onGone: null };
    const device = (path: string, mode: "r" | "w") =>
      Device.open(path, accessOf(mode), true, caller);
    const [thereIn, thereOut, backIn, backOut] = await Promise.all([
      device(paths[0]!, "r"),
      device(paths[0]!, "w"),
      device(paths[1]!, "r"),
      device(paths[1]!, "w"),
    ]);
    await Deno.remove(folder, { recursive: true });
    return {
      a: new BufferedStream(both(backIn, thereOut), { name: "a" }),
      b: new BufferedStream(both(thereIn, backOut), { name: "b" }),
      async [Symbol.asyncDispose]() {
        await Promise.all([thereIn, thereOut, backIn, backOut].map((one) => one.close()));
      },
    };
  }, { overfull: 4 * 1024 * 1024 });
}

Deno.test("open() of a FIFO waits for its other side, and nothing else waits with it", async () => {
  await using folder = await scratch();
  const path = await mkfifo(`${folder.path}/p`);
  // More than the runtime has threads for blocking calls.
  const waiting = Array.from({ length: 40 }, () => open(path, "r", { timeout: 0 }));
  assertEquals((await open(path, "r", { timeout: 10 }))[1]?.code, "timeout");
  for (let n = 0; n < 5; n++) {
    assertEquals((await readfile("/proc/self/comm"))[1], null);
    await sleep(1);
  }
  await using writer = await unwrap(open(path, "w"));
  const readers = await Promise.all(waiting.map((one) => unwrap(one)));
  assertEquals(await writer.write("a line\n"), [7, null]);
  const got = await Promise.any(
    readers.map(async (reader) => (await unwrap(reader.read(100, { timeout: 500 })))!.length),
  );
  assertEquals(got, 7);
  await Promise.all(readers.map((reader) => reader.close()));
});

Deno.test({
  name: "a kill ends the opening of a FIFO, and who opens it later is alone",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using folder = await scratch();
    const path = await mkfifo(`${folder.path}/p`);
    const thread = newthread(() => open(path, "r", { timeout: 0 }));
    while (!isOpen(path)) await sleep(1);
    kill(thread);
    assertEquals((await wait(thread))[1]?.code, "killed");
    // It is given back when the look that was under way has ended; a process that another
    // test starts has it too, for a moment.
    while (hasReader(path)) await sleep(1);
    assertEquals((await open(path, "w", { timeout: 20 }))[1]?.code, "timeout");
  },
});

Deno.test("open_stream() gives a FIFO the patterns of a socket, and its end", async () => {
  await using folder = await scratch();
  const path = await mkfifo(`${folder.path}/p`);
  const [reader, writer] = await Promise.all([
    unwrap(open_stream(path, "r")),
    unwrap(open_stream(path, "w")),
  ]);
  await writer.send("one\ntw");
  assertEquals(await reader.receive(), ["one", null]);
  assertEquals((await reader.receive("*l", { timeout: 5 }))[1]?.code, "timeout");
  await writer.send("o\nrest");
  assertEquals(await reader.receive(), ["two", null]);
  await writer.close();
  assertEquals((await reader.receive())[1]?.code, "eof");
  assertEquals(await reader.receive("*a", { encoding: "utf-8" }), ["rest", null]);
  await reader.close();
});

Deno.test("who may only write to a FIFO ends nothing for its reader before it writes", async () => {
  await using folder = await scratch();
  const path = await mkfifo(`${folder.path}/p`);
  const module = new URL("../../eio/mod.ts", import.meta.url).href;
  const program = `import { open_stream } from "${module}";
    const [out, err] = await open_stream("${path}", "w");
    if (err) throw err;
    await out.send("all of it\\n");
    await out.close();`;
  for (let round = 0; round < 5; round++) {
    const reading = newthread(async () => {
      await using reader = await unwrap(open_stream(path, "r"));
      return await reader.receive("*a", { encoding: "utf-8" });
    });
    const writer = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-check", "--no-prompt", `--allow-write=${path}`],
        `data:text/typescript,${encodeURIComponent(program)}`,
      ],
      stderr: "inherit",
    });
    const [{ success }, got] = await Promise.all([writer.output(), wait(reading)]);
    assertEquals([success, got], [true, ["all of it\n", null]]);
  }
});

Deno.test("unlink() of a FIFO ends nothing for its reader, even by one who may only write", async () => {
  await using folder = await scratch();
  const path = await mkfifo(`${folder.path}/p`);
  const other = `${folder.path}/other`;
  await Deno.link(path, other);
  // The system lets it in as soon as anyone opens the FIFO to write.
  let opened = false;
  const opening = Deno.open(path).then((file) => {
    opened = true;
    return file;
  });
  const module = new URL("../../eio/mod.ts", import.meta.url).href;
  const program = `import { unlink, unwrap } from "${module}";
    await unwrap(unlink("${path}"));`;
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", "--no-prompt", `--allow-write=${folder.path}`],
      `data:text/typescript,${encodeURIComponent(program)}`,
    ],
    stderr: "inherit",
  }).output();
  assert(success);
  assertEquals(opened, false);
  (await Deno.open(other, { write: true })).close();
  (await opening).close();
});

Deno.test("a FIFO that is opened as a file has no cursor, and says so", async () => {
  await using folder = await scratch();
  const path = await mkfifo(`${folder.path}/p`);
  await using file = await unwrap(open(path, "r+"));
  assertEquals(await file.write("text\n"), [5, null]);
  assertEquals((await file.read(2))[0], new TextEncoder().encode("te"));
  for await (const line of file.lines()) {
    assertEquals(line, "xt");
    break;
  }
  const calls = [file.read(1, 0), file.seek(0), file.size(), file.truncate(), file.lock()];
  for (const call of calls) assertEquals((await call)[1]?.code, "unsupported");
  assertEquals((await unwrap(file.stat())).type, "named pipe");
});

Deno.test("devices: nothing comes of /dev/null, and as much as is asked of /dev/zero", async () => {
  await using none = await unwrap(open("/dev/null", "r+"));
  assertEquals([await none.read(10), await none.write("gone")], [[null, null], [4, null]]);
  await using zero = await unwrap(open_stream("/dev/zero"));
  const [bytes] = await zero.receive(100_000);
  assert(bytes!.length === 100_000 && bytes!.every((byte) => byte === 0));
});

peerTest("a terminal opens as a stream, line by line", ["socat"], async (paths) => {
  await using folder = await scratch();
  const link = `${folder.path}/tty`;
  const child = new Deno.Command(paths.socat, {
    args: [`PTY,link=${link},rawer`, "EXEC:cat"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    let [tty, err] = await open_stream(link, "r+");
    // It makes its terminal a moment after it was started.
    while (err?.code === "not_found") {
      await sleep(2);
      [tty, err] = await open_stream(link, "r+");
    }
    assertEquals(err, null);
    await tty!.send("echoed by a terminal\n");
    assertEquals(await tty!.receive(), ["echoed by a terminal", null]);
    assertEquals((await tty!.receive("*l", { timeout: 5 }))[1]?.code, "timeout");
    // Its other end goes while somebody waits.
    const end = tty!.receive("*l", { timeout: 0 });
    child.kill("SIGKILL");
    assertEquals(await end, [null, null]);
    await tty!.close();
  } finally {
    try {
      child.kill();
    } catch {
      // It has ended.
    }
    await child.status;
  }
});

Deno.test("sockets are refused by name", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/s`;
  using _listener = Deno.listen({ transport: "unix", path });
  const [, err] = await open(path);
  assertEquals(err?.code, "unsupported");
  assert(err!.message.includes("it is a socket"), err!.message);
});
