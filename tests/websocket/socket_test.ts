/** What a socket of messages promises, with both ends ours. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FakeClock, kill, newthread, scope, swop, thread, ThreadKilled, wait } from "./threads.ts";
import { connect, IoError, type Message, type MessageSocket, unwrap } from "../../websocket/mod.ts";
import { getEventListeners } from "node:events";
import { acceptor, ends, frame, rawClient, receiveFrame } from "./ends.ts";

const bytes = (...values: number[]) => new Uint8Array(values);

for (const side of ["server", "client"] as const) {
  /** Runs with the end under test as `ours`, the other as `theirs`. */
  const test = (
    name: string,
    fn: (ours: MessageSocket, theirs: MessageSocket) => Promise<void>,
  ) =>
    Deno.test(`${side}: ${name}`, async () => {
      await using both = await ends();
      const { client, served } = both;
      await (side === "server" ? fn(served, client) : fn(client, served));
    });

  test(
    "receive() gives messages in order, text as string and binary as bytes",
    async (ours, theirs) => {
      const messages: Message[] = ["one", bytes(1, 2), "", bytes(), "ü€😀"];
      for (const message of messages) assertEquals(await theirs.send(message), [true, null]);
      for (const message of messages) assertEquals(await ours.receive(), [message, null]);
    },
  );

  test("receive() consumes nothing when it times out", async (ours, theirs) => {
    const [message, err] = await ours.receive({ timeout: 5 });
    assertEquals([message, err?.code], [null, "timeout"]);
    await theirs.send("late");
    assertEquals(await ours.receive(), ["late", null]);
  });

  test(
    "receive() consumes nothing when its signal is aborted, before or during",
    async (ours, theirs) => {
      const abort = new AbortController();
      const waiting = ours.receive({ signal: abort.signal });
      abort.abort("enough");
      const [, err] = await waiting;
      assertEquals([err?.code, err?.cause], ["cancelled", "enough"]);
      await theirs.send("late");
      assertEquals((await ours.receive({ signal: abort.signal }))[1]?.code, "cancelled");
      assertEquals(await ours.receive(), ["late", null]);
    },
  );

  test("receive() consumes nothing when its thread is killed", async (ours, theirs) => {
    let thrown: unknown;
    const reader = newthread(async () => {
      try {
        await ours.receive();
      } catch (error) {
        thrown = error;
        throw error;
      }
    });
    kill(reader, "enough");
    assertEquals((await wait(reader))[1]?.code, "killed");
    assertEquals(ours.busy(), false);
    await theirs.send("late");
    assertEquals(await ours.receive(), ["late", null]);
    assert(thrown instanceof ThreadKilled);
  });

  test("receive() lets no second one in: busy", async (ours, theirs) => {
    const first = ours.receive();
    assertEquals(ours.busy(), true);
    assertEquals((await ours.receive())[1]?.code, "busy");
    assertEquals(ours.try_receive()[1]?.code, "busy");
    await theirs.send("for the first");
    assertEquals(await first, ["for the first", null]);
  });

  test(
    "interrupt() wakes the receive with cancelled, and is idle without one",
    async (ours, theirs) => {
      assertEquals(ours.interrupt()[1]?.code, "idle");
      const waiting = ours.receive();
      assertEquals(ours.interrupt(), [true, null]);
      assertEquals((await waiting)[1]?.code, "cancelled");
      await theirs.send("late");
      assertEquals(await ours.receive(), ["late", null]);
    },
  );

  test("try_receive() takes what is here and never waits", async (ours, theirs) => {
    assertEquals(ours.try_receive()[1]?.code, "timeout");
    await theirs.send("a");
    await theirs.send("b");
    assertEquals(await ours.receive(), ["a", null]);
    // Whatever of the second is not here yet comes with the next turn.
    const [b, err] = await ours.receive();
    assertEquals([b, err], ["b", null]);
    await theirs.close();
    assertEquals(await ours.receive(), [null, null]);
    assertEquals(ours.try_receive(), [null, null]);
  });

  test("close() is a clean end for the other side, with code and reason", async (ours, theirs) => {
    await theirs.send("last words");
    assertEquals([ours.code, ours.reason, ours.closed()], [null, "", false]);
    assertEquals(await theirs.close(4_001, "bye"), [true, null]);
    assertEquals(await ours.receive(), ["last words", null]);
    assertEquals(await ours.receive(), [null, null]);
    assertEquals(await ours.receive(), [null, null]);
    assertEquals([ours.code, ours.reason, ours.closed()], [4_001, "bye", true]);
    assertEquals([theirs.code, theirs.reason, theirs.closed()], [4_001, "bye", true]);
    const [, err] = await ours.send("too late");
    assertEquals(err?.code, "reset");
    assertEquals(await ours.close(), [true, null]);
    assertEquals((await ours.receive())[1]?.code, "closed");
  });

  test("close() wakes the receive with closed, and is idempotent", async (ours, theirs) => {
    const waiting = ours.receive();
    const closing = [ours.close(), ours.close(4_000)];
    assertEquals((await waiting)[1]?.code, "closed");
    assertEquals(await Promise.all(closing), [[true, null], [true, null]]);
    assertEquals(ours.code, 1_000);
    assertEquals((await ours.send("x"))[1]?.code, "closed");
    assertEquals(ours.try_receive()[1]?.code, "closed");
    assertEquals(await theirs.receive(), [null, null]);
    assertEquals(theirs.code, 1_000);
  });

  test("close() from both sides at a time ends both", async (ours, theirs) => {
    assertEquals(await Promise.all([ours.close(), theirs.close()]), [[true, null], [true, null]]);
  });

  test("close() lets what was sent before go out, more than the mark", async (ours, theirs) => {
    const big = new Uint8Array(512 * 1024).fill(7);
    const sends = Array.from({ length: 8 }, () => ours.send(big));
    const closing = ours.close();
    let count = 0;
    for await (const message of theirs) count += message.length;
    assertEquals(count, 8 * big.length);
    assertEquals(await Promise.all(sends), sends.map(() => [true, null]));
    assertEquals(await closing, [true, null]);
  });

  test("for await gives all messages and ends with the clean end", async (ours, theirs) => {
    for (const word of ["a", "b", "c"]) await theirs.send(word);
    await theirs.close();
    assertEquals(await Array.fromAsync(ours), ["a", "b", "c"]);
  });

  test("for await throws the error of what fails", async (ours) => {
    ours.settimeout(5);
    const error = await assertRejects(() => Array.fromAsync(ours), IoError);
    assertEquals(error.code, "timeout");
  });

  test(
    "send() takes a copy: what the caller changes later does not leave",
    async (ours, theirs) => {
      const message = bytes(1, 2, 3);
      const sent = ours.send(message);
      message.fill(9);
      await sent;
      assertEquals(await theirs.receive(), [bytes(1, 2, 3), null]);
    },
  );

  test("send() throws for what is no message", (ours) => {
    for (const wrong of [1, null, undefined, {}, [1], new ArrayBuffer(1)]) {
      assertThrows(() => ours.send(wrong as string), TypeError, "send wants a string or bytes");
    }
    const shared = new Uint8Array(new SharedArrayBuffer(4));
    assertThrows(() => ours.send(shared), TypeError, "send wants bytes of its own");
    return Promise.resolve();
  });

  test("ping() is unsupported, and says why", (ours) => {
    const [, err] = ours.ping();
    assertEquals(err?.code, "unsupported");
    assert(err!.message.includes("idle_timeout"));
    return Promise.resolve();
  });

  test("on_disconnect() hears of the end once, whoever receives", async (ours, theirs) => {
    const heard: unknown[] = [];
    const told = new Promise<void>((resolve) =>
      ours.on_disconnect((reason) => {
        heard.push(reason);
        resolve();
      })
    );
    await theirs.close();
    await told;
    const again = new Promise<unknown>((resolve) => ours.on_disconnect(resolve));
    assertEquals([heard, await again], [[null], null]);
  });

  test("on_disconnect() that throws is reported, and harms nobody", async (ours, theirs) => {
    const told = Promise.withResolvers<string>();
    const off = thread.on_error((error, about) => told.resolve(`${about}: ${error}`));
    ours.on_disconnect(() => {
      throw new Error("no such luck");
    });
    await theirs.close();
    assertEquals(await told.promise, `on_disconnect of ${ours.url}: Error: no such luck`);
    off();
    assertEquals(await ours.receive(), [null, null]);
  });

  test("a thread in receive says so, and a scope that ends kills it", async (ours) => {
    let state = "";
    const [, err] = await scope(async (s) => {
      const reader = newthread(() => ours.receive());
      await swop();
      state = reader.state;
      s.close("enough");
    });
    assertEquals(err, null);
    assert(/^receive from ws:\/\/127\.0\.0\.1:\d+\/chat, \d+ ms$/.test(state), state);
    assertEquals(ours.busy(), false);
    assertEquals(thread.list().filter(({ state }) => state.startsWith("receive")), []);
  });
}

