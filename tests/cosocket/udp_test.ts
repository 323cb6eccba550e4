import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { udp, type UdpOption, unwrap } from "../../cosocket/mod.ts";
import { kill, newthread, sleep, wait } from "../../thread/mod.ts";
import { freePort, peerTest } from "../peers.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Two sockets that are each other's peer. */
async function both() {
  const [a, b] = [udp({ encoding: "utf-8" }), udp({ encoding: "utf-8" })];
  await unwrap(a.bind("127.0.0.1", 0));
  await unwrap(b.bind("127.0.0.1", 0));
  await unwrap(a.setpeername("127.0.0.1", unwrap(b.localaddr()).port));
  await unwrap(b.setpeername("127.0.0.1", unwrap(a.localaddr()).port));
  return {
    a,
    b,
    async [Symbol.asyncDispose]() {
      await Promise.all([a.close(), b.close()]);
    },
  };
}

Deno.test("receive() gives one datagram each, whole, never joined, an empty one too", async () => {
  await using ends = await both();
  for (const text of ["one", "", ["two ", 2, ["\n"]], "ü"]) await unwrap(ends.a.send(text));
  for (const text of ["one", "", "two 2\n", "ü"]) {
    assertEquals(await ends.b.receive(), [text, null]);
  }
  assertEquals(await ends.b.send("back"), [4, null]);
  assertEquals(await ends.a.receive(), ["back", null]);
});

Deno.test("receivefrom() says where it came from, sendto() answers there", async () => {
  await using server = udp();
  await unwrap(server.bind("127.0.0.1", 0));
  const { port } = unwrap(server.localaddr());
  const clients = await Promise.all([1, 2, 3].map(async (n) => {
    const client = udp({ encoding: "latin1" });
    await unwrap(client.setpeername("localhost", port));
    await unwrap(client.send(`from ${n}`));
    return client;
  }));
  for (const _ of clients) {
    const [bytes, from] = await unwrap(server.receivefrom());
    assertEquals([from.family, from.ip], ["udp", "127.0.0.1"]);
    await unwrap(server.sendto([bytes, "!"], from.ip, from.port));
  }
  for (const [index, client] of clients.entries()) {
    const [text]: [string | null, unknown] = await client.receive();
    assertEquals(text, `from ${index + 1}!`);
    await client.close();
  }
});

Deno.test("with a peer, the datagrams of others are dropped", async () => {
  await using ends = await both();
  await using stranger = udp();
  const { port } = unwrap(ends.b.localaddr());
  await unwrap(stranger.sendto("stranger", "127.0.0.1", port));
  await unwrap(ends.a.send("friend"));
  assertEquals(await ends.b.receive(), ["friend", null]);
  assertEquals(ends.b.pending, 0);
  assertEquals(ends.b.remoteaddr()?.port, unwrap(ends.a.localaddr()).port);
});

Deno.test("a receive that times out, is aborted, killed or interrupted loses no datagram", async () => {
  await using ends = await both();
  assertEquals((await ends.b.receive({ timeout: 5 }))[1]?.code, "timeout");
  const abort = new AbortController();
  const aborted = ends.b.receive({ signal: abort.signal });
  abort.abort();
  assertEquals((await aborted)[1]?.code, "cancelled");
  const thread = newthread(() => ends.b.receive({ timeout: 0 }));
  assertStringIncludes(thread.state, "receive from 127.0.0.1:");
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  const waiting = ends.b.receive();
  assertEquals([ends.b.busy(), (await ends.b.receive())[1]?.code], [true, "busy"]);
  assertEquals(ends.b.interrupt(), [true, null]);
  assertEquals((await waiting)[1]?.code, "cancelled");
  assertEquals(ends.b.interrupt()[1]?.code, "idle");
  await unwrap(ends.a.send("still here"));
  assertEquals(await ends.b.receive(), ["still here", null]);
});

Deno.test("datagrams wait up to max_queue and max_bytes, the rest is dropped and counted", async () => {
  await using few = udp({ max_queue: 3, encoding: "utf-8" });
  await unwrap(few.bind("127.0.0.1", 0));
  await using small = udp({ max_bytes: 10, encoding: "utf-8" });
  await unwrap(small.bind("127.0.0.1", 0));
  await using sender = udp();
  for (const [sock, kept] of [[few, 3], [small, 2]] as const) {
    const { port } = unwrap(sock.localaddr());
    for (let n = 0; n < 6; n++) await unwrap(sender.sendto(`n ${n}.`, "127.0.0.1", port));
    while (sock.pending + sock.dropped < 6) await sleep(1);
    assertEquals([sock.pending, sock.dropped], [kept, 6 - kept]);
    for (let n = 0; n < kept; n++) assertEquals(await sock.receive(), [`n ${n}.`, null]);
  }
});

