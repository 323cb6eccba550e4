import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  connect,
  from_conn,
  pool_close,
  pool_stats,
  tcp,
  type TcpSocket,
  unwrap,
} from "../../cosocket/mod.ts";
import { poll } from "../../core/mod.ts";
import { FakeClock, kill, newthread, sleep, wait } from "../../thread/mod.ts";
import { sizes } from "../sizes.ts";
import { random } from "../stream/promise.ts";
import { CERTS } from "./ends.ts";
import { ask, echo, established, portOf, serve, spin, turn } from "./servers.ts";

Deno.test("setkeepalive() puts the socket into the pool, and connect takes it out", async () => {
  await using server = serve(echo);
  const sock = tcp();
  await unwrap(sock.connect("127.0.0.1", server.port));
  assertEquals(sock.getreusedtimes(), 0);
  await ask(sock, "one");
  assertEquals(sock.setkeepalive(), [true, null]);
  assertEquals(sock.closed(), true);
  assertEquals((await sock.receive())[1]?.code, "closed");
  assertEquals(sock.setkeepalive()[1]?.code, "closed");
  for (const times of [1, 2]) {
    await unwrap(sock.connect("127.0.0.1", server.port));
    assertEquals(sock.getreusedtimes(), times);
    await ask(sock, "again");
    assertEquals(sock.setkeepalive(4), [true, null]);
  }
  assertEquals(server.conns.size, 1);
  const [stats] = pool_stats();
  const key = `127.0.0.1:${server.port}`;
  assertEquals(stats, { key, pool_size: Infinity, idle: 1, open: 1, waiting: 0 });
});

Deno.test("setkeepalive() with the key of a pool that is full is exhausted, and closes the socket", async () => {
  await using server = serve(echo);
  const [holder] = await connect("127.0.0.1", server.port, { pool_size: 1, pool: "full" });
  const sock = await unwrap(connect("127.0.0.1", server.port));
  await ask(sock, "one");
  const [, err] = sock.setkeepalive(1, "full");
  assertEquals(err?.code, "exhausted");
  assertEquals(sock.closed(), true);
  await sock.close();
  await ask(holder!, "two");
  assertEquals(holder!.setkeepalive(), [true, null]);
  assertEquals(pool_stats().map(({ key, open }) => [key, open]), [["full", 1]]);
});

Deno.test("a connect through node:net that is given up at once leaves nothing behind", async () => {
  await using server = serve(echo);
  const abort = new AbortController();
  const options = { keepidle: 60_000, pool_size: 1, pool: "given up", signal: abort.signal };
  const connecting = connect("127.0.0.1", server.port, options);
  abort.abort();
  assertEquals((await connecting)[1]?.code, "cancelled");
  // Its place is free as soon as the system has none of it left.
  const { signal: _, ...more } = options;
  await using sock = await unwrap(connect("127.0.0.1", server.port, more));
  await ask(sock, "next");
  assertEquals(pool_stats().map(({ open, waiting }) => [open, waiting]), [[1, 0]]);
});

/** Every way to be unfit for the pool, and what setkeepalive says. */
const UNFIT: Record<string, [code: string, spoil: (sock: TcpSocket) => unknown]> = {
  "unread bytes": ["dirty", async (sock) => {
    await sock.send("two\nlines\n");
    await sock.receive();
    await sock.peek(6);
  }],
  "no answer since the last send": ["dirty", (sock) => sock.send("unanswered\n")],
  "a send under way": ["dirty", (sock) => void sock.send("in flight\n")],
  "a receive that timed out": ["dirty", (sock) => sock.receive("*l", { timeout: 2 })],
  "a receive that was aborted": ["dirty", async (sock) => {
    const aborter = new AbortController();
    const waiting = sock.receive("*l", { signal: aborter.signal });
    aborter.abort();
    await waiting;
  }],
  "a receive that was killed": ["dirty", async (sock) => {
    const thread = newthread(() => sock.receive());
    kill(thread);
    await wait(thread);
  }],
  "a shut down sending side": ["dirty", (sock) => sock.shutdown("send")],
  "an end of the peer": ["closed", async (sock) => {
    await sock.shutdown("send");
    await sock.receive();
  }],
  "our own close": ["closed", (sock) => sock.close()],
};

