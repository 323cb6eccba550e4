import { assertEquals } from "@std/assert";
import { listen, tcp, unwrap } from "../../cosocket/mod.ts";
import { pair } from "../../stream/mod.ts";
import { on_error } from "../../thread/mod.ts";

Deno.test("trace() does not hear what its own handler does: it may close the stream, and send", async () => {
  const [a, b] = pair();
  const log: string[] = [];
  a.trace((line) => {
    log.push(line.replace(/^#\d+ \S+ /, ""));
    void a.send("heard\n");
    if (line.includes("<")) a.close_immediately();
  });
  await b.send("x\n");
  assertEquals((await a.receive())[1]?.code, "closed");
  assertEquals(log, ['< "x\\n" 2 B']);
  await b.close();
});

Deno.test("trace() of a socket that is not connected yet hears of its connections from the first byte", async () => {
  await using server = unwrap(await listen("127.0.0.1", 0));
  const served = server.autospawn(async (sock) => void await sock.send("hello\n"));
  const sock = tcp();
  const log: string[] = [];
  sock.trace((line) => log.push(line.replace(/^#\d+ \S+ /, "")));
  unwrap(await sock.connect("127.0.0.1", server.port));
  assertEquals(await sock.receive(), ["hello", null]);
  assertEquals(log, ["connected", '< "hello\\n" 6 B']);
  await sock.close();
  await server.close();
  await served;
});

Deno.test("trace() reports what its handler throws, and the stream goes on", async () => {
  const [a, b] = pair();
  const heard: unknown[] = [];
  const off = on_error((error, about) => heard.push((error as Error).message, about));
  a.trace(() => {
    throw new Error("no log today");
  });
  await b.send("x\n");
  assertEquals(await a.receive(), ["x", null]);
  off();
  assertEquals(heard.slice(0, 2), ["no log today", "trace of pair:a"]);
  a.trace(null);
  await Promise.all([a.close(), b.close()]);
});
