import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { connect, dns, udp, unwrap } from "../../cosocket/mod.ts";
import { FakeClock, kill, newthread, wait } from "../../thread/mod.ts";
import { ask, echo, serve } from "./servers.ts";

const TYPES: Record<number, string> = { 1: "A", 16: "TXT", 28: "AAAA", 15: "MX" };

/** The data of a record on the wire. */
const DATA: Record<string, number[]> = {
  A: [10, 1, 2, 3],
  AAAA: [...new Array(15).fill(0), 1],
  TXT: [3, 111, 110, 101, 3, 116, 119, 111],
  // Preference 10, mail.test.
  MX: [0, 10, 4, 109, 97, 105, 108, 4, 116, 101, 115, 116, 0],
};

/**
 * A name server on loopback: `have.test` has a record of each type, with a TTL of `ttl`
 * seconds, `silent.test` gets no answer, and no other name exists.
 */
async function nameServer(ttl = 60) {
  const sock = udp({ timeout: 0 });
  await unwrap(sock.bind("127.0.0.1", 0));
  const queries: string[] = [];
  const listeners: (() => void)[] = [];
  const serving = newthread(async () => {
    for (;;) {
      const [received, err] = await sock.receivefrom();
      if (err !== null) return;
      const [query, from] = received;
      const labels: string[] = [];
      let at = 12;
      for (; query[at] !== 0; at += query[at]! + 1) {
        labels.push(new TextDecoder().decode(query.subarray(at + 1, at + 1 + query[at]!)));
      }
      const name = labels.join(".").toLowerCase();
      const type = TYPES[query[at + 1]! * 256 + query[at + 2]!] ?? "?";
      queries.push(`${name} ${type}`);
      for (const heard of listeners.splice(0)) heard();
      if (name === "silent.test") continue;
      const data = name === "have.test" ? DATA[type] : undefined;
      const question = query.subarray(12, at + 5);
      const head = [query[0]!, query[1]!, 0x81, name === "have.test" ? 0x80 : 0x83];
      const counts = [0, 1, 0, data === undefined ? 0 : 1, 0, 0, 0, 0];
      const number = query[at + 2]!;
      const answer = data === undefined
        ? []
        : [0xc0, 12, 0, number, 0, 1, 0, 0, 0, ttl, 0, data.length, ...data];
      const packet = Uint8Array.from([...head, ...counts, ...question, ...answer]);
      await sock.sendto(packet, from.ip, from.port);
    }
  });
  const { port } = unwrap(sock.localaddr());
  return {
    name_server: { ip: "127.0.0.1", port },
    queries,
    /** Waits until so many queries have come. */
    async heard(count: number) {
      while (queries.length < count) {
        await new Promise<void>((resolve) => listeners.push(resolve));
      }
    },
    async [Symbol.asyncDispose]() {
      await sock.close();
      await wait(serving);
      dns.forget();
      dns.set_cache({ life: 30_000, negative_life: 5_000, size: 1_000 });
    },
  };
}

Deno.test("resolve() gives the records of every type as the name server has them", async () => {
  await using server = await nameServer();
  const { name_server } = server;
  const four: [string[] | null, unknown] = await dns.resolve4("have.test", { name_server });
  assertEquals(four, [["10.1.2.3"], null]);
  assertEquals(await dns.resolve6("have.test", { name_server }), [["::1"], null]);
  const [texts] = await dns.resolve("have.test", "TXT", { name_server });
  assertEquals(texts, [["one", "two"]]);
  const [mail] = await dns.resolve("have.test", "MX", { name_server });
  assertEquals([mail?.[0]?.preference, mail?.[0]?.exchange], [10, "mail.test."]);
});

Deno.test("answers are kept, each for its life, and so is that there is none", async () => {
  using clock = new FakeClock();
  await using server = await nameServer();
  const { name_server } = server;
  dns.set_cache({ life: 1_000, negative_life: 100 });
  const four = async (name: string) => (await dns.resolve4(name, { name_server }))[1]?.code;
  for (const name of ["have.test", "none.test"]) {
    const wanted = name === "have.test" ? undefined : "not_found";
    for (let n = 0; n < 3; n++) assertEquals(await four(name), wanted);
  }
  assertEquals(server.queries, ["have.test A", "none.test A"]);
  await clock.tick(101);
  await four("have.test");
  await four("none.test");
  assertEquals(server.queries.length, 3);
  await clock.tick(1_000);
  await four("have.test");
  assertEquals(server.queries.length, 4);
  await dns.resolve4("have.test", { name_server, cached: false });
  dns.forget("have.test");
  await four("have.test");
  assertEquals(server.queries.length, 6);
});

Deno.test("addresses are kept no longer than their TTL", async () => {
  using clock = new FakeClock();
  await using server = await nameServer(2);
  const { name_server } = server;
  for (const left of [1_999, 2, 0]) {
    await dns.resolve4("have.test", { name_server });
    await clock.tick(left);
  }
  assertEquals(server.queries, ["have.test A", "have.test A"]);
});

Deno.test("an answer with a TTL of 0 is not kept", async () => {
  await using server = await nameServer(0);
  const { name_server } = server;
  for (let n = 0; n < 2; n++) await dns.resolve6("have.test", { name_server });
  assertEquals(server.queries, ["have.test AAAA", "have.test AAAA"]);
});