Deno.test("bad_text stays until it is taken otherwise, and the next ones behind it", async () => {
  await using ends = await both();
  await using raw = udp();
  await unwrap(raw.bind("127.0.0.1", 0));
  await unwrap(ends.a.setpeername("127.0.0.1", unwrap(raw.localaddr()).port));
  await unwrap(ends.a.send(Uint8Array.of(0xff)));
  assertEquals(await raw.receive(), [Uint8Array.of(0xff), null]);
  await unwrap(ends.a.setpeername("127.0.0.1", unwrap(ends.b.localaddr()).port));
  await unwrap(ends.a.send(Uint8Array.of(0xff)));
  for (const _ of [1, 2]) assertEquals((await ends.b.receive())[1]?.code, "bad_text");
  assertEquals(ends.b.pending, 1);
});

Deno.test("the largest datagram passes, and one byte more is too_long", async () => {
  await using ends = await both();
  const largest = "x".repeat(65_507);
  assertEquals(await ends.a.send(largest), [65_507, null]);
  assertEquals((await ends.b.receive())[0]?.length, 65_507);
  assertEquals((await ends.a.send(`${largest}x`))[1]?.code, "too_long");
});

Deno.test("bind() says in_use, unreachable and busy, and takes a name", async () => {
  await using a = udp();
  await unwrap(a.bind("localhost", 0));
  const { ip, port } = unwrap(a.localaddr());
  assertEquals(ip, "127.0.0.1");
  await using b = udp();
  assertEquals((await b.bind("127.0.0.1", port))[1]?.code, "in_use");
  assertEquals((await b.bind("192.0.2.1", 0))[1]?.code, "unreachable");
  assertEquals((await a.bind("127.0.0.1", 0))[1]?.code, "busy");
  // Too long for a name: no name server is asked.
  assertEquals((await b.sendto("x", "x".repeat(300), 9))[1]?.code, "dns");
  // What failed left it as it was.
  assertEquals(await b.bind("*", 0), [true, null]);
  assertEquals(unwrap(b.localaddr()).ip, "0.0.0.0");
});

Deno.test("IPv6 goes to IPv6, and a socket of IPv4 says that it cannot", async () => {
  await using six = udp({ encoding: "utf-8" });
  await unwrap(six.bind("::1", 0));
  const { port } = unwrap(six.localaddr());
  await using client = udp();
  await unwrap(client.setpeername("::1", port));
  await unwrap(client.send("six"));
  const [text, from] = await unwrap(six.receivefrom());
  assertEquals([text, from.ip], ["six", "::1"]);
  await using four = udp();
  await unwrap(four.bind("127.0.0.1", 0));
  assertEquals((await four.sendto("x", "::1", port))[1]?.code, "unsupported");
});

Deno.test("setoption(), join_group() and leave_group() set what the system has", async () => {
  await using sock = udp({ encoding: "utf-8" });
  assertEquals(sock.setoption("broadcast", true)[1]?.code, "closed");
  await unwrap(sock.bind("0.0.0.0", 0));
  const options: [UdpOption, boolean | number][] = [
    ["broadcast", true],
    ["ttl", 4],
    ["multicast_ttl", 1],
    ["multicast_loopback", true],
  ];
  for (const [name, value] of options) assertEquals(sock.setoption(name, value), [true, null]);
  assertEquals(sock.join_group("239.1.2.3", "127.0.0.1"), [true, null]);
  assertEquals(sock.leave_group("239.1.2.3", "127.0.0.1"), [true, null]);
  assertEquals(sock.leave_group("239.1.2.3", "127.0.0.1")[0], null);
});

Deno.test("a broadcast reaches who is bound to every address, once it is switched on", async () => {
  await using here = udp({ encoding: "utf-8" });
  await unwrap(here.bind("0.0.0.0", 0));
  const { port } = unwrap(here.localaddr());
  await using sender = udp();
  await unwrap(sender.bind("127.0.0.1", 0));
  assertEquals((await sender.sendto("x", "127.255.255.255", port))[1]?.code, "io");
  await unwrap(sender.setoption("broadcast", true));
  assertEquals(await sender.sendto("to all", "127.255.255.255", port), [6, null]);
  assertEquals(await here.receive(), ["to all", null]);
});