Deno.test("MessageSocket.close() throws for a code or reason that must not be sent", async () => {
  await using both = await ends();
  const { client } = both;
  for (const code of [0, 999, 1_001, 1_005, 1_006, 1_011, 2_999, 5_000, 1_000.5, NaN]) {
    assertThrows(() => client.close(code), RangeError, `3000 to 4999: got ${code}`);
  }
  assertThrows(() => client.close("1000" as unknown as number), TypeError, "code must be a number");
  assertThrows(() => client.close(1_000, 1 as unknown as string), TypeError, "reason must be");
  assertThrows(
    () => client.close(1_000, "ü".repeat(62)),
    RangeError,
    "123 bytes of UTF-8: got 124",
  );
  assertEquals(client.closed(), false);
  assertEquals(await client.close(3_000, "x".repeat(123)), [true, null]);
});

Deno.test("MessageSocket.close() waits no longer than close_timeout for a peer that never answers", async () => {
  await using both = await rawClient({ close_timeout: 20 });
  const { ours, raw } = both;
  assertEquals(await ours.close(4_000, "bye"), [true, null]);
  assertEquals((await receiveFrame(raw))?.head, 0x88);
});

Deno.test("MessageSocket.close() is not held up by a peer that does not read", async () => {
  await using both = await rawClient({ close_timeout: 20, high_mark: 1_024 });
  const { ours } = both;
  const sends = Array.from({ length: 64 }, () => ours.send(new Uint8Array(256 * 1024)));
  assertEquals(await ours.close(), [true, null]);
  // They were handed over, in front of the goodbye.
  assertEquals(await Promise.all(sends), sends.map(() => [true, null]));
});

