import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  create,
  type Ending,
  inside,
  IoError,
  listen,
  type Result,
  type ShardCounts,
  type ShardedServer,
  type ShardOptions,
  stuck_after,
  supervise,
  unwrap,
} from "../../context/mod.ts";
import { newLine, packError, postTo } from "../../context/_share_wire.ts";
import { connect, listen as listenAlone, type TcpSocket } from "../../cosocket/mod.ts";
import { FakeClock, kill, newthread, on_error, wait } from "../../thread/mod.ts";
import { inKilled, turn } from "../kill/killed.ts";

const url = new URL("./shard.ts", import.meta.url);
const LOOPBACK = { permissions: ["--allow-net=127.0.0.1"] };

/** Waits for starts of workers: `[index, id]` of each, in order. */
class Starts {
  readonly all: [index: number, id: number][] = [];
  #wanted = Infinity;
  #reached = Promise.withResolvers<void>();

  readonly onstart = (index: number, id: number): void => {
    this.all.push([index, id]);
    if (this.all.length >= this.#wanted) this.#reached.resolve();
  };

  until(count: number): Promise<void> {
    this.#wanted = count;
    this.#reached = Promise.withResolvers();
    if (this.all.length >= count) this.#reached.resolve();
    return this.#reached.promise;
  }
}

async function open(options: ShardOptions = {}): Promise<ShardedServer> {
  return unwrap(await listen("127.0.0.1", 0, url, { workers: 2, ...options }));
}

async function dial(server: ShardedServer): Promise<TcpSocket> {
  return unwrap(await connect("127.0.0.1", server.port));
}

/** Sends a line, and gives what comes back. */
async function say(sock: TcpSocket, line: string): Promise<string | null> {
  unwrap(await sock.send(`${line}\n`));
  return (await sock.receive())[0];
}

/** Connects until each worker has a connection; the kernel spreads by address. */
async function oneOfEach(server: ShardedServer): Promise<TcpSocket[]> {
  const found: TcpSocket[] = [];
  const others: TcpSocket[] = [];
  while (Object.keys(found).length < server.workers) {
    assert(others.length < 200, "200 connections in a row at the same workers");
    const sock = await dial(server);
    const index = Number((await say(sock, "who"))?.split(" ")[0]);
    if (found[index] === undefined) found[index] = sock;
    else others.push(sock);
  }
  await Promise.all(others.map(async (sock) => {
    await sock.shutdown("send");
    // The end comes when the handler has ended too.
    await sock.receive("*a");
    await sock.close();
  }));
  return found;
}

/** Waits for the end of a context, by its id. */
async function ended(id: number): Promise<Ending> {
  return unwrap(await inside().handle(id).wait());
}

function sum(rows: ShardCounts[], column: "connections" | "accepted" | "failed"): number {
  return rows.reduce((total, row) => total + row[column], 0);
}

for (const isolated of [false, true]) {
  const where = isolated ? "processes" : "threads";
  const options: ShardOptions = isolated ? { isolated, ...LOOPBACK } : {};

  Deno.test(`listen() in ${where} gives all workers one port, and both of them serve`, async () => {
    const server = await open(options);
    assertEquals([server.workers, server.port > 0], [2, true]);
    assertEquals(server.address(), { family: "tcp", ip: "127.0.0.1", port: server.port });
    const socks = await oneOfEach(server);
    assertEquals(await say(socks[0]!, "hello"), "0 hello");
    assertEquals(await say(socks[1]!, "hello"), "1 hello");
    const [rows] = await server.counts();
    assertEquals(rows?.map(({ index, restarts }) => [index, restarts]), [[0, 0], [1, 0]]);
    assert(rows!.every(({ connections, accepted }) => connections > 0 && accepted > 0));
    assertEquals((await server.shutdown({ grace: 0 }))[1], null);
    assertEquals((await server.done).reason, "destroyed");
    for (const sock of socks) {
      assertEquals((await sock.receive())[0], null);
      await sock.close();
    }
    assertEquals((await connect("127.0.0.1", server.port))[1]?.code, "refused");
  });

  Deno.test(`a handler in ${where} that throws ends its connection only, and is counted`, async () => {
    const quiet = on_error(() => {});
    await using server = await open({ ...options, workers: 1 });
    await using bad = await dial(server);
    await using good = await dial(server);
    assertEquals(await say(good, "first"), "0 first");
    assertEquals(await say(bad, "throw"), null);
    assertEquals(await say(good, "second"), "0 second");
    await good.close();
    const [rows] = await server.counts();
    assertEquals([sum(rows!, "accepted"), sum(rows!, "failed")], [2, 1]);
    quiet();
  });

  Deno.test(`a worker in ${where} that exits is started anew, and the other serves on`, async () => {
    const quiet = on_error(() => {});
    const starts = new Starts();
    await using server = await open({ ...options, onstart: starts.onstart });
    const [first, second] = await oneOfEach(server);
    assertEquals(starts.all.map(([index]) => index), [0, 1]);
    assertEquals(await say(first!, "exit"), null);
    // Where there is one thread for all workers, that has exited.
    const both = !isolated && navigator.hardwareConcurrency === 1;
    if (!both) assertEquals(await say(second!, "still there"), "1 still there");
    await starts.until(both ? 4 : 3);
    assertEquals(starts.all.slice(2).map(([index]) => index), both ? [0, 1] : [0]);
    const again = await oneOfEach(server);
    assertEquals(await say(again[0]!, "back"), "0 back");
    const [rows] = await server.counts();
    assertEquals(rows?.map(({ restarts }) => restarts), both ? [1, 1] : [1, 0]);
    for (const sock of [first!, second!, ...again]) sock.close_immediately();
    quiet();
  });
}

Deno.test("close() of a sharded server lets open connections go on, and frees the port", async () => {
  const server = await open();
  const socks = await oneOfEach(server);
  assertEquals(await server.close(), [true, null]);
  assertEquals((await connect("127.0.0.1", server.port))[1]?.code, "refused");
  assertEquals(await say(socks[0]!, "go on"), "0 go on");
  assertEquals(await server.close(), [true, null]);
  for (const sock of socks) await sock.close();
  assertEquals((await server.done).reason, "returned");
  assertEquals((await server.wait())[0]?.reason, "returned");
  assertEquals(await server.counts(), [[], null]);
  const [alone, err] = await listenAlone("127.0.0.1", server.port);
  assertEquals(err, null);
  await alone?.close();
});

Deno.test("a worker that dies after close() is not started anew", async () => {
  const quiet = on_error(() => {});
  const starts = new Starts();
  const server = await open({ onstart: starts.onstart });
  const socks = await oneOfEach(server);
  await server.close();
  assertEquals(await say(socks[0]!, "exit"), null);
  for (const sock of socks) await sock.close();
  assertEquals((await server.done).reason, "returned");
  assertEquals(starts.all.length, 2);
  quiet();
});

Deno.test("shutdown() of a sharded server waits for connections within the grace", async () => {
  const server = await open();
  const socks = await oneOfEach(server);
  const shutting = server.shutdown({ grace: 60_000 });
  assertEquals(await say(socks[1]!, "before the end"), "1 before the end");
  for (const sock of socks) await sock.close();
  assertEquals(await shutting, [0, null]);
  assertEquals(await server.shutdown(), [0, null]);
});

Deno.test("shutdown() of a sharded server cuts what is left after the grace, and counts it", async () => {
  const server = await open();
  const socks = await oneOfEach(server);
  const [cut] = await server.shutdown({ grace: 100 });
  assertEquals(cut, 2);
  for (const sock of socks) {
    assertEquals((await sock.receive())[0], null);
    await sock.close();
  }
});

Deno.test("shutdown() of a sharded server does not wait for a worker that has died", async () => {
  const quiet = on_error(() => {});
  const server = await open({ workers: 1 });
  const sock = await dial(server);
  assertEquals(await say(sock, "who"), "0 who");
  const shutting = server.shutdown({ grace: Infinity });
  assertEquals(await say(sock, "exit"), null);
  assertEquals(await shutting, [0, null]);
  await sock.close();
  quiet();
});

Deno.test("a kill of the thread in shutdown() ends the workers all the same", async () => {
  const server = await open();
  const socks = await oneOfEach(server);
  const thread = newthread(() => server.shutdown({ grace: Infinity }));
  kill(thread);
  assertEquals((await server.done).reason, "destroyed");
  assertEquals((await wait(thread))[1]?.code, "killed");
  for (const sock of socks) sock.close_immediately();
});

Deno.test("destroy() of a sharded server ends connections at once; supervise() takes it", async () => {
  const server = await open({ workers: 1 });
  const sock = await dial(server);
  assertEquals(await say(sock, "who"), "0 who");
  const tree = unwrap(
    await supervise([{ name: "server", start: () => Promise.resolve([server, null]) }]),
  );
  await tree.stop();
  assertEquals((await server.done).reason, "destroyed");
  assertEquals((await sock.receive())[0], null);
  await sock.close();
});

Deno.test("a worker that is destroyed closes its sockets though its thread lives on", async () => {
  const script = new URL("./worker.ts", import.meta.url);
  // From then on contexts share the threads that there are.
  const others = await Promise.all(
    Array.from({ length: navigator.hardwareConcurrency }, () => unwrap(create(script))),
  );
  const server = await open({ workers: 1 });
  const sock = await dial(server);
  assertEquals(await say(sock, "who"), "0 who");
  server.destroy();
  assertEquals((await sock.receive())[0], null);
  await Promise.all([sock.close(), server.done]);
  // By their answers, what was to be closed in their threads has been.
  for (const other of others) await other.query({ do: "echo" });
  assertEquals((await connect("127.0.0.1", server.port))[1]?.code, "refused");
  for (const other of others) {
    other.destroy();
    await other.wait();
  }
});

Deno.test("listen() of a port that somebody has is in_use, unless both share it", async () => {
  const alone = unwrap(await listenAlone("127.0.0.1", 0));
  const first = await listen("127.0.0.1", alone.port, url, { workers: 1, reuseport: true });
  assertEquals(first[1]?.code, "in_use");
  await alone.close();
  await using server = unwrap(await listen("127.0.0.1", alone.port, url, { workers: 1 }));
  assertEquals((await listen("127.0.0.1", server.port, url, { workers: 1 }))[1]?.code, "in_use");
  const shared = { workers: 1, reuseport: true };
  await using second = unwrap(await listen("127.0.0.1", server.port, url, shared));
  assertEquals(second.port, server.port);
});

Deno.test("listen() gives what keeps a worker from listening", async () => {
  const none = await listen("127.0.0.1", 0, url, { workers: 2, isolated: true });
  assertEquals(none[1]?.code, "no_permission");
  assert(none[1]?.message.includes("--allow-net=127.0.0.1:0"), none[1]?.message);
  const missing = new URL("./nowhere.ts", import.meta.url);
  assertEquals((await listen("127.0.0.1", 0, missing))[1]?.code, "failed");
  const [, err] = await listen("127.0.0.1", 0, "data:text/javascript,export default 1");
  assert(err?.message.includes("must be a function: got number"), err?.message);
  const ssl = { cert: "no certificate", key: "no key" };
  assertEquals((await listen("127.0.0.1", 0, url, { ssl }))[1]?.code, "tls");
});

Deno.test("listen() throws for what the caller could have known", async () => {
  const wrong: [unknown[], typeof TypeError | typeof RangeError, string][] = [
    [["/run/a.sock", 0, url], TypeError, "got the path /run/a.sock"],
    [["127.0.0.1", 0, "./shard.ts"], TypeError, "url must be absolute"],
    [["127.0.0.1", "80", url], TypeError, "wants a port"],
    [["127.0.0.1", 70_000, url], RangeError, "port from 0 to 65535: got 70000"],
    [[7, 0, url], TypeError, "listen wants"],
    [["127.0.0.1", 0, url, { workers: 0 }], RangeError, "workers wants a whole number"],
    [["127.0.0.1", 0, url, { class: Object }], TypeError, "no option 'class'"],
    [["127.0.0.1", 0, url, { mode: 0o600 }], TypeError, "no option 'mode'"],
    [["127.0.0.1", 0, url, { onerror: 1 }], TypeError, "onerror wants a function"],
    [["127.0.0.1", 0, url, { onstart: 1 }], TypeError, "onstart wants a function"],
    [["127.0.0.1", 0, url, { ssl: { sni() {} } }], TypeError, "ssl.sni is a function"],
    [["127.0.0.1", 0, url, { backlog: 0.5 }], RangeError, "backlog wants a whole number"],
    [["127.0.0.1", 0, url, { maxconnections: "9" }], TypeError, "maxconnections wants a number"],
    [["127.0.0.1", 0, url, { encoding: () => {} }], TypeError, "can be copied"],
    [["127.0.0.1", 0, url, { permissions: ["-A"] }], TypeError, "permissions need isolated"],
  ];
  for (const [args, kind, words] of wrong) {
    await assertRejects(() => listen(...args as Parameters<typeof listen>), kind, words);
  }
});

Deno.test("maxconnections holds for each worker: the next one waits for its turn", async () => {
  await using server = await open({ workers: 1, maxconnections: 1 });
  const first = await dial(server);
  assertEquals(await say(first, "one"), "0 one");
  await using second = await dial(server);
  await second.send("two\n");
  assertEquals((await second.receive("*l", { timeout: 30 }))[1]?.code, "timeout");
  const [rows] = await server.counts();
  assertEquals([rows?.[0]?.connections, rows?.[0]?.accepted], [1, 1]);
  await first.close();
  assertEquals(await second.receive(), ["0 two", null]);
});

Deno.test("a worker has a mailbox, arguments and a name of its own", async () => {
  await using server = await open({ workers: 1, args: ["given", 7], name: "mail" });
  await using sock = await dial(server);
  const heard = inside<unknown>().recv();
  assertEquals(await say(sock, "tell"), "0 tell");
  const [message] = await heard;
  assertEquals(message?.value, ["given", 7]);
  await sock.send("wait\n");
  assertEquals((await message!.from.send("go on"))[1], null);
  assertEquals(await sock.receive(), ["0 wait", null]);
});

Deno.test("a server whose workers end too often ends, with the reason threw", async () => {
  const quiet = on_error(() => {});
  const starts = new Starts();
  const options = { intensity: 2, period: 60_000, backoff: 1 };
  const server = await open({ workers: 1, ...options, onstart: starts.onstart });
  for (let n = 1; n <= 3; n++) {
    await starts.until(n);
    const sock = await dial(server);
    await sock.send("exit\n");
    await sock.receive();
    await sock.close();
  }
  assertEquals((await server.done).reason, "threw");
  assertEquals(starts.all.length, 3);
  quiet();
});

Deno.test("a kill in any call of a sharded server that may wait harms nobody", async () => {
  const server = await open();
  const socks = await oneOfEach(server);
  const calls: (() => Promise<Result<unknown>>)[] = [
    () => server.counts(),
    () => server.wait(),
    () => server.close(),
  ];
  for (const call of calls) {
    const thread = newthread(call);
    kill(thread);
    assertEquals((await wait(thread))[1]?.code, "killed");
  }
  // The close had been asked for, and goes on.
  for (const sock of socks) await sock.close();
  assertEquals((await server.done).reason, "returned");
});

for (const isolated of [false, true]) {
  const where = isolated ? "a process" : "a thread";
  Deno.test(`listen() in a context in ${where} ends with it`, async () => {
    const script = new URL("./shard_owner.ts", import.meta.url);
    const owner = unwrap(await create<string, number[]>(script, { isolated }));
    const [port, ...ids] = unwrap(await owner.query("who?"));
    const sock = unwrap(await connect("127.0.0.1", port!));
    assertEquals((await say(sock, "who"))?.endsWith(" who"), true);
    owner.destroy();
    assertEquals((await sock.receive())[0], null);
    await sock.close();
    assertEquals(ids.length, 2);
    for (const id of ids) assertEquals((await ended(id)).reason, "destroyed");
    await owner.wait();
  });
}

Deno.test("listen() in a thread that was killed before throws that, and starts no worker", async () => {
  const idle = "data:text/javascript,export default () => {}";
  const first = unwrap(await create(idle));
  assertEquals(await inKilled(() => open()), "killed");
  const second = unwrap(await create(idle));
  assertEquals(second.id, first.id + 1);
  await Promise.all([first.wait(), second.wait()]);
});

Deno.test("in a thread that was killed before a sharded server can be ended, and not be asked", async () => {
  const ends: [(server: ShardedServer) => Promise<unknown>, Ending["reason"]][] = [
    [(server) => server.close(), "returned"],
    [(server) => server.shutdown(), "destroyed"],
  ];
  for (const [end, reason] of ends) {
    const server = await open();
    const sock = await dial(server);
    assertEquals((await say(sock, "hello"))?.slice(1), " hello");
    assertEquals(await inKilled(() => server.counts()), "killed");
    assertEquals(await inKilled(() => server.wait()), "killed");
    assertEquals((await server.counts())[0]?.length, 2);
    assertEquals(await inKilled(() => end(server)), "killed");
    await sock.close();
    assertEquals((await server.done).reason, reason);
    assertEquals((await connect("127.0.0.1", server.port))[1]?.code, "refused");
  }
});

/** Holds a worker up in its handler until it is woken. */
async function block(server: ShardedServer, bell: Int32Array, how: string): Promise<() => void> {
  const blocked = Atomics.waitAsync(bell, 1, 0).value;
  const sock = await dial(server);
  await sock.send(`${how}\n`);
  await blocked;
  return () => {
    Atomics.store(bell, 0, 1);
    Atomics.notify(bell, 0);
    sock.close_immediately();
  };
}

Deno.test("a worker that does not answer is told by counts(), and destroyed by close()", async () => {
  const said: string[] = [];
  const quiet = on_error((error) => said.push(String(error)));
  stuck_after(60_000);
  const bell = new Int32Array(new SharedArrayBuffer(8));
  const server = await open({ workers: 1, args: [bell] });
  const wake = await block(server, bell, "block");
  assertEquals((await server.counts({ timeout: 5 }))[1]?.code, "timeout");
  {
    using clock = new FakeClock();
    const closing = server.close();
    await turn();
    await clock.tick(10_000);
    assertEquals(await closing, [true, null]);
  }
  wake();
  assertEquals((await server.done).reason, "returned");
  assertEquals(said, ["ended (destroyed): it did not stop listening"]);
  stuck_after(2_000);
  quiet();
});

Deno.test("counts() has no row for a worker that ends before it answers", async () => {
  const quiet = on_error(() => {});
  const bell = new Int32Array(new SharedArrayBuffer(8));
  const server = await open({ workers: 1, args: [bell] });
  const wake = await block(server, bell, "block, exit");
  const counting = server.counts();
  wake();
  assertEquals(await counting, [[], null]);
  await server.shutdown({ grace: 0 });
  quiet();
});

Deno.test("close() does not wait for a worker that is being started anew, which does not listen", async () => {
  const said: string[] = [];
  const quiet = on_error((error) => said.push(String(error)));
  // Its module waits for a word of ours, which comes late the second time.
  const name = crypto.randomUUID();
  const slow = `data:text/javascript,const door = new BroadcastChannel("${name}");
    const open = new Promise((resolve) => door.onmessage = resolve);
    door.postMessage("here");
    await open;
    door.close();
    export default async (sock) => { await sock.receive(); Deno.exit(3); };`;
  const door = new BroadcastChannel(name);
  const again = Promise.withResolvers<void>();
  let loads = 0;
  door.onmessage = () => ++loads === 1 ? door.postMessage("go on") : again.resolve();
  const starts = new Starts();
  const options = { workers: 1, onstart: starts.onstart };
  const server = unwrap(await listen("127.0.0.1", 0, slow, options));
  const sock = await dial(server);
  await sock.send("end\n");
  await again.promise;
  assertEquals(await server.close(), [true, null]);
  door.postMessage("go on");
  assertEquals((await server.done).reason, "returned");
  assertEquals((await connect("127.0.0.1", server.port))[1]?.code, "refused");
  assertEquals([starts.all.length, said], [1, ["ended (exited): its thread exited"]]);
  door.close();
  await sock.close();
  quiet();
});

Deno.test("a worker whose listener fails is started anew, as often as is allowed", async () => {
  const said: string[] = [];
  const quiet = on_error((error) => said.push(String(error)));
  const broken = `data:text/javascript,import { Server } from "node:net";
    const { listen } = Server.prototype;
    Server.prototype.listen = function (...args) {
      this.once("listening", () => {
        setTimeout(() => this.emit("error", new Error("out of order")), 0);
      });
      return listen.apply(this, args);
    };
    export default () => {};`;
  const starts = new Starts();
  const options = { workers: 1, intensity: 1, onstart: starts.onstart };
  const server = unwrap(await listen("127.0.0.1", 0, broken, options));
  assertEquals((await server.done).reason, "threw");
  assertEquals(starts.all.length, 2);
  assertEquals(said.map((words) => words.includes("out of order")), [true, true]);
  quiet();
});

Deno.test("what a worker says that has ended since, is no word of the one in its place", async () => {
  const quiet = on_error(() => {});
  const starts = new Starts();
  const lost: string[] = [];
  const heard = Promise.withResolvers<void>();
  const onerror = ({ message }: IoError) => {
    lost.push(message);
    heard.resolve();
  };
  // The server takes the next one.
  const line = newLine() + 1;
  await using server = await open({ workers: 1, onerror, onstart: starts.onstart });
  await using sock = await dial(server);
  assertEquals(await say(sock, "exit"), null);
  await starts.until(2);
  for (const [n, [, id]] of starts.all.entries()) {
    const err = packError(new IoError("reset", `of the worker of start ${n}`));
    postTo(0, line, id, { k: "lost", err });
  }
  await heard.promise;
  assertEquals(lost, ["of the worker of start 1"]);
  quiet();
});

Deno.test("an onstart that throws is reported, and harms nobody", async () => {
  const said: string[] = [];
  const quiet = on_error((error, about) => said.push(`${about}: ${(error as Error).message}`));
  const onstart = () => {
    throw new Error("of onstart");
  };
  await using server = await open({ workers: 1, onstart });
  const sock = await dial(server);
  assertEquals(await say(sock, "who"), "0 who");
  assertEquals(said, [`onstart of the server on 127.0.0.1:${server.port}: of onstart`]);
  await sock.close();
  quiet();
});

Deno.test("a kill of the thread in listen() leaves no worker behind", async () => {
  const starts = new Starts();
  const thread = newthread(() => open({ onstart: starts.onstart }));
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  // It comes up, and goes.
  await starts.until(2);
  for (const [, id] of starts.all) assertEquals((await ended(id)).reason, "destroyed");
});

Deno.test("workers speak TLS, and tell of handshakes that fail", async () => {
  const pem = (name: string) =>
    Deno.readTextFile(new URL(`../fixtures/${name}.pem`, import.meta.url));
  const ssl = { cert: await pem("server"), key: await pem("server_key") };
  const lost = Promise.withResolvers<[string, number]>();
  const onerror = (err: { code: string }, index: number) => lost.resolve([err.code, index]);
  await using server = await open({ workers: 1, ssl, onerror });
  const sock = await dial(server);
  unwrap(await sock.sslhandshake({ ca: await pem("ca"), servername: "localhost" }));
  assertEquals(await say(sock, "in secret"), "0 in secret");
  await sock.close();
  const plain = await dial(server);
  await plain.send("this is no handshake\n\n");
  assertEquals(await lost.promise, ["tls", 0]);
  await plain.close();
});

Deno.test("an isolated worker that is stuck is killed, and started anew", async () => {
  const quiet = on_error(() => {});
  const starts = new Starts();
  const options = { workers: 1, isolated: true, ...LOOPBACK, onstart: starts.onstart };
  await using server = await open(options);
  const sock = await dial(server);
  await sock.send("spin\n");
  // The heartbeat notices after two seconds.
  assertEquals((await sock.receive())[0], null);
  await sock.close();
  await starts.until(2);
  await using again = await dial(server);
  assertEquals(await say(again, "back"), "0 back");
  quiet();
});
