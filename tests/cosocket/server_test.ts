import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  connect,
  IoError,
  listen,
  type TcpOptions,
  TcpSocket,
  unwrap,
} from "../../cosocket/mod.ts";
import { Server } from "../../cosocket/server.ts";
import { kill, newthread, on_error, scope, sleep, startloop, wait } from "../../thread/mod.ts";
import { turn } from "./servers.ts";

const open = (options = {}) => unwrap(listen("127.0.0.1", 0, options));

async function echo(sock: TcpSocket): Promise<void> {
  for await (const line of sock.lines()) await sock.send(`${line}\n`);
}

/** Hears of what is reported while `body` runs. */
async function reports(body: () => Promise<void>): Promise<string[]> {
  const heard: string[] = [];
  const off = on_error((error, about) => heard.push(`${about}: ${(error as Error).message}`));
  try {
    await body();
  } finally {
    off();
  }
  return heard;
}

// Accept

Deno.test("accept() gives sockets of the class that connect gives", async () => {
  await using server = await open({ timeout: 900 });
  const [client, [served]] = await Promise.all([
    unwrap(connect("127.0.0.1", server.port)),
    server.accept(),
  ]);
  assertEquals(client.constructor, served!.constructor);
  assertEquals(server.address(), { family: "tcp", ip: "127.0.0.1", port: server.port });
  assertEquals(served!.localaddr()[0], server.address());
  assertEquals(served!.remoteaddr(), client.localaddr());
  await client.send(["PING ", [1, " ", 2], "\r\n", "rest"]);
  assertEquals(await served!.receive(), ["PING 1 2", null]);
  assertEquals((await served!.receive(9, { timeout: 5 }))[1]?.code, "timeout");
  assertEquals(await served!.receive(4, { encoding: "latin1" }), ["rest", null]);
  await client.shutdown("send");
  assertEquals(await served!.receive(), [null, null]);
  await served!.send("after the end\n");
  assertEquals(await client.receive(), ["after the end", null]);
  assertEquals(served!.setkeepalive()[1]?.code, "unsupported");
  await client.close();
  await served!.close();
});

Deno.test("a server on any free port is shown with the one that it has", async () => {
  const server = await unwrap(listen("127.0.0.1", 0));
  const accepting = newthread(() => server.accept());
  assertMatch(accepting.state, new RegExp(`^accept on 127\\.0\\.0\\.1:${server.port}, `));
  await server.close();
  const [, err] = await wait(accepting);
  assertEquals(err?.message, `Cannot accept on 127.0.0.1:${server.port}: the server was closed`);
});

Deno.test("accept() loses no connection when it times out, is aborted, interrupted or killed", async () => {
  await using server = await open();
  const abort = new AbortController();
  const ends: [string, () => Promise<unknown>][] = [
    ["timeout", () => server.accept({ timeout: 2 })],
    ["cancelled", () => {
      const promise = server.accept({ signal: abort.signal });
      abort.abort();
      return promise;
    }],
    ["cancelled", () => {
      const promise = server.accept();
      server.interrupt();
      return promise;
    }],
    ["killed", () => {
      const thread = newthread(() => server.accept());
      kill(thread);
      return wait(thread);
    }],
  ];
  for (const [code, giveUp] of ends) {
    const [, err] = await giveUp() as [null, IoError];
    assertEquals(err.code, code);
    const client = await unwrap(connect("127.0.0.1", server.port));
    await client.send(`after ${code}\n`);
    const [served] = await server.accept();
    assertEquals(await served!.receive(), [`after ${code}`, null]);
    await Promise.all([client.close(), served!.close()]);
  }
});

Deno.test("accept() serves several callers in their order", async () => {
  await using server = await open();
  const order: number[] = [];
  const callers = [1, 2, 3].map((n) =>
    newthread(async () => {
      const sock = await unwrap(server.accept());
      order.push(n);
      await sock.close();
    })
  );
  assert(server.busy());
  for (let n = 0; n < 3; n++) await (await unwrap(connect("127.0.0.1", server.port))).close();
  await wait(callers);
  assertEquals(order, [1, 2, 3]);
  assert(!server.busy());
});