Deno.test("MessageSocket.send() waits while more than high_mark wait to leave, and gives up whole", async () => {
  await using both = await rawClient({ high_mark: 256 * 1024 });
  const { ours, raw } = both;
  const piece = new Uint8Array(256 * 1024);
  let sent = 0;
  for (;;) {
    const [, err] = await ours.send(piece, { timeout: 50 });
    if (err === null) sent += 1;
    else assertEquals(err.code, "timeout");
    if (err !== null && ours.buffered > 256 * 1024) break;
  }
  const abort = new AbortController();
  const aborted = ours.send("aborted", { signal: abort.signal });
  const killed = newthread(() => ours.send("killed"));
  const kept = ours.send("kept");
  assertEquals(ours.busy(), true);
  abort.abort();
  kill(killed);
  assertEquals((await aborted)[1]?.code, "cancelled");
  assertEquals((await wait(killed))[1]?.code, "killed");
  // The peer reads: all that was accepted comes, once and in order, and nothing else.
  for (let n = 0; n < sent; n++) {
    assertEquals((await receiveFrame(raw))?.payload.length, piece.length);
  }
  assertEquals(await kept, [true, null]);
  assertEquals(new TextDecoder().decode((await receiveFrame(raw))?.payload), "kept");
});

Deno.test("MessageSocket.send() fails with reset when the peer ends while it waits", async () => {
  await using both = await rawClient({ high_mark: 0 });
  const { ours, raw } = both;
  const sends = Array.from({ length: 64 }, () => ours.send(new Uint8Array(256 * 1024)));
  raw.close_immediately();
  const codes = (await Promise.all(sends)).map(([, err]) => err?.code);
  assertEquals(codes.at(-1), "reset");
  assertEquals((await ours.receive())[1]?.code, "reset");
});

Deno.test("MessageSocket: a loop of sends lets timers through", async () => {
  await using both = await ends({}, { high_mark: Infinity });
  const { client } = both;
  let late = false;
  const timer = setTimeout(() => late = true, 0);
  for (let n = 0; n < 1_000_000 && !late; n++) await client.send("x");
  clearTimeout(timer);
  assert(late);
});

const FAILURES: Record<string, (client: MessageSocket, served: MessageSocket) => Promise<unknown>> =
  {
    "receive() of what we closed": async (client) => {
      await client.close();
      return () => client.receive();
    },
    "receive() at the end": async (client, served) => {
      await served.close();
      await client.receive();
      return () => client.receive();
    },
    "send() of what we closed": async (client) => {
      await client.close();
      return () => client.send("x");
    },
    "receive() with an aborted signal": (client) =>
      Promise.resolve(() => client.receive({ signal: AbortSignal.abort() })),
    "receive() beside another": (client) => {
      void client.receive();
      return Promise.resolve(() => client.receive());
    },
  };

