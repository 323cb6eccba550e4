/**
 * What the system, the network and the clock can do to a program, beside what the proxy does:
 * each fault has a code, and nothing is lost or hangs. Faults that a module's own tests hold
 * already stand in the table at the end.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import * as net from "node:net";
import { connect, dns, listen, unwrap } from "../../cosocket/mod.ts";
import * as eio from "../../eio/mod.ts";
import { popen } from "../../process/mod.ts";
import { FakeClock, kill, newthread, sleep, startloop, wait } from "../../thread/mod.ts";
import { configArgs } from "../../tools/config.ts";
import { turn } from "../cosocket/servers.ts";

const LINUX = Deno.build.os === "linux";
const config = await configArgs();

/** Runs `fn` in a folder of its own. */
async function inFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "EMFILE: every call that opens something is exhausted, and fine when there is room again",
  ignore: !LINUX,
  fn: () =>
    inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/there`, "x");
      const flags = ["run", "-A", ...config, "tests/chaos/descriptors_program.ts", folder];
      const { stdout, stderr } = await new Deno.Command("sh", {
        args: ["-c", 'ulimit -n 80; exec "$0" "$@"', Deno.execPath(), ...flags],
        env: { NO_COLOR: "1" },
      }).output();
      const lines = new TextDecoder().decode(stdout).trim().split("\n");
      assert(lines.length >= 15, new TextDecoder().decode(stderr));
      const wrong = lines.filter((line) => !line.endsWith(": fine, exhausted, fine"));
      assertEquals(wrong, []);
    }),
});

Deno.test("ECONNRESET before accept: a client that is gone costs nobody else anything", async () => {
  const server = unwrap(await listen("127.0.0.1", 0));
  const gone = net.connect(server.port, "127.0.0.1");
  await once(gone, "connect");
  gone.resetAndDestroy();
  await once(gone, "close");
  const patient = connect("127.0.0.1", server.port);
  const accepted = await unwrap(server.accept());
  const client = await unwrap(patient);
  await client.send("still served\n");
  assertEquals(await accepted.receive(), ["still served", null]);
  await Promise.all([client.close(), accepted.close()]);
  await server.close();
});

Deno.test("a reset that a send hears of first is no clean end for the receive", async () => {
  const resets = net.createServer((peer) => {
    peer.on("error", () => {});
    peer.write("half of the bo", () => peer.once("data", () => peer.resetAndDestroy()));
  });
  resets.listen(0, "127.0.0.1");
  await once(resets, "listening");
  const { port } = resets.address() as net.AddressInfo;
  const sock = await unwrap(connect("127.0.0.1", port));
  await sock.peek(14);
  while ((await sock.send("x"))[1] === null) await turn();
  const [all, err] = await sock.receive("*a");
  assertEquals([all, err?.code], [null, "reset"]);
  await sock.close();
  resets.close();
  await once(resets, "close");
});

Deno.test({
  name: "EPIPE: a send to a child that has closed its input, or has ended, is reset",
  ignore: Deno.build.os === "windows",
  async fn() {
    const child = unwrap(popen("exec <&-; echo closed; read x; exit 3", "rw"));
    assertEquals(await child.receive(), ["closed", null]);
    let code: string | undefined;
    while (code === undefined) code = (await child.send("into the void\n"))[1]?.code;
    assertEquals(code, "reset");
    await child.close();
    // It reads from a closed input, and ends.
    assertEquals((await unwrap(child.wait())).code, 3);
  },
});

Deno.test({
  name: "ENOSPC: a file that write_atomic() cannot replace stays as it was, and no draft is left",
  ignore: !LINUX || Deno.uid() !== 0,
  fn: () =>
    inFolder(async (folder) => {
      const args = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder];
      const mount = await new Deno.Command("mount", { args, stderr: "null" }).output();
      // A container may forbid it; then there is no such file system to be had.
      if (!mount.success) return console.log("NOT RUN: mount is forbidden here");
      try {
        unwrap(await eio.write_atomic(`${folder}/kept`, "as it was"));
        const [, err] = await eio.write_atomic(`${folder}/kept`, new Uint8Array(1_000_000));
        assertEquals(err?.code, "no_space");
        assertEquals(await Deno.readTextFile(`${folder}/kept`), "as it was");
        assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["kept"]);
      } finally {
        await new Deno.Command("umount", { args: [folder] }).output();
      }
    }),
});

// DNS

const HEAD = 12;

/** An answer to a query, with one A record of 10.1.2.3. */
function honest(query: Uint8Array): number[] {
  const question = [...query.subarray(HEAD, query.indexOf(0, HEAD) + 5)];
  const record = [0xc0, HEAD, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 1, 2, 3];
  return [query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, ...question, ...record];
}

/** What a name server may say instead of the truth, and what may come of it. */
const LIES: Record<string, [lie: (query: Uint8Array) => number[], codes: string[]]> = {
  "nothing at all": [() => [], ["timeout"]],
  "an empty datagram, then silence": [() => [0], ["timeout", "dns"]],
  "the number of another query": [
    (query) => [query[0]! ^ 0xff, query[1]!, ...honest(query).slice(2)],
    ["timeout", "dns"],
  ],
  "an answer that is cut off": [(query) => honest(query).slice(0, -6), ["timeout", "dns"]],
  "a name that points to itself": [
    (query) => [...honest(query).slice(0, -16), 0xc0, query.length, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0],
    ["timeout", "dns"],
  ],
  "more records than there are": [
    (query) => honest(query).with(6, 0xff).with(7, 0xff),
    ["timeout", "dns"],
  ],
  // The runtime's resolver tells these two from a name that is not there in no way.
  "that it failed": [
    (query) => honest(query).with(3, 0x82).slice(0, -16).with(7, 0),
    ["dns", "not_found"],
  ],
  "that it refuses": [
    (query) => honest(query).with(3, 0x85).slice(0, -16).with(7, 0),
    ["dns", "not_found"],
  ],
  "that there is no such name": [
    (query) => honest(query).with(3, 0x83).slice(0, -16).with(7, 0),
    ["not_found"],
  ],
};

/** A name server on loopback that answers as `answer` says, or not at all. */
async function nameServer(answer: (query: Uint8Array) => number[]) {
  const socket = createSocket("udp4");
  socket.on(
    "message",
    (query: Uint8Array, { port, address }: { port: number; address: string }) => {
      const bytes = answer(query);
      if (bytes.length > 0) socket.send(Uint8Array.from(bytes), port, address);
    },
  );
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    name_server: { ip: "127.0.0.1", port: socket.address().port },
    async [Symbol.asyncDispose]() {
      dns.forget();
      socket.close();
      await once(socket, "close");
    },
  };
}

Deno.test("DNS that tells the truth is believed", async () => {
  await using server = await nameServer(honest);
  assertEquals(await dns.resolve4("truth.test", server), [["10.1.2.3"], null]);
});

for (const [what, [lie, codes]] of Object.entries(LIES)) {
  Deno.test(`DNS that says ${what} is ${codes.join(" or ")}, within the timeout, and not kept`, async () => {
    await using server = await nameServer(lie);
    const { name_server } = server;
    // One that is to be found out is waited for, however slow the machine is.
    const timeout = codes.includes("timeout") ? 150 : 20_000;
    const [addresses, err] = await dns.resolve4("lie.test", { name_server, timeout });
    assertEquals(addresses, null);
    assert(codes.includes(err!.code), `${err}`);
  });
}

Deno.test("DNS that hangs holds a connect no longer than its timeout", async () => {
  await using server = await nameServer(() => []);
  const { name_server } = server;
  const resolver = {
    lookup: (host: string, options = {}) => dns.resolve4(host, { ...options, name_server }),
  };
  const [sock, err] = await connect("hangs.test", 80, { resolver, timeout: 50 });
  assertEquals([sock, err?.code], [null, "timeout"]);
});

// The clock

Deno.test("a wall clock that jumps by an hour, either way, moves no deadline", async () => {
  const real = Date.now;
  for (const jump of [3_600_000, -3_600_000]) {
    const long = newthread(() => sleep(600_000));
    try {
      Date.now = () => real() + jump;
      await wait(newthread(() => sleep(5)));
      assertStringIncludes(long.state, "sleep");
      const server = unwrap(await listen("127.0.0.1", 0));
      assertEquals((await server.accept({ timeout: 5 }))[1]?.code, "timeout");
      await server.close();
    } finally {
      Date.now = real;
    }
    kill(long);
    await wait(long);
  }
});

Deno.test("a machine that wakes from a day of sleep finds its deadlines in their order", async () => {
  using clock = new FakeClock();
  const order: number[] = [];
  const done = startloop(async () => {
    for (const ms of [86_000_000, 10, 3_600_000, 500, 60_000]) {
      newthread(async () => {
        await sleep(ms);
        order.push(ms);
      });
    }
    await sleep(1);
  });
  await clock.tick(86_400_000);
  await done;
  assertEquals(order, [10, 500, 60_000, 3_600_000, 86_000_000]);
});

/** Faults that others' tests hold: the file, and words of a title in it. */
const ELSEWHERE: Record<string, [file: string, words: string]> = {
  "EMFILE in accept": ["cosocket/server_limits_test.ts", "runs out of descriptors"],
  "ENFILE, ENOBUFS, ENOMEM in accept": [
    "cosocket/server_test.ts",
    "the system has no more to give",
  ],
  "ENOSPC in the middle of a write": ["eio/file_test.ts", "on a small file system"],
  "ENOSPC under a log": ["log/file_test.ts", "full disk"],
  "a child that ignores TERM": ["process/stop_test.ts", "trap SIGTERM"],
  "a worker out of memory": ["context/deaths_test.ts", "out of memory"],
  "an event loop that was held up": ["cosocket/pool_test.ts", "died unheard"],
};

/** The beginning of a test, up to its title. */
const TITLE = /^ *(?:Deno\.test|peerTest)\((?:\{\s*name:)?\s*["'`]([^\n]*)/gm;

for (const [fault, [file, words]] of Object.entries(ELSEWHERE)) {
  Deno.test(`${fault} is held by tests/${file}`, async () => {
    const source = await Deno.readTextFile(`tests/${file}`);
    const titles = [...source.matchAll(TITLE)].map(([, title]) => title!);
    assert(titles.some((title) => title.includes(words)), `${words}: ${titles.join("\n")}`);
  });
}
