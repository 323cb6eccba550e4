import { assertEquals } from "@std/assert";
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
