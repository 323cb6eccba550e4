import { assertEquals, assertThrows } from "@std/assert";
import {
  connect,
  from_conn,
  IoError,
  pool_stats,
  type Resolver,
  tcp,
  unwrap,
} from "../../cosocket/mod.ts";
import { kill, newthread, wait } from "../../thread/mod.ts";
import { ask, echo, serve, turn } from "./servers.ts";
import { CERTS } from "./ends.ts";

/** A resolver that knows one name, and notes who asked for what. */
function knows(name: string, ...addresses: string[]): Resolver & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    lookup(host) {
      asked.push(host);
      if (host === name) return Promise.resolve([addresses, null]);
      return Promise.resolve([null, new IoError("dns", `Nobody knows ${host}`)]);
    },
  };
}

Deno.test("connect() asks its resolver for names, and tries the addresses in order", async () => {
  await using server = serve(echo);
  const resolver = knows("service", "127.0.0.9", "127.0.0.1");
  const options = { resolver, pool_size: 1 };
  const sock = await unwrap(connect("service", server.port, options));
  await ask(sock, "found");
  assertEquals(unwrap(sock.remoteaddr()), { family: "tcp", ip: "127.0.0.1", port: server.port });
  assertEquals(pool_stats()[0]?.open, 1);
  assertEquals(sock.setkeepalive(), [true, null]);
  // What rests in the pool needs no address.
  const again = await unwrap(connect("service", server.port, options));
  assertEquals([again.getreusedtimes(), resolver.asked], [1, ["service"]]);
  await again.close();
  assertEquals(pool_stats(), []);
});

Deno.test("connect() with an address does not ask", async () => {
  await using server = serve(echo);
  const resolver = knows("nothing");
  const sock = await unwrap(connect("127.0.0.1", server.port, { resolver }));
  await sock.close();
  assertEquals(resolver.asked, []);
});

Deno.test("a resolver that fails, finds none, or leads nowhere gives the place back", async () => {
  await using server = serve(echo);
  const port = server.port;
  const cases: [Resolver, string][] = [
    [knows("other"), "dns"],
    [knows("service"), "dns"],
    [knows("service", "127.0.0.9", "127.0.0.10"), "refused"],
    [{ lookup: () => new Promise(() => {}) }, "timeout"],
    [{ lookup: () => Promise.reject(new Error("broken")) }, "failed"],
    [
      {
        lookup: () => {
          throw new Error("broken at once");
        },
      },
      "failed",
    ],
  ];
  for (const [resolver, code] of cases) {
    const [, err] = await connect("service", port, { resolver, pool_size: 1, timeout: 50 });
    assertEquals(err?.code, code);
    assertEquals(pool_stats(), []);
  }
});

Deno.test("a resolver hears of the limits, and a kill while it looks leaks no place", async () => {
  await using server = serve(echo);
  let given: number | undefined;
  let answer = (_: string[]) => {};
  const slow: Resolver = {
    lookup(_, options) {
      given = options?.timeout;
      return new Promise((resolve) => answer = (found) => resolve([found, null]));
    },
  };
  const options = { resolver: slow, pool_size: 1, timeout: 5_000 };
  const thread = newthread(() => connect("service", server.port, options));
  await turn();
  assertEquals(given !== undefined && given > 0 && given <= 5_000, true);
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  while (pool_stats().length > 0) await turn();
  // Nobody waits for it any more.
  answer(["127.0.0.1"]);
});

Deno.test("connect() with a resolver is given up whenever its signal is aborted, and leaks no place", async () => {
  await using server = serve(echo);
  for (let microtasks = 0; microtasks < 40; microtasks++) {
    const controller = new AbortController();
    const { signal } = controller;
    const resolver = knows("service", "127.0.0.1");
    const connecting = connect("service", server.port, { resolver, pool_size: 1, signal });
    // The system needs at least a turn of the event loop to connect.
    for (let n = 0; n < microtasks; n++) await Promise.resolve();
    controller.abort();
    assertEquals((await connecting)[1]?.code, "cancelled");
    while (pool_stats().length > 0) await turn();
  }
});

Deno.test("a resolver may abort the connect that asks it", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const resolver: Resolver = {
    lookup() {
      controller.abort();
      return new Promise(() => {});
    },
  };
  const [, err] = await connect("service", 9, { resolver, signal });
  assertEquals(err?.code, "cancelled");
  assertEquals(pool_stats(), []);
});

Deno.test("under TLS the name stays what is verified", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    await using sock = from_conn(await listener.accept());
    return (await sock.sslhandshake({ server: CERTS.server }))[1];
  })();
  const resolver = knows("other.example", "127.0.0.1");
  const ssl = { ca: CERTS.ca };
  const [, err] = await connect("other.example", listener.addr.port, { resolver, ssl });
  assertEquals(err?.code, "tls");
  await served;
  listener.close();
});

Deno.test("a resolver without lookup throws", () => {
  const resolver = {} as Resolver;
  assertThrows(() => tcp().connect("a", 1, { resolver }), TypeError, "resolver must have");
});
