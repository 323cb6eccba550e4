/**
 * What holds by default against whoever is not trusted: each row of the table of limits in
 * docs/security.md, and a program that goes over it. Time is a fake clock's.
 */
import { assert, assertEquals } from "@std/assert";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readHello } from "../cosocket/_client_hello.ts";
import { connect, dns, listen, pool_stats, udp, unwrap } from "../cosocket/mod.ts";
import { create } from "../context/mod.ts";
import * as eio from "../eio/mod.ts";
import * as http from "../http/mod.ts";
import { open_logger } from "../log/mod.ts";
import { children, run_process } from "../process/mod.ts";
import { BufferedStream, pair } from "../stream/mod.ts";
import { FakeClock, on_error, sleep } from "../thread/mod.ts";
import { CERTS } from "./cosocket/ends.ts";
import { echo, serve as serveTcp } from "./cosocket/servers.ts";
import { type Answer, ask, dial, receiveAnswer, serve } from "./http/raw.ts";
import { ends } from "./websocket/ends.ts";

/** A row: what the table says of the limit and of what lies over it, and the proof. */
export interface Limit {
  limit: string;
  over: string;
  holds(): Promise<void>;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const turn = () => new Promise<void>((resolve) => setTimeout(() => setImmediate(resolve), 0));

/** A stream that never ends, and holds no line. */
function endless(): BufferedStream {
  return new BufferedStream({
    read: (into) => Promise.resolve(into.length),
    write: (bytes) => Promise.resolve(bytes.length),
    end: () => Promise.resolve(),
    close: () => {},
    keeps_alive: true,
  });
}

/** Sends the head of a request and waits for its answer, however long that takes. */
async function post(port: number, header: string): Promise<Answer> {
  await using sock = await dial(port);
  sock.settimeout(0);
  await sock.send(`POST / HTTP/1.1\r\nHost: test\r\n${header}\r\n\r\n`);
  return await receiveAnswer(sock);
}

/** Waits for a promise while the clock goes on by seconds; gives how many there were. */
async function secondsUntil(clock: FakeClock, promise: Promise<unknown>): Promise<number> {
  let over = false;
  const done = promise.then(() => over = true);
  let seconds = 0;
  for (; !over; seconds++) {
    await clock.tick(1_000);
    await turn();
  }
  await done;
  return seconds;
}

export const LIMITS: Record<string, Limit> = {
  "a line": {
    limit: "64 KiB",
    over: "`too_long`, nothing consumed",
    async holds() {
      const [a, b] = pair();
      void a.send(["x".repeat(64 * KIB), "\n"]);
      assertEquals((await b.receive("*l"))[0]?.length, 64 * KIB);
      // One byte more could be the CR of a line that just fits.
      void a.send("x".repeat(64 * KIB + 2));
      assertEquals((await b.receive("*l"))[1]?.code, "too_long");
      assertEquals((await b.receive(64 * KIB + 2))[0]?.length, 64 * KIB + 2);
      for (const end of [a, b]) end.close_immediately();
    },
  },
  '`receive(n)`, `"*a"`, a frame': {
    limit: "64 MiB; memory grows with what arrives",
    over: "`too_long`, nothing consumed",
    async holds() {
      const stream = endless();
      assertEquals((await stream.receive(64 * MIB + 1))[1]?.code, "too_long");
      assertEquals(stream.pending, 0);
      assertEquals((await stream.receive("*a"))[1]?.code, "too_long");
      assert(stream.pending >= 64 * MIB && stream.pending < 66 * MIB, `${stream.pending}`);
      await stream.close();
      const [a, b] = pair();
      void a.send(Uint8Array.of(4, 0, 0, 1));
      b.set_rwopt({ read_head_bytes: 4, read_head_endian: "B" });
      assertEquals([(await b.receive_frame())[1]?.code, b.pending], ["too_long", 4]);
      for (const end of [a, b]) end.close_immediately();
    },
  },
  "a wait for a socket, pipe or file": {
    limit: "30 s",
    over: "`timeout`, nothing consumed",
    async holds() {
      using clock = new FakeClock();
      const [a, b] = pair();
      await a.send("half of a li");
      const waiting = b.receive("*l");
      assert(await secondsUntil(clock, waiting) >= 30);
      assertEquals([(await waiting)[1]?.code, b.pending], ["timeout", 12]);
      for (const end of [a, b]) end.close_immediately();
    },
  },
  "a TLS handshake of a server": {
    limit: "10 s",
    over: "the connection is closed, `onerror` is told",
    async holds() {
      using clock = new FakeClock();
      const told = Promise.withResolvers<string>();
      const onerror = (err: { code: string }) => told.resolve(err.code);
      await using server = await unwrap(listen("127.0.0.1", 0, { ssl: CERTS.server, onerror }));
      const accepted = server.accept({ timeout: 0 });
      await using silent = await unwrap(connect("127.0.0.1", server.port));
      assert(await secondsUntil(clock, told.promise) >= 10);
      assertEquals(await told.promise, "timeout");
      assertEquals((await silent.receive("*a", { timeout: 0 }))[0]?.length, 0);
      await server.close();
      await accepted;
    },
  },
  "the first message of a TLS client": {
    limit: "16 KiB in 16 records",
    over: "it has no name",
    holds() {
      /** The first records of a message that says how long it is, a byte in each. */
      const cut = (length: number, records: number) =>
        readHello(Uint8Array.from(
          [1, 0, length >> 8, length & 255, ...new Uint8Array(100)].slice(0, records)
            .flatMap((byte) => [22, 3, 1, 0, 1, byte]),
        ));
      const wantsMore = (found: ReturnType<typeof readHello>) => "needs" in found;
      assert(wantsMore(cut(16 * KIB - 4, 4)) && !wantsMore(cut(16 * KIB - 3, 4)));
      // A seventeenth is not waited for.
      assert(wantsMore(cut(1_000, 15)) && !wantsMore(cut(1_000, 16)));
      return Promise.resolve();
    },
  },
  "what is corked": {
    limit: "64 MiB",
    over: "`exhausted`",
    async holds() {
      const [a, b] = pair();
      unwrap(a.cork());
      const part = new Uint8Array(32 * MIB);
      for (let n = 0; n < 2; n++) assertEquals(await a.send(part), [part.length, null]);
      assertEquals((await a.send("x"))[1]?.code, "exhausted");
      for (const end of [a, b]) end.close_immediately();
    },
  },
  "an idle socket of a pool": {
    limit: "60 s",
    over: "closed",
    async holds() {
      using clock = new FakeClock();
      await using server = serveTcp(echo);
      const sock = await unwrap(connect("127.0.0.1", server.port, { pool: "a limit" }));
      unwrap(sock.setkeepalive(1));
      const size = () => pool_stats().filter(({ key }) => key === "a limit").length;
      await clock.tick(59_000);
      assertEquals(size(), 1);
      await clock.tick(2_000);
      while (size() > 0) await turn();
    },
  },
  "datagrams that nobody has received": {
    limit: "1,024, 4 MiB in all",
    over: "dropped, and counted",
    async holds() {
      await using sock = udp({ encoding: "bytes" });
      await unwrap(sock.bind("127.0.0.1", 0));
      const { port } = unwrap(sock.localaddr());
      await using sender = udp();
      await unwrap(sender.setpeername("127.0.0.1", port));
      // The kernel drops some of its own: more are sent until ours has dropped one.
      while (sock.dropped === 0) await sender.send("x");
      let kept = 0;
      while ((await sock.receive({ timeout: 1 }))[0] !== null) kept += 1;
      assert(kept >= 1_024, `only ${kept}`);
    },
  },
  "an answer that DNS has given": {
    limit: "its TTL, 30 s at most, 1,000 answers",
    over: "asked again",
    async holds() {
      using clock = new FakeClock();
      await using server = await nameServer();
      const { name_server } = server;
      const ask = (name: string) => unwrap(dns.resolve4(name, { name_server }));
      await ask("kept.test");
      await clock.tick(29_000);
      await ask("kept.test");
      assertEquals(server.queries(), 1);
      await clock.tick(2_000);
      await ask("kept.test");
      assertEquals(server.queries(), 2);
      for (let n = 0; n < 1_000; n++) await ask(`n${n}.test`);
      await ask("kept.test");
      assertEquals(server.queries(), 1_003);
    },
  },
  "the head of an HTTP request": {
    limit: "about 64 KiB, the runtime's",
    over: "400, and no handler runs",
    async holds() {
      let runs = 0;
      await using server = await serve(() => void (runs += 1));
      const answer = await ask(server.port, "GET /", [`X: ${"x".repeat(128 * KIB)}`]);
      assertEquals([answer.status, runs], [400, 0]);
    },
  },
  "a body of an HTTP request": {
    limit: "1 MiB",
    over: "413, or `too_long` for the handler",
    async holds() {
      const codes: unknown[] = [];
      await using server = await serve(async (req) => void codes.push((await req.body())[1]?.code));
      const announced = post(server.port, `Content-Length: ${MIB + 1}`);
      assertEquals([(await announced).status, codes], [413, []]);
      const piece = `${MIB.toString(16)}\r\n${"x".repeat(MIB)}\r\n`;
      const chunked = ["Transfer-Encoding: chunked"];
      const whole = await ask(server.port, "POST /", chunked, `${piece}0\r\n\r\n`);
      assertEquals([whole.status, codes.splice(0)], [204, [undefined]]);
      const more = await ask(server.port, "POST /", chunked, `${piece}1\r\nx\r\n0\r\n\r\n`);
      assertEquals([more.status, codes], [413, ["too_long"]]);
    },
  },
  "a silence in such a body": {
    limit: "30 s",
    over: "408, and `timeout` for the handler",
    async holds() {
      using clock = new FakeClock();
      const begun = Promise.withResolvers<void>();
      let code: string | undefined;
      await using server = await serve(async (req) => {
        begun.resolve();
        code = (await req.body())[1]?.code;
      });
      const answer = post(server.port, "Content-Length: 10");
      await begun.promise;
      assert(await secondsUntil(clock, answer) >= 30);
      assertEquals([(await answer).status, code], [408, "timeout"]);
    },
  },
  "a handler of HTTP, until it answers": {
    limit: "60 s",
    over: "503, and the handler is killed",
    async holds() {
      using clock = new FakeClock();
      const begun = Promise.withResolvers<void>();
      await using server = await serve(async () => {
        begun.resolve();
        await sleep(3_600_000);
      });
      const answer = post(server.port, "Content-Length: 0");
      await begun.promise;
      assert(await secondsUntil(clock, answer) >= 60);
      assertEquals((await answer).status, 503);
    },
  },
  "requests of HTTP that are under way": {
    limit: "10,000",
    over: "503 at once",
    async holds() {
      let runs = 0;
      const answer = http.app(() => (runs += 1, sleep(3_600_000) as never));
      const info = { remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 } } as const;
      const off = on_error(() => {});
      const ctl = new AbortController();
      const request = () => new Request("http://127.0.0.1/", { signal: ctl.signal });
      const under_way = Array.from(
        { length: 10_000 },
        () => answer.fetch(request(), info as never),
      );
      assertEquals([(await answer.fetch(request(), info as never)).status, runs], [503, 10_000]);
      ctl.abort();
      await Promise.allSettled(under_way);
      off();
    },
  },
  "a body of an HTTP response": {
    limit: "64 MiB in memory",
    over: "`too_long`; streams and files take any",
    async holds() {
      await using server = await serve(() =>
        new Response(
          new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(MIB)) }),
        )
      );
      await using asker = http.client();
      const response = await unwrap(asker.get(`http://127.0.0.1:${server.port}/`));
      assertEquals((await response.body())[1]?.code, "too_long");
      await response.close();
    },
  },
  "redirects that are followed": {
    limit: "10",
    over: "`protocol`",
    async holds() {
      let asked = 0;
      await using server = await serve((_, res) => {
        asked += 1;
        res.redirect(`/${asked}`);
      });
      await using asker = http.client();
      const [, err] = await asker.get(`http://127.0.0.1:${server.port}/`);
      assertEquals([err?.code, asked], ["protocol", 11]);
    },
  },
  "cookies that servers have set": {
    limit: "3,000 of 4 KiB",
    over: "the oldest go; a longer one is dropped",
    async holds() {
      const jar = new http.CookieJar();
      const lines = Array.from({ length: 3_001 }, (_, n) => `a${n}=${n}`);
      await jar.store("http://a.test/", [...lines, `long=${"x".repeat(4 * KIB)}`]);
      const names = (await jar.list()).map(({ name }) => name);
      assertEquals(names.length, 3_000);
      assertEquals(["a0", "a1", "long"].map((name) => names.includes(name)), [false, true, false]);
    },
  },
  "messages that wait in a WebSocket": {
    limit: "1,024, 16 MiB in all",
    over: "it is closed, `too_long` or `exhausted`",
    async holds() {
      for (
        const [count, size, code] of [[1_025, 1, "exhausted"], [
          1,
          16 * MIB + 1,
          "too_long",
        ]] as const
      ) {
        await using both = await ends();
        const message = "x".repeat(size);
        const over = Promise.withResolvers<unknown>();
        both.served.on_disconnect((reason) => over.resolve(reason?.code));
        for (let n = 0; n < count; n++) await both.client.send(message, { timeout: 0 });
        assertEquals(await over.promise, code);
      }
    },
  },
  "mail that a context has not taken": {
    limit: "1,024 messages of each sender",
    over: "`send` waits for room",
    async holds() {
      const url =
        "data:text/javascript,export default () => new Promise(() => setInterval(() => {}, 1e6))";
      const context = await unwrap(create<number, never>(url));
      for (let n = 0; n < 1_024; n++) assertEquals(await context.send(n), [true, null]);
      assertEquals((await context.send(0, { timeout: 1 }))[1]?.code, "timeout");
      context.destroy();
      await context.wait();
    },
  },
  "what a command writes, for `run_process`": {
    limit: "64 MiB of each stream",
    over: "`too_long`, and the command is ended",
    async holds() {
      const [, err] = await run_process([Deno.execPath(), "eval", ENDLESS]);
      assertEquals(err?.code, "too_long");
      while (children().length > 0) await turn();
    },
  },
  "a file, for `readfile`": {
    limit: "1 GiB",
    over: "`too_long`, and nothing is read",
    async holds() {
      const path = await Deno.makeTempFile();
      await Deno.truncate(path, 1024 * MIB + 1);
      const [, err] = await eio.readfile(path);
      await Deno.remove(path);
      assertEquals(err?.code, "too_long");
    },
  },
  "a message of a log, a field of its JSON": {
    limit: "64 KiB",
    over: "cut off, and how much is said",
    async holds() {
      const path = await Deno.makeTempFile();
      const long = "x".repeat(65 * KIB);
      const logger = unwrap(open_logger(path));
      logger.warn(long);
      await logger.close();
      const json = unwrap(open_logger({ path, format: "json" }));
      json.warn("fields", { text: long, list: [long] });
      await json.close();
      const [line = "", members = ""] = (await Deno.readTextFile(path)).split("\n");
      await Deno.remove(path);
      const { text, list } = JSON.parse(members);
      for (const one of [line, text, list]) {
        const kept = /x+/.exec(one)![0].length;
        assert(kept > 63 * KIB && kept <= 64 * KIB, `${kept} were kept`);
        assert(/\d/.test(one.slice(one.lastIndexOf("x"))), one.slice(-100));
      }
    },
  },
};

/** A program that writes without end. */
const ENDLESS = "const b = new Uint8Array(1 << 20); for (;;) Deno.stdout.writeSync(b);";

/** A name server on loopback that has an address for every name. */
async function nameServer() {
  const socket = createSocket("udp4");
  let queries = 0;
  socket.on("message", (query: Uint8Array, from: { port: number; address: string }) => {
    queries += 1;
    const question = query.subarray(12, query.indexOf(0, 12) + 5);
    const head = [query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
    const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 1, 2, 3];
    socket.send(Uint8Array.from([...head, ...question, ...answer]), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    name_server: { ip: "127.0.0.1", port: socket.address().port },
    queries: () => queries,
    async [Symbol.asyncDispose]() {
      dns.forget();
      socket.close();
      await once(socket, "close");
    },
  };
}
