/** What seldom happens, at both ends. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { IoError, unwrap } from "../../core/mod.ts";
import { discard } from "../../http/_body.ts";
import { client, type ClientResponse } from "../../http/client.ts";
import type { HttpServer } from "../../http/mod.ts";
import { list, newthread, on_error, self, sleep, wait } from "../../thread/mod.ts";
import { raw, serve as serveWeb, silent } from "./client_servers.ts";
import { ask, send, serve } from "./raw.ts";

Deno.test("a response outlives the thread that has asked for it and returned", async () => {
  await using server = await raw(async (sock) => {
    await sock.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    await silent(sock);
  });
  await using http = client({ base: server.url });
  const thread = newthread(() => http.get("/"));
  const [res] = await wait(thread) as unknown as [ClientResponse, null];
  assertEquals((await res.stream.receive(3, { encoding: "utf-8" }))[0], "abc");
  assertEquals(http.stats().busy, 1);
  await res.close();
});

Deno.test("HttpClient.get() with a signal that was aborted does not wait in line, nor ask", async () => {
  await using server = await raw(silent);
  await using http = client({ base: server.url, per_host: 1 });
  const asked = server.asked();
  const abort = new AbortController();
  const first = http.get("/", { signal: abort.signal });
  await asked;
  const [, err] = await http.get("/", { signal: AbortSignal.abort() });
  assertEquals([err?.code, http.stats()], ["cancelled", { busy: 1, waiting: 0 }]);
  abort.abort();
  assertEquals((await first)[1]?.code, "cancelled");
  assertEquals(server.heard.length, 1);
});

Deno.test("client(), body() and stream say what they want, or cannot", async () => {
  assertThrows(() => client({ pool_size: -1 }), RangeError, "pool_size");
  assertThrows(() => client({ per_host: "1" as unknown as number }), TypeError, "per_host");
  await using server = serveWeb(() => new Response("hello"));
  await using http = client();
  await using res = await unwrap(http.get(server.url));
  await assertRejects(() => res.body({ max: -1 }), RangeError, "max must be 0 or more");
  assertEquals((await res.stream.send("x"))[1]?.code, "unsupported");
  assertEquals((await res.stream.shutdown("send"))[1]?.code, "unsupported");
});

Deno.test("HttpClient.post() gives the error of a file that cannot be read to its end", async () => {
  await using server = serveWeb(async (request) => {
    await request.bytes();
    return new Response("whole");
  });
  await using http = client();
  const file = {
    size: () => Promise.resolve([10, null] as [number, null]),
    read: () => Promise.resolve([null, new IoError("io", "a bad disk")] as [null, IoError]),
  };
  assertEquals((await http.post(server.url, file))[1]?.message, "a bad disk");
});

Deno.test("what a handler has left goes out behind what it wrote", async () => {
  await using server = await serve((_req, res) => {
    const piece = new Uint8Array(100_000);
    for (let n = 0; n < 64; n++) void res.write(piece);
    res.add("the rest");
  });
  const { body } = await ask(server.port, "GET /");
  assertEquals(body.endsWith("\r\nthe rest\r\n0\r\n\r\n"), true);
});

Deno.test("discard() reads a body that is refused on, and gives it up after 16 MiB", async () => {
  const piece = new Uint8Array(1024 * 1024);
  let pulled = 0;
  const cancelled = Promise.withResolvers<void>();
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += 1;
      controller.enqueue(piece);
    },
    cancel: () => cancelled.resolve(),
  }, { highWaterMark: 0 });
  await discard(endless.getReader());
  await cancelled.promise;
  assertEquals(pulled, 16);
});

Deno.test("a handler's thread has the name of its request, or the one that it was given", async () => {
  const names: string[] = [];
  await using server = await serve(async (req) => {
    if (req.path === "/named") self().name = "the worker";
    await sleep(1);
    names.push(list().find(({ id }) => id === self().id)!.name);
  });
  await ask(server.port, "GET /named");
  await ask(server.port, "GET /plain");
  assertEquals(names, ["the worker", "GET /plain"]);
});

Deno.test("a handler that closes its own server before it waits is killed in its first wait", async () => {
  const ended = Promise.withResolvers<unknown>();
  const server: HttpServer = await serve(async () => {
    void server.close();
    await sleep(60_000).catch((error) => {
      ended.resolve(error.reason);
      throw error;
    });
  });
  const text = send(server.port, "GET / HTTP/1.1\r\nHost: test\r\n\r\n");
  assertEquals(await ended.promise, "the server has ended");
  await text;
  assertEquals(await server.done, [true, null]);
});

Deno.test("HttpResponse.event() and sendfile() say what they want", async () => {
  const said: string[] = [];
  const off = on_error((error) => said.push((error as Error).message));
  await using server = await serve(async (req, res) => {
    const wrong = 1 as unknown as string;
    if (req.path === "/event") await res.event(wrong);
    if (req.path === "/file") await res.sendfile(wrong);
    if (req.path === "/size") await res.sendfile({ read: () => Promise.resolve([null, null]) });
    if (req.path === "/whole") await res.sendfile("x", 0.5);
  });
  for (const path of ["/event", "/file", "/size", "/whole"]) {
    assertEquals((await ask(server.port, `GET ${path}`)).status, 500);
  }
  off();
  assertEquals(said, [
    "event wants its data as a string: got number",
    "sendfile wants a path or an open file: got number",
    "sendfile wants a count for a file that does not know its size",
    "sendfile: offset must be a whole number from 0: got 0.5",
  ]);
});
