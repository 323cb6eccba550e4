import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { once } from "node:events";
import * as net from "node:net";
import { connect, from_conn, pool_stats, tcp, unwrap } from "../../cosocket/mod.ts";
import { kill, newthread, wait } from "../../thread/mod.ts";
import { sizes } from "../sizes.ts";
import { random, receiveAll, source } from "../stream/promise.ts";
import { type Connected, overTcp, overTls, overUnix } from "./ends.ts";
import { otherThread, spin, turn } from "./servers.ts";

const KINDS: Record<string, () => Promise<Connected>> = {
  TCP: overTcp,
  TLS: overTls,
  "Unix sockets": overUnix,
};

for (const [kind, open] of Object.entries(KINDS)) {
  Deno.test(`over ${kind}, 1 MB arrives whole whatever gives up in between`, async () => {
    for (let seed = 1; seed <= sizes.socketRuns; seed++) {
      await using ends = await open();
      const next = random(seed);
      const bytes = source(next, 1_000_000);
      const sender = newthread(async () => {
        const chop = random(seed + 1);
        for (let at = 0; at < bytes.length;) {
          const size = 1 + Math.floor(chop() * (chop() < 0.5 ? 300 : 60_000));
          await ends.served.send(bytes.subarray(at, at + size), { timeout: 0 });
          at += size;
          if (chop() < 0.3) await turn();
        }
        await ends.served.shutdown("send");
      });
      const immediate = () => new Promise<void>((resolve) => queueMicrotask(resolve));
      const pass = () => next() < 0.9 ? immediate() : turn().then(() => {});
      try {
        await receiveAll(ends.client, bytes, next, pass);
      } catch (cause) {
        throw new Error(`seed ${seed} failed`, { cause });
      }
      await wait(sender);
    }
  });
}

Deno.test("after many kills of a waiting receive not a byte is lost", async () => {
  await using ends = await overTcp();
  for (let round = 0; round < sizes.kills; round++) {
    const reader = newthread(() => ends.client.receive());
    await ends.served.send(`line ${round}`);
    kill(reader);
    assertEquals((await wait(reader))[1]?.code, "killed");
    await ends.served.send("\n");
    assertEquals(await ends.client.receive(), [`line ${round}`, null]);
  }
});

Deno.test("connect() takes every form of its arguments", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const host = "127.0.0.1";
  const forms: [form: (sock: ReturnType<typeof tcp>) => Promise<unknown>, key: string][] = [
    [(sock) => sock.connect(host, port), `${host}:${port}`],
    [(sock) => sock.connect(host, port, 5), `${host}:${port}`],
    [(sock) => sock.connect(host, port, 5, "by key"), "by key"],
    [(sock) => sock.connect(host, port, { pool: "by option", timeout: 900 }), "by option"],
    [(sock) => sock.connect({ host, port, pool: "object" }), "object"],
    [(sock) => sock.connect("localhost", port), `localhost:${port}`],
  ];
  for (const [form, key] of forms) {
    const sock = tcp();
    const accepted = listener.accept();
    assertEquals(await form(sock), [true, null]);
    assertEquals(pool_stats().map((stats) => stats.key), [key]);
    sock.close_immediately();
    (await accepted).close();
  }
  listener.close();
});

Deno.test("connect() in one step refuses the same, by a rejection", async () => {
  const wrong: [args: unknown[], words: string][] = [
    [["host"], "connect wants a port, a number: got undefined"],
    [["host", "80"], "connect wants a port, a number: got string"],
    [["host", 80, "10"], "connect: pool_size wants a number: got string"],
    [[""], "connect wants a host name, an address or a path: got an empty string"],
  ];
  for (const [args, words] of wrong) {
    await assertRejects(() => connect(...args as [string, number]), TypeError, words);
  }
});