for (const [what, [code, spoil]] of Object.entries(UNFIT)) {
  Deno.test(`setkeepalive() after ${what} is ${code} and closes the socket`, async () => {
    await using server = serve(echo);
    const sock = await unwrap(connect("127.0.0.1", server.port));
    await ask(sock, "fine");
    await spoil(sock);
    assertEquals(sock.setkeepalive()[1]?.code, code);
    assertEquals(sock.closed(), true);
    await sock.close();
    assertEquals(pool_stats(), []);
  });
}

Deno.test("setkeepalive() while a receive waits is busy, and leaves the socket to it", async () => {
  await using server = serve(echo);
  const sock = await unwrap(connect("127.0.0.1", server.port));
  const waiting = sock.receive();
  assertEquals(sock.setkeepalive()[1]?.code, "busy");
  assertEquals(sock.closed(), false);
  await sock.send("for the waiter\n");
  assertEquals(await waiting, ["for the waiter", null]);
  assertEquals(sock.setkeepalive(), [true, null]);
});

Deno.test("setkeepalive(unanswered) takes a socket whose last word was a send", async () => {
  await using server = serve(async (conn) => {
    await conn.read(new Uint8Array(64));
    await conn.read(new Uint8Array(64));
  });
  const sock = await unwrap(connect("127.0.0.1", server.port));
  await unwrap(sock.send("no answer to this\n"));
  assertEquals(sock.setkeepalive(4, { unanswered: true }), [true, null]);
  assertEquals(pool_stats()[0]?.idle, 1);
});

Deno.test("setkeepalive() shows our order to who comes from OpenResty", () => {
  const sock = tcp();
  assertThrows(
    () => sock.setkeepalive(10_000, 100 as never),
    TypeError,
    "setkeepalive wants (size, key?, { idle }): got two numbers",
  );
  assertThrows(() => sock.setkeepalive(-1), RangeError, "setkeepalive: size wants a whole number");
});

Deno.test("the pool keeps the most recently used, up to its size", async () => {
  await using server = serve(echo);
  const socks = await Promise.all(
    [1, 2, 3].map(() => unwrap(connect("127.0.0.1", server.port))),
  );
  const ports = socks.map((sock) => portOf(sock));
  for (const sock of socks) {
    await ask(sock, "x");
    assertEquals(sock.setkeepalive(2), [true, null]);
  }
  assertEquals(pool_stats()[0]?.idle, 2);
  const last = await unwrap(connect("127.0.0.1", server.port));
  const next = await unwrap(connect("127.0.0.1", server.port));
  assertEquals([portOf(last), portOf(next)], [ports[2], ports[1]]);
  await Promise.all([last.close(), next.close()]);
});

Deno.test("an idle socket is closed when its time has come", async () => {
  await using server = serve(echo);
  using clock = new FakeClock();
  const sock = await unwrap(connect("127.0.0.1", server.port));
  await ask(sock, "x");
  sock.setkeepalive(4, { idle: 5_000 });
  await clock.tick(4_999);
  assertEquals(pool_stats()[0]?.idle, 1);
  await clock.tick(1);
  assertEquals(pool_stats(), []);
  const standard = await unwrap(connect("127.0.0.1", server.port));
  await ask(standard, "x");
  standard.setkeepalive();
  await clock.tick(59_999);
  assertEquals(pool_stats()[0]?.idle, 1);
  await clock.tick(1);
  assertEquals(pool_stats(), []);
});

Deno.test("an end or a stray byte evicts an idle socket", async () => {
  await using server = serve(echo);
  for (const spoil of ["close", "write"] as const) {
    const sock = await unwrap(connect("127.0.0.1", server.port));
    await ask(sock, "x");
    sock.setkeepalive();
    const [conn] = server.conns;
    if (spoil === "close") await conn!.closeWrite();
    else await conn!.write(new Uint8Array(1));
    while (pool_stats().length > 0) await turn();
    const [fresh] = await connect("127.0.0.1", server.port);
    assertEquals(fresh?.getreusedtimes(), 0);
    await fresh?.close();
  }
});