Deno.test("a datagram to a group reaches its members, and no more after they have left", async () => {
  await using member = udp({ encoding: "utf-8" });
  await unwrap(member.bind("0.0.0.0", 0));
  await unwrap(member.join_group("239.1.2.3", "127.0.0.1"));
  const { port } = unwrap(member.localaddr());
  await using sender = udp();
  await unwrap(sender.bind("0.0.0.0", 0));
  await unwrap(sender.setoption("multicast_interface", "127.0.0.1"));
  await unwrap(sender.sendto("to the group", "239.1.2.3", port));
  assertEquals(await member.receive(), ["to the group", null]);
  await unwrap(member.leave_group("239.1.2.3", "127.0.0.1"));
  await unwrap(sender.sendto("to nobody", "239.1.2.3", port));
  await unwrap(sender.sendto("last", "127.0.0.1", port));
  assertEquals(await member.receive(), ["last", null]);
  await using six = udp();
  await unwrap(six.bind("::1", 0));
  assertEquals(six.setoption("multicast_ttl", 1)[1]?.code, "unsupported");
});

Deno.test("close() wakes who waits, later calls say closed, and it can be closed again", async () => {
  const sock = udp();
  assertEquals((await sock.receive())[1]?.code, "closed");
  assertEquals((await sock.send("x"))[1]?.code, "closed");
  await unwrap(sock.bind("127.0.0.1", 0));
  const waiting = sock.receive({ timeout: 0 });
  assertEquals([await sock.close(), await sock.close(), sock.closed()], [
    [true, null],
    [true, null],
    true,
  ]);
  assertEquals((await waiting)[1]?.code, "closed");
  const later = [
    sock.receive(),
    sock.send("x"),
    sock.bind("127.0.0.1", 0),
    sock.sendto("x", "::", 9),
  ];
  for (const call of later) assertEquals((await call)[1]?.code, "closed");
  assertEquals(sock.localaddr()[1]?.code, "closed");
});

Deno.test("receive() whose signal is aborted is cancelled, and the datagram at hand stays", async () => {
  await using sock = udp({ encoding: "utf-8" });
  await unwrap(sock.bind("127.0.0.1", 0));
  const { ip, port } = unwrap(sock.localaddr());
  await unwrap(sock.sendto("kept", ip, port));
  while (sock.pending === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  const [, err] = await sock.receive({ signal: AbortSignal.abort() });
  assertEquals(err?.code, "cancelled");
  assertEquals(await sock.receive(), ["kept", null]);
});

Deno.test("misuse throws and names the argument", async () => {
  await using sock = udp();
  await unwrap(sock.bind("127.0.0.1", 0));
  const wrong: [call: () => unknown, words: string][] = [
    [() => udp({ max_queue: 0 }), "udp: max_queue"],
    [() => udp({ encoding: "no-such" }), "encoding 'no-such'"],
    [() => sock.setoption("size" as "ttl", 1), "setoption knows broadcast"],
    [() => sock.setoption("constructor" as "ttl", 1), "setoption knows broadcast"],
    [() => sock.setoption("ttl", 0), "ttl must be a whole number from 1 to 255"],
    [() => sock.setoption("broadcast", 1), "broadcast must be true or false"],
    [
      () => sock.setoption("multicast_interface", "lo"),
      "multicast_interface must be an IP address",
    ],
    [() => sock.join_group("localhost"), "join_group: group"],
    [() => sock.settimeout(-1), "settimeout: ms"],
    [() => sock.bind("", 0), "bind: host"],
    [() => sock.bind("127.0.0.1", 70_000), "bind: port must be from 0 to 65535"],
    [() => sock.send({} as unknown as string), "send wants"],
  ];
  for (const [call, words] of wrong) {
    assertStringIncludes((assertThrows(call, Error) as Error).message, words);
  }
  for (const call of [sock.sendto("x", "127.0.0.1", 0), sock.setpeername("127.0.0.1", 0)]) {
    const error = await call.then(() => null, (error) => error);
    assertStringIncludes(error.message, "port must be from 1 to 65535");
  }
});

/** Runs a program with UDP in it under these flags. */
async function run(flags: string[], code: string): Promise<string[]> {
  const module = new URL("../../cosocket/mod.ts", import.meta.url).href;
  const program = `import { udp } from "${module}";
    const tell = ([, err]) => console.log(err ? err.code + " " + err.message : "fine");
    ${code}`;
  const { stdout, stderr, code: status } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", "--no-prompt", ...flags],
      `data:text/typescript,${encodeURIComponent(program)}`,
    ],
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(20_000),
  }).output();
  const decoder = new TextDecoder();
  // A program that does not end by itself is killed.
  assertEquals([status, decoder.decode(stderr)], [0, ""]);
  return decoder.decode(stdout).trim().split("\n");
}