Deno.test("autospawn() that is ended as a connection comes leaves it to the next accept", async () => {
  class Ending extends TcpSocket {
    constructor(options: TcpOptions<"lines">) {
      super(options);
      // Behind its arrival, and before its thread could begin.
      queueMicrotask(() => server.interrupt());
    }
  }
  await using server = await unwrap(listen("127.0.0.1", 0, { class: Ending }));
  let served = 0;
  const spawning = server.autospawn(() => void served++);
  await using client = await unwrap(connect("127.0.0.1", server.port));
  assertEquals((await spawning)[1]?.code, "cancelled");
  await using sock = await unwrap(server.accept({ timeout: 5_000 }));
  assertEquals([served, server.connections], [0, 1]);
  await client.send("hello\n");
  assertEquals(await sock.receive(), ["hello", null]);
});

Deno.test("autospawn() that is ended by a close as a connection comes closes it", async () => {
  class Closing extends TcpSocket {
    constructor(options: TcpOptions<"lines">) {
      super(options);
      queueMicrotask(() => server.close());
    }
  }
  await using server = await unwrap(listen("127.0.0.1", 0, { class: Closing }));
  let served = 0;
  const spawning = server.autospawn(() => void served++);
  await using client = await unwrap(connect("127.0.0.1", server.port));
  assertEquals(await spawning, [true, null]);
  assertEquals(await client.receive(), [null, null]);
  assertEquals([served, server.connections], [0, 0]);
});

Deno.test("ref() takes unref() back: the door keeps the program alive while somebody waits", async () => {
  const kept: boolean[] = [];
  const door = { ...faultyDoor(), ref: (alive: boolean) => void kept.push(alive) };
  await using server = new Server(door, "here", {});
  server.unref();
  const accepting = server.accept();
  server.ref();
  server.interrupt();
  assertEquals((await accepting)[1]?.code, "cancelled");
  server.ref();
  assertEquals(kept, [false, false, true, false, false]);
});

Deno.test("interrupt() ends every wait with cancelled and leaves the server open", async () => {
  await using server = await open();
  assertEquals(server.interrupt()[1]?.code, "idle");
  const accepting = server.accept();
  const spawning = server.autospawn(echo);
  const iterating = server[Symbol.asyncIterator]().next();
  assertEquals(server.interrupt(), [true, null]);
  assertEquals((await accepting)[1]?.code, "cancelled");
  assertEquals((await spawning)[1]?.code, "cancelled");
  assertEquals((await assertRejects(() => iterating, IoError)).code, "cancelled");
  assertEquals([server.busy(), server.closed()], [false, false]);
  const [client, [served]] = await Promise.all([
    unwrap(connect("127.0.0.1", server.port)),
    server.accept(),
  ]);
  await client.close();
  await served!.close();
});

Deno.test("a server is iterated until it is closed", async () => {
  await using server = await open();
  const client = newthread(async () => {
    for (let n = 0; n < 3; n++) {
      await using sock = await unwrap(connect("127.0.0.1", server.port));
      await sock.send(`${n}\n`);
      await sock.receive();
    }
    await server.close();
  });
  const lines: unknown[] = [];
  for await (const sock of server) {
    lines.push((await sock.receive())[0]);
    await sock.close();
  }
  await wait(client);
  assertEquals(lines, ["0", "1", "2"]);
});

Deno.test("sockets of a server are of the class that it is given", async () => {
  class Channel extends TcpSocket {
    calls = 0;
    async call(word: string): Promise<string | null> {
      this.calls++;
      await this.send(`${word}\n`);
      return (await this.receive())[0];
    }
  }
  await using server = await unwrap(listen("127.0.0.1", 0, { class: Channel }));
  const spawning = server.autospawn(async (channel) => {
    const answer = await channel.call("who?");
    await channel.call(`${answer}, after ${channel.calls} call`);
  });
  await using client = await unwrap(connect("127.0.0.1", server.port));
  assertEquals(await client.receive(), ["who?", null]);
  await client.send("me\n");
  assertEquals(await client.receive(), ["me, after 1 call", null]);
  await client.close();
  await server.close();
  await spawning;
});