Deno.test("a checkout after a stalled loop hands out no socket that died meanwhile", async () => {
  await using server = serve(echo);
  for (let round = 0; round < sizes.stalls; round++) {
    const sock = await unwrap(connect("127.0.0.1", server.port));
    await ask(sock, "x");
    sock.setkeepalive();
    const [conn] = server.conns;
    conn!.close();
    // The loop hears of nothing while it is held up, and the connect comes right after.
    const until = performance.now() + 15;
    while (performance.now() < until);
    const [next, err] = await connect("127.0.0.1", server.port);
    assertEquals(err, null);
    assertEquals(next!.getreusedtimes(), 0, `round ${round}: a dead socket was handed out`);
    await ask(next!, "alive");
    await next!.close();
  }
});

Deno.test("pool_size is a true cap: more callers wait in line, first come, first served", async () => {
  await using server = serve(echo);
  const order: number[] = [];
  const threads = Array.from({ length: 12 }, (_, n) =>
    newthread(async () => {
      const sock = tcp();
      await unwrap(sock.connect("127.0.0.1", server.port, 2));
      order.push(n);
      await ask(sock, `caller ${n}`);
      assertEquals(sock.setkeepalive(2), [true, null]);
    }));
  const [stats] = pool_stats();
  assertEquals([stats?.open, stats?.waiting, stats?.pool_size], [2, 10, 2]);
  for (const [, err] of await wait(threads)) assertEquals(err, null);
  assertEquals(order, order.toSorted((a, b) => a - b));
  assert(server.most <= 2, `the server saw ${server.most}`);
});

Deno.test("who waits for the pool gives up by timeout, abort or kill, and leaks no place", async () => {
  await using server = serve(echo);
  const holder = tcp();
  await unwrap(holder.connect("127.0.0.1", server.port, 1));
  const aborter = new AbortController();
  const waiting = newthread(() =>
    connect("127.0.0.1", server.port, { pool_size: 1, timeout: 5_000 })
  );
  const results = Promise.all([
    connect("127.0.0.1", server.port, { pool_size: 1, timeout: 5 }),
    connect("127.0.0.1", server.port, { pool_size: 1, signal: aborter.signal }),
  ]);
  assertEquals(pool_stats()[0]?.waiting, 3);
  aborter.abort();
  kill(waiting);
  const [[, late], [, aborted]] = await results;
  assertEquals([late?.code, aborted?.code], ["timeout", "cancelled"]);
  const words = `Cannot connect to 127.0.0.1:${server.port}: no place in its pool came free`;
  assertEquals(late?.message, `${words} within 5 ms`);
  assertEquals((await wait(waiting))[1]?.code, "killed");
  assertEquals(pool_stats()[0]?.waiting, 0);
  const last = connect("127.0.0.1", server.port, { pool_size: 1 });
  const [, full] = await connect("127.0.0.1", server.port, { pool_size: 1, backlog: 1 });
  assertEquals(full?.code, "exhausted");
  await holder.close();
  const sock = await unwrap(last);
  await ask(sock, "the place was free again");
  await sock.close();
  assertEquals(pool_stats(), []);
});

Deno.test("a connect that fails, or is killed in the middle, gives its place to the next", async () => {
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = closed.addr;
  closed.close();
  const options = { pool_size: 1, pool: "failing" };
  const refused = await Promise.all(
    Array.from({ length: 5 }, () => connect("127.0.0.1", port, options)),
  );
  assertEquals(refused.map(([, err]) => err?.code), Array(5).fill("refused"));
  assertEquals(pool_stats(), []);

  // A peer that never answers the TLS handshake.
  await using server = serve(async (conn) => {
    while (await conn.read(new Uint8Array(4_096)) !== null);
  });
  const ssl = { ca: CERTS.ca };
  const stuck = newthread(() => connect("127.0.0.1", server.port, { ...options, ssl }));
  const late = connect("127.0.0.1", server.port, { ...options, ssl, timeout: 40 });
  while (server.conns.size === 0) await turn();
  kill(stuck);
  assertEquals((await late)[1]?.code, "timeout");
  assertEquals((await wait(stuck))[1]?.code, "killed");
  while (pool_stats().length > 0) await turn();
});

