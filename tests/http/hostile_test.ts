/** What a client does at the worst moment ends no server, and leaves nothing. */
import { assertEquals } from "@std/assert";
import { app, type Handler, type HttpRequest, type HttpResponse } from "../../http/mod.ts";
import { FakeClock, kill, on_error, self, sleep } from "../../thread/mod.ts";
import { ask, dial, receiveAnswer, serve } from "./raw.ts";

const UPGRADE = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
];

/** What a handler does with a request that it has upgraded. */
const DOES: Record<string, [does: (req: HttpRequest) => unknown, method?: string]> = {
  "throws": [() => {
    throw new Error("no such luck");
  }],
  "throws after a wait": [async () => {
    await sleep(1);
    throw new Error("no such luck");
  }],
  "was asked by POST and throws": [() => {
    throw new Error("no such luck");
  }, "POST"],
  "returns nothing": [() => {}],
  "returns another response": [() => new Response("not you", { status: 403 })],
  "is killed": [async () => {
    kill(self());
    await sleep(1);
  }],
  "says nothing, of a POST": [() => {}, "POST"],
  "says nothing, of a HEAD": [() => {}, "HEAD"],
  "takes too long": [async (req) => {
    req.settimeout(5);
    await sleep(60_000);
  }],
};

for (const [what, [does, method = "GET"]] of Object.entries(DOES)) {
  const handler: Handler = (req: HttpRequest, res: HttpResponse) => {
    if (req.path !== "/upgrade") return void res.add("still here");
    Deno.upgradeWebSocket(req.request);
    return does(req);
  };

  /** Asks for the upgrade, which no client would take as it comes, then for a page. */
  const both = async (port: number) => {
    const off = on_error(() => {});
    const sock = await dial(port);
    await sock.send(`${method} /upgrade HTTP/1.1\r\nHost: test\r\n${UPGRADE.join("\r\n")}\r\n\r\n`);
    const { status, headers } = await receiveAnswer(sock);
    assertEquals([status, headers.has("sec-websocket-accept")], [101, false]);
    sock.close_immediately();
    assertEquals((await ask(port, "GET /")).body, "still here");
    off();
  };

  Deno.test(`a handler of listen() that upgrades and then ${what} does not end the server`, async () => {
    await using server = await serve(handler);
    await both(server.port);
  });

  Deno.test(`a handler of app() that upgrades and then ${what} does not end the server`, async () => {
    const { fetch } = app(handler);
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, fetch);
    await both(server.addr.port);
    await server.shutdown();
  });
}

Deno.test("HEAD of an answer without an end holds up nobody, and its handler ends with its time", async () => {
  const ended = Promise.withResolvers<unknown>();
  await using server = await serve(async (req, res) => {
    if (req.method === "GET") return void res.add("still here");
    try {
      for (;;) await res.write("more");
    } catch (error) {
      ended.resolve(error);
      throw error;
    }
  }, { timeout: 50 });
  assertEquals((await ask(server.port, "HEAD /")).status, 200);
  assertEquals((await ask(server.port, "GET /")).body, "still here");
  assertEquals(
    String(await ended.promise),
    "ThreadKilled: This thread was killed: no answer within 50 ms",
  );
});

Deno.test("a client that does not take the rest that a handler has left is cut off in time", async () => {
  using clock = new FakeClock();
  const returned = Promise.withResolvers<void>();
  await using server = await serve((_req, res) => {
    // More than the buffers hold: the rest waits behind it.
    const piece = new Uint8Array(1_000_000);
    for (let n = 0; n < 64; n++) void res.write(piece);
    res.add("the rest");
    returned.resolve();
  });
  const sock = await dial(server.port);
  await sock.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
  await returned.promise;
  await clock.tick(30_000);
  let last = new Uint8Array();
  for (;;) {
    const [piece] = await sock.receiveany(1024 * 1024);
    if (piece === null) break;
    last = piece.slice(-8);
  }
  assertEquals(new TextDecoder().decode(last).endsWith("0\r\n\r\n"), false);
  sock.close_immediately();
});

Deno.test("HttpResponse.sendfile() that nobody waited for is closed when its handler has returned", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "0123456789");
  const given = Promise.withResolvers<unknown>();
  await using server = await serve((_req, res) => {
    void res.sendfile(path, 0, 10).then(([, err]) => given.resolve(err?.code));
  });
  assertEquals((await ask(server.port, "GET /")).status, 204);
  assertEquals(await given.promise, "closed");
  await Deno.remove(path);
});
