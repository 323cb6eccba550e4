/** Servers under load: many connections, slow and hostile ones, and what is left of them. */
import { assert, assertEquals } from "@std/assert";
import { connect, listen, type TcpSocket, unwrap } from "../../cosocket/mod.ts";
import { newthread, wait } from "../../thread/mod.ts";
import { sizes } from "../sizes.ts";
import type { Stats } from "./load/server.ts";
import { turn } from "./servers.ts";

// Slow and hostile clients

Deno.test("a client that does not read is held back by its own socket only", async () => {
  await using server = await unwrap(listen("127.0.0.1", 0));
  const PIECE = new Uint8Array(256 * 1024);
  const PIECES = 200;
  let sent = 0;
  const spawning = server.autospawn(async (sock) => {
    for await (const line of sock.lines()) {
      if (line !== "flood") await sock.send(`${line}\n`);
      else for (; sent < PIECES; sent++) await sock.send(PIECE);
    }
  });
  const slow = await unwrap(connect("127.0.0.1", server.port));
  const quick = await unwrap(connect("127.0.0.1", server.port));
  await slow.send("flood\n");
  for (let n = 0; n < 500; n++) {
    await quick.send(`${n}\n`);
    assertEquals(await quick.receive(), [`${n}`, null]);
  }
  // The kernel holds some megabytes of the fifty; the program holds one piece.
  assert(sent > 0 && sent < PIECES, `${sent} pieces were sent to one who does not read`);
  for (let n = 0; n < PIECES; n++) {
    assertEquals((await slow.receive(PIECE.length))[0]!.length, PIECE.length);
  }
  assertEquals(sent, PIECES);
  await Promise.all([slow.close(), quick.close()]);
  await server.close();
  await spawning;
});

Deno.test("clients that trickle bytes are cut by the timeout of the whole receive", async () => {
  await using server = await unwrap(listen("127.0.0.1", 0, { timeout: 60 }));
  const codes: unknown[] = [];
  let served = 0;
  const spawning = server.autospawn(async (sock) => {
    // The honest one, who comes first, may be as slow as this machine.
    if (served++ === 0) sock.settimeout(0);
    for (;;) {
      const [line, err] = await sock.receive();
      if (line === null) return void (err !== null && codes.push(err.code));
      await sock.send(`${line}\n`);
    }
  });
  await using honest = await unwrap(connect("127.0.0.1", server.port));
  await honest.send("first\n");
  assertEquals(await honest.receive(), ["first", null]);
  const loris = newthread(async () => {
    const socks = await Promise.all(
      Array.from({ length: 50 }, () => unwrap(connect("127.0.0.1", server.port))),
    );
    let open = socks.length;
    await wait(socks.map((sock) =>
      newthread(async () => {
        const trickle = setInterval(() => void sock.send("x"), 5);
        await sock.receive("*a", { timeout: 0 });
        clearInterval(trickle);
        open--;
        sock.close_immediately();
      })
    ));
    return open;
  });
  while (loris.state !== "ended") {
    await honest.send("still served\n");
    assertEquals(await honest.receive(), ["still served", null]);
  }
  assertEquals(await wait(loris), [0, null]);
  assertEquals(codes, Array(50).fill("timeout"));
  await honest.close();
  await server.close();
  await spawning;
});

Deno.test("clients that connect and reset, or leave in the queue, cost no connection", async () => {
  await using server = await unwrap(listen("127.0.0.1", 0));
  const gone = await Promise.all(
    Array.from({ length: 50 }, () => unwrap(connect("127.0.0.1", server.port))),
  );
  for (const sock of gone) sock.close_immediately();
  let ended = 0;
  const spawning = server.autospawn(async (sock) => {
    const [line] = await sock.receive();
    if (line === null) ended++;
    else await sock.send(line);
  });
  await using sock = await unwrap(connect("127.0.0.1", server.port));
  await sock.send("hello\n");
  assertEquals(await sock.receive("*a", { encoding: "utf-8" }), ["hello", null]);
  while (server.connections > 0) await turn();
  assertEquals(ended, 50);
  await server.close();
  await spawning;
});

// Many

/** A held connection may cost so many bytes of memory, its thread and buffers included. */
const MOST_EACH = 30_000;

/** Descriptors that a program of many connections needs beside them. */
const SPARE = 200;

/** How many descriptors a child process may have, at most `wanted`. */
async function descriptors(wanted: number): Promise<number> {
  const args = ["-c", `ulimit -n ${wanted} 2>/dev/null; ulimit -n`];
  const { stdout } = await new Deno.Command("sh", { args }).output();
  const limit = new TextDecoder().decode(stdout).trim();
  return limit === "unlimited" ? wanted : Number(limit);
}

