/** The forms of a handler: `(req, res)`, an app with `fetch`, the libev callback. */
import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { Hono } from "hono";
import {
  app,
  type Encoding,
  type Handler,
  type HttpServer,
  libev,
  type LibevRequest,
  listen,
} from "../../http/mod.ts";
import { newthread, on_error, self, sleep } from "../../thread/mod.ts";
import { ask, serve } from "./raw.ts";

// fetch

Deno.test("an object with fetch is called as its method, with the request and the client's address", async () => {
  const tiny = {
    greeting: "hello",
    fetch(request: Request, info: Deno.ServeHandlerInfo<Deno.Addr>) {
      const { transport } = info.remoteAddr;
      return new Response(`${this.greeting} ${new URL(request.url).pathname} ${transport}`);
    },
  };
  await using server = await serve(tiny);
  assertEquals((await ask(server.port, "GET /you")).body, "hello /you tcp");
});

Deno.test("a Hono app is a handler, in a thread of its own", async () => {
  const hono = new Hono();
  hono.get("/hello/:name", async (c) => {
    await sleep(1);
    return c.text(`hello ${c.req.param("name")} from ${self().name}`);
  });
  hono.post(
    "/sum",
    async (c) => c.json((await c.req.json()).reduce((a: number, b: number) => a + b)),
  );
  hono.get("/cookie", (c) => c.body(null, 204, { "set-cookie": "a=b" }));
  await using server = await serve(hono);
  const hello = await ask(server.port, "GET /hello/you");
  assertEquals([hello.status, hello.body], [200, "hello you from GET /hello/you"]);
  assertEquals((await ask(server.port, "POST /sum", ["Content-Length: 7"], "[1,2,3]")).body, "6");
  const cookie = await ask(server.port, "GET /cookie");
  assertEquals([cookie.status, cookie.headers.get("set-cookie")], [204, "a=b"]);
  assertEquals((await ask(server.port, "GET /nowhere")).status, 404);
});

Deno.test("an app that throws is a 500 and a report", async () => {
  const reports: string[] = [];
  const off = on_error((error) => reports.push(String(error)));
  try {
    const broken = {
      fetch(): Response {
        throw new Error("broken");
      },
    };
    await using server = await serve(broken);
    assertEquals((await ask(server.port, "GET /")).status, 500);
    assertEquals(reports, ["Error: broken"]);
  } finally {
    off();
  }
});

Deno.test("a handler may return a standard Response, sooner or later", async () => {
  await using server = await serve((req) => {
    const response = new Response("std", { status: 201, headers: { "x-a": "b" } });
    return req.path === "/later" ? sleep(1).then(() => response) : response;
  });
  for (const path of ["/now", "/later"]) {
    const { status, headers, body } = await ask(server.port, `GET ${path}`);
    assertEquals([status, headers.get("x-a"), body], [201, "b", "std"]);
  }
});

for (const before of [0, 5]) {
  const when = before === 0 ? "at once" : "after a wait";
  Deno.test(`a handler may return the response of an upgrade ${when}, and its socket outlives it`, async () => {
    const closed = Promise.withResolvers<number>();
    await using server = await serve(async (req) => {
      if (before > 0) await sleep(before);
      const { socket, response } = Deno.upgradeWebSocket(req.request);
      socket.onmessage = ({ data }) => socket.send(`echo ${data}`);
      socket.onclose = ({ code }) => closed.resolve(code);
      // What is begun with the socket may take time.
      if (before > 0) await sleep(before);
      return response;
    });
    const client = new WebSocket(`ws://127.0.0.1:${server.port}/`);
    const said = Promise.withResolvers<unknown>();
    client.onopen = () => client.send("hello");
    client.onmessage = ({ data }) => said.resolve(data);
    client.onerror = () => said.resolve("an error");
    assertEquals(await said.promise, "echo hello");
    const over = Promise.withResolvers<void>();
    client.onclose = () => over.resolve();
    client.close(4_000);
    assertEquals(await closed.promise, 4_000);
    await over.promise;
  });
}

Deno.test("app() makes of a handler what deno serve wants", async () => {
  const hello = app((req, res) => res.json(req.query.getAll("a")));
  const request = new Request("http://localhost/?a=1&a=2");
  const info = { remoteAddr: { transport: "unix", path: "" }, completed: Promise.resolve() };
  const response = await hello.fetch(request, info as Deno.ServeHandlerInfo<Deno.Addr>);
  assertEquals(await response.json(), ["1", "2"]);
});

// libev

Deno.test("libev() calls back with the server, request, method, url, headers and body", async () => {
  let given: unknown[] = [];
  const handler = libev((httpd, request, method, url, headers, body) => {
    given = [httpd, method, url, headers["x-one"], body];
    request.reply_header("X-Two", 2);
    request.reply_header("x-two", "3");
    request.reply(201, "Made", ["hello ", 5]);
  });
  await using server = await serve(handler);
  const sent = ["X-One: a", "X-One: b", "Content-Length: 2"];
  const answer = await ask(server.port, "POST /a%20b?c", sent, "\xff\0");
  assertEquals(given, [server, "POST", "/a%20b?c", "a, b", "\xff\0"]);
  assertEquals([answer.status, answer.body], [201, "hello 5"]);
  assertEquals(answer.text.match(/^x-two: \d/gim), ["x-two: 2", "x-two: 3"]);
});