Deno.test("the latest size given for a key holds", async () => {
  await using server = serve(echo);
  const one = await unwrap(connect("127.0.0.1", server.port, { pool_size: 1 }));
  const second = connect("127.0.0.1", server.port, { pool_size: 1 });
  await turn();
  assertEquals(pool_stats()[0]?.waiting, 1);
  const third = await unwrap(connect("127.0.0.1", server.port, { pool_size: 3 }));
  const socks = [one, await unwrap(second), third];
  assertEquals([pool_stats()[0]?.open, pool_stats()[0]?.pool_size], [3, 3]);
  const late = connect("127.0.0.1", server.port, { pool_size: 2, timeout: 5 });
  assertEquals((await late)[1]?.code, "timeout");
  for (const sock of socks) await sock.close();
});

Deno.test("what TLS shows tells pools apart, whatever their name", async () => {
  const ssl = { ca: CERTS.ca };
  const options = { hostname: "127.0.0.1", port: 0, ...CERTS.server, alpnProtocols: ["a", "b"] };
  const listener = Deno.listenTls(options);
  const conns: Deno.TlsConn[] = [];
  const accepting = (async () => {
    for await (const conn of listener) {
      conns.push(conn);
      echo(conn as unknown as Deno.TcpConn).catch(() => {});
    }
  })();
  const { port } = listener.addr as Deno.NetAddr;
  const ways = [
    ssl,
    { ...ssl, alpn: ["a"] },
    { ...ssl, alpn: ["b"] },
    { ...ssl, servername: "localhost" },
    { verify: false },
    { ca: [CERTS.ca, CERTS.other_ca] },
    { ...ssl, ...CERTS.client },
  ];
  const keys = new Set<string>();
  for (const way of ways) {
    const [sock, err] = await connect("127.0.0.1", port, { ssl: way, pool: "named" });
    assertEquals(err, null);
    assertEquals(sock!.getreusedtimes(), 0, JSON.stringify(way).slice(0, 60));
    await ask(sock!, "tls");
    assertEquals(sock!.setkeepalive(), [true, null]);
    for (const { key } of pool_stats()) keys.add(key);
  }
  assertEquals(keys.size, ways.length);
  // The host's own name, said aloud, is no other identity.
  const named = { ...ssl, servername: "127.0.0.1" };
  const again = await unwrap(connect("127.0.0.1", port, { ssl: named, pool: "named" }));
  assertEquals(again.getreusedtimes() > 0, true);
  await again.close();
  await pool_close("named");
  assertEquals(pool_stats(), []);
  listener.close();
  await accepting;
  for (const conn of conns) {
    try {
      conn.close();
    } catch {
      // Closed already.
    }
  }
});

Deno.test("pool_close() closes what rests, of one key or of all, and nothing in use", async () => {
  await using server = serve(echo);
  const used = await unwrap(connect("127.0.0.1", server.port, { pool: "a" }));
  for (const pool of ["a", "b", "c"]) {
    const sock = await unwrap(connect("127.0.0.1", server.port, { pool }));
    await ask(sock, "x");
    sock.setkeepalive();
  }
  const idle = () => pool_stats().map(({ key, idle }) => `${key}${idle}`).sort();
  assertEquals(idle(), ["a1", "b1", "c1"]);
  assertEquals(await pool_close("b"), [true, null]);
  assertEquals(idle(), ["a1", "c1"]);
  assertEquals(await pool_close(), [true, null]);
  assertEquals(idle(), ["a0"]);
  await ask(used, "still open");
  assertEquals(used.setkeepalive(1, "d"), [true, null]);
  assertEquals(idle(), ["d1"]);
});

