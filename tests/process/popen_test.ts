import { assert, assertEquals, assertThrows } from "@std/assert";
import { children, popen, type PopenMode, unwrap } from "../../process/mod.ts";
import { kill, newthread, sleep, ThreadKilled, wait } from "../../thread/mod.ts";
import { isGone, killQuietly } from "./programs.ts";

Deno.test('popen() with "r" gives lines, the clean end, and then the status', async () => {
  await using child = unwrap(popen("echo one; echo two; printf three; exit 3"));
  assertEquals(await child.receive(), ["one", null]);
  assertEquals(await Array.fromAsync(child.lines()), ["two", "three"]);
  assertEquals(await child.receive(), [null, null]);
  assertEquals((await unwrap(child.wait())).code, 3);
  assertEquals(child.status?.code, 3);
  assertEquals(child.stdout === child, true);
});

Deno.test("popen() takes a list too, and the encoding, also in types", async () => {
  await using child = unwrap(popen(["printf", "%s", "a b"], "r", { encoding: "latin1" }));
  const [text] = await child.receive("*a");
  const typed: string | null = text;
  assertEquals(typed, "a b");
});

Deno.test('popen() with "w" sends, and shutdown() is the end of its input', async () => {
  const file = await Deno.makeTempFile();
  await using child = unwrap(popen(`cat > '${file}'; exit 4`, "w"));
  assertEquals(await child.send("what it reads\n"), [14, null]);
  assertEquals(await child.shutdown("send"), [true, null]);
  assertEquals((await unwrap(child.wait())).code, 4);
  assertEquals(await Deno.readTextFile(file), "what it reads\n");
  assertEquals(child.stdin === child, true);
  await Deno.remove(file);
});

Deno.test('popen() with "rw" goes both ways, with half-close', async () => {
  await using child = unwrap(popen(["sort"], "rw"));
  await child.send("b\na\n");
  assertEquals((await child.receive("*l", { timeout: 10 }))[1]?.code, "timeout");
  await child.shutdown("send");
  assertEquals(await Array.fromAsync(child.lines()), ["a", "b"]);
  assertEquals((await unwrap(child.wait())).success, true);
});

Deno.test("popen() notices a child that ends without a word", async () => {
  await using child = unwrap(popen("exit 5"));
  assertEquals(await child.receive(), [null, null]);
  assertEquals((await unwrap(child.wait())).code, 5);
});

Deno.test("popen() tells the end of the pipe of a child that runs on, and later its end", async () => {
  await using child = unwrap(popen("echo bye; exec >&- 2>&-; exec sleep 60", "r"));
  assertEquals(await child.receive(), ["bye", null]);
  assertEquals(await child.receive(), [null, null]);
  assertEquals(child.status, null);
  assertEquals((await child.wait({ timeout: 20 }))[1]?.code, "timeout");
  assertEquals(child.kill(), [true, null]);
  assertEquals((await unwrap(child.wait())).signal, "SIGTERM");
});

Deno.test("popen() tells the end of a child whose own child holds the pipe", async () => {
  const child = unwrap(popen("sleep 60 & echo $!; exit 6"));
  const orphan = Number(await unwrap(child.receive()));
  assertEquals((await unwrap(child.wait())).code, 6);
  // Somebody may still write: the stream has not ended.
  assertEquals((await child.receive("*l", { timeout: 20 }))[1]?.code, "timeout");
  assert(!isGone(orphan));
  // Also after the child's end its group is ended when asked.
  await child.stop();
  assertEquals(await child.receive(), [null, null]);
  assert(isGone(orphan));
  await child.close();
});

Deno.test("popen() keeps what arrived through a timeout and a kill of the reader", async () => {
  await using child = unwrap(popen(["cat"], "rw"));
  await child.send("half a ");
  await child.peek(7);
  assertEquals((await child.receive("*l", { timeout: 5 }))[1]?.code, "timeout");
  let thrown: unknown;
  const reader = newthread(async () => {
    try {
      await child.receive();
    } catch (error) {
      thrown = error;
    }
  });
  assert(reader.state.startsWith("receive cat"), reader.state);
  kill(reader);
  assertEquals((await wait(reader))[1]?.code, "killed");
  await child.send("line\n");
  assertEquals(await child.receive(), ["half a line", null]);
  assert(thrown instanceof ThreadKilled);
});