Deno.test("who asks the same at a time shares one question, and may leave it alone", async () => {
  await using server = await nameServer();
  const { name_server } = server;
  const abort = new AbortController();
  const all = [1, 2, 3].map((n) =>
    dns.resolve(
      "have.test",
      "MX",
      n === 1 ? { name_server, signal: abort.signal } : { name_server },
    )
  );
  abort.abort();
  const [first, ...others] = await Promise.all(all);
  assertEquals(first![1]?.code, "cancelled");
  // Records too are one's own.
  for (const [records] of others) {
    assertEquals(records?.[0]?.exchange, "mail.test.");
    records![0]!.exchange = "changed";
  }
  assertEquals(
    (await dns.resolve("have.test", "MX", { name_server }))[0]?.[0]?.exchange,
    "mail.test.",
  );
  assertEquals(server.queries, ["have.test MX"]);
});

Deno.test("the cache keeps no more than its size, the least recently used go first", async () => {
  await using server = await nameServer();
  const { name_server } = server;
  dns.set_cache({ size: 2 });
  for (const type of ["A", "AAAA", "A", "TXT", "A", "AAAA"] as const) {
    await dns.resolve("have.test", type, { name_server });
  }
  assertEquals(server.queries, ["A", "AAAA", "TXT", "AAAA"].map((type) => `have.test ${type}`));
  // What a caller does with its list is its own affair.
  const [list] = await dns.resolve4("have.test", { name_server });
  list!.push("changed");
  assertEquals((await dns.resolve4("have.test", { name_server }))[0], ["10.1.2.3"]);
});

Deno.test("a name server that is silent is left by timeout, signal and kill, and not remembered", async () => {
  await using server = await nameServer();
  const { name_server } = server;
  const [, late] = await dns.resolve4("silent.test", { name_server, timeout: 20 });
  assertEquals(late?.code, "timeout");
  const abort = new AbortController();
  const aborted = dns.resolve4("silent.test", { name_server, signal: abort.signal });
  abort.abort();
  assertEquals((await aborted)[1]?.code, "cancelled");
  const before = server.queries.length;
  const thread = newthread(() => dns.resolve4("silent.test", { name_server }));
  await server.heard(before + 1);
  assertStringIncludes(thread.state, "resolve silent.test A");
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
});

Deno.test("lookup() knows the hosts file, addresses, and what has none", async () => {
  dns.forget();
  assert(unwrap(await dns.lookup("localhost", { family: 4 })).includes("127.0.0.1"));
  assertEquals(await dns.lookup("127.0.0.1"), [["127.0.0.1"], null]);
  // Too long for a name: no name server is asked.
  assertEquals((await dns.lookup("x".repeat(300)))[1]?.code, "dns");
});

Deno.test("the module is a resolver for connect()", async () => {
  await using server = serve(echo);
  const sock = await unwrap(connect("localhost", server.port, { resolver: dns }));
  await ask(sock, "found");
  await sock.close();
});

Deno.test("resolve() of what can be no name is dns, and not kept as a name that does not exist", async () => {
  await using server = await nameServer();
  const { name_server } = server;
  for (let round = 0; round < 2; round++) {
    const [, err] = await dns.resolve4("no name", { name_server });
    assertEquals(err?.code, "dns");
    assertStringIncludes(err!.message, "Cannot resolve no name A: ");
  }
  assertEquals(server.queries, []);
});

Deno.test("resolve() whose signal is aborted asks nobody, whoever would be asked", async () => {
  await using server = await nameServer();
  const { name_server } = server;
  const signal = AbortSignal.abort();
  for (const options of [{ signal }, { signal, name_server }]) {
    assertEquals((await dns.resolve4("have.test", options))[1]?.code, "cancelled");
  }
  assertEquals(server.queries, []);
});

Deno.test("without permission resolve() names the name server, lookup() the name", async () => {
  const module = new URL("../../cosocket/mod.ts", import.meta.url).href;
  const program = `import { dns } from "${module}";
    const tell = ([, err]) => console.log(err ? err.code + " " + err.message : "fine");
    tell(await dns.resolve4("have.test", { name_server: { ip: "127.0.0.1", port: 5300 } }));
    tell(await dns.lookup("localhost"));
    tell(await dns.lookup("no host"));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", "--no-prompt"],
      `data:text/typescript,${encodeURIComponent(program)}`,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trim().split("\n"), [
    "no_permission Cannot resolve have.test A: it needs --allow-net=127.0.0.1:5300",
    "no_permission Cannot look up localhost: it needs --allow-net=localhost",
    "dns Cannot look up no host: that can be no host",
  ]);
});

Deno.test("misuse throws and names the argument", async () => {
  assertThrows(() => dns.set_cache({ life: -1 }), RangeError, "set_cache: life");
  const wrong: [call: () => Promise<unknown>, words: string][] = [
    [() => dns.resolve4(""), "resolve: name"],
    [() => dns.resolve("a", "B" as "A"), "resolve: type must be one of A, AAAA"],
    [() => dns.resolve4("a", { name_server: { ip: "a" } }), "name_server: ip"],
    [() => dns.resolve4("a", { name_server: { ip: "::1", port: 0 } }), "name_server: port"],
    [() => dns.lookup("a", { family: 5 as 4 }), "lookup: family"],
  ];
  for (const [call, words] of wrong) {
    const error = await call().then(() => null, (error) => error);
    assertStringIncludes(error.message, words);
  }
});
