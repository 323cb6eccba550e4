/** The rules of making sockets, of TLS, of bounds and of a socket's end. */
import { assert, assertEquals } from "@std/assert";
import {
  connect,
  from_conn,
  listen,
  pool_close,
  pool_stats,
  tcp,
  TcpSocket,
  udp,
  unwrap,
} from "../../cosocket/mod.ts";
import { FakeClock, kill, newthread, semaphore, sleep, wait } from "../../thread/mod.ts";
import { CERTS } from "../cosocket/ends.ts";
import { ask, echo, serve } from "../cosocket/servers.ts";
import { between, type Rule, text } from "./rule.ts";

const HOST = "127.0.0.1";

/** A server that echoes, for the time of `fn`. */
async function withEcho(fn: (port: number) => Promise<void>): Promise<void> {
  await using server = serve(echo);
  await fn(server.port);
}

/** A server that shakes hands so many times, then echoes lines, for the time of `fn`. */
async function withTls(hands: number, fn: (port: number) => Promise<void>): Promise<void> {
  await using server = serve(async (conn) => {
    const sock = from_conn(conn);
    for (let n = 0; n < hands; n++) await sock.sslhandshake({ server: CERTS.server });
    // A client that refuses the certificate is no line.
    for (;;) {
      const [line] = await sock.receive();
      if (line === null) break;
      await sock.send([line, "\n"]);
    }
    await sock.close();
  });
  await fn(server.port);
}