Deno.test("without --allow-net every call returns no_permission that names the flag", async () => {
  const code = `
    await using a = udp();
    tell(await a.bind("127.0.0.1", 0));
    tell(await a.setpeername("127.0.0.1", 9));
    tell(await a.sendto("x", "::1", 9));`;
  const refused = await run([], code);
  const flags = ["127.0.0.1:0", "127.0.0.1:9", "[::1]:9"];
  for (const [index, flag] of flags.entries()) {
    assertStringIncludes(refused[index]!, "no_permission");
    assert(refused[index]!.endsWith(`it needs --allow-net=${flag}`), refused[index]);
  }
  const [, , unbound] = await run(
    ["--allow-net=127.0.0.1:9"],
    `
    await using a = udp();
    tell(await a.bind("127.0.0.1", 0));
    tell(await a.setpeername("127.0.0.1", 10));
    tell(await a.setpeername("127.0.0.1", 9));`,
  );
  assert(unbound!.endsWith("it needs --allow-net=0.0.0.0:0"), unbound);
  const exact = await run(
    ["--allow-net=127.0.0.1:9,0.0.0.0:0"],
    `
    await using a = udp();
    tell(await a.setpeername("127.0.0.1", 9));
    tell(await a.send("x"));
    Deno.permissions.revokeSync({ name: "net", host: "127.0.0.1:9" });
    tell(await a.send("x"));`,
  );
  assertEquals(exact.slice(0, 2), ["fine", "fine"]);
  assert(exact[2]!.endsWith("it needs --allow-net=127.0.0.1:9"), exact[2]);
});

Deno.test("a socket that nobody waits on does not keep the program alive", async () => {
  const said = await run(
    ["--allow-net"],
    `
    const a = udp();
    tell(await a.bind("127.0.0.1", 0));
    tell(await a.receive({ timeout: 5 }));`,
  );
  assertEquals(said[0], "fine");
  assertStringIncludes(said[1]!, "timeout");
});

Deno.test("close() settles although it is the last thing that a program does", async () => {
  const said = await run(
    ["--allow-net"],
    `
    const a = udp();
    tell(await a.bind("127.0.0.1", 0));
    tell(await a.close());`,
  );
  assertEquals(said, ["fine", "fine"]);
});

Deno.test("a bind whose thread is killed harms neither close() nor another thread's bind", async () => {
  for (const turns of [0, 1]) {
    const sock = udp();
    const first = newthread(() => sock.bind("127.0.0.1", 0));
    const second = newthread(() => sock.setpeername("127.0.0.1", 9));
    if (turns > 0) await sleep(0);
    kill(first);
    assertEquals(await wait(second), [true, null]);
    assertEquals(await sock.close(), [true, null]);
  }
  const sock = udp();
  kill(newthread(() => sock.bind("127.0.0.1", 0)));
  assertEquals(await sock.close(), [true, null]);
});

peerTest("socat: datagrams to and from a program that is not ours", ["socat"], async (paths) => {
  const port = freePort();
  const child = new Deno.Command(paths.socat, {
    // A process each, or what comes twice under load would leave as one.
    args: [`UDP4-RECVFROM:${port},bind=127.0.0.1,fork`, "EXEC:cat"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await using sock = udp();
    await unwrap(sock.setpeername("127.0.0.1", port));
    // Nobody tells when it listens: what is sent before is lost, as UDP has it.
    for (;;) {
      await unwrap(sock.send("hello"));
      const [bytes] = await sock.receive({ timeout: 20 });
      if (bytes === null) continue;
      assertEquals(bytes, utf8("hello"));
      break;
    }
  } finally {
    child.kill();
    await child.status;
  }
});
