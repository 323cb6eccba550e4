/** Limits, options of the kernel, and the resources that a server uses. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect, listen, type ListenOptions, type TcpSocket, unwrap } from "../../cosocket/mod.ts";
import { run } from "../permissions.ts";
import { established, turn } from "./servers.ts";

const open = (options: ListenOptions<"lines"> = {}) => unwrap(listen("127.0.0.1", 0, options));

/** The rows of the kernel's table for sockets whose own end is a port. */
function rowsOf(port: number): string[][] {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return Deno.readTextFileSync("/proc/net/tcp").split("\n")
    .map((row) => row.trim().split(/\s+/))
    .filter((row) => row[1] === local);
}

/** How many connections wait in the queue of a port. */
function queued(port: number): number {
  const listening = rowsOf(port).find((row) => row[3] === "0A")!;
  return parseInt(listening[4]!.split(":")[1]!, 16);
}

const LINUX = { ignore: Deno.build.os !== "linux" };

for (const [kind, options] of [["", {}], [" through node:net", { keepidle: 60_000 }]] as const) {
  Deno.test(`with maxconnections${kind}, the next ones wait until there is room`, async () => {
    await using server = await open({ ...options, maxconnections: 2 });
    let most = 0;
    const spawning = server.autospawn(async (sock) => {
      most = Math.max(most, server.connections);
      await sock.send("welcome\n");
      await sock.receive();
    });
    const clients = await Promise.all(
      [1, 2, 3, 4].map(() => unwrap(connect("127.0.0.1", server.port))),
    );
    const [one, two, three, four] = clients as [TcpSocket, TcpSocket, TcpSocket, TcpSocket];
    for (const client of [one, two]) assertEquals(await client.receive(), ["welcome", null]);
    for (const client of [three, four]) {
      assertEquals((await client.receive("*l", { timeout: 5 }))[1]?.code, "timeout");
    }
    assertEquals(server.connections, 2);
    if (kind === "" && Deno.build.os === "linux") assertEquals(queued(server.port), 2);
    await one.close();
    assertEquals(await three.receive(), ["welcome", null]);
    assertEquals((await four.receive("*l", { timeout: 5 }))[1]?.code, "timeout");
    await two.close();
    assertEquals(await four.receive(), ["welcome", null]);
    assertEquals(most, 2);
    await Promise.all([three.close(), four.close()]);
    await server.close();
    assertEquals(await spawning, [true, null]);
  });
}

Deno.test("a connection that was handed on counts until it is closed", async () => {
  await using server = await open({ maxconnections: 1 });
  const handed: TcpSocket[] = [];
  const spawning = server.autospawn((sock) => {
    handed.push(sock);
    return sock;
  });
  await using one = await unwrap(connect("127.0.0.1", server.port));
  await using two = await unwrap(connect("127.0.0.1", server.port));
  while (handed.length === 0) await turn();
  for (let n = 0; n < 5; n++) await turn();
  assertEquals([handed.length, server.connections], [1, 1]);
  await handed[0]!.close();
  while (handed.length === 1) await turn();
  assert(!one.closed() && !two.closed());
  await handed[1]!.close();
  await server.close();
  await spawning;
});

Deno.test(
  "a server that nobody waits on leaves connections in the kernel's queue",
  LINUX,
  async () => {
    await using server = await open();
    const clients = await Promise.all(
      [1, 2, 3].map(() => unwrap(connect("127.0.0.1", server.port))),
    );
    assertEquals([queued(server.port), server.connections], [3, 0]);
    for (const client of clients) {
      await client.close();
      await (await unwrap(server.accept())).close();
    }
  },
);

Deno.test("backlog is the kernel's queue", LINUX, async () => {
  await using server = await open({ backlog: 1 });
  const dial = (timeout: number) => connect("127.0.0.1", server.port, { timeout });
  // Linux queues one more than it was told.
  const queued = [await unwrap(dial(0)), await unwrap(dial(0))];
  const late = await Promise.all([dial(40), dial(40)]);
  assertEquals(late.map(([, err]) => err?.code), ["timeout", "timeout"]);
  for (const sock of queued) await sock.close();
});

Deno.test("nodelay, keepalive and keepidle reach the kernel", LINUX, async () => {
  for (const options of [{}, { keepalive: true }, { keepidle: 60_000 }]) {
    await using server = await open({ ...options, nodelay: false });
    const [client, [served]] = await Promise.all([
      unwrap(connect("127.0.0.1", server.port)),
      server.accept(),
    ]);
    const row = rowsOf(server.port).find((row) => row[3] === "01")!;
    const [active, when] = row[5]!.split(":");
    // 02 is the keepalive timer; its time is in hundredths of a second.
    assertEquals(active, options.keepalive || options.keepidle ? "02" : "00");
    if (options.keepidle) assert(parseInt(when!, 16) <= 6_000, when);
    if (options.keepalive) assert(parseInt(when!, 16) > 700_000, when);
    await client.close();
    await served!.close();
  }
});

