import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { bind, connect, from_conn, listen, tcp, unwrap } from "../../cosocket/mod.ts";
import { exec } from "../../process/mod.ts";
import { pair, select } from "../../stream/mod.ts";
import { otherThread } from "../cosocket/servers.ts";
import { FakeClock, kill, newthread, sleep, wait } from "../../thread/mod.ts";

Deno.test("select() gives those that are readable, in the order of the list, each once", async () => {
  const pairs = Array.from({ length: 5 }, () => pair());
  const ours = pairs.map(([end]) => end);
  for (const n of [3, 1]) await pairs[n]![1].send("x");
  await Promise.all([1, 3].map((n) => ours[n]!.peek(1)));
  assertEquals((await select(ours))[0]?.map((end) => ours.indexOf(end)), [1, 3]);
  assertEquals((await select([ours[3]!, ours[0]!, ours[3]!]))[0]?.length, 1);
  assertEquals((await select(new Set(ours)))[0]?.length, 2);
  for (const end of pairs.flat()) end.close_immediately();
});

Deno.test("select() keeps the class of its streams", async () => {
  const server = unwrap(await listen("127.0.0.1", 0));
  const sock = unwrap(await connect("127.0.0.1", server.port));
  const served = unwrap(await server.accept());
  await served.send("x");
  const [ready] = await select([sock]);
  assertEquals(ready![0]!.getreusedtimes(), 0);
  await Promise.all([sock.close(), served.close(), server.close()]);
});

Deno.test("select() works among sockets, pipes and memory at once", async () => {
  const server = unwrap(await listen("127.0.0.1", 0));
  const sock = unwrap(await connect("127.0.0.1", server.port));
  const served = unwrap(await server.accept());
  await using child = unwrap(exec(["cat"], { stdin: "piped", stdout: "piped" }));
  const [ours, theirs] = pair();
  const { stdout } = child;
  const all = [sock, stdout, ours];
  const speak = [
    () => served.send("socket\n"),
    () => child.stdin.send("pipe\n"),
    () => theirs.send("pair\n"),
  ];
  for (const [index, word] of ["socket", "pipe", "pair"].entries()) {
    const selecting = select(all);
    await speak[index]!();
    const [ready] = await selecting;
    assertEquals(ready?.length, 1);
    assertStrictEquals(ready![0], all[index]);
    assertEquals(await ready![0]!.receive(), [word, null]);
  }
  for (const end of [sock, served, ours, theirs]) await end.close();
  await server.close();
});

Deno.test("select() of streams that are not connected, closed or ended is at once", async () => {
  const [a, b] = pair();
  const [c, d] = pair();
  await d.shutdown("send");
  assertEquals(await c.receive(), [null, null]);
  await a.close();
  const [e, f] = pair();
  const never = tcp();
  const all = [never, a, e, c];
  const [ready] = await select(all);
  assertEquals(ready?.map((end) => all.indexOf(end)), [0, 1, 3]);
  for (const end of [b, c, d, e, f]) await end.close();
});

Deno.test("select() of one stream wakes when that is closed meanwhile", async () => {
  for (const how of ["close", "close_immediately"] as const) {
    const [a, b] = pair();
    const selecting = select([a]);
    const closing = a[how]();
    assertEquals((await selecting)[0]?.length, 1);
    assertEquals((await a.receive())[1]?.code, "closed");
    await Promise.all([closing, b.close()]);
  }
});

Deno.test("a loop over select() that takes no heed of what is there lets timers run", async () => {
  const [a, b] = pair();
  await b.close();
  let fired = false;
  const timer = setTimeout(() => fired = true, 1);
  let rounds = 0;
  for (; !fired && rounds < 100_000; rounds++) assertEquals((await select([a]))[0]?.length, 1);
  clearTimeout(timer);
  assert(fired, `no timer has fired within ${rounds} rounds`);
  await a.close();
});

Deno.test("select() that fails leaves a socket fit for its pool", async () => {
  const server = unwrap(await listen("127.0.0.1", 0));
  const sock = unwrap(await connect("127.0.0.1", server.port, { pool_size: 1 }));
  const served = unwrap(await server.accept());
  assertEquals((await select([sock], { timeout: 2 }))[1]?.code, "timeout");
  const selecting = select([sock]);
  assertEquals(sock.setkeepalive()[1]?.code, "busy");
  assertEquals((await sock.sslhandshake())[1]?.code, "busy");
  sock.interrupt();
  assertEquals((await selecting)[1]?.code, "cancelled");
  const killed = newthread(() => select([sock]));
  kill(killed);
  await wait(killed);
  // The read that was begun for it is now the watch of the pool.
  assertEquals(sock.setkeepalive(), [true, null]);
  assertEquals(await sock.connect("127.0.0.1", server.port, { pool_size: 1 }), [true, null]);
  assertEquals(sock.getreusedtimes(), 1);
  await served.send("hello\n");
  assertEquals(await sock.receive(), ["hello", null]);
  await Promise.all([sock.close(), served.close()]);
  await server.close();
});

Deno.test("select() waits 30 seconds by default, and for ever with 0", async () => {
  using clock = new FakeClock();
  const [a, b] = pair();
  let result: unknown = null;
  const byDefault = select([a]).then((ended) => result = ended[1]?.code);
  await clock.tick(29_999);
  assertEquals(result, null);
  await clock.tick(1);
  await byDefault;
  assertEquals(result, "timeout");
  const forEver = newthread(() => select([a], { timeout: 0 }));
  await clock.tick(1e9);
  assertEquals(forEver.state.startsWith("select among 1 streams"), true);
  await b.send("x");
  assertEquals((await wait(forEver))[0]?.length, 1);
  await Promise.all([a.close(), b.close()]);
});

Deno.test({
  name: "select() gives what is in the kernel, however long the loop was held up",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using peer = await otherThread();
    await using sock = from_conn(peer.conn);
    for (let round = 0; round < 10; round++) {
      const selecting = select([sock], { timeout: 5 });
      // The bytes are there and the time is up before the loop runs again.
      peer.spinUntilArrived(20);
      assertEquals((await selecting)[0]?.length, 1);
      assertEquals(await sock.receive(), ["in time", null]);
    }
  },
});

Deno.test("select() over a thousand streams serves them all", async () => {
  const pairs = Array.from({ length: 1_000 }, () => pair());
  const left = new Set(pairs.map(([end]) => end));
  const talk = newthread(async () => {
    for (const [index, [, theirs]] of pairs.entries()) {
      await theirs.send(`${index}\n`);
      if (index % 50 === 0) await sleep(0);
    }
  });
  const seen = new Set<string>();
  while (left.size > 0) {
    for (const end of unwrap(await select(left))) {
      const [line] = end.try_receive();
      seen.add(line!);
      left.delete(end);
    }
  }
  assertEquals(seen.size, 1_000);
  await wait(talk);
  for (const end of pairs.flat()) end.close_immediately();
});

Deno.test("a stream of bind() can be selected, and tells it is busy", () => {
  const stderr = unwrap(bind(2));
  assertEquals(stderr.busy(), false);
  stderr.close_immediately();
});
