import { assert, assertEquals } from "@std/assert";
import { connect, unwrap } from "../../cosocket/mod.ts";
import type { Handler, HttpResponse, HttpServer } from "../../http/mod.ts";
import { FakeClock, kill, newthread, scope, sleep, startloop, wait } from "../../thread/mod.ts";
import { ask, dial, receiveAnswer, send, serve } from "./raw.ts";

const REQUEST = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

/** What became of the requests of one client. */
interface Score {
  answered: number;
  dropped: string[];
}

/** Asks over and over, on kept connections, until nobody listens any more. */
async function insist(port: number, score: Score): Promise<void> {
  for (;;) {
    const [sock, err] = await connect("127.0.0.1", port);
    if (err !== null) return;
    for (let kept = true; kept;) {
      await sock.send(REQUEST);
      const [line, why] = await sock.receive();
      if (line !== "HTTP/1.1 200 OK") {
        score.dropped.push(`${line} ${why?.code}`);
        break;
      }
      for (;;) {
        const [field] = await sock.receive();
        if (field === "connection: close") kept = false;
        if (field === null || field === "") break;
      }
      await sock.receive(2);
      score.answered += 1;
    }
    sock.close_immediately();
  }
}

for (const waits of [false, true]) {
  const kind = waits ? "that wait" : "that answer at once";
  Deno.test(`shutdown() drops no request under load, and tells every client: handlers ${kind}`, async () => {
    const CLIENTS = 64;
    const busy = Promise.withResolvers<void>();
    let served = 0;
    const answer = (res: HttpResponse) => {
      if (++served === 500) busy.resolve();
      res.add("ok");
    };
    const server = await serve((_req, res) => {
      if (!waits) return answer(res);
      return sleep(served % 3).then(() => answer(res));
    });
    const score: Score = { answered: 0, dropped: [] };
    const clients = Array.from({ length: CLIENTS }, () => insist(server.port, score));
    await busy.promise;
    assertEquals(await server.shutdown({ grace: 10_000 }), [0, null]);
    await Promise.all(clients);
    assertEquals(score.dropped, []);
    assertEquals(score.answered, served);
  });
}

Deno.test("shutdown({ linger }) goes on serving, and says in each answer that it ends", async () => {
  const server = await serve((_req, res) => res.add("served"));
  await using sock = await dial(server.port);
  await sock.send(REQUEST);
  assertEquals((await receiveAnswer(sock)).headers.get("connection"), undefined);
  const ending = server.shutdown({ linger: 60_000, grace: 100 });
  await sock.send(REQUEST);
  const { body, headers } = await receiveAnswer(sock);
  assertEquals([body, headers.get("connection")], ["served", "close"]);
  assertEquals(await ending, [0, null]);
});

Deno.test("shutdown() says so in the answers of apps as well, and in those that cannot be changed", async () => {
  const apps: Handler[] = [
    { fetch: () => new Response("ok") },
    { fetch: () => Response.redirect("http://127.0.0.1/") },
  ];
  for (const app of apps) {
    const server = await serve(app);
    await using sock = await dial(server.port);
    const ending = server.shutdown({ linger: 50, grace: 60 });
    await sock.send(REQUEST);
    assertEquals((await receiveAnswer(sock)).headers.get("connection"), "close");
    await ending;
  }
});

Deno.test("shutdown() lets a request under way end, and refuses new connections meanwhile", async () => {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const server = await serve(async (_req, res) => {
    begun.resolve();
    await go.promise;
    res.add("done");
  });
  const answer = ask(server.port, "GET /");
  await begun.promise;
  const ending = server.shutdown();
  assert(server.closed());
  // Until then it is held, not refused.
  for (;;) {
    const [sock, err] = await connect("127.0.0.1", server.port);
    if (err?.code === "refused") break;
    await sock?.close();
  }
  go.resolve();
  assertEquals((await answer).body, "done");
  assertEquals(await ending, [0, null]);
  assertEquals(await server.done, [true, null]);
});

Deno.test("shutdown() kills what is left after the grace, and gives their number", async () => {
  let unwound = 0;
  const both = Promise.withResolvers<void>();
  const server = await serve(async () => {
    if (server.requests === 1) both.resolve();
    try {
      await sleep(60_000);
    } finally {
      unwound += 1;
    }
  });
  const answers = [ask(server.port, "GET /a"), ask(server.port, "GET /b")];
  await both.promise;
  while (server.requests < 2) await sleep(1);
  assertEquals(await server.shutdown({ grace: 30 }), [2, null]);
  assertEquals(unwound, 2);
  for (const answer of answers) assertEquals((await answer).status, 503);
});