Deno.test("popen() refuses the other direction with closed, and loses nothing", async () => {
  await using reads = unwrap(popen("echo kept"));
  assertEquals((await reads.send("x"))[1]?.code, "closed");
  assertEquals(await reads.receive(), ["kept", null]);
  assertThrows(() => reads.stdin, TypeError, "stdin of echo ... is no pipe");
  await using writes = unwrap(popen(["cat"], "w"));
  assertEquals((await writes.receive())[1]?.code, "closed");
  assertThrows(() => writes.stdout, TypeError, "stdout of cat is no pipe");
});

Deno.test("popen() gives reset to who sends to a child that reads no more", async () => {
  await using child = unwrap(popen("exec <&-; echo closed; exec sleep 60", "rw"));
  assertEquals(await child.receive(), ["closed", null]);
  // A process that another worker starts in this moment has the pipe too, until its exec.
  let code: string | undefined;
  while (code === undefined) code = (await child.send("nobody reads"))[1]?.code;
  assertEquals(code, "reset");
});

Deno.test("ChildStream.close() leaves the child, which learns it when it writes", async () => {
  const child = unwrap(popen(["yes"]));
  await child.receive();
  assertEquals(await child.close(), [true, null]);
  assertEquals((await child.receive())[1]?.code, "closed");
  assertEquals((await unwrap(child.wait())).signal, "SIGPIPE");
});

Deno.test("await using ends the child of a popen() with everything that it started", async () => {
  let pids: number[];
  {
    await using child = unwrap(popen("sleep 60 & echo $$ $!; wait"));
    pids = (await unwrap(child.receive()))!.split(" ").map(Number);
  }
  for (const pid of pids) {
    assert(isGone(pid), `${pid} is left`);
    killQuietly(pid);
  }
});

Deno.test("popen() does not hold the loop up while its child hangs", async () => {
  await using child = unwrap(popen(["sleep", "60"]));
  const waiting = child.receive("*l", { timeout: 0 });
  let over = false;
  waiting.then(() => over = true);
  // With the loop held up, the first of these would come when the child has ended.
  for (let turns = 0; turns < 5; turns++) await sleep(1);
  assertEquals(over, false);
  assertEquals(child.interrupt(), [true, null]);
  assertEquals((await waiting)[1]?.code, "cancelled");
});

Deno.test("popen() gives the error of what cannot be started, and throws for a wrong mode", () => {
  assertEquals(popen(["no-such-program-here"])[1]?.code, "not_found");
  assertThrows(() => popen("true", "x" as PopenMode), TypeError, 'mode must be "r", "w" or "rw"');
});

Deno.test("popen() gives a stream that is its child too: id, status, signals, what it complains", async () => {
  const child = unwrap(
    popen("echo heard; echo complaint >&2; exec cat", "rw", { stderr: "piped" }),
  );
  assertEquals(children().map(({ pid }) => pid).includes(child.pid), true);
  assertEquals([child.command, child.status, child.restarts], ["echo ...", null, 0]);
  assertEquals(await child.receive(), ["heard", null]);
  assertEquals(await child.stderr.receive(), ["complaint", null]);
  assertEquals([child.stdin === child, child.stdout === child], [true, true]);
  // Not a whole test's life long: what follows ends it.
  child.unref();
  child.ref();
  assertEquals(child.kill("SIGTERM"), [true, null]);
  const { signal, success } = await unwrap(child.wait());
  assertEquals([signal, success, child.status?.signal], ["SIGTERM", false, "SIGTERM"]);
  assertEquals((await unwrap(child.stop())).signal, "SIGTERM");
  assertEquals(child.kill()[1]?.code, "gone");
  await child.stderr.close();
  await child.close();
});