Deno.test("10,000 tagged requests cross no reply while idle sockets are killed and garbled", async () => {
  const next = random(42);
  await using server = serve(async (conn) => {
    const buffer = new Uint8Array(256);
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) return;
      await conn.write(buffer.subarray(0, count));
      const fate = next();
      if (fate < 0.02) return;
      if (fate < 0.04) await conn.closeWrite();
      // Garbage comes in a turn of its own, when the client has put its socket to rest.
      else if (fate < 0.06) setTimeout(() => conn.write(new Uint8Array([120])).catch(() => {}), 1);
    }
  });
  let left = sizes.taggedRequests;
  let failed = 0;
  const callers = Array.from({ length: 20 }, (_, caller) =>
    newthread(async () => {
      while (left > 0) {
        const tag = `${caller}-${left--}`;
        const sock = tcp();
        await unwrap(sock.connect("127.0.0.1", server.port, 8));
        await sock.send(`${tag}\n`);
        const [line, err] = await sock.receive("*l", { timeout: 5_000 });
        if (err !== null || line === null) {
          // A true race: the peer was gone before the request came. No reply, no harm.
          failed += 1;
          await sock.close();
          continue;
        }
        // A stray byte may have come before the answer, never another's answer.
        assert(line.replace(/^x+/, "") === tag, `${tag} got ${line}`);
        if (line !== tag) failed += 1;
        if (next() < 0.2) await sleep(1);
        sock.setkeepalive(8);
      }
    }));
  for (const [, err] of await wait(callers)) assertEquals(err, null);
  assert(failed < sizes.taggedRequests / 10, `${failed} requests failed`);
});

Deno.test("an answer that nobody read never reaches the next user", async () => {
  await using server = serve(async (conn) => {
    const buffer = new Uint8Array(256);
    const timers = new Set<ReturnType<typeof setTimeout>>();
    try {
      for (;;) {
        const count = await conn.read(buffer);
        if (count === null) return;
        const answer = buffer.slice(0, count);
        const timer = setTimeout(() => {
          timers.delete(timer);
          conn.write(answer).catch(() => {});
        }, 5);
        timers.add(timer);
      }
    } finally {
      for (const timer of timers) clearTimeout(timer);
    }
  });
  const users = Array.from({ length: 20 }, (_, thread) =>
    newthread(async () => {
      for (let round = 0; round < sizes.lateUsers / 20; round++) {
        const first = tcp();
        await unwrap(first.connect("127.0.0.1", server.port, 10));
        await unwrap(first.send("the first one's\n"));
        assertEquals(first.setkeepalive(10)[1]?.code, "dirty");
        const second = tcp();
        await unwrap(second.connect("127.0.0.1", server.port, 10));
        await ask(second, `user ${thread}.${round}`);
        assertEquals(second.setkeepalive(10), [true, null]);
      }
    }));
  for (const [, err] of await wait(users)) assertEquals(err, null);
});

Deno.test({
  name: "with 1,000 callers and pool_size 4 the kernel never shows more than 4 sockets",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using server = serve(echo);
    let most = 0;
    let samples = 0;
    let done = false;
    const watch = newthread(async () => {
      while (!done) {
        most = Math.max(most, established(server.port));
        samples += 1;
        await sleep(1);
      }
    });
    const callers = Array.from({ length: sizes.poolCallers }, (_, n) =>
      newthread(async () => {
        const sock = tcp();
        await unwrap(sock.connect("127.0.0.1", server.port, { pool_size: 4, timeout: 0 }));
        await ask(sock, `caller ${n}`);
        assertEquals(sock.setkeepalive(4), [true, null]);
      }));
    for (const [, err] of await wait(callers)) assertEquals(err, null);
    done = true;
    await wait(watch);
    assert(most >= 1 && most <= 4, `the kernel showed ${most}`);
    assert(samples > 3, `only ${samples} samples`);
    assert(server.most <= 4, `the server counted ${server.most}`);
  },
});