const encodings: [encoding: Encoding, body: unknown][] = [
  ["latin1", "\xc3\xbc"],
  ["utf-8", "ü"],
  ["bytes", new Uint8Array([0xc3, 0xbc])],
];

for (const [encoding, body] of encodings) {
  Deno.test(`libev({ encoding: "${encoding}" }) gives the body so`, async () => {
    let given: unknown;
    const handler = libev((_httpd, request, _method, _url, _headers, body) => {
      given = body;
      request.reply(204);
    }, { encoding });
    await using server = await serve(handler);
    await ask(server.port, "POST /", ["Content-Length: 2"], "\xc3\xbc");
    assertEquals(given, body);
  });
}

Deno.test("libev() answers for the caller where the body is too long, or not in the encoding", async () => {
  let calls = 0;
  const callback = () => void (calls += 1);
  await using short = await serve(libev(callback), { max_body: 1 });
  const chunks = "2\r\nab\r\n0\r\n\r\n";
  const chunked = ["Transfer-Encoding: chunked"];
  assertEquals((await ask(short.port, "POST /", chunked, chunks)).status, 413);
  await using text = await serve(libev(callback, { encoding: "utf-8" }));
  assertEquals((await ask(text.port, "POST /", ["Content-Length: 1"], "\xff")).status, 400);
  assertEquals(calls, 0);
});

Deno.test("LibevRequest.reply() may come later, from another thread, and the second is closed", async () => {
  const codes: unknown[] = [];
  const handler = libev((_httpd, request) => {
    newthread(async () => {
      await sleep(5);
      codes.push(request.reply(200, null, "later"), request.reply(200)[1]?.code);
    });
  });
  await using server = await serve(handler);
  assertEquals((await ask(server.port, "GET /")).body, "later");
  assertEquals(codes, [[true, null], "closed"]);
});

for (const before of [0, 5]) {
  const when = before === 0 ? "at once" : "after a wait";
  Deno.test(`LibevRequest.reply() is sent ${when}, whatever the callback goes on to do`, async () => {
    const go = Promise.withResolvers<void>();
    let ended = false;
    const handler = libev(async (_httpd, request) => {
      if (before > 0) await sleep(before);
      request.reply(200, "OK", "an answer");
      await go.promise;
      await sleep(1);
      ended = true;
    });
    await using server = await serve(handler);
    assertEquals((await ask(server.port, "GET /")).body, "an answer");
    assertEquals([server.requests, ended], [1, false]);
    go.resolve();
    while (server.requests > 0) await sleep(1);
    // The end of its connection is no end of the client any more.
    assertEquals(ended, true);
  });
}

Deno.test("an answer of libev() that never comes is 503 in time, and then closed", async () => {
  const kept = Promise.withResolvers<LibevRequest>();
  await using server = await serve(libev((_httpd, request) => kept.resolve(request)), {
    timeout: 20,
  });
  assertEquals((await ask(server.port, "GET /")).status, 503);
  assertEquals((await kept.promise).reply(200)[1]?.code, "closed");
});

Deno.test("LibevRequest refuses what could slip a line in, and a status that is none", async () => {
  const thrown: string[] = [];
  const handler = libev((_httpd, request) => {
    const calls = [
      () => request.reply_header("a\r\nb", "c"),
      () => request.reply_header("a", "b\r\nc: d"),
      () => request.reply(99),
      () => request.reply(200, 5 as unknown as string),
    ];
    for (const call of calls) thrown.push(assertThrows(call, TypeError).message);
    request.reply(200, "OK\r\nx: y", "clean");
  });
  await using server = await serve(handler);
  const { body, text } = await ask(server.port, "GET /");
  assertEquals([body, text.includes("x: y")], ["clean", false]);
  assertMatch(text, /^HTTP\/1.1 200 OK\r\n/);
  assertEquals(thrown.length, 4);
});

// Neither

const neither: [what: unknown, words: string][] = [
  [undefined, "got undefined"],
  [null, "got null"],
  ["x", "got string"],
  [{}, "got object"],
  [{ fetch: 5 }, "got object"],
];

for (const [what, words] of neither) {
  Deno.test(`listen() and app() throw TypeError for a handler that is ${JSON.stringify(what)}`, async () => {
    const handler = what as Handler;
    const thrown: unknown = await listen("127.0.0.1", 0, handler).then(
      ([server]: [HttpServer | null, unknown]) => server?.close(),
      (error) => error,
    );
    assertStringIncludes(String(thrown), "TypeError: http.listen wants a handler");
    assertStringIncludes(String(thrown), words);
    assertThrows(() => app(handler), TypeError, words);
  });
}

Deno.test("libev() throws TypeError for a callback that is none", () => {
  assertThrows(() => libev(5 as unknown as () => void), TypeError, "got number");
});