Deno.test("a socket class that throws ends that connection and is reported", async () => {
  let broken = true;
  class Channel extends TcpSocket {
    constructor(options: TcpOptions<"lines">) {
      super(options);
      if (broken) throw new Error("broken class");
    }
  }
  await using server = await unwrap(listen("127.0.0.1", 0, { class: Channel }));
  const spawning = server.autospawn((sock) => sock.send("served\n"));
  const told = await reports(async () => {
    await using client = await unwrap(connect("127.0.0.1", server.port));
    assertEquals((await client.receive())[0], null);
  });
  assertEquals(told.length, 1);
  assertStringIncludes(told[0]!, "broken class");
  broken = false;
  await using client = await unwrap(connect("127.0.0.1", server.port));
  assertEquals(await client.receive(), ["served", null]);
  await client.close();
  await server.close();
  await spawning;
});

// Close

Deno.test("close() wakes who waits, closes what nobody was given, and leaves the rest", async () => {
  await using server = await open();
  const used = await unwrap(connect("127.0.0.1", server.port));
  const served = await unwrap(server.accept());
  await server.accept({ timeout: 1 });
  const unseen = await unwrap(connect("127.0.0.1", server.port));
  while (server.connections < 2) await turn();
  const accepting = server.accept();
  const next = await accepting;
  assertEquals(next[1], null);
  await next[0]!.close();
  await server.accept({ timeout: 1 });
  const late = await unwrap(connect("127.0.0.1", server.port));
  while (server.connections < 2) await turn();
  const waiting = server.accept().then(async ([sock]) => {
    await sock?.close();
    return await server.accept();
  });
  while (!server.busy()) await turn();
  assertEquals(await server.close(), [true, null]);
  assertEquals(await server.close(), [true, null]);
  assertEquals((await waiting)[1]?.code, "closed");
  assertEquals((await server.accept())[1]?.code, "closed");
  assertEquals((await server.autospawn(echo))[1]?.code, "closed");
  assertEquals([server.closed(), server.busy(), server.connections], [true, false, 1]);
  await used.send("still here\n");
  assertEquals(await served.receive(), ["still here", null]);
  await Promise.all([used, served, unseen, late].map((sock) => sock.close()));
});

Deno.test("close() resets what it accepted for nobody, and frees the port at once", async () => {
  const server = await open();
  await server.accept({ timeout: 1 });
  const client = await unwrap(connect("127.0.0.1", server.port));
  while (server.connections === 0) await turn();
  await server.close();
  assert((await client.receive())[0] === null);
  await client.close();
  const [again, err] = await listen("127.0.0.1", server.port);
  assertEquals(err, null);
  await again!.close();
});

// Autospawn

Deno.test("autospawn() runs a thread for each connection and closes its socket after it", async () => {
  await using server = await open();
  const spawning = newthread(() =>
    server.autospawn(async function greet(sock) {
      await sock.send("hello\n");
      await sock.receive();
    })
  );
  const clients = await Promise.all([1, 2, 3].map(() => unwrap(connect("127.0.0.1", server.port))));
  for (const client of clients) assertEquals(await client.receive(), ["hello", null]);
  assertEquals(server.connections, 3);
  for (const client of clients) {
    await client.send("bye\n");
    assertEquals(await client.receive("*a"), [new Uint8Array(), null]);
    await client.close();
  }
  await server.close();
  assertEquals(await wait(spawning), [true, null]);
  while (server.connections > 0) await turn();
});

Deno.test("autospawn() reports what a handler throws, closes its socket, and goes on", async () => {
  await using server = await open();
  const told = await reports(async () => {
    const spawning = server.autospawn((sock) => {
      if (sock.remoteaddr()[0] === null) return;
      throw new Error("broken handler");
    });
    for (let n = 0; n < 2; n++) {
      await using client = await unwrap(connect("127.0.0.1", server.port));
      assertEquals(await client.receive(), [null, null]);
    }
    await server.close();
    assertEquals(await spawning, [true, null]);
  });
  assertEquals(told.length, 2);
  assertStringIncludes(told[0]!, "handler of 127.0.0.1:");
  assertStringIncludes(told[0]!, "broken handler");
});

Deno.test("autospawn() leaves a socket open that its handler hands on", async () => {
  await using server = await open();
  const handed: TcpSocket[] = [];
  const spawning = server.autospawn((sock) => {
    handed.push(sock);
    return sock;
  });
  await using client = await unwrap(connect("127.0.0.1", server.port));
  while (handed.length === 0) await turn();
  await client.send("for the new owner\n");
  assertEquals(await handed[0]!.receive(), ["for the new owner", null]);
  await handed[0]!.close();
  await server.close();
  await spawning;
});

