/** What a server does with requests that are too much, too slow, or of clients that have gone. */
import { assert, assertEquals } from "@std/assert";
import { app, type Handler, listen, type ListenOptions, unwrap } from "../../http/mod.ts";
import {
  FakeClock,
  kill,
  list,
  on_error,
  self,
  sleep,
  type Thread,
  ThreadKilled,
  wait,
} from "../../thread/mod.ts";
import { ask, dial, parse, receiveAnswer, send, serve, unchunked } from "./raw.ts";

/** A moment that a test waits for. */
function moment<T = void>(): { come: (value: T) => void; here: Promise<T> } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { come: resolve, here: promise };
}

/** Lets the event loop go round, whatever the clock says. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

// Too much

Deno.test("a body that is announced as longer than max_body is 413, and no handler runs", async () => {
  let runs = 0;
  await using server = await serve(() => void (runs += 1), { max_body: 4 });
  await using sock = await dial(server.port);
  // Not a byte of it need be sent.
  await sock.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n");
  const { status, headers } = await receiveAnswer(sock);
  assertEquals([status, headers.get("connection"), runs], [413, "close", 0]);
  assertEquals((await ask(server.port, "POST /", ["Content-Length: 4"], "1234")).status, 204);
});

Deno.test("a body without a length that grows over max_body is too_long, whatever maxsize says", async () => {
  const codes: (string | undefined)[] = [];
  const handler: Handler = async (req) => {
    const [, err] = await req.body(1_000);
    codes.push(err?.code);
  };
  await using server = await serve(handler, { max_body: 4 });
  const chunks = "5\r\n12345\r\n0\r\n\r\n";
  const answer = await ask(server.port, "POST /", ["Transfer-Encoding: chunked"], chunks);
  assertEquals([answer.status, codes], [413, ["too_long"]]);
});

Deno.test("an app with fetch is held to max_body too, with and without a length", async () => {
  const fetch = async (request: Request) => new Response(await request.text());
  await using server = await serve({ fetch }, { max_body: 4 });
  const chunked = ["Transfer-Encoding: chunked"];
  const off = on_error(() => {});
  try {
    assertEquals((await ask(server.port, "POST /", ["Content-Length: 5"], "12345")).status, 413);
    const long = await ask(server.port, "POST /", chunked, "5\r\n12345\r\n0\r\n\r\n");
    assertEquals(long.status, 413);
    const short = await ask(server.port, "POST /", chunked, "4\r\n1234\r\n0\r\n\r\n");
    assertEquals([short.status, short.body], [200, "1234"]);
  } finally {
    off();
  }
});

for (const kind of ["a handler", "an app with fetch"]) {
  Deno.test(`a length that is told twice is held to max_body as well, for ${kind}`, async () => {
    let runs = 0;
    const fetch = async (request: Request) => (runs++, new Response(await request.text()));
    const handler: Handler = async (req, res) => {
      runs += 1;
      const [text] = await req.text();
      res.add(text ?? "none");
    };
    await using server = await serve(kind === "a handler" ? handler : { fetch }, { max_body: 4 });
    const twice = (length: number) => [`Content-Length: ${length}`, `Content-Length: ${length}`];
    assertEquals((await ask(server.port, "POST /", twice(5), "12345")).status, 413);
    assertEquals(runs, 0);
    const { status, body } = await ask(server.port, "POST /", twice(4), "1234");
    assertEquals([status, body, runs], [200, "1234", 1]);
  });
}

Deno.test("over max_requests the next gets 503 at once, and is served again later", async () => {
  const started = moment();
  const go = moment();
  const handler: Handler = async (req, res) => {
    if (req.path === "/wait") {
      started.come();
      await go.here;
    }
    res.add("served");
  };
  await using server = await serve(handler, { max_requests: 1 });
  const first = ask(server.port, "GET /wait");
  await started.here;
  assertEquals(server.requests, 1);
  const refused = await ask(server.port, "GET /");
  assertEquals([refused.status, refused.headers.get("retry-after")], [503, "1"]);
  go.come();
  assertEquals((await first).body, "served");
  assertEquals((await ask(server.port, "GET /")).body, "served");
});

Deno.test("a head that is too long, and one that is none, is 400 without a handler", async () => {
  let runs = 0;
  await using server = await serve(() => void (runs += 1));
  const long = await ask(server.port, "GET /", [`X: ${"y".repeat(500_000)}`]);
  assertEquals(long.status, 400);
  assertEquals((await ask(server.port, "GET / /")).status, 400);
  assertEquals(runs, 0);
});

const NO_HOSTS = [
  ...[
    "a/b",
    "a/",
    "/",
    "/b",
    "a/../x",
    "a/b?",
    "a?b",
    "a?/b",
    "a#b",
    "a#/",
    "a\\b",
    "u@a",
    "u:p@a",
  ],
  ...["a b", "a\tb", "<a>", "\xfc", "localhost/", "localhost\xfc"],
];
for (const host of NO_HOSTS) {
  Deno.test(`a Host of ${JSON.stringify(host)} is 400: it cannot pass for a part of the path`, async () => {
    for (const form of [true, false]) {
      const seen: string[] = [];
      const handler: Handler = form ? (req) => void seen.push(req.request.url) : {
        fetch: (request) => {
          seen.push(request.url);
          return new Response();
        },
      };
      await using server = await serve(handler);
      for (const path of ["/", "/p", "/p/q", "/p?q"]) {
        // Before it and behind it, one that is good.
        for (const [name, status] of [["a", form ? 204 : 200], [host, 400]] as const) {
          const head = `GET ${path} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`;
          assertEquals(parse(await send(server.port, head)).status, status, `${name} ${path}`);
        }
      }
      assertEquals(seen, ["http://a/", "http://a/p", "http://a/p/q", "http://a/p?q"]);
    }
  });
}

Deno.test("hosts of every good form are served, and none at all", async () => {
  await using server = await serve((req, res) => res.add(req.uri));
  for (const host of ["example.com", "127.0.0.1:80", "[::1]:8080", "a_b.test", "xn--4ca", ""]) {
    const head = `GET /p?q HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const { status, body } = parse(await send(server.port, head));
    assertEquals([status, body], [200, "/p?q"], host);
  }
  const bare = parse(await send(server.port, "GET /p HTTP/1.1\r\nConnection: close\r\n\r\n"));
  assertEquals([bare.status, bare.body], [200, "/p"]);
  const whole = "GET http://other/p HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
  assertEquals(parse(await send(server.port, whole)).body, "/p");
});

// Too slow

Deno.test("a body that does not come is timeout to the handler, and 408 to the client", async () => {
  for (const length of [10, 100_000]) {
    const codes: (string | undefined)[] = [];
    const handler: Handler = async (req) => {
      const [, err] = await req.body();
      codes.push(err?.code);
    };
    await using server = await serve(handler, { body_timeout: 30 });
    await using sock = await dial(server.port);
    await sock.send(`POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${length}\r\n\r\nabc`);
    assertEquals((await receiveAnswer(sock)).status, 408);
    assertEquals(codes, ["timeout"]);
  }
});

Deno.test("HttpRequest.body({ timeout }) is for this call, over the server's", async () => {
  await using server = await serve(async (req) => void await req.body(100, { timeout: 20 }));
  await using sock = await dial(server.port);
  await sock.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nabc");
  assertEquals((await receiveAnswer(sock)).status, 408);
});

Deno.test("a handler that takes longer than timeout is killed, and the answer is 503", async () => {
  const thrown = moment<unknown>();
  const handler: Handler = async () => {
    try {
      await sleep(60_000);
    } catch (error) {
      thrown.come(error);
      throw error;
    }
  };
  await using server = await serve(handler, { timeout: 20 });
  const answer = await ask(server.port, "GET /");
  assertEquals([answer.status, answer.body], [503, "Service Unavailable\n"]);
  assert(await thrown.here instanceof ThreadKilled);
});

Deno.test("a handler that waits for a stranger is answered for in time, and unwinds later", async () => {
  const stranger = moment();
  const handler: Handler = async (_req, res) => {
    await stranger.here;
    res.add("too late");
  };
  await using server = await serve(handler, { timeout: 20 });
  assertEquals((await ask(server.port, "GET /")).status, 503);
  assertEquals(server.requests, 1);
  stranger.come();
  while (server.requests > 0) await sleep(1);
});

Deno.test("a time limit that passes while the body is read is 408", async () => {
  await using server = await serve(async (req) => void await req.body(), { timeout: 20 });
  await using sock = await dial(server.port);
  await sock.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nabc");
  assertEquals((await receiveAnswer(sock)).status, 408);
});

Deno.test("HttpRequest.settimeout() sets a limit where the server has none, also after a wait", async () => {
  const handler: Handler = async (req) => {
    await turn();
    await turn();
    req.settimeout(20);
    await sleep(0x7fff_ffff);
  };
  await using server = await serve(handler, { timeout: 0 });
  assertEquals((await ask(server.port, "GET /")).status, 503);
});

Deno.test("HttpRequest.settimeout() changes the limit for one request, 0 takes it away", async () => {
  const handler: Handler = async (req, res) => {
    if (req.path === "/long") req.settimeout(0);
    await sleep(60);
    if (req.path === "/short") req.settimeout(70);
    await sleep(60);
    res.add("there");
  };
  await using server = await serve(handler, { timeout: 100 });
  assertEquals((await ask(server.port, "GET /long")).body, "there");
  assertEquals((await ask(server.port, "GET /short")).status, 503);
});

Deno.test("the time limit ends when the answer begins: a long answer is no slow one", async () => {
  using clock = new FakeClock();
  const turned = moment();
  const begun = moment();
  const go = moment();
  await using server = await serve(async (_req, res) => {
    // The limit is set when it has waited for a turn.
    await turned.here;
    await res.write("begun");
    begun.come();
    await go.here;
    await res.write(", ended");
  }, { timeout: 1_000 });
  const sock = await dial(server.port);
  await sock.send("GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
  while (server.requests === 0) await turn();
  await turn();
  turned.come();
  await begun.here;
  await clock.tick(5_000);
  go.come();
  const { body } = parse(await unwrap(sock.receive("*a", { encoding: "latin1" })));
  assertEquals(unchunked(body), "begun, ended");
  await sock.close();
  await server.close();
});

Deno.test("clients that send their head byte by byte hold up nobody, and end with the server", async () => {
  await using server = await serve((_req, res) => res.add("served"));
  const slow = await Promise.all(Array.from({ length: 50 }, () => dial(server.port)));
  for (const part of ["GE", "T /", " HTTP/1.1\r\n", "Ho"]) {
    await Promise.all(slow.map((sock) => sock.send(part)));
    assertEquals((await ask(server.port, "GET /")).body, "served");
  }
  assertEquals(server.requests, 0);
  await server.shutdown();
  // Without an answer, for nobody has asked anything yet.
  const ends = await Promise.all(slow.map((sock) => sock.receive("*a", { encoding: "latin1" })));
  assertEquals(ends.map(([text, err]) => text ?? err?.code), slow.map(() => ""));
  for (const sock of slow) sock.close_immediately();
});

// Gone

/** A client sends a request, waits until the handler waits, and goes. */
async function leave(handler: Handler, begun: Promise<unknown>): Promise<void> {
  await using server = await serve(handler);
  const sock = await dial(server.port);
  await sock.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n");
  await begun;
  sock.close_immediately();
  // Else this waits for the grace to pass, and kills it for another reason.
  while (server.requests > 0) await sleep(1);
}