/** Ways to come to a checkout while the loop was held up, and the idle peer died meanwhile. */
const STALLS: Record<string, (port: number, kill: () => void) => Promise<TcpSocket>> = {
  "a timer that fired first": async (port, kill) => {
    for (;;) {
      const used = await unwrap(connect("127.0.0.1", port));
      await ask(used, "x");
      used.setkeepalive();
      let killed = false;
      const late = newthread(async () => {
        await sleep(5);
        return killed ? await unwrap(connect("127.0.0.1", port)) : null;
      });
      await turn();
      killed = true;
      kill();
      spin(20);
      const sock = await unwrap(wait(late));
      // A busy machine may take more than 5 ms for a turn: then nothing was held up.
      if (sock !== null) return sock;
    }
  },
  "a put after the stall": async (port, kill) => {
    const used = await unwrap(connect("127.0.0.1", port));
    await ask(used, "x");
    kill();
    spin(20);
    used.setkeepalive();
    return await unwrap(connect("127.0.0.1", port));
  },
  "a put after the stall with a caller in line": async (port, kill) => {
    const options = { pool_size: 1 };
    const used = await unwrap(connect("127.0.0.1", port, options));
    const waiting = connect("127.0.0.1", port, options);
    await ask(used, "x");
    kill();
    spin(20);
    used.setkeepalive();
    return await unwrap(waiting);
  },
};

for (const [what, checkout] of Object.entries(STALLS)) {
  Deno.test(`no checkout hands out a socket that died unheard: ${what}`, async () => {
    await using server = serve(echo);
    for (let round = 0; round < sizes.stalls; round++) {
      const sock = await checkout(server.port, () => server.conns.forEach((conn) => conn.close()));
      assertEquals(sock.getreusedtimes(), 0, `round ${round}: a dead socket was handed out`);
      await ask(sock, "alive");
      await sock.close();
    }
    assertEquals(pool_stats(), []);
  });
}

Deno.test("a socket that is put back while the loop runs freely goes straight to the first in line", async () => {
  await using server = serve(echo);
  const options = { pool_size: 1 };
  const used = await unwrap(connect("127.0.0.1", server.port, options));
  const waiting = [1, 2].map(() => connect("127.0.0.1", server.port, options));
  await ask(used, "x");
  spin(20);
  // In doubt it rests for a moment; alive, it is handed on all the same.
  assertEquals(used.setkeepalive(0), [true, null]);
  for (const one of waiting) {
    const sock = await unwrap(one);
    assertEquals(sock.getreusedtimes() > 0, true);
    await ask(sock, "handed on");
    assertEquals(sock.setkeepalive(), [true, null]);
  }
  assertEquals(server.most, 1);
});

/** A server that hears and says nothing. */
async function mute(conn: Deno.TcpConn): Promise<void> {
  while (await conn.read(new Uint8Array(4_096)) !== null);
}

Deno.test("an unanswered socket that is evicted cannot be taken out while it closes", async () => {
  await using server = serve(async (conn) => {
    await mute(conn);
    // It takes its time to end, too.
    await sleep(30);
  });
  const open = async () => {
    const sock = await unwrap(connect("127.0.0.1", server.port));
    await sock.send("no answer\n");
    return sock;
  };
  const socks = [await open(), await open(), await open()];
  for (const sock of socks) {
    assertEquals(sock.setkeepalive(1, { unanswered: true }), [true, null]);
    assertEquals(pool_stats()[0]?.idle, 1);
  }
  const closing = pool_close();
  assertEquals(pool_stats()[0]?.idle, 0);
  const fresh = await unwrap(connect("127.0.0.1", server.port));
  assertEquals(fresh.getreusedtimes(), 0);
  await fresh.close();
  await closing;
});

for (const spoil of ["an end", "a stray byte"]) {
  Deno.test(`no checkout gets a socket that is being evicted for ${spoil}`, async () => {
    await using server = serve(echo);
    // The next user comes so many microtasks after the news.
    for (let apart = 0; apart < 20; apart++) {
      const sock = await unwrap(connect("127.0.0.1", server.port));
      await ask(sock, "x");
      const evicted = new Promise<void>((resolve) => {
        sock.trace((line) => line.includes("pool evict") && resolve());
      });
      sock.setkeepalive();
      const [conn] = server.conns;
      if (spoil === "an end") await conn!.closeWrite();
      else await conn!.write(new Uint8Array(1));
      await evicted;
      for (let n = 0; n < apart; n++) await null;
      const next = await unwrap(connect("127.0.0.1", server.port));
      assertEquals(next.getreusedtimes(), 0, `${apart} microtasks after it`);
      await ask(next, "alive");
      await next.close();
    }
  });
}