Deno.test("connect() refuses what it cannot take, and names it", () => {
  const sock = tcp();
  const wrong: [call: () => unknown, words: string][] = [
    [() => sock.connect("", 1), "a host name, an address or a path: got an empty string"],
    [() => sock.connect(null as never, 1), "a host name, an address or a path: got null"],
    [() => sock.connect("host", "80" as never), "connect wants a port, a number: got string"],
    [() => sock.connect("host", 0), "connect wants a port from 1 to 65535: got 0"],
    [() => sock.connect("host", 65_536), "connect wants a port from 1 to 65535: got 65536"],
    [() => sock.connect("host", 1, 0), "connect: pool_size wants a whole number from 1: got 0"],
    [() => sock.connect("host", 1, 1, 2 as never), "the pool's key must be a string: got number"],
    [() => sock.connect("host", 1, { backlog: -1 }), "connect: backlog wants a whole number"],
    [() => sock.connect({ path: "" }), "connect wants the path of a Unix socket: got string"],
    [() => sock.connect("host", 1, { local_port: 0 }), "local_port wants a whole number from 1"],
    [() => sock.connect("host", 1, { local_port: 65_536 }), "local_port must be 65535 at most"],
    [
      () => sock.connect("host", 1, { local_address: "localhost" }),
      "local_address must be an IP address: got localhost",
    ],
    [() => sock.connect("host", 1, { timeout: NaN }), "timeout must be 0 (no limit) or more"],
    [() => tcp("cert.pem" as never), "tcp wants true or options: got string"],
    [() => tcp({ timeout: -1 }), "timeout must be 0 (no limit) or more"],
    [() => sock.setoption("nodelay", 1 as never), "nodelay wants true or false: got number"],
  ];
  for (const [call, words] of wrong) {
    const error = assertThrows(call);
    assertStringIncludes((error as Error).message, words);
  }
});

Deno.test("connect() on a connected socket is busy; after close it connects again", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sock = tcp();
  for (let round = 0; round < 3; round++) {
    const [accepted] = await Promise.all([
      listener.accept(),
      unwrap(sock.connect("127.0.0.1", listener.addr.port)),
    ]);
    assertEquals((await sock.connect("127.0.0.1", listener.addr.port))[1]?.code, "busy");
    accepted.close();
    assertEquals(await sock.receive(), [null, null]);
    await sock.close();
  }
  const first = sock.connect("127.0.0.1", listener.addr.port);
  assertEquals((await sock.connect("127.0.0.1", listener.addr.port))[1]?.code, "busy");
  (await listener.accept()).close();
  assertEquals(await first, [true, null]);
  sock.close_immediately();
  listener.close();
});

/** A port whose backlog is full: a connect to it neither succeeds nor fails. */
async function fullBacklog(): Promise<{ port: number } & AsyncDisposable> {
  const program = `import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)
cs = []
for _ in range(3):
    c = socket.socket(); c.setblocking(False); c.connect_ex(s.getsockname()); cs.append(c)
print(s.getsockname()[1], flush=True)
sys.stdin.read()`;
  const child = new Deno.Command("python3", {
    args: ["-c", program],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const port = Number(new TextDecoder().decode(value));
  return {
    port,
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      while (!(await reader.read()).done);
      await child.status;
    },
  };
}

Deno.test({
  name: "connect() gives up by timeout, abort and kill, and leaves nothing behind",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using full = await fullBacklog();
    const [, late] = await connect("127.0.0.1", full.port, { timeout: 30 });
    assertEquals(late?.code, "timeout");
    assertStringIncludes(
      late!.message,
      `Cannot connect to 127.0.0.1:${full.port}: not within 30 ms`,
    );
    const aborter = new AbortController();
    const aborted = connect("127.0.0.1", full.port, { signal: aborter.signal });
    await turn();
    aborter.abort();
    assertEquals((await aborted)[1]?.code, "cancelled");
    const thread = newthread(() => connect("127.0.0.1", full.port));
    await turn();
    assertStringIncludes(thread.state, `connect 127.0.0.1:${full.port}`);
    kill(thread);
    assertEquals((await wait(thread))[1]?.code, "killed");
    while (thread.state !== "ended" || pool_stats().length > 0) await turn();
  },
});

Deno.test("connect() tells refused, dns, not_found and unreachable names apart", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  assertEquals((await connect("127.0.0.1", port))[1]?.code, "refused");
  assertEquals((await connect("127.0.0.1", port, { keepidle: 1_000 }))[1]?.code, "refused");
  assertEquals((await connect("no-such-host.invalid", port))[1]?.code, "dns");
  assertEquals((await connect("/no/such/socket"))[1]?.code, "not_found");
});

Deno.test("localaddr() and remoteaddr() tell both ends", async () => {
  await using ends = await overTcp();
  assertEquals(ends.client.localaddr(), ends.served.remoteaddr());
  assertEquals(ends.client.remoteaddr(), ends.served.localaddr());
  assertEquals(unwrap(ends.client.remoteaddr())?.family, "tcp");
  assertEquals(tcp().localaddr()[1]?.code, "closed");
  await using unix = await overUnix();
  assertEquals(unwrap(unix.client.remoteaddr())?.family, "unix");
});