Deno.test("a client that goes kills the handler in the wait it is in", async () => {
  const begun = moment();
  let reason: unknown;
  await leave(async () => {
    try {
      begun.come();
      await sleep(60_000);
    } catch (error) {
      reason = error instanceof ThreadKilled ? error.reason : error;
      throw error;
    }
  }, begun.here);
  assertEquals(reason, "the client has gone");
});

Deno.test("a client that goes while a stranger is waited for kills the handler at its next wait", async () => {
  const begun = moment();
  const stranger = moment();
  const steps: string[] = [];
  const left = leave(async () => {
    begun.come();
    await stranger.here;
    steps.push("on");
    await sleep(1);
    steps.push("never");
  }, begun.here);
  // Only when the runtime has told that the client is gone.
  while (!list().some(({ name, state }) => name === "GET /slow" && state === "unwinding")) {
    await sleep(1);
  }
  stranger.come();
  await left;
  assertEquals(steps, ["on"]);
});

Deno.test("a client that goes in the middle of an answer kills the handler, waiting or writing", async () => {
  for (const waits of [true, false]) {
    const begun = moment();
    let ended = "";
    await leave(async (_req, res) => {
      try {
        await res.event("first");
        begun.come();
        if (waits) await sleep(60_000);
        for (;;) await res.write(new Uint8Array(100_000));
      } catch (error) {
        ended = error instanceof ThreadKilled ? `${error.reason}` : `${error}`;
        throw error;
      }
    }, begun.here);
    assertEquals(ended, "the client has gone");
  }
});