Deno.test("sockets of a server have its encoding and timeout", async () => {
  await using server = await unwrap(
    listen("127.0.0.1", 0, { encoding: "latin1", timeout: 20 }),
  );
  const [client, [served]] = await Promise.all([
    unwrap(connect("127.0.0.1", server.port)),
    server.accept(),
  ]);
  await client.send(Uint8Array.of(0xff, 0x00, 0xe9, 10));
  const [text] = await served!.receive(4);
  assertEquals(text!.toUpperCase(), "\xff\0\xc9\n".toUpperCase());
  const [, err] = await served!.receive();
  assertEquals(err?.code, "timeout");
  assertStringIncludes(err!.message, "20 ms");
  await Promise.all([client.close(), served!.close()]);
});

Deno.test("sockets of a server have its limits, unless a call says otherwise", async () => {
  await using server = await open({ max_line: 10, max: 100 });
  const [client, [served]] = await Promise.all([
    unwrap(connect("127.0.0.1", server.port)),
    server.accept(),
  ]);
  await client.send("a line of more than ten bytes\n");
  assertEquals((await served!.receive())[1]?.code, "too_long");
  assertEquals((await served!.receive("*l", { max: 20 }))[1]?.code, "too_long");
  const [line] = await served!.receive("*l", { max: 50 });
  assertEquals(line, "a line of more than ten bytes");
  assertEquals((await served!.receive(101))[1]?.code, "too_long");
  await client.send("x".repeat(101));
  assertEquals((await served!.receive(101, { max: 101 }))[0]?.length, 101);
  await Promise.all([client.close(), served!.close()]);
});

// Addresses

Deno.test("'*' is both families, and shows IPv4 peers as such", async () => {
  await using server = await unwrap(listen("*", 0));
  for (const host of ["127.0.0.1", "::1"]) {
    const [client, [served]] = await Promise.all([
      unwrap(connect(host, server.port)),
      server.accept(),
    ]);
    assertEquals(served!.remoteaddr(), client.localaddr());
    assertEquals(served!.localaddr()[0], { family: "tcp", ip: host, port: server.port });
    await Promise.all([client.close(), served!.close()]);
  }
});

const FAMILIES: [host: string, family: 4 | 6, ip: string, answers: string, refuses: string][] = [
  ["*", 4, "0.0.0.0", "127.0.0.1", "::1"],
  ["::1", 6, "::1", "::1", "127.0.0.1"],
  ["localhost", 4, "127.0.0.1", "127.0.0.1", "::1"],
];

for (const [host, family, ip, answers, refuses] of FAMILIES) {
  Deno.test(`listen("${host}") with family ${family} takes that family only`, async () => {
    await using server = await unwrap(listen(host, 0, { family }));
    assertEquals(server.address(), { family: "tcp", ip, port: server.port });
    const [client, [served]] = await Promise.all([
      unwrap(connect(answers, server.port)),
      server.accept(),
    ]);
    assertEquals((await connect(refuses, server.port))[1]?.code, "refused");
    await Promise.all([client.close(), served!.close()]);
  });
}

Deno.test("a host that is a name is looked up", async () => {
  await using server = await unwrap(listen("localhost", 0));
  const [client, [served]] = await Promise.all([
    unwrap(connect("localhost", server.port)),
    server.accept(),
  ]);
  await Promise.all([client.close(), served!.close()]);
});

Deno.test("all of IPv6 alone is unsupported, for the runtime cannot keep IPv4 out", async () => {
  for (const host of ["*", "::", "[::]"]) {
    const [, err] = await listen(host, 0, { family: 6 });
    assertEquals(err?.code, "unsupported");
  }
});

// Other processes

const OWN = new URL("../../cosocket/mod.ts", import.meta.url);

/** A program of a few lines that has `listen`, `connect` and `unwrap`. */
const program = (body: string) => `import { connect, listen, unwrap } from "${OWN}";\n${body}`;

async function runProgram(body: string, flags: string[] = ["--allow-net=127.0.0.1"]) {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, program(body));
  try {
    return await run(["run", "--no-check", "--no-prompt", ...flags, file]);
  } finally {
    await Deno.remove(file);
  }
}

const LIVES: Record<string, [body: string, prints: string]> = {
  "ends while nobody waits": ["", "end"],
  "ends after an accept that timed out": ["await server.accept({ timeout: 1 });", "end"],
  "ends while an unref'd server is waited on": ["server.unref(); server.accept();", "end"],
  "goes on while somebody waits": [
    `server.accept().then(([sock]) => { console.log("accepted"); sock.close(); });
     setTimeout(() => connect("127.0.0.1", server.port).then(([sock]) => sock.close()), 20);`,
    "end\naccepted",
  ],
};