Deno.test("setoption() sets what this kind of socket can, before or after connect", async () => {
  await using plain = await overTcp();
  assertEquals(plain.client.setoption("nodelay", false), [true, null]);
  assertEquals(plain.client.setoption("keepalive", true), [true, null]);
  assertEquals(plain.client.setoption("keepidle", 30_000)[1]?.code, "unsupported");
  assertEquals(plain.client.setoption("sndbuf", 1)[1]?.code, "unsupported");
  await using unix = await overUnix();
  assertEquals(unix.client.setoption("nodelay", true)[1]?.code, "unsupported");
  assertThrows(() => tcp().setoption("keepidle", 0), RangeError, "setoption: keepidle");

  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sock = tcp();
  assertEquals(sock.setoption("keepidle", 30_000), [true, null]);
  const accepted = listener.accept();
  await unwrap(sock.connect("127.0.0.1", listener.addr.port));
  assertEquals(sock.setoption("keepidle", 60_000), [true, null]);
  if (Deno.build.os === "linux") {
    // The kernel shows the timer of the keepalive in hundredths of a second.
    const address = unwrap(sock.localaddr())!;
    const port = address.family === "tcp" ? address.port : 0;
    const end = (port: number) => `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
    const ends = `${end(port)} ${end(listener.addr.port)}`;
    const rows = Deno.readTextFileSync("/proc/net/tcp").split("\n");
    const row = rows.find((one) => one.trim().split(/\s+/).slice(1, 3).join(" ") === ends)!;
    const [kind, ticks] = row.trim().split(/\s+/)[5]!.split(":");
    assertEquals(kind, "02");
    assert(parseInt(ticks!, 16) <= 6_000, row);
  }
  sock.close_immediately();
  (await accepted).close();
  listener.close();
});

Deno.test("connect() goes out from the address and port that it is told", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const options = { local_address: "127.0.0.2" };
  const [sock, conn] = await Promise.all([
    unwrap(connect("127.0.0.1", listener.addr.port, options)),
    listener.accept(),
  ]);
  assertEquals((conn.remoteAddr as Deno.NetAddr).hostname, "127.0.0.2");
  const address = unwrap(sock.localaddr());
  assertEquals(address?.family === "tcp" && address.ip, "127.0.0.2");
  sock.close_immediately();
  conn.close();
  listener.close();
});

Deno.test("a connection that is there just as its thread is killed is closed", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const other = Deno.connect({ hostname: "127.0.0.1", port }).then((conn) => {
    kill(thread);
    return conn;
  });
  const thread = newthread(() => connect("127.0.0.1", port));
  const served = [from_conn(await listener.accept()), from_conn(await listener.accept())];
  // Both connections are told of in one turn, the other first.
  spin(20);
  assertEquals((await wait(thread))[1]?.code, "killed");
  (await other).close();
  for (const sock of served) {
    assertEquals(await sock.receive(), [null, null]);
    await sock.close();
  }
});

Deno.test("settimeouts() sets connect, send and receive apart", async () => {
  await using ends = await overTcp();
  ends.client.settimeouts(1_000, 20, 5);
  const [, receive] = await ends.client.receive();
  assertStringIncludes(receive!.message, "within 5 ms");
  const [, send] = await ends.client.send(new Uint8Array(32 * 1024 * 1024));
  assertStringIncludes(send!.message, "within 20 ms");
});

Deno.test("what is sent in one turn leaves in one write", async () => {
  await using ends = await overTcp();
  const log: string[] = [];
  ends.client.trace((line) => log.push(line));
  const sends = Array.from({ length: 100 }, (_, n) => ends.client.send(`message ${n}\n`));
  const counts = await Promise.all(sends);
  const total = counts.reduce((sum, [count]) => sum + count!, 0);
  assertEquals(log.filter((line) => line.includes(" > ")).length, 1);
  assertStringIncludes(log[0]!, `${total} B`);
  for (let n = 0; n < 100; n++) assertEquals(await ends.served.receive(), [`message ${n}`, null]);
});

Deno.test("sent is a lower bound of what the peer gets, and no frame is torn", async () => {
  await using ends = await overTcp();
  const frame = new Uint8Array(16 * 1024 * 1024).fill(7);
  const [, err] = await ends.client.send(frame, { timeout: 30 });
  assertEquals(err?.code, "timeout");
  assertEquals((await ends.client.send("later"))[1]?.code, "dirty");
  const closing = ends.client.close();
  const [got] = await ends.served.receive("*a");
  assert(got!.length >= err!.sent!, `${got!.length} came, sent said ${err!.sent}`);
  await closing;
});

Deno.test("close() after send loses nothing, with input unread and megabytes queued", async () => {
  for (const size of [6, 4_000_000]) {
    await using ends = await overTcp();
    await ends.served.send("unread input\n".repeat(1_000));
    await ends.client.peek(13);
    const text = "Q".repeat(size);
    ends.client.send(text);
    const closing = ends.client.close();
    const [got, err] = await ends.served.receive("*a", { encoding: "latin1" });
    assertEquals([got?.length, err], [size, null]);
    await ends.served.close();
    assertEquals(await closing, [true, null]);
  }
});

Deno.test("a peer that stops reading holds back only its own socket", async () => {
  await using stuck = await overTcp();
  await using lively = await overTcp();
  const held = stuck.client.send(new Uint8Array(32 * 1024 * 1024), { timeout: 0 });
  for (let round = 0; round < 50; round++) {
    await lively.client.send(`round ${round}\n`);
    assertEquals(await lively.served.receive(), [`round ${round}`, null]);
  }
  assertEquals(stuck.client.busy(), true);
  stuck.client.close_immediately();
  assertEquals((await held)[1]?.code, "closed");
});

Deno.test("a reset that a send hears of first is no clean end for a receive", async () => {
  const server = net.createServer((served) => {
    served.on("error", () => {});
    served.once("data", () => served.resetAndDestroy());
    served.write("half of the body");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  await using sock = await unwrap(
    connect("127.0.0.1", (server.address() as net.AddressInfo).port),
  );
  assertEquals((await sock.peek(16))[1], null);
  // The system tells the reset once: here to the send that meets it.
  let sent: Awaited<ReturnType<typeof sock.send>>;
  do {
    await turn();
    sent = await sock.send("x");
  } while (sent[1] === null);
  assertEquals(sent[1].code, "reset");
  assertEquals((await sock.receive("*a"))[1]?.code, "reset");
  assertEquals(await sock.receive(4, { encoding: "utf-8" }), ["half", null]);
  server.close();
});

Deno.test("a reset is told as such, after what had arrived before it", async () => {
  const server = net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const sock = await unwrap(connect("127.0.0.1", (server.address() as net.AddressInfo).port));
  const [served] = await accepted as [net.Socket];
  served.write("last words\n");
  await sock.peek(11);
  // Deno's own close() says a farewell first.
  served.resetAndDestroy();
  assertEquals(await sock.receive(), ["last words", null]);
  assertEquals((await sock.receive())[1]?.code, "reset");
  assertEquals((await sock.receive("*a"))[1]?.code, "reset");
  await sock.close();
  server.close();
  await once(server, "close");
});

Deno.test({
  name: "a timeout does not beat data that is in the kernel already",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using peer = await otherThread();
    await using sock = from_conn(peer.conn);
    for (let round = 0; round < 20; round++) {
      const waiting = sock.receive("*l", { timeout: 5 });
      // The loop is held up until long after the deadline.
      peer.spinUntilArrived(12);
      assertEquals(await waiting, ["in time", null]);
    }
  },
});

/** Runs a program and gives what it wrote and its status. */
async function run(args: string[], code: string, env: Record<string, string> = {}) {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  const cosocket = new URL("../../cosocket/mod.ts", import.meta.url).href;
  const thread = new URL("../../thread/mod.ts", import.meta.url).href;
  const imports = `import * as cosocket from "${cosocket}"; import * as thread from "${thread}";`;
  await Deno.writeTextFile(file, `${imports}\n${code}`);
  const { code: status, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", ...args, file],
    env: { NO_COLOR: "1", ...env },
    // A program that does not end by itself has failed.
    signal: AbortSignal.timeout(20_000),
  }).output();
  await Deno.remove(file);
  const decoder = new TextDecoder();
  return { status, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("without --allow-net every call returns no_permission that names the flag", async () => {
  const { stdout, status, stderr } = await run(
    [],
    `
    const tell = ([, err]) => console.log(err?.code, err?.message);
    tell(await cosocket.connect("127.0.0.1", 9));
    tell(await cosocket.tcp().connect("example.com", 80));
    tell(await cosocket.connect("127.0.0.1", 9, { keepidle: 1000 }));
    tell(await cosocket.connect("127.0.0.1", 9, { ssl: true }));
    tell(await cosocket.connect("/run/some.sock"));
    console.log(JSON.stringify(cosocket.pool_stats()));
  `,
  );
  assertEquals([status, stderr], [0, ""]);
  const lines = stdout.trim().split("\n");
  const flags = [
    "--allow-net=127.0.0.1:9",
    "--allow-net=example.com:80",
    "--allow-net=127.0.0.1:9",
    "--allow-net=127.0.0.1:9",
    "--allow-read=/run/some.sock",
  ];
  for (const [index, flag] of flags.entries()) {
    assertStringIncludes(lines[index]!, "no_permission");
    assertStringIncludes(lines[index]!, flag);
  }
  assertEquals(lines.at(-1), "[]");
});

Deno.test("an idle socket in the pool does not keep the program alive", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("hi"),
  );
  const { stdout, status } = await run(
    ["--allow-net"],
    `
    const sock = cosocket.tcp();
    await sock.connect("127.0.0.1", ${server.addr.port});
    await sock.send("GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n");
    for (;;) { const [line] = await sock.receive(); if (line === "") break; }
    await sock.receive(2);
    // For ever: nothing but the program's end closes it.
    console.log(sock.setkeepalive(1, { idle: 0 })[1], cosocket.pool_stats()[0].idle);
  `,
  );
  assertEquals([status, stdout.trim()], [0, "null 1"]);
});

Deno.test("a socket dropped without close is closed, reported once, and gives its place", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("hi"),
  );
  const { stdout, status } = await run(
    ["--allow-net", "--v8-flags=--expose-gc"],
    `
    const options = { pool_size: 1, timeout: 8000 };
    thread.on_error((err, about) => console.log(about.replace(/\\d+$/, ""), err.code));
    await (async () => { await cosocket.connect("127.0.0.1", ${server.addr.port}, options); })();
    const collecting = setInterval(gc, 5);
    const [sock, err] = await cosocket.connect("127.0.0.1", ${server.addr.port}, options);
    clearInterval(collecting);
    console.log("the next one:", err, sock.getreusedtimes());
    await sock.close();
  `,
  );
  assertEquals(stdout.trim().split("\n"), ["stream 127.0.0.1: closed", "the next one: null 0"]);
  assertEquals(status, 0);
});

Deno.test("a UDP socket dropped without close is closed, reported once, and its port is free", async () => {
  const { stdout, status } = await run(
    ["--allow-net", "--v8-flags=--expose-gc"],
    `
    let port = 0;
    const told = new Promise((resolve) =>
      thread.on_error((err, about) => resolve([about, err.code].join(" "))));
    await (async () => {
      const sock = cosocket.udp();
      await sock.bind("127.0.0.1", 0);
      port = sock.localaddr()[0].port;
    })();
    const collecting = setInterval(gc, 5);
    console.log(await told);
    clearInterval(collecting);
    for (;;) {
      const sock = cosocket.udp();
      const [, err] = await sock.bind("127.0.0.1", port);
      await sock.close();
      if (err === null) break;
    }
    console.log("free");
  `,
  );
  const [first, ...others] = stdout.trim().split("\n");
  assert(/^udp \S+ closed$/.test(first ?? ""), first);
  assertEquals([others, status], [["free"], 0]);
});

Deno.test("COEVENT_TRACE=1 writes the wire log, where the environment may be asked", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("hi"),
  );
  const code = `const [sock] = await cosocket.connect("127.0.0.1", ${server.addr.port});
    await sock.send("GET / HTTP/1.0\\r\\n\\r\\n"); await sock.receive(); await sock.close();`;
  const env = { COEVENT_TRACE: "1" };
  const asked = await run(["--allow-net", "--allow-env=COEVENT_TRACE"], code, env);
  assertStringIncludes(asked.stderr, `> "GET / HTTP/1.0\\r\\n\\r\\n" 18 B`);
  const refused = await run(["--allow-net"], code, env);
  assertEquals([refused.status, refused.stderr], [0, ""]);
});

Deno.test({
  name: "a connect that is given up in the moment when it succeeds leaves no connection",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const program = new URL("load/given_up.ts", import.meta.url).pathname;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "--no-check", "-A", program, "400"],
      env: { NO_COLOR: "1" },
    }).output();
    const decoder = new TextDecoder();
    assertEquals([decoder.decode(stdout), decoder.decode(stderr)], ["0\n", ""]);
  },
});