Deno.test("a client that does not read holds its own handler back, and nobody else", async () => {
  const PIECE = new Uint8Array(256 * 1024);
  const PIECES = 200;
  let sent = 0;
  const late = moment<string | undefined>();
  const handler: Handler = async (req, res) => {
    if (req.path !== "/flood") return res.add("served");
    await res.write("begun");
    for (; sent < PIECES; sent++) {
      const [, err] = await res.write(PIECE, { timeout: 50 });
      if (err !== null) return late.come(err.code);
    }
  };
  await using server = await serve(handler);
  const sock = await dial(server.port);
  await sock.send("GET /flood HTTP/1.1\r\nHost: test\r\n\r\n");
  assertEquals(await late.here, "timeout");
  // The kernel holds some megabytes of the fifty; the program holds a piece or two.
  assert(sent < PIECES, `${sent} pieces were written to one who does not read`);
  assertEquals((await ask(server.port, "GET /")).body, "served");
  sock.close_immediately();
});

Deno.test("a handler whose thread somebody kills is a 500", async () => {
  const begun = moment<Thread>();
  await using server = await serve(async () => {
    begun.come(self());
    await sleep(60_000);
  });
  const answer = ask(server.port, "GET /victim");
  const thread = await begun.here;
  assertEquals(thread.name, "GET /victim");
  assertEquals(kill(thread, "enough"), [true, null]);
  assertEquals((await answer).status, 500);
  assertEquals((await wait(thread))[1]?.code, "killed");
});