for (const [name, prepare] of Object.entries(FAILURES)) {
  Deno.test(`MessageSocket: a loop of ${name} lets timers through`, async () => {
    await using both = await ends();
    const call = await prepare(both.client, both.served) as () => Promise<unknown>;
    let late = false;
    const timer = setTimeout(() => late = true, 0);
    for (let n = 0; n < 1_000_000 && !late; n++) await call();
    clearTimeout(timer);
    assert(late);
  });
}

Deno.test("MessageSocket: what was received makes room again", async () => {
  await using both = await ends({ max_bytes: 10, max_queue: 2 });
  const { client, served } = both;
  for (let n = 0; n < 5; n++) {
    await client.send("12345");
    await client.send("67890");
    // The second one shows that both were in the queue, or on their way to it.
    assertEquals(await served.receive(), ["12345", null]);
    assertEquals(await served.receive(), ["67890", null]);
  }
  for (let n = 0; n < 5; n++) {
    await client.send("a");
    await client.send("end");
    while (served.pending < 2) await swop();
    assertEquals([served.try_receive(), served.try_receive()], [["a", null], ["end", null]]);
  }
  assertEquals(served.closed(), false);
});

Deno.test("MessageSocket: no listener of a signal stays behind", async () => {
  await using both = await ends();
  const { client, served } = both;
  const { signal } = new AbortController();
  for (const message of ["a", "b"]) {
    const receiving = client.receive({ signal });
    assertEquals(getEventListeners(signal, "abort").length, 1);
    await served.send(message, { signal });
    assertEquals(await receiving, [message, null]);
  }
  await client.receive({ signal, timeout: 1 });
  assertEquals(getEventListeners(signal, "abort").length, 0);
});

Deno.test("MessageSocket: for await waits without a limit, where settimeout has set none", async () => {
  using clock = new FakeClock();
  await using both = await ends();
  const all = Array.fromAsync(both.client);
  const once = both.served.receive();
  await clock.tick(30_000);
  assertEquals((await once)[1]?.code, "timeout");
  await both.served.send("late");
  await both.served.close();
  assertEquals(await all, ["late"]);
});

Deno.test("MessageSocket: an open one is no business of the ten seconds to open in", async () => {
  using clock = new FakeClock();
  await using both = await ends();
  await clock.tick(20_000);
  assertEquals([both.served.closed(), both.client.closed()], [false, false]);
});

Deno.test("MessageSocket: messages of errors and states name no query, which may be a secret", async () => {
  await using door = acceptor();
  await using client = await unwrap(connect(`${door.url}?token=secret`));
  await using served = await door.accept();
  for (const socket of [client, served]) {
    assert(socket.url.endsWith("?token=secret"));
    const [, err] = await socket.receive({ timeout: 1 });
    assert(err!.message.includes("/chat:"), err!.message);
    assert(!err!.message.includes("secret"), err!.message);
  }
});

Deno.test("MessageSocket.close() of a server loses nothing when the peer still talks", async () => {
  // However long it takes: with its time, the goodbye would come at once.
  await using both = await rawClient({ close_timeout: 0 });
  const { ours, raw } = both;
  const big = new Uint8Array(8 * 1024 * 1024).fill(7);
  await ours.send(big);
  const closing = ours.close(4_000, "bye");
  const [head] = await raw.receive(10);
  assertEquals(head!.slice(0, 2), bytes(0x82, 127));
  for (let at = 0; at < big.length; at += 1024 * 1024) {
    await raw.send(frame(0x81, "still talking", true));
    assertEquals((await raw.receive(1024 * 1024))[0]?.length, 1024 * 1024);
  }
  const goodbye = await receiveFrame(raw);
  assertEquals([goodbye?.head, goodbye?.payload.length], [0x88, 5]);
  await raw.send(frame(0x88, goodbye!.payload, true));
  assertEquals(await closing, [true, null]);
});

Deno.test("MessageSocket: a message over max_bytes ends it with 1009", async () => {
  await using both = await ends({ max_bytes: 1_000 });
  const { client, served } = both;
  await client.send(new Uint8Array(1_000));
  await client.send(new Uint8Array(1_001));
  assertEquals((await client.receive())[1]?.code, "too_long");
  assertEquals(client.code, 1_009);
  assertEquals((await served.receive())[0]?.length, 1_000);
  const [, err] = await served.receive();
  assertEquals([err?.code, served.code], ["too_long", 1_009]);
  assertEquals((await served.receive())[1]?.code, "too_long");
});