Deno.test("autospawn() keeps the loop that called it, awaited or not, until the server is closed", async () => {
  const server = await open();
  const events: string[] = [];
  const loop = startloop(() => {
    void server.autospawn(async (sock) => {
      await sock.receive();
      events.push("handler ended");
    });
  }).then(() => events.push("loop ended"));
  await using client = await unwrap(connect("127.0.0.1", server.port));
  while (server.connections === 0) await turn();
  await server.close();
  await turn();
  assertEquals(events, []);
  await client.close();
  await loop;
  assertEquals(events, ["handler ended", "loop ended"]);
});

Deno.test("a scope that is closed ends autospawn and the handlers in it", async () => {
  await using server = await open();
  const client = await unwrap(connect("127.0.0.1", server.port));
  const [size] = await scope(async (s) => {
    newthread(() => server.autospawn((sock) => sock.receive("*l", { timeout: 0 })));
    while (server.connections === 0) await turn();
    const before = s.size;
    s.close("enough");
    return before;
  });
  assertEquals(size, 3);
  assertEquals(server.busy(), false);
  assert((await client.receive())[0] === null);
  await client.close();
});

Deno.test("a thread that is killed in autospawn takes no more; its handlers go on", async () => {
  await using server = await open();
  const thread = newthread(() => server.autospawn(echo));
  await using client = await unwrap(connect("127.0.0.1", server.port));
  await client.send("one\n");
  assertEquals(await client.receive(), ["one", null]);
  assert(thread.state.startsWith("accept on 127.0.0.1:"), thread.state);
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  assertEquals(server.busy(), false);
  await client.send("two\n");
  assertEquals(await client.receive(), ["two", null]);
});

Deno.test("autospawn() serves first what came after an accept that gave up", async () => {
  await using server = await open();
  await server.accept({ timeout: 1 });
  await using client = await unwrap(connect("127.0.0.1", server.port));
  while (server.connections === 0) await turn();
  const spawning = server.autospawn((sock) => sock.send("hello\n"));
  assertEquals(await client.receive(), ["hello", null]);
  await client.close();
  await server.close();
  await spawning;
});

Deno.test("autospawn() ends with cancelled when its signal is aborted", async () => {
  await using server = await open();
  const abort = new AbortController();
  const spawning = server.autospawn(echo, { signal: abort.signal });
  abort.abort();
  assertEquals((await spawning)[1]?.code, "cancelled");
  assertEquals((await server.autospawn(echo, { signal: abort.signal }))[1]?.code, "cancelled");
});

// Shutdown

Deno.test("shutdown() lets handlers finish within the grace", async () => {
  const server = await open();
  const spawning = server.autospawn(async (sock) => {
    const [line] = await sock.receive();
    await sock.send(`${line}, done\n`);
  });
  await using client = await unwrap(connect("127.0.0.1", server.port));
  while (server.connections === 0) await turn();
  const shutting = server.shutdown({ grace: 60_000 });
  await server.close();
  assertEquals((await connect("127.0.0.1", server.port))[1]?.code, "refused");
  await client.send("work\n");
  assertEquals(await client.receive(), ["work, done", null]);
  await client.close();
  assertEquals([await shutting, await spawning], [[0, null], [true, null]]);
});

Deno.test("shutdown() kills the handlers and closes the sockets that are left after the grace", async () => {
  const server = await open();
  const codes: unknown[] = [];
  const spawning = server.autospawn(async (sock) => {
    try {
      await sock.receive("*l", { timeout: 0 });
    } catch (error) {
      codes.push((error as Error).name);
      throw error;
    }
  });
  const clients = await Promise.all([1, 2].map(() => unwrap(connect("127.0.0.1", server.port))));
  while (server.connections < 2) await turn();
  const told = await reports(async () => {
    assertEquals(await server.shutdown({ grace: 1 }), [2, null]);
  });
  assertEquals(told, []);
  assertEquals(codes, ["ThreadKilled", "ThreadKilled"]);
  assertEquals(await spawning, [true, null]);
  assertEquals(server.connections, 0);
  for (const client of clients) {
    assert((await client.receive())[0] === null);
    await client.close();
  }
});

