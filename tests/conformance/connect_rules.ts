/** The rules of connecting, of timeouts and options, and of the pool. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { connect, pool_close, pool_stats, tcp, unwrap } from "../../cosocket/mod.ts";
import { FakeClock, newthread, wait } from "../../thread/mod.ts";
import { CERTS } from "../cosocket/ends.ts";
import { ask, echo, portOf, serve, turn } from "../cosocket/servers.ts";
import type { Rule } from "./rule.ts";

const HOST = "127.0.0.1";

/** A port that nobody listens on. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  return listener.addr.port;
}

/** A server that echoes, for the time of `fn`. */
async function withEcho(fn: (port: number) => Promise<void>): Promise<void> {
  await using server = serve(echo);
  await fn(server.port);
}

export const CONNECT_RULES: Rule[] = [
  {
    of: "tcpsock:connect",
    rule: "It fails with `connection refused` where nobody listens.",
    verdict: "same",
    here: "`refused`",
    check: async () => assertEquals((await connect(HOST, closedPort()))[1]?.code, "refused"),
  },
  {
    of: "tcpsock:connect",
    rule: "A socket that has failed to connect may try again.",
    verdict: "same",
    here: "the same",
    check: () =>
      withEcho(async (port) => {
        const sock = tcp();
        assertEquals((await sock.connect(HOST, closedPort()))[1]?.code, "refused");
        assertEquals(await sock.connect(HOST, port), [true, null]);
        await sock.close();
      }),
  },
  {
    of: "tcpsock:connect",
    rule: "On a connected socket it closes that connection first.",
    verdict: "different",
    here: "`busy`, and the connection stays",
    why: "a connection in use is not lost by a mistake",
    check: () =>
      withEcho(async (port) => {
        const sock = await unwrap(connect(HOST, port));
        assertEquals((await sock.connect(HOST, port))[1]?.code, "busy");
        await ask(sock, "still here");
        await sock.close();
      }),
  },
  {
    of: "tcpsock:connect",
    rule: "A connect while another is under way gets `socket busy connecting`.",
    verdict: "same",
    here: "`busy`",
    check: () =>
      withEcho(async (port) => {
        const sock = tcp();
        const first = sock.connect(HOST, port);
        assertEquals((await sock.connect(HOST, port))[1]?.code, "busy");
        assertEquals(await first, [true, null]);
        await sock.close();
      }),
  },
  {
    of: "tcpsock:connect",
    rule: "Of the addresses of a name it takes one at random.",
    verdict: "different",
    here: "the runtime tries them in turn (Happy Eyeballs), or your `resolver` orders them",
    why: "one dead address must not cost the connection",
    check: () =>
      withEcho(async (port) => {
        const resolver = {
          lookup: () => Promise.resolve<[string[], null]>([["::1", HOST], null]),
        };
        // Nobody listens on the first one.
        const sock = await unwrap(connect("two.test", port, { resolver }));
        assertEquals(unwrap(sock.remoteaddr()), { family: "tcp", ip: HOST, port });
        await sock.close();
      }),
  },
  {
    of: "tcpsock:connect",
    rule: "A Unix socket is written `unix:/path`.",
    verdict: "different",
    here: "`/path`, as aLiLua has it",
    why: "a path is known by its slash",
    check: async () => {
      assertEquals((await connect("/nowhere/at/all.sock"))[1]?.code, "not_found");
    },
  },
  {
    of: "tcpsock:connect",
    rule: "It looks into the pool first.",
    verdict: "same",
    here: "the same; the most recently used comes out",
    check: () =>
      withEcho(async (port) => {
        const socks = [await unwrap(connect(HOST, port)), await unwrap(connect(HOST, port))];
        for (const sock of socks) await ask(sock, "x");
        const last = portOf(socks[1]!);
        for (const sock of socks) unwrap(sock.setkeepalive());
        const again = await unwrap(connect(HOST, port));
        assertEquals([again.getreusedtimes(), portOf(again)], [1, last]);
        await again.close();
      }),
  },
  {
    of: "tcpsock:connect",
    rule: "The pool's name is host and port, or the path, unless `pool` names it.",
    verdict: "same",
    here: "the same, and what TLS shows is always part of it",
    check: () =>
      withEcho(async (port) => {
        for (
          const [options, key] of [[{}, `${HOST}:${port}`], [{ pool: "mine" }, "mine"]] as const
        ) {
          const sock = await unwrap(connect(HOST, port, options));
          assertEquals(pool_stats().map((stats) => stats.key), [key]);
          await sock.close();
        }
      }),
  },
  {
    of: "tcpsock:connect",
    rule: "With `backlog`, more connects than `pool_size` wait in line.",
    verdict: "same",
    here: "the same, first come first served",
    check: () =>
      withEcho(async (port) => {
        const options = { pool_size: 1, backlog: 2 };
        const first = await unwrap(connect(HOST, port, options));
        const order: number[] = [];
        const waiting = [1, 2].map((n) =>
          connect(HOST, port, options).then((result) => (order.push(n), result))
        );
        assertEquals(pool_stats()[0]?.waiting, 2);
        await ask(first, "x");
        unwrap(first.setkeepalive());
        for (const one of waiting) {
          const sock = await unwrap(one);
          await ask(sock, "x");
          unwrap(sock.setkeepalive());
        }
        assertEquals(order, [1, 2]);
      }),
  },
  {
    of: "tcpsock:connect",
    rule: "Over `pool_size` and `backlog` it fails: too many waiting connect operations.",
    verdict: "same",
    here: "`exhausted`",
    check: () =>
      withEcho(async (port) => {
        const options = { pool_size: 1, backlog: 1 };
        const first = await unwrap(connect(HOST, port, options));
        const second = connect(HOST, port, options);
        assertEquals((await connect(HOST, port, options))[1]?.code, "exhausted");
        await first.close();
        await (await unwrap(second)).close();
      }),
  },
  {
    of: "tcpsock:connect",
    rule: "Who waits in line waits no longer than the connect timeout.",
    verdict: "same",
    here: "`timeout`; one timeout bounds line, lookup, connect and handshake together",
    check: () =>
      withEcho(async (port) => {
        const first = await unwrap(connect(HOST, port, { pool_size: 1 }));
        const late = await connect(HOST, port, { pool_size: 1, timeout: 5 });
        assertEquals(late[1]?.code, "timeout");
        await first.close();
      }),
  },
  {
    of: "tcpsock:connect",
    rule: "Without `backlog`, `pool_size` does not bound how many are open.",
    verdict: "different",
    here: "`pool_size` is a true cap: more wait in line",
    why: "a cap that does not hold breaks the server behind it",
    check: () =>
      withEcho(async (port) => {
        const first = await unwrap(connect(HOST, port, { pool_size: 1 }));
        const second = connect(HOST, port, { pool_size: 1 });
        await turn();
        assertEquals([pool_stats()[0]?.open, pool_stats()[0]?.waiting], [1, 1]);
        await first.close();
        await (await unwrap(second)).close();
      }),
  },
  {
    of: "tcpsock:setkeepalive",
    rule: "Its arguments are the idle time, then the size.",
    verdict: "different",
    here: "`(size, key?, { idle })`; two numbers throw a `TypeError` that shows our order",
    why: "aLiLua's order; mixing the two up must not pass in silence",
    check: () => {
      const sock = tcp();
      assertThrows(() => sock.setkeepalive(10_000, 100 as never), TypeError, "OpenResty");
    },
  },
  {
    of: "tcpsock:setkeepalive",
    rule: "Afterwards the socket is closed for whoever had it.",
    verdict: "same",
    here: "`closed`, until it connects again",
    check: () =>
      withEcho(async (port) => {
        const sock = await unwrap(connect(HOST, port));
        await ask(sock, "x");
        assertEquals(sock.setkeepalive(), [true, null]);
        assertEquals((await sock.receive())[1]?.code, "closed");
        assertEquals((await sock.send("x"))[1]?.code, "closed");
      }),
  },
  {
    of: "tcpsock:setkeepalive",
    rule: "With unread bytes it refuses: connection in dubious state.",
    verdict: "same",
    here: "`dirty`, and the socket is closed, so that its place is free",
    check: () =>
      withEcho(async (port) => {
        const sock = await unwrap(connect(HOST, port));
        await sock.send("one\ntwo\n");
        await sock.receive();
        await sock.peek(4);
        assertEquals(sock.setkeepalive()[1]?.code, "dirty");
        assertEquals(sock.closed(), true);
      }),
  },
  {
    of: "tcpsock:setkeepalive",
    rule: "A request whose answer nobody has read yet is taken, as nothing is unread so far.",
    verdict: "different",
    here: "`dirty`, unless you say `{ unanswered: true }`",
    why: "the answer would reach the next user",
    check: () =>
      withEcho(async (port) => {
        const sock = await unwrap(connect(HOST, port));
        await sock.send("question\n");
        assertEquals(sock.setkeepalive()[1]?.code, "dirty");
      }),
  },
  {
    of: "tcpsock:setkeepalive",
    rule: "While it is busy reading or writing it refuses.",
    verdict: "same",
    here: "`busy` for a receive that waits; the socket stays open for it",
    check: () =>
      withEcho(async (port) => {
        const sock = await unwrap(connect(HOST, port));
        const waiting = sock.receive();
        assertEquals(sock.setkeepalive()[1]?.code, "busy");
        await sock.send("x\n");
        assertEquals(await waiting, ["x", null]);
        await sock.close();
      }),
  },
  {
    of: "tcpsock:setkeepalive",
    rule: "A full pool closes its least recently used socket.",
    verdict: "same",
    here: "the same",
    check: () =>
      withEcho(async (port) => {
        const socks = [await unwrap(connect(HOST, port)), await unwrap(connect(HOST, port))];
        for (const sock of socks) await ask(sock, "x");
        const kept = portOf(socks[1]!);
        for (const sock of socks) unwrap(sock.setkeepalive(1));
        assertEquals(pool_stats()[0]?.idle, 1);
        const again = await unwrap(connect(HOST, port));
        assertEquals(portOf(again), kept);
        await again.close();
      }),
  },
  {
    of: "tcpsock:setkeepalive",
    rule: "An idle socket lives 60 seconds by default; 0 is for ever.",
    verdict: "same",
    here: "the same, as the option `idle`",
    check: () =>
      withEcho(async (port) => {
        using clock = new FakeClock();
        for (const idle of [undefined, 0]) {
          const sock = await unwrap(connect(HOST, port));
          await ask(sock, "x");
          unwrap(sock.setkeepalive(4, idle === undefined ? {} : { idle }));
          await clock.tick(59_999);
          assertEquals(pool_stats()[0]?.idle, 1);
          await clock.tick(10_000_000);
          assertEquals(pool_stats()[0]?.idle ?? 0, idle === 0 ? 1 : 0);
        }
        await pool_close();
      }),
  },
  {
    of: "tcpsock:setkeepalive",
    rule: "An idle socket that its peer closes, or that hears unasked bytes, leaves the pool.",
    verdict: "same",
    here: "the same, as soon as the event loop hears of it; a checkout after a stall asks first",
    check: async () => {
      await using server = serve(echo);
      for (
        const spoil of [
          (conn: Deno.Conn) => conn.closeWrite(),
          (conn: Deno.Conn) => conn.write(new Uint8Array(1)),
        ]
      ) {
        const sock = await unwrap(connect(HOST, server.port));
        await ask(sock, "x");
        unwrap(sock.setkeepalive());
        for (const conn of server.conns) await spoil(conn);
        while (pool_stats().length > 0) await turn();
      }
    },
  },
  {
    of: "tcpsock:getreusedtimes",
    rule: "0 for a fresh connection, else how often it came out of a pool.",
    verdict: "same",
    here: "the same; 0, too, for a socket that is not connected, where theirs is `closed`",
    check: () =>
      withEcho(async (port) => {
        for (const times of [0, 1, 2]) {
          const sock = await unwrap(connect(HOST, port));
          assertEquals(sock.getreusedtimes(), times);
          await ask(sock, "x");
          unwrap(sock.setkeepalive());
          assertEquals(sock.getreusedtimes(), 0);
        }
      }),
  },
  {
    of: "tcpsock:settimeout",
    rule: "Milliseconds, for connect, send and receive alike; 60 seconds by default.",
    verdict: "different",
    here: "the same unit; 30 seconds by default, 0 for none, `{ timeout }` for one call",
    why: "the collection has one default",
    check: () =>
      withEcho(async (port) => {
        const sock = await unwrap(connect(HOST, port));
        using clock = new FakeClock();
        const late = newthread(() => sock.receive());
        await clock.tick(29_999);
        assert(late.state.startsWith("receive"), late.state);
        await clock.tick(1);
        assertEquals((await wait(late))[1]?.code, "timeout");
        await sock.close();
      }),
  },
  {
    of: "tcpsock:settimeouts",
    rule: "Connect, send and read apart, in this order.",
    verdict: "same",
    here: "the same",
    check: () =>
      withEcho(async (port) => {
        const sock = await unwrap(connect(HOST, port));
        sock.settimeouts(60_000, 20, 5);
        assertEquals((await sock.receive())[1]?.code, "timeout");
        const big = new Uint8Array(64 * 1024 * 1024);
        assertEquals((await sock.send(big))[1]?.code, "timeout");
        sock.close_immediately();
      }),
  },
  {
    of: "tcpsock:setoption",
    rule: "`keepalive`, `tcp-nodelay`, `reuseaddr`, `sndbuf` and `rcvbuf` can be set.",
    verdict: "different",
    here: "`keepalive`, `nodelay` (on by default) and `keepidle`; others are `unsupported`",
    why: "Deno has no way to set the others",
    check: () =>
      withEcho(async (port) => {
        const sock = await unwrap(connect(HOST, port));
        assertEquals(sock.setoption("keepalive", true), [true, null]);
        assertEquals(sock.setoption("nodelay", false), [true, null]);
        assertEquals(sock.setoption("sndbuf", 1)[1]?.code, "unsupported");
        await sock.close();
      }),
  },
  {
    of: "tcpsock:sslhandshake",
    rule: "The peer's certificate is verified only if asked for.",
    verdict: "different",
    here: "it is verified unless you say `verify: false`",
    why: "the safe way is the short one",
    check: async () => {
      await using server = serve(async (conn) => {
        const tls = await import("../../cosocket/mod.ts");
        const sock = tls.from_conn(conn);
        await sock.sslhandshake({ server: CERTS.server });
        await sock.receive("*a");
        await sock.close();
      });
      const refused = await connect(HOST, server.port, { ssl: true });
      assertEquals(refused[1]?.code, "tls");
      const taken = await unwrap(connect(HOST, server.port, { ssl: { verify: false } }));
      await taken.close();
    },
  },
];