Deno.test("app() has the limits of listen()", async () => {
  const hello = app((_req, res) => res.add("hello"), { max_body: 3 });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, hello.fetch);
  assertEquals((await ask(server.addr.port, "GET /")).body, "hello");
  assertEquals((await ask(server.addr.port, "POST /", ["Content-Length: 4"], "1234")).status, 413);
  await server.shutdown();
});

const wrong: [options: unknown, error: "TypeError" | "RangeError", words: string][] = [
  [3, "TypeError", "options must be an object: got number"],
  [{ max_body: -1 }, "RangeError", "max_body wants a whole number from 0: got -1"],
  [{ max_body: "1M" }, "TypeError", "max_body wants a number: got string"],
  [{ max_requests: 0 }, "RangeError", "max_requests wants a whole number from 1: got 0"],
  [{ timeout: -1 }, "RangeError", "timeout must be 0 (no limit) or more"],
  [{ body_timeout: NaN }, "RangeError", "body_timeout must be 0 (no limit) or more"],
  [{ ssl: { cert: "x" } }, "TypeError", "ssl wants { cert, key }"],
  [{ backlog: 0.5 }, "RangeError", "backlog wants a whole number"],
  [{ mode: 0o10000 }, "RangeError", "mode wants 0o7777 at most: got 0o10000"],
  [{ mode: Infinity }, "RangeError", "mode wants 0o7777 at most"],
  [{ compress: 1 }, "TypeError", "compress wants a boolean"],
];

for (const [options, error, words] of wrong) {
  Deno.test(`listen() throws ${error} for options of ${JSON.stringify(options)}`, async () => {
    const thrown = await listen("127.0.0.1", 0, () => {}, options as ListenOptions)
      .then(([server]) => server?.close(), (error) => error);
    assertEquals([thrown.name, thrown.message.includes(words)], [error, true], thrown.message);
  });
}