/** A server that ends with its first answer. */
async function answerOnce(conn: Deno.TcpConn): Promise<void> {
  await conn.read(new Uint8Array(64));
  await conn.write(new TextEncoder().encode("last words\n"));
}

for (const who of ["the next connect", "who waits in line", "the same socket"]) {
  Deno.test(`${who} is not given a socket whose peer has ended with its last answer`, async () => {
    await using server = serve(answerOnce);
    const sock = await unwrap(connect("127.0.0.1", server.port, { pool_size: 1 }));
    await sock.send("hello\n");
    while (server.conns.size > 0) await turn();
    // The event loop has heard of the end, too.
    await new Promise<void>((resolve) => poll(resolve));
    assertEquals(await sock.receive(), ["last words", null]);
    const waiting = who === "who waits in line" ? connect("127.0.0.1", server.port) : null;
    assertEquals(sock.setkeepalive(), [true, null]);
    const next = who === "the same socket"
      ? (await unwrap(sock.connect("127.0.0.1", server.port)), sock)
      : await unwrap(waiting ?? connect("127.0.0.1", server.port));
    assertEquals(next.getreusedtimes(), 0);
    await next.send("hello\n");
    assertEquals(await next.receive(), ["last words", null]);
    await next.close();
    assertEquals(pool_stats(), []);
  });
}

Deno.test("a connect right behind a put can be ended, and only one is under way", async () => {
  await using server = serve(echo);
  const sock = await unwrap(connect("127.0.0.1", server.port));
  await ask(sock, "x");
  sock.setkeepalive();
  const connecting = sock.connect("127.0.0.1", server.port);
  assertEquals((await sock.connect("127.0.0.1", server.port))[1]?.code, "busy");
  assertEquals(await connecting, [true, null]);
  assertEquals(sock.getreusedtimes(), 1);
  await ask(sock, "x");
  sock.setkeepalive();
  const ended = sock.connect("127.0.0.1", server.port);
  sock.close();
  assertEquals((await ended)[1]?.code, "closed");
  assertEquals(sock.closed(), true);
  await unwrap(sock.connect("127.0.0.1", server.port));
  assertEquals(sock.getreusedtimes(), 2);
  sock.setkeepalive();
  const killed = newthread(() => connect("127.0.0.1", server.port));
  kill(killed);
  assertEquals((await wait(killed))[1]?.code, "killed");
  const next = await unwrap(connect("127.0.0.1", server.port));
  assertEquals(next.getreusedtimes(), 3);
  await next.close();
});

Deno.test("a caller that is killed as it is handed a socket or a place leaks neither", async () => {
  await using server = serve(echo);
  const options = { pool_size: 1, timeout: 5_000 };
  for (const how of ["put", "close"] as const) {
    const holder = await unwrap(connect("127.0.0.1", server.port, options));
    await ask(holder, "x");
    const thread = newthread(() => connect("127.0.0.1", server.port, options));
    // Woken, and killed before it can run on.
    if (how === "put") holder.setkeepalive();
    else holder.close_immediately();
    kill(thread);
    assertEquals((await wait(thread))[1]?.code, "killed");
    const next = await unwrap(connect("127.0.0.1", server.port, options));
    await ask(next, "the place is free");
    await next.close();
    assertEquals(pool_stats(), []);
  }
});

Deno.test("a caller that is killed on its way back from the pool's line leaks nothing, whenever that is", async () => {
  await using server = serve(echo);
  const options = { pool_size: 1, timeout: 5_000 };
  let killedUnderWay = 0;
  for (let microtasks = 0; microtasks < 40; microtasks++) {
    const holder = await unwrap(connect("127.0.0.1", server.port, options));
    await ask(holder, "x");
    const sock = tcp();
    let came = false;
    const thread = newthread(async () => {
      await sock.connect("127.0.0.1", server.port, options);
      came = true;
    });
    holder.setkeepalive();
    for (let n = 0; n < microtasks; n++) await Promise.resolve();
    kill(thread);
    await wait(thread);
    await turn();
    if (!came) killedUnderWay += 1;
    // Whoever got it has it; what nobody got is closed, or rests.
    if (came) await sock.close();
    assertEquals(sock.closed(), true);
    await pool_close();
    assertEquals(pool_stats(), []);
  }
  assert(killedUnderWay > 0);
});