/** A program of ours with so many descriptors, and its output line by line. */
class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #text = "";

  constructor(limit: number, file: string, ...args: string[]) {
    const flags = "-q --no-check --allow-all --v8-flags=--expose-gc";
    const command = `ulimit -n ${limit}; exec "$0" run ${flags} "$@"`;
    this.#child = new Deno.Command("sh", {
      args: ["-c", command, Deno.execPath(), `tests/cosocket/load/${file}.ts`, ...args],
      // Half a second after its start it would open a socket of its own, which would be counted.
      env: { DENO_NO_UPDATE_CHECK: "1" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#input = this.#child.stdin.getWriter();
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf("\n");
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 1);
        return line;
      }
      const { value, done } = await this.#output.read();
      if (done) throw new Error(`the program has ended; it said '${this.#text}'`);
      this.#text += value;
    }
  }

  tell(text: string): Promise<void> {
    return this.#input.write(new TextEncoder().encode(`${text}\n`));
  }

  endInput(): Promise<void> {
    return this.#input.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await this.#output.cancel();
    await this.#input.abort().catch(() => {});
  }
}

function mega(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** Asks the server about itself until it says what is expected. */
async function statsWhen(control: TcpSocket, settled: (stats: Stats) => boolean): Promise<Stats> {
  for (;;) {
    await control.send("stats\n");
    const stats: Stats = JSON.parse((await unwrap(control.receive()))!);
    if (settled(stats)) return stats;
  }
}

/** Registers a test that needs so many descriptors in each of its programs. */
async function manyTest(name: string, count: number, fn: (limit: number) => Promise<void>) {
  const wanted = count + SPARE;
  const linux = Deno.build.os === "linux";
  const limit = linux ? await descriptors(wanted) : 0;
  if (limit >= wanted) return Deno.test(name, () => fn(wanted));
  const why = linux ? `needs ulimit -n ${wanted}, has ${limit}` : "needs Linux";
  console.error(`SKIPPED: ${name} [${why}]`);
  Deno.test({ name: `${name} [${why}]`, ignore: true, fn: () => {} });
}

const MANY = sizes.serverConnections;

await manyTest(`${MANY} connections are held and echo, and leave nothing`, MANY, async (limit) => {
  await using server = new Program(limit, "server");
  const port = await server.line();
  await using control = await unwrap(connect("127.0.0.1", Number(port)));
  const before = await statsWhen(control, () => true);
  await using clients = new Program(limit, "client", "hold", port, String(MANY));
  assertEquals(await clients.line(), "held");
  const held = await statsWhen(control, ({ connections }) => connections === MANY + 1);
  assertEquals(held.descriptors - before.descriptors, MANY);
  await clients.tell("again");
  assertEquals(await clients.line(), "round 1");
  await clients.endInput();
  const after = await statsWhen(control, ({ connections }) => connections === 1);
  assertEquals(after.descriptors, before.descriptors);
  const each = Math.round((held.rss - before.rss) / MANY);
  console.log(
    `${MANY} connections: RSS ${mega(before.rss)} MB before, ${mega(held.rss)} MB while held ` +
      `(${each} B each), ${mega(after.rss)} MB after; heap ${mega(before.heap)}, ` +
      `${mega(held.heap)}, ${mega(after.heap)} MB`,
  );
  // Small counts are covered by what the program has at hand.
  if (MANY >= 10_000) assert(each < MOST_EACH, `${each} bytes for each connection`);
  assert(after.heap - before.heap < MANY * 1_000 + 2_000_000, "the heap has grown for good");
});

const CYCLES = sizes.connectCycles;

await manyTest(
  `${CYCLES} connects and closes leave as many descriptors and a flat heap`,
  300,
  async (limit) => {
    await using server = new Program(limit, "server");
    const port = await server.line();
    await using control = await unwrap(connect("127.0.0.1", Number(port)));
    const cycle = async (count: number): Promise<Stats> => {
      await using clients = new Program(limit, "client", "cycle", port, String(count));
      assertEquals(await clients.line(), "done");
      return await statsWhen(control, ({ connections }) => connections === 1);
    };
    // The first ones let the runtime grow what it keeps.
    const before = await cycle(Math.min(2_000, CYCLES));
    const after = await cycle(CYCLES);
    console.log(
      `${CYCLES} cycles: heap ${mega(before.heap)} to ${mega(after.heap)} MB, ` +
        `RSS ${mega(before.rss)} to ${mega(after.rss)} MB`,
    );
    assertEquals(after.descriptors, before.descriptors);
    const grown = after.heap - before.heap;
    assert(grown < 1_000_000, `the heap grew by ${grown} bytes`);
  },
);