Deno.test("shutdown() closes sockets that accept gave, too", async () => {
  const server = await open();
  await using client = await unwrap(connect("127.0.0.1", server.port));
  const served = await unwrap(server.accept());
  const receiving = served.receive("*l", { timeout: 0 });
  assertEquals(await server.shutdown({ grace: 0 }), [1, null]);
  assertEquals((await receiving)[1]?.code, "closed");
  assert((await client.receive())[0] === null);
});

Deno.test("shutdown() in a handler does not wait for that handler", async () => {
  const server = await open();
  const spawning = server.autospawn(async (sock) => {
    await sock.receive();
    const [cut] = await server.shutdown({ grace: 0 });
    await sock.send(`${cut} cut\n`);
  });
  const other = await unwrap(connect("127.0.0.1", server.port));
  await using client = await unwrap(connect("127.0.0.1", server.port));
  while (server.connections < 2) await turn();
  await client.send("stop\n");
  assertEquals(await client.receive(), ["1 cut", null]);
  assertEquals(await spawning, [true, null]);
  await other.close();
});

Deno.test("shutdown() says when a killed handler does not unwind", async () => {
  const server = await open();
  let free = () => {};
  const stuck = new Promise<void>((resolve) => free = resolve);
  const spawning = server.autospawn(() => stuck);
  await using client = await unwrap(connect("127.0.0.1", server.port));
  while (server.connections === 0) await turn();
  const shutting = server.shutdown({ grace: 0 });
  assertEquals((await client.receive())[0], null);
  free();
  assertEquals(await shutting, [1, null]);
  await spawning;
});

Deno.test("a kill of the thread in shutdown() cuts the grace short", async () => {
  const server = await open();
  const spawning = server.autospawn((sock) => sock.receive("*l", { timeout: 0 }));
  await using client = await unwrap(connect("127.0.0.1", server.port));
  while (server.connections === 0) await turn();
  const thread = newthread(() => server.shutdown({ grace: 0x7fff_ffff }));
  await turn();
  kill(thread);
  await wait(thread);
  assert((await client.receive())[0] === null);
  await spawning;
  while (server.connections > 0) await turn();
});

Deno.test("a server at the end of `await using` is shut down, in a killed thread too", async () => {
  let port = 0;
  const thread = newthread(async () => {
    await using server = await open();
    port = server.port;
    void server.autospawn((sock) => sock.receive("*l", { timeout: 0 }));
    await sleep(60_000);
  });
  while (port === 0) await turn();
  await using client = await unwrap(connect("127.0.0.1", port));
  kill(thread);
  assert((await client.receive())[0] === null);
  while (thread.state !== "ended") await turn();
  assertEquals((await connect("127.0.0.1", port))[1]?.code, "refused");
});

// What accept fails with

/** A door that fails as it is told, then gives nothing more. */
function faultyDoor(...failures: unknown[]) {
  let end = (_error: Error) => {};
  return {
    asked: 0,
    address: { family: "tcp" as const, ip: "127.0.0.1", port: 1 },
    accept(): Promise<never> {
      this.asked++;
      const failure = failures.shift();
      if (failure !== undefined) return Promise.reject(failure);
      return new Promise((_, reject) => end = reject);
    },
    close: () => end(new Error("closed")),
    ref() {},
  };
}

const failure = (code: string) => Object.assign(new Error(`it failed with ${code}`), { code });

Deno.test("accept() goes on at once when a client has gone before its turn", async () => {
  const door = faultyDoor(failure("ECONNABORTED"), failure("ENOTCONN"));
  await using server = new Server(door, "here", {});
  const accepting = server.accept();
  while (door.asked < 3) await turn();
  server.interrupt();
  assertEquals((await accepting)[1]?.code, "cancelled");
});

Deno.test("accept() tries again after a pause when the system has no more to give", async () => {
  for (const code of ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]) {
    const heard: IoError[] = [];
    const door = faultyDoor(failure(code), failure(code));
    await using server = new Server(door, "here", { onerror: (err) => heard.push(err) });
    const accepting = server.accept();
    while (door.asked < 3) await turn();
    server.interrupt();
    assertEquals((await accepting)[1]?.code, "cancelled");
    assertEquals(heard.length, 2);
    assertStringIncludes(heard[0]!.message, "Cannot accept on here: it failed with");
  }
});