export const SOCKET_RULES: Rule[] = [
  {
    of: "ngx.socket.connect",
    rule: "It makes a socket and connects it in one call.",
    verdict: "same",
    here: "`connect`, which takes a timeout too",
    check: () =>
      withEcho(async (port) => {
        const sock = await unwrap(connect(HOST, port, { timeout: 10_000 }));
        assert(sock instanceof TcpSocket && tcp() instanceof TcpSocket);
        await ask(sock, "connected");
        await sock.close();
      }),
  },
  {
    of: "ngx.req.socket",
    rule: "It gives the connection of the client that is being served.",
    verdict: "different",
    here: "a handler of `listen` is given it, and the server's `accept` gives it",
    why: "a server here is a program of its own, not a phase of a request",
    check: async () => {
      const server = unwrap(await listen(HOST, 0));
      const [client, served] = await Promise.all([
        unwrap(connect(HOST, server.port)),
        unwrap(server.accept()),
      ]);
      await client.send("hello\n");
      assertEquals(await served.receive(), ["hello", null]);
      await Promise.all([client.close(), served.close()]);
      await server.close();
    },
  },
  {
    of: "tcpsock:bind",
    rule: "The address that connections leave from can be chosen.",
    verdict: "same",
    here: "as `connect`'s option `local_address`, and `local_port`",
    check: () =>
      withEcho(async (port) => {
        const sock = await unwrap(connect(HOST, port, { local_address: HOST }));
        const address = unwrap(sock.localaddr());
        assertEquals(address.family === "tcp" && address.ip, HOST);
        await sock.close();
      }),
  },
  {
    of: "tcpsock:connect",
    rule: "The size that a pool was made with cannot be changed.",
    verdict: "different",
    here: "the last word on it counts",
    why: "a cap that a program has raised should not stay low until the pool is empty",
    check: () =>
      withEcho(async (port) => {
        const first = await unwrap(connect(HOST, port, { pool_size: 1 }));
        const second = await unwrap(connect(HOST, port, { pool_size: 2 }));
        assertEquals(pool_stats().map(({ pool_size }) => pool_size), [2]);
        await Promise.all([first.close(), second.close()]);
      }),
  },
  {
    of: "lua_socket_pool_size",
    rule: "A pool whose size nobody has told holds 30 connections.",
    verdict: "same",
    here: "30 at rest; how many are open has no limit then",
    check: () =>
      withEcho(async (port) => {
        const socks = await Promise.all(
          Array.from({ length: 33 }, () => unwrap(connect(HOST, port))),
        );
        for (const sock of socks) await ask(sock, "used");
        for (const sock of socks) assertEquals(sock.setkeepalive(), [true, null]);
        assertEquals(pool_stats().map(({ idle }) => idle), [30]);
        await pool_close();
      }),
  },
  {
    of: "tcpsock:settimeout",
    rule: "It concerns the operations that come after it.",
    verdict: "same",
    here: "the same: one that waits already keeps its own",
    check: () =>
      between(async (sock) => {
        using clock = new FakeClock();
        sock.settimeout(1_000);
        const waits = newthread(() => sock.receive());
        sock.settimeout(5);
        await clock.tick(999);
        assert(waits.state.startsWith("receive"), waits.state);
        await clock.tick(1);
        assertEquals((await wait(waits))[1]?.code, "timeout");
      }),
  },
  {
    of: "tcpsock:sslhandshake",
    rule: "A server name is sent to the server (SNI), and verified.",
    verdict: "same",
    here: "`servername`; left out, it is the host that was connected to",
    check: () =>
      withTls(1, async (port) => {
        const wrong = await unwrap(connect(HOST, port));
        const { ca } = CERTS;
        const [, err] = await wrong.sslhandshake({ ca, servername: "other.test" });
        assertEquals(err?.code, "tls");
        await wrong.close();
        const right = await unwrap(connect(HOST, port));
        assertEquals(await right.sslhandshake({ ca, servername: "localhost" }), [true, null]);
        await ask(right, "verified");
        await right.close();
      }),
  },
  {
    of: "tcpsock:sslhandshake",
    rule: "It gives a session, which a later handshake with the same target can take up.",
    verdict: "different",
    here: "`[true, null]`; there are no sessions to hold",
    why:
      "the pool spares whole handshakes, and a session held by the program is a secret held by it",
    check: () =>
      withTls(1, async (port) => {
        const sock = await unwrap(connect(HOST, port));
        assertEquals(await sock.sslhandshake({ ca: CERTS.ca }), [true, null]);
        await sock.close();
      }),
  },
  {
    of: "tcpsock:sslhandshake",
    rule: "On a connection that has had its handshake it comes back at once.",
    verdict: "different",
    here: "a second one goes through the first, as to a server behind a proxy under TLS",
    why: "a socket out of a pool has the TLS that `connect` was asked for, or is none of that pool",
    check: async () => {
      await withTls(2, async (port) => {
        const sock = await unwrap(connect(HOST, port));
        for (let n = 0; n < 2; n++) {
          assertEquals(await sock.sslhandshake({ ca: CERTS.ca }), [true, null]);
        }
        await ask(sock, "within the second");
        await sock.close();
      });
      await withTls(1, async (port) => {
        const options = { ssl: { ca: CERTS.ca } };
        for (const reused of [0, 1]) {
          const sock = await unwrap(connect(HOST, port, options));
          assertEquals(sock.getreusedtimes(), reused);
          await ask(sock, "under TLS");
          assertEquals(sock.setkeepalive(), [true, null]);
        }
        await pool_close();
      });
    },
  },
  {
    of: "tcpsock:setclientcert",
    rule: "A certificate and a key for the handshake can be set beforehand.",
    verdict: "same",
    here: "`cert` and `key` of `sslhandshake`, or of `connect`'s `ssl`",
    check: async () => {
      const ssl = { ...CERTS.server, ca: CERTS.ca, request_cert: true };
      const server = unwrap(await listen(HOST, 0, { ssl }));
      const client = { ca: CERTS.ca, ...CERTS.client };
      const [sock, served] = await Promise.all([
        unwrap(connect(HOST, server.port, { ssl: client })),
        unwrap(server.accept()),
      ]);
      assert(served.peercert() !== null);
      await Promise.all([sock.close(), served.close()]);
      await server.close();
    },
  },
  {
    of: "tcpsock:receiveuntil",
    rule: "The boundary is plain text, not a pattern.",
    verdict: "same",
    here: "text or bytes, of which each stands for itself",
    check: () =>
      between(async (sock, peer) => {
        await peer.send("a1.*b");
        assertEquals(text((await sock.receiveuntil(".*"))[0]), "a1");
        assertEquals(text((await sock.receive(1))[0]), "b");
      }),
  },
  {
    of: "lua_socket_buffer_size",
    rule: "A small buffer bounds one read of the system's, not what can be received.",
    verdict: "same",
    here: "memory grows with what arrives, up to `max` of the call",
    check: () =>
      between(async (sock, peer) => {
        const line = "x".repeat(60_000);
        const sending = peer.send([line, "--", line, line, line, "\n"]);
        assertEquals(text((await sock.receiveuntil("--"))[0]), line);
        assertEquals((await sock.receive("*l", { max: 200_000 }))[0]?.length, 180_000);
        await sending;
      }),
  },
  {
    of: "tcpsock:close",
    rule: "Afterwards each operation gives `nil` and `closed`.",
    verdict: "same",
    here: "`closed` for `send`, `receive` and `setkeepalive`; the object may connect again",
    check: () =>
      withEcho(async (port) => {
        const sock = await unwrap(connect(HOST, port));
        await sock.close();
        assertEquals((await sock.send("x"))[1]?.code, "closed");
        assertEquals((await sock.receive())[1]?.code, "closed");
        assertEquals(sock.setkeepalive()[1]?.code, "closed");
        assertEquals(await sock.connect(HOST, port), [true, null]);
        await sock.close();
      }),
  },
  {
    of: "tcpsock:close",
    rule: "A socket that nobody has closed is closed when its request ends.",
    verdict: "different",
    here:
      "at the end of an `await using` block; a dropped one when it is collected, and named once",
    why: "a socket may outlive the thread that made it: another has it now",
    check: () =>
      between(async (sock, peer) => {
        await wait(newthread(() => sock.send("sent by a thread that is over\n")));
        assertEquals(await peer.receive(), ["sent by a thread that is over", null]);
        {
          await using _ = sock;
        }
        assertEquals(await peer.receive(), [null, null]);
      }),
  },
  {
    of: "udpsock:setpeername",
    rule: "A second call takes another peer.",
    verdict: "same",
    here: "the same",
    check: async () => {
      await using from = udp();
      await using first = udp({ encoding: "latin1" });
      await using second = udp({ encoding: "latin1" });
      for (const to of [first, second]) {
        await unwrap(to.bind(HOST, 0));
        await unwrap(from.setpeername(HOST, unwrap(to.localaddr()).port));
        await unwrap(from.send("for you"));
        assertEquals(await to.receive(), ["for you", null]);
      }
    },
  },
  {
    of: "udpsock:bind",
    rule: "The address that datagrams leave from can be chosen.",
    verdict: "same",
    here: "the same, and the port",
    check: async () => {
      await using sock = udp();
      assertEquals(await sock.bind(HOST, 0), [true, null]);
      assertEquals(unwrap(sock.localaddr()).ip, HOST);
    },
  },
  {
    of: "udpsock:close",
    rule: "It closes and gives 1; what comes after it fails.",
    verdict: "same",
    here: "`[true, null]`, as often as you like; then `closed`",
    check: async () => {
      const sock = udp();
      await unwrap(sock.bind(HOST, 0));
      const waits = newthread(() => sock.receive());
      await sleep(0);
      for (let n = 0; n < 2; n++) assertEquals(await sock.close(), [true, null]);
      assertEquals((await wait(waits))[1]?.code, "closed");
      assertEquals((await sock.send("x"))[1]?.code, "closed");
    },
  },
  {
    of: "ngx.semaphore",
    rule: "`count` is how many resources there are, or, below 0, how many wait.",
    verdict: "same",
    here: "the same, as a property",
    check: async () => {
      const sem = semaphore(1);
      assertEquals(sem.count, 1);
      unwrap(await sem.acquire());
      const waits = newthread(() => sem.acquire());
      assertEquals(sem.count, -1);
      kill(waits);
      await wait(waits);
      assertEquals(sem.count, 0);
    },
  },
  {
    of: "ngx.semaphore",
    rule: "`wait(0)` comes back at once, with a resource or `timeout`.",
    verdict: "different",
    here: "`try_acquire`: a permit, or `busy`; a timeout of 0 is none",
    why: "0 means no limit everywhere here",
    check: () => {
      const sem = semaphore(1);
      assertEquals(sem.try_acquire()[1], null);
      assertEquals(sem.try_acquire()[1]?.code, "busy");
    },
  },
];
