import { assertEquals } from "@std/assert";
import { connect, listen, unwrap } from "../../cosocket/mod.ts";
import { BufferedStream, type Bytes, pair } from "../../stream/mod.ts";
import { kill, newthread, wait } from "../../thread/mod.ts";

/** A stream that notes each write it makes. */
function noted(fails = false): { stream: BufferedStream; writes: string[] } {
  const writes: string[] = [];
  const stream = new BufferedStream({
    read: () => new Promise<number | null>(() => {}),
    write(bytes) {
      if (fails) return Promise.reject(new Deno.errors.BrokenPipe("broken"));
      writes.push(new TextDecoder().decode(bytes));
      return Promise.resolve(bytes.length);
    },
    end() {
      writes.push("(end)");
      return Promise.resolve();
    },
    close: () => {},
    keeps_alive: false,
  });
  return { stream, writes };
}

Deno.test("uncork() makes one write of what many turns have sent", async () => {
  const { stream, writes } = noted();
  for (const text of ["HTTP/1.1 200 OK\r\n", "Server: us\r\n", "\r\n"]) await stream.send(text);
  assertEquals(writes.length, 3);
  writes.length = 0;
  stream.cork();
  for (const text of ["HTTP/1.1 200 OK\r\n", "Server: us\r\n", "\r\n"]) {
    assertEquals(await stream.send(text), [text.length, null]);
  }
  assertEquals(writes, []);
  assertEquals(await stream.uncork(), [31, null]);
  assertEquals(writes, ["HTTP/1.1 200 OK\r\nServer: us\r\n\r\n"]);
  await stream.close();
});

Deno.test("cork() holds back nothing that was sent before", async () => {
  const { stream, writes } = noted();
  const before = stream.send("before");
  stream.cork();
  await stream.send("held");
  assertEquals(await before, [6, null]);
  assertEquals(writes, ["before"]);
  await stream.uncork();
  assertEquals(writes, ["before", "held"]);
  await stream.close();
});

Deno.test("shutdown() sends what is held before the end", async () => {
  const { stream, writes } = noted();
  stream.cork();
  await stream.send("held");
  const ending = stream.shutdown("send");
  assertEquals((await stream.send("too late"))[1]?.code, "closed");
  assertEquals(await ending, [true, null]);
  assertEquals(writes, ["held", "(end)"]);
  assertEquals(stream.cork()[1]?.code, "closed");
  await stream.close();
});

Deno.test("close_immediately() drops what is held", async () => {
  const { stream, writes } = noted();
  stream.cork();
  await stream.send("held");
  stream.close_immediately();
  await stream.close();
  assertEquals(writes, []);
});

Deno.test("uncork() tells of a failure that the held sends could not know", async () => {
  const { stream } = noted(true);
  stream.cork();
  assertEquals(await stream.send("held"), [4, null]);
  const [, err] = await stream.uncork();
  assertEquals(err?.code, "reset");
  stream.cork();
  assertEquals((await stream.send("more"))[1]?.code, "reset");
  await stream.close();
});

Deno.test("a send to a corked stream that has failed is told so, and holds nothing", async () => {
  const write = Promise.withResolvers<number>();
  const stream = new BufferedStream({
    read: () => new Promise(() => {}),
    write: () => write.promise,
    end: () => Promise.resolve(),
    close: () => {},
    keeps_alive: true,
  });
  const first = stream.send("first");
  assertEquals(stream.cork(), [true, null]);
  assertEquals(await stream.send("held"), [4, null]);
  write.reject(new Deno.errors.ConnectionReset("reset"));
  assertEquals((await first)[1]?.code, "reset");
  assertEquals((await stream.send("more"))[1]?.code, "reset");
  assertEquals((await stream.uncork())[1]?.code, "reset");
  await stream.close();
});

Deno.test("uncork() is one message: it times out as one, and is withdrawn whole", async () => {
  const [a, b] = pair({ capacity: 4 });
  const first = a.send("it fills what is between", { timeout: 0 });
  a.cork();
  await a.send("one ");
  await a.send("two ");
  const uncorked = a.uncork({ timeout: 5 });
  const [, err] = await uncorked;
  assertEquals([err?.code, err?.sent], ["timeout", 0]);
  const after = a.send("after");
  assertEquals(await b.receive(29, { encoding: "latin1" }), [
    "it fills what is betweenafter",
    null,
  ]);
  await Promise.all([first, after]);
  await Promise.all([a.close(), b.close()]);
});

Deno.test("more than 64 MiB held are exhausted, and what is held stays", async () => {
  const { stream } = noted();
  stream.cork();
  const piece = new Uint8Array(32 * 1024 * 1024);
  await stream.send(piece);
  await stream.send(piece);
  assertEquals((await stream.send("x"))[1]?.code, "exhausted");
  assertEquals(await stream.uncork(), [2 * piece.length, null]);
  await stream.close();
});

Deno.test("a corked stream that is killed while it holds loses nothing", async () => {
  const { stream, writes } = noted();
  const thread = newthread(async () => {
    stream.cork();
    await stream.send("held");
    await stream.receive();
  });
  await new Promise((resolve) => setTimeout(resolve, 0));
  kill(thread);
  await wait(thread);
  assertEquals(writes, []);
  await stream.close();
  assertEquals(writes, ["held"]);
});

Deno.test("setkeepalive() and sslhandshake() refuse a corked socket", async () => {
  const server = unwrap(await listen("127.0.0.1", 0));
  const sock = unwrap(await connect("127.0.0.1", server.port, { pool_size: 1 }));
  const served = unwrap(await server.accept());
  sock.cork();
  const [, shaken] = await sock.sslhandshake();
  assertEquals([shaken?.code, shaken?.message.includes("it is corked")], ["dirty", true]);
  const [, kept] = sock.setkeepalive();
  assertEquals([kept?.code, kept?.message.includes("it is corked")], ["dirty", true]);
  await served.close();
  await server.close();
});

Deno.test("what is held is bytes by then, whatever the encoding of each send", async () => {
  const { stream, writes } = noted();
  stream.cork();
  const bytes: Bytes = new Uint8Array([65, 66]);
  await stream.send(bytes);
  bytes.fill(120);
  await stream.send("é");
  await stream.send("é", { encoding: "latin1" });
  assertEquals(await stream.uncork(), [5, null]);
  assertEquals(writes, ["ABé\ufffd"]);
  await stream.close();
});