Deno.test("accept() and autospawn() give any other failure, and an onerror that throws is reported", async () => {
  const door = faultyDoor(failure("EWEIRD"), failure("EWEIRD"), failure("EMFILE"));
  const onerror = () => {
    throw new Error("broken onerror");
  };
  await using server = new Server(door, "here", { onerror });
  const [, err] = await server.accept();
  assertEquals([err?.code, err?.errno], ["io", "EWEIRD"]);
  assertEquals((await server.autospawn(echo))[1]?.errno, "EWEIRD");
  const told = await reports(async () => {
    const accepting = server.accept();
    while (door.asked < 4) await turn();
    server.interrupt();
    await accepting;
  });
  assertEquals(told, ["onerror of the server on here: broken onerror"]);
});

// Misuse

Deno.test("listen() refuses what it cannot take, and names it", async () => {
  const path = "/nowhere/socket";
  const wrong: [call: () => Promise<unknown>, words: string][] = [
    [() => listen("", 1), 'listen wants "*", a host\'s name or address, or a path: got an empty'],
    [() => listen(null as never, 1), "or a path: got null"],
    [() => listen("*", "80" as never), "listen wants a port, a number: got string"],
    [() => listen("*", 65_536), "listen wants a port from 0 to 65535: got 65536"],
    [() => listen("*", 0, { family: 5 as never }), "family wants 4 or 6: got 5"],
    [() => listen("::1", 0, { family: 4 }), "family 4 does not go with the address ::1"],
    [() => listen("*", 0, { maxconnections: 0 }), "maxconnections wants a whole number from 1"],
    [() => listen("*", 0, { backlog: 1.5 }), "backlog wants a whole number from 1: got 1.5"],
    [() => listen("*", 0, { keepidle: "1" as never }), "keepidle wants a number: got string"],
    [() => listen("*", 0, { nodelay: 1 as never }), "nodelay wants a boolean: got number"],
    [() => listen("*", 0, { onerror: {} as never }), "onerror wants a function: got object"],
    [() => listen("*", 0, { max_line: 0 }), "max_line wants a whole number from 1: got 0"],
    [() => listen("*", 0, { class: {} as never }), "class wants a function: got object"],
    [() => listen("*", 0, { timeout: -1 }), "timeout must be 0 (no limit) or more"],
    [() => listen("*", 0, { ssl: { cert: "" } as never }), "ssl wants { cert, key } as PEM"],
    [() => listen(path, { mode: -1 }), "mode wants a whole number from 0: got -1"],
  ];
  for (const [call, words] of wrong) {
    const error = await assertRejects(call, Error);
    assert(error instanceof TypeError || error instanceof RangeError, error.name);
    assertStringIncludes(error.message, words);
  }
  await using server = await open();
  assertThrows(() => server.autospawn(null as never), TypeError, "autospawn wants a function");
  await assertRejects(() => server.accept({ timeout: NaN }), RangeError, "timeout must be 0");
  await assertRejects(() => server.shutdown({ grace: -1 }), RangeError, "shutdown: grace");
});

Deno.test("listen() tells why it cannot", async () => {
  await using server = await open();
  const codes: [code: string, result: Promise<[unknown, IoError | null]>][] = [
    ["in_use", listen("127.0.0.1", server.port)],
    ["unreachable", listen("192.0.2.1", 0)],
    ["dns", listen("no.such.host.invalid", 0)],
    ["dns", listen("no.such.host.invalid", 0, { family: 4 })],
    ["not_found", listen("/nowhere/at/all/socket")],
    ["unsupported", listen("/nowhere/at/all/socket", { reuseport: true })],
    ["unsupported", listen("/nowhere/at/all/socket", { keepidle: 1 })],
    ["in_use", listen("127.0.0.1", server.port, { keepidle: 1_000 })],
    ["unreachable", listen("192.0.2.1", 0, { reuseport: true })],
  ];
  for (const [code, result] of codes) {
    const [other, err] = await result;
    assertEquals([other, err?.code], [null, code]);
    assertStringIncludes(err!.message, "Cannot listen on ");
  }
});