Deno.test("MessageSocket: more messages than max_queue end it with 1008, and lose none that fit", async () => {
  await using both = await ends({ max_queue: 3 });
  const { client, served } = both;
  for (const word of ["a", "b", "c", "d", "e"]) await client.send(word);
  const [, refused] = await client.receive();
  assertEquals([refused?.code, client.code], ["denied", 1_008]);
  const got = [];
  for (let n = 0; n < 3; n++) got.push((await served.receive())[0]);
  assertEquals(got, ["a", "b", "c"]);
  const [, err] = await served.receive();
  assertEquals([err?.code, served.code], ["exhausted", 1_008]);
  assertEquals((await served.send("x"))[1]?.code, "reset");
});

Deno.test("MessageSocket: more bytes than max_bytes end it with 1008; a client may only say 4008", async () => {
  await using both = await ends({}, { max_bytes: 10 });
  const { client, served } = both;
  for (let n = 0; n < 3; n++) await served.send("12345");
  assertEquals(await served.receive(), [null, null]);
  assertEquals(served.code, 4_008);
  assertEquals(client.pending, 2);
  assertEquals(await client.receive(), ["12345", null]);
  assertEquals(await client.receive(), ["12345", null]);
  const [, err] = await client.receive();
  assertEquals([err?.code, client.code], ["exhausted", 1_008]);
});

Deno.test("MessageSocket: what is wrong with an option throws", async () => {
  await using both = await ends();
  const { client } = both;
  assertThrows(() => client.settimeout(-1), RangeError, "settimeout: ms");
  assertThrows(() => client.receive({ timeout: NaN }), RangeError, "receive: timeout");
  assertThrows(() => client.send("x", { timeout: "1" as unknown as number }), TypeError, "send");
  assertThrows(() => client.on_disconnect(1 as unknown as null), TypeError, "on_disconnect");
});

/** Runs a program that may collect garbage when it likes, and gives what it prints. */
async function collecting(program: string): Promise<string> {
  const args = ["run", "--no-check", "--allow-net=127.0.0.1", "--v8-flags=--expose-gc", "-"];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { stdout, success } = await child.output();
  assert(success);
  return new TextDecoder().decode(stdout);
}

Deno.test("MessageSocket: one that is over can be collected, at both ends, whoever closed it", async () => {
  const program = `
    import { connect, serve } from "./websocket/mod.ts";
    const refs = [];
    const sink = serve(async (socket) => {
      refs.push(new WeakRef(socket));
      for await (const message of socket) if (message === "close") await socket.close();
    });
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, sink.fetch);
    async function one(message) {
      const [socket] = await connect("ws://127.0.0.1:" + server.addr.port);
      refs.push(new WeakRef(socket));
      await socket.send(message);
      if (message === "close") await socket.receive();
      await socket.close();
    }
    for (const message of ["close", "wait", "close", "wait"]) await one(message);
    // What is young is looked at last: the runtime's own hands are empty after some turns.
    for (let n = 0; n < 200 && refs.some((ref) => ref.deref() !== undefined); n++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      gc();
    }
    console.log(refs.length, refs.filter((ref) => ref.deref() !== undefined).length);
    await server.shutdown();
  `;
  assertEquals(await collecting(program), "8 0\n");
});

Deno.test("MessageSocket: one that is dropped is closed when it is collected, and named once", async () => {
  const program = `
    import { connect, serve } from "./websocket/mod.ts";
    import { on_error } from "./thread/mod.ts";
    const ended = Promise.withResolvers();
    const told = Promise.withResolvers();
    const sink = serve(async (socket) => {
      for await (const _ of socket);
      ended.resolve(socket.code);
    });
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, sink.fetch);
    let times = 0;
    on_error((error, about) => {
      times += 1;
      told.resolve(about.replace(/:\\d+/, "") + " " + error.code);
    });
    await (async () => {
      const [socket] = await connect("ws://127.0.0.1:" + server.addr.port);
      await socket.send("hello");
      // While a receive waits it is held, even if nobody holds it.
      void socket.receive({ timeout: 50 });
    })();
    const collecting = setInterval(gc, 5);
    console.log(await told.promise, await ended.promise, times);
    clearInterval(collecting);
    await server.shutdown();
  `;
  assertEquals(await collecting(program), "websocket ws://127.0.0.1/ closed 1000 1\n");
});