Deno.test("connect() takes no socket of another address or port of ours", async () => {
  await using server = serve(echo);
  const ways = [{}, { local_address: "127.0.0.2" }, { keepidle: 60_000 }];
  for (const way of ways) {
    const sock = await unwrap(connect("127.0.0.1", server.port, way));
    assertEquals(sock.getreusedtimes(), 0);
    await ask(sock, "x");
    assertEquals(sock.setkeepalive(), [true, null]);
  }
  for (const way of ways) {
    const sock = await unwrap(connect("127.0.0.1", server.port, way));
    assertEquals(sock.getreusedtimes(), 1);
    const address = unwrap(sock.localaddr());
    const ip = way.local_address ?? "127.0.0.1";
    assertEquals(address, { family: "tcp", ip, port: portOf(sock) });
    await ask(sock, "x");
    assertEquals(sock.setkeepalive(), [true, null]);
  }
  assertEquals(pool_stats().length, 3);
  await pool_close(`127.0.0.1:${server.port}`);
  assertEquals(pool_stats(), []);
});

/** How a caller leaves a socket that it got; all but the first cost the pool the socket. */
const LEAVES: ((sock: TcpSocket, n: number) => Promise<unknown>)[] = [
  async (sock, n) => {
    await ask(sock, `caller ${n}`);
    assertEquals(sock.setkeepalive(4), [true, null]);
  },
  async (sock, n) => {
    await ask(sock, `caller ${n}`);
    await sock.close();
  },
  async (sock, n) => {
    await ask(sock, `caller ${n}`);
    sock.close_immediately();
  },
  async (sock) => {
    assertEquals((await sock.receive("*l", { timeout: 2 }))[1]?.code, "timeout");
    assertEquals(sock.setkeepalive(4)[1]?.code, "dirty");
  },
  async (sock) => {
    await sock.send("never read\n");
    assertEquals(sock.setkeepalive(4)[1]?.code, "dirty");
  },
];

for (const ssl of [false, { ca: CERTS.ca }]) {
  Deno.test({
    name: `under ${ssl ? "TLS" : "TCP"} the kernel shows no more than pool_size sockets, ` +
      "however callers leave them, give up or are killed",
    ignore: Deno.build.os !== "linux",
    async fn() {
      const next = random(7);
      await using server = serve(async (conn) => {
        const sock = from_conn(conn);
        try {
          if (ssl) await unwrap(sock.sslhandshake({ server: CERTS.server }));
          for await (const line of sock.lines({ timeout: 0 })) await sock.send(`${line}\n`);
        } finally {
          await sock.close();
        }
      });
      let most = 0;
      const look = () => {
        most = Math.max(most, established(server.port));
      };
      const callers = Array.from({ length: sizes.poolCallers / 5 }, (_, n) => {
        const patience = next() < 0.1 ? 1 + Math.floor(next() * 50) : 20_000;
        return newthread(async () => {
          const sock = tcp({ ssl });
          const options = { pool_size: 4, pool: "cap", timeout: patience };
          const [, err] = await sock.connect("127.0.0.1", server.port, options);
          if (err !== null) return assertEquals(err.code, "timeout");
          await using _ = sock;
          look();
          sock.settimeout(5_000);
          await LEAVES[n % LEAVES.length]!(sock, n);
          look();
        });
      });
      const killer = newthread(async () => {
        for (const thread of callers) {
          await sleep(1);
          look();
          if (next() < 0.1) kill(thread);
        }
      });
      for (const [, err] of await wait(callers)) {
        assert(err === null || err.code === "killed", String(err?.cause ?? err));
      }
      await wait(killer);
      await pool_close();
      while (pool_stats().length > 0) await turn();
      assert(most >= 1 && most <= 4, `the kernel showed ${most}`);
    },
  });
}