Deno.test("shutdown({ grace: 0 }) cuts at once what is under way, and gives their number", async () => {
  const begun = Promise.withResolvers<void>();
  const server = await serve(async () => {
    begun.resolve();
    await sleep(60_000);
  });
  const text = send(server.port, REQUEST);
  await begun.promise;
  assertEquals(await server.shutdown({ grace: 0 }), [1, null]);
  assertEquals((await text).includes(" 200 "), false);
  assertEquals([server.requests, await server.done], [0, [true, null]]);
});

Deno.test("shutdown() and close() are timeout while a client does not take what it was answered", async () => {
  using clock = new FakeClock();
  const server = await serve((_req, res) => res.add("x".repeat(32_000_000)));
  const sock = await dial(server.port);
  await sock.send(REQUEST);
  await unwrap(sock.receive(1_000));
  for (const end of [() => server.shutdown(), () => server.close()]) {
    let over = false;
    const ended = end().finally(() => over = true);
    // The runtime takes its time for what it does, and is asked in between.
    while (!over) {
      await clock.tick(1_000);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals((await ended)[1]?.code, "timeout");
  }
  sock.close_immediately();
  assertEquals(await server.done, [true, null]);
  assertEquals(await server.close(), [true, null]);
});

Deno.test("shutdown() twice ends once, and the second gives none", async () => {
  const server = await serve(() => {});
  const both = await Promise.all([server.shutdown(), server.shutdown()]);
  assertEquals(both, [[0, null], [0, null]]);
  assertEquals(await server.close(), [true, null]);
});

Deno.test("a handler may shut its own server down, and is answered", async () => {
  const server = await serve(async (_req, res) => {
    const [cut, err] = await server.shutdown({ grace: 1_000 });
    res.add("cut ", cut ?? -1, ", ", err?.code ?? "no error");
  });
  assertEquals((await ask(server.port, "GET /")).body, "cut 0, no error");
  assertEquals(await server.done, [true, null]);
});

Deno.test("a kill of who waits in shutdown() cuts the grace short", async () => {
  const begun = Promise.withResolvers<void>();
  const server = await serve(async () => {
    begun.resolve();
    await sleep(60_000);
  });
  const answer = send(server.port, REQUEST);
  await begun.promise;
  const caller = newthread(() => server.shutdown({ grace: 60_000 }));
  await sleep(1);
  kill(caller);
  await answer;
  await server.close();
  assertEquals(server.requests, 0);
});

Deno.test("close() cuts at once what is under way", async () => {
  const begun = Promise.withResolvers<void>();
  const server = await serve(async (_req, res) => {
    await res.write("half");
    begun.resolve();
    await sleep(60_000);
  });
  const text = send(server.port, REQUEST);
  await begun.promise;
  assertEquals(await server.close(), [true, null]);
  assert(!(await text).includes("\r\n0\r\n"), "it was taken for the whole");
  const [, err] = await connect("127.0.0.1", server.port);
  assertEquals(err?.code, "refused");
});

Deno.test("a scope lasts as long as its server, and a kill of the scope ends both", async () => {
  let server: HttpServer | null = null;
  let answer: Promise<string> | null = null;
  const [, err] = await scope(async (inner) => {
    const begun = Promise.withResolvers<void>();
    server = await serve(async () => {
      begun.resolve();
      await sleep(60_000);
    });
    answer = send(server.port, REQUEST);
    await begun.promise;
    inner.close("enough");
  });
  assertEquals(err, null);
  assertEquals([server!.requests, server!.closed()], [0, true]);
  await answer!;
});

Deno.test("startloop() waits for a server that somebody shuts down", async () => {
  let ended = false;
  const loop = startloop(async () => {
    const server = await serve((_req, res) => res.add("x"));
    newthread(async () => {
      await ask(server.port, "GET /");
      await server.shutdown();
      ended = true;
    });
  });
  await loop;
  assert(ended);
});

Deno.test("await using shuts a server down", async () => {
  let port = 0;
  {
    await using server = await serve((_req, res) => res.add("x"));
    port = server.port;
    assertEquals((await ask(port, "GET /")).body, "x");
  }
  assertEquals((await connect("127.0.0.1", port))[1]?.code, "refused");
});

Deno.test("threads that a handler has started and not waited for outlive its request", async () => {
  const over = Promise.withResolvers<string>();
  await using server = await serve((_req, res) => {
    newthread(async () => {
      await sleep(5);
      over.resolve("ran on");
    });
    res.add("x");
  });
  assertEquals((await ask(server.port, "GET /")).body, "x");
  assertEquals(await over.promise, "ran on");
  await wait(newthread(() => unwrap([true, null])));
});