for (const [what, [body, prints]] of Object.entries(LIVES)) {
  Deno.test(`a program with a server ${what}`, async () => {
    const { success, output } = await runProgram(
      `const server = await unwrap(listen("127.0.0.1", 0));\n${body}\nconsole.log("end");`,
    );
    assertEquals([success, output.trim()], [true, prints]);
  });
}

Deno.test("several processes share a port with reuseport", LINUX, async () => {
  await using first = await open({ reuseport: true });
  const body = `const server = await unwrap(
      listen("127.0.0.1", ${first.port}, { reuseport: true }));
    console.log("listening");
    await server.autospawn((sock) => sock.send("second"));`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, program(body));
  const args = ["run", "--no-check", "--no-prompt", "--allow-net=127.0.0.1", file];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
  const output = child.stdout.getReader();
  await output.read();
  const spawning = first.autospawn((sock) => sock.send("first"));
  const served = new Set<unknown>();
  // The kernel spreads by address: 60 in a row on one side would be a wonder.
  for (let n = 0; n < 60; n++) {
    await using sock = await unwrap(connect("127.0.0.1", first.port));
    served.add((await sock.receive("*a", { encoding: "utf-8" }))[0]);
  }
  child.kill("SIGTERM");
  await output.cancel();
  await child.status;
  await Deno.remove(file);
  assertEquals([...served].sort(), ["first", "second"]);
  await first.close();
  await spawning;
});

const HOLD = `
  let paused = 0, held = 0;
  const onerror = (err) => err.code === "exhausted" ? paused++ : console.log(err);
  const server = await unwrap(listen("127.0.0.1", 0, { onerror }));
  server.autospawn(async (sock) => {
    held++;
    await sock.send("hello\\n");
    await sock.receive();
    held--;
  });
  console.log(server.port);
  const until = async (test) => { while (!test()) await new Promise((go) => setTimeout(go, 5)); };
  await until(() => paused > 0);
  console.log("paused", held > 20);
  await until(() => held === 0);
  console.log("recovered");
  await server.close();`;

Deno.test("a server that runs out of descriptors pauses and recovers", LINUX, async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, program(HOLD));
  const flags = "--no-check --no-prompt --allow-net=127.0.0.1";
  const child = new Deno.Command("sh", {
    args: ["-c", `ulimit -n 64; exec "${Deno.execPath()}" run ${flags} "${file}"`],
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let output = "";
  const said = async (words: string) => {
    while (!output.includes(words)) {
      const { value, done } = await lines.read();
      if (done) throw new Error(`it ended without '${words}': ${output}`);
      output += value;
    }
  };
  await said("\n");
  const port = Number(output.split("\n")[0]);
  const clients = await Promise.all(
    Array.from({ length: 100 }, () => unwrap(connect("127.0.0.1", port))),
  );
  await said("paused true");
  // Every one of them is served in the end.
  for (const client of clients) {
    assertEquals(await client.receive(), ["hello", null]);
    await client.close();
  }
  await said("recovered");
  while (!(await lines.read()).done);
  assertEquals((await child.status).success, true);
  await Deno.remove(file);
  assertEquals(established(port), 0);
});

// Permissions

const REFUSALS: [call: string, flags: string[], needs: string][] = [
  [`listen("0.0.0.0", 8080)`, [], "--allow-net=0.0.0.0:8080"],
  [`listen("*", 8080)`, [], "--allow-net=[::]:8080"],
  [`listen("localhost", 8080)`, [], "--allow-net=localhost:8080"],
  [`listen("localhost", 8080, { family: 4 })`, [], "--allow-net=localhost"],
  [`listen("127.0.0.1", 8080, { reuseport: true })`, [], "--allow-net=127.0.0.1:8080"],
  [`listen("/tmp/x.sock")`, [], "--allow-read=/tmp/x.sock"],
  [`listen("/tmp/x.sock")`, ["--allow-read"], "--allow-write=/tmp/x.sock"],
  [`listen("/tmp/x.sock")`, ["--allow-read", "--allow-write"], "--allow-net=unix:/tmp/x.sock"],
];

for (const [call, flags, needs] of REFUSALS) {
  Deno.test(`${call} with ${flags.join(" ") || "no flag"} names ${needs}`, async () => {
    const { output } = await runProgram(
      `const [, err] = await ${call}; console.log(err.code, err.message);`,
      flags,
    );
    assertStringIncludes(output, `no_permission Cannot listen on `);
    assertStringIncludes(output, `it needs ${needs}`);
  });
}
