/** What seldom happens, at both ends. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { current, IoError, unwrap } from "../../core/mod.ts";
import { discard } from "../../http/_body.ts";
import { fromFetch } from "../../http/_client_error.ts";
import { uploadOf } from "../../http/_client_upload.ts";
import { openPart } from "../../http/_file_part.ts";
import { client, type ClientResponse } from "../../http/client.ts";
import { type HttpServer, static as serve_static } from "../../http/mod.ts";
import { kill, list, newthread, on_error, scope, self, sleep, wait } from "../../thread/mod.ts";
import { always, raw, serve as serveWeb, silent } from "./client_servers.ts";
import { ask, send, serve } from "./raw.ts";
import { setImmediate } from "node:timers";

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
  assertEquals((await res.stream.shutdown("send"))[1]?.code, "unsupported");
  await using other = await unwrap(http.get(server.url));
  assertEquals((await other.stream.send("x"))[1]?.code, "unsupported");
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

const LENGTHS: [fields: string, length: number | null][] = [
  ["Content-Length: 5, 5", 5],
  ["Content-Length: 5\r\nContent-Length: 05", 5],
  ["Transfer-Encoding: chunked\r\nContent-Length: 99999999999", null],
  ["Transfer-Encoding: chunked\r\nContent-Length: 2", null],
  ["Transfer-Encoding: chunked\r\nContent-Length: many", null],
];

for (const [fields, length] of LENGTHS) {
  Deno.test(`a body under ${JSON.stringify(fields)} is whole, its length ${length}`, async () => {
    const body = length === null ? "5\r\nhello\r\n0\r\n\r\n" : "hello";
    await using server = await raw(always(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n${body}`));
    await using http = client();
    const res = await unwrap(http.get(server.url));
    assertEquals([res.length, await res.text({ max: 5 })], [length, ["hello", null]]);
  });
}

Deno.test("an upload that is sent anew is not ended by who leaves the try before", async () => {
  const upload = await unwrap(uploadOf(new Uint8Array(200_000), undefined));
  const pieces = () => (upload.body() as Blob).stream().getReader();
  const before = pieces();
  await before.read();
  const now = pieces();
  let size = (await now.read()).value!.length;
  await before.cancel();
  for (let next; !(next = await now.read()).done;) size += next.value.length;
  assertEquals(size, 200_000);
});

Deno.test("an upload that the runtime lets go of, as where the server hung up, tells its source", async () => {
  let told = false;
  async function* endless() {
    try {
      for (;;) yield "x";
    } finally {
      told = true;
    }
  }
  const upload = await unwrap(uploadOf(endless(), undefined));
  const pieces = (upload.body() as ReadableStream<Uint8Array>).getReader();
  await pieces.read();
  await pieces.cancel();
  assertEquals(told, true);
});

Deno.test("a request that was given up before it began leaves nothing with its thread", async () => {
  await using http = client();
  let heeded = 0;
  const thread = newthread(() => {
    const task = current();
    const original = task.onOutcome.bind(task);
    task.onOutcome = (then) => {
      heeded += 1;
      const forget = original(then);
      return () => {
        heeded -= 1;
        forget();
      };
    };
    return http.get("http://127.0.0.1:1/", { signal: AbortSignal.abort() });
  });
  assertEquals((await wait(thread))[1]?.code, "cancelled");
  assertEquals(heeded, 0);
});

Deno.test("a form throws for a NUL in a name, which would spoil it", async () => {
  await using http = client();
  const file = { file: "x", name: "a\0b" };
  for (const form of [{ "a\0": { file: "x" } }, { a: file }]) {
    await assertRejects(() => http.request("http://127.0.0.1:1/", { form }), TypeError, "NUL");
  }
});

Deno.test("a server that speaks before it is asked is protocol", () => {
  const said = "client error (SendRequest): received unexpected message from connection";
  const error = new TypeError("error sending request", { cause: new Error(said) });
  assertEquals(fromFetch(error, "Cannot GET http://a/").code, "protocol");
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

Deno.test("HttpClient.post() takes a FormData as data", async () => {
  await using server = serveWeb(async (request) => Response.json([...await request.formData()]));
  await using http = client();
  const form = new FormData();
  form.append("a", "b");
  const res = await unwrap(http.post(server.url, form));
  assertEquals(await res.json(), [[["a", "b"]], null]);
});

Deno.test("a handler that throws when its answer is through is named by its request", async () => {
  const through = Promise.withResolvers<void>();
  const told = Promise.withResolvers<string>();
  const off = on_error((error, about) => told.resolve(`${about}: ${error}`));
  await using server = await serve(async (_req, res) => {
    await res.write("x");
    await through.promise;
    throw new Error("no such luck");
  });
  assertEquals((await ask(server.port, "HEAD /late")).status, 200);
  through.resolve();
  assertEquals(await told.promise, "handler of HEAD /late: Error: no such luck");
  off();
});

Deno.test("a killed handler whose cleanup throws is reported", async () => {
  const told = Promise.withResolvers<string>();
  const off = on_error((error, about) => told.resolve(`${about}: ${error}`));
  await using server = await serve(async () => {
    kill(self());
    try {
      await sleep(60_000);
    } finally {
      // deno-lint-ignore no-unsafe-finally
      throw new Error("no such luck");
    }
  });
  assertEquals((await ask(server.port, "GET /")).status, 500);
  assertEquals(await told.promise, "cleanup of killed GET /: Error: no such luck");
  off();
});

Deno.test("a scope that a handler has not waited for ends with it, whether it throws or returns", async () => {
  const off = on_error(() => {});
  for (const path of ["/throw", "/return"]) {
    let ended = false;
    await using server = await serve(async (req) => {
      void scope(async () => {
        try {
          await sleep(req.path === "/throw" ? 60_000 : 5);
        } finally {
          ended = true;
        }
      }).catch(() => {});
      await sleep(1);
      if (req.path === "/throw") throw new Error("no such luck");
    });
    assertEquals((await ask(server.port, `GET ${path}`)).status, path === "/throw" ? 500 : 204);
    while (server.requests > 0) await sleep(1);
    assertEquals(ended, true);
  }
  off();
});

Deno.test("a WebSocket still opens while its server shuts down", async () => {
  const server: HttpServer = await serve((req) => {
    void server.shutdown();
    const { socket, response } = Deno.upgradeWebSocket(req.request);
    socket.onmessage = ({ data }) => {
      socket.send(data);
      socket.close();
    };
    return response;
  });
  const said = Promise.withResolvers<unknown>();
  const over = Promise.withResolvers<void>();
  const ws = new WebSocket(`ws://127.0.0.1:${server.port}/`);
  ws.onopen = () => ws.send("hello");
  ws.onmessage = ({ data }) => said.resolve(data);
  ws.onclose = () => over.resolve();
  assertEquals(await said.promise, "hello");
  await over.promise;
  assertEquals(await server.done, [true, null]);
});

Deno.test("a Response whose body fails is reported, and broken off", async () => {
  const told = Promise.withResolvers<string>();
  const off = on_error((error, about) => told.resolve(`${about}: ${error}`));
  await using server = await serve(() =>
    new Response(
      new ReadableStream({
        pull() {
          throw new Error("no such luck");
        },
      }),
    )
  );
  const text = await send(server.port, "GET / HTTP/1.1\r\nHost: test\r\n\r\n");
  assertEquals(text.endsWith("0\r\n\r\n"), false);
  assertEquals(await told.promise, "the body of a response: Error: no such luck");
  off();
});

Deno.test("HttpResponse.status is 200 or what was set; one that has no body takes none", async () => {
  const said: unknown[] = [];
  const off = on_error((error) => said.push((error as Error).message));
  await using server = await serve(async (_req, res) => {
    said.push(res.status);
    res.status = 204;
    said.push(res.status);
    await res.write("x");
  });
  assertEquals((await ask(server.port, "GET /")).status, 500);
  assertEquals(said, [200, 204, "an answer of status 204 has no body"]);
  off();
});

Deno.test("HttpResponse.sendfile() gives the error of a folder, and of a file that has no size", async () => {
  const folder = await Deno.makeTempDir();
  const codes: unknown[] = [];
  await using server = await serve(async (req, res) => {
    const file = req.path === "/folder" ? folder : {
      size: () => Promise.resolve([null, new IoError("io", "a bad disk")] as [null, IoError]),
      read: () => Promise.resolve([null, null] as [null, null]),
    };
    codes.push((await res.sendfile(file))[1]?.code);
  });
  assertEquals((await ask(server.port, "GET /folder")).status, 404);
  assertEquals((await ask(server.port, "GET /bad")).status, 204);
  assertEquals(codes, ["is_dir", "io"]);
  await Deno.remove(folder);
});

Deno.test("HttpResponse.sendfile() closes the file of a handler that is killed before it sends", async () => {
  const path = await Deno.makeTempFile();
  // The file is open while its size is asked for. That may be over before anybody looks.
  for (let seen = false, n = 0; !seen && n < 500; n++) {
    const thread = newthread(() => openPart(path, 0, undefined, {}));
    const part = thread.done;
    while (list().some(({ id }) => id === thread.id)) {
      seen = list().some(({ id, state }) => id === thread.id && /stat|size/.test(state));
      if (seen) kill(thread);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const [opened] = await part;
    await opened?.close();
  }
  await Deno.remove(path);
});

Deno.test("static() of a root that is not there is a 500 and a report: it is no missing page", async () => {
  const told = Promise.withResolvers<unknown>();
  const off = on_error((error) => told.resolve((error as IoError).code));
  await using server = await serve(serve_static("/no/such/root"));
  assertEquals((await ask(server.port, "GET /")).status, 500);
  assertEquals(await told.promise, "not_found");
  off();
});
