/** The handshake: who may connect, what is spoken, what is no WebSocket. */
import { assertEquals, assertThrows } from "@std/assert";
import { connect as dial } from "../../cosocket/mod.ts";
import { FakeClock } from "../../thread/mod.ts";
import { settingsOf } from "../../websocket/_options.ts";
import { Wire } from "../../websocket/_wire.ts";
import {
  connect,
  type MessageSocket,
  refusal,
  unwrap,
  upgrade,
  type UpgradeOptions,
} from "../../websocket/mod.ts";
import { acceptor, frame, handshake, receiveFrame } from "./ends.ts";

/** The status a handshake is answered with. */
async function statusOf(
  options: UpgradeOptions,
  headers: Record<string, string>,
): Promise<number> {
  await using door = acceptor(options);
  const { sock, head } = await handshake(door.port, headers);
  const status = Number(head.split(" ")[1]);
  const served = status === 101 ? await door.accept() : null;
  sock.close_immediately();
  await sock.close();
  await served?.close();
  return status;
}

const HOST = "app.example:8000";

/** An `Origin`, and whether a page of it may connect to `Host: app.example:8000`. */
const ORIGINS: [
  origins: UpgradeOptions["origins"],
  origin: string,
  host: string,
  status: number,
][] = [
  [undefined, "", HOST, 101],
  [undefined, "http://app.example:8000", HOST, 101],
  [undefined, "https://app.example:8000", HOST, 101],
  [undefined, "http://APP.example:8000", "App.Example:8000", 101],
  [undefined, "http://app.example", "app.example:80", 101],
  [undefined, "https://app.example", "app.example:443", 101],
  [undefined, "https://app.example", "app.example", 101],
  [undefined, "http://app.example", HOST, 403],
  [undefined, "http://app.example:8001", HOST, 403],
  [undefined, "http://evil.example:8000", HOST, 403],
  [undefined, "http://app.example:8000.evil.example", HOST, 403],
  [undefined, "http://evil.example/app.example:8000", HOST, 403],
  [undefined, "http://app.example:8000@evil.example", HOST, 403],
  [undefined, "null", HOST, 403],
  [undefined, "garbage", HOST, 403],
  [undefined, "file://", HOST, 403],
  [["https://a.example", "https://b.example"], "https://b.example", HOST, 101],
  [["https://a.example:443"], "https://a.example", HOST, 101],
  [["https://a.example"], "http://a.example", HOST, 403],
  [["https://a.example"], "http://app.example:8000", HOST, 403],
  [["https://a.example"], "https://a.example.evil.example", HOST, 403],
  [["null"], "null", HOST, 101],
  [[], "http://app.example:8000", HOST, 403],
  [[], "", HOST, 101],
  ["*", "http://evil.example", HOST, 101],
];

for (const [origins, origin, host, status] of ORIGINS) {
  const who = origin === "" ? "who names no origin" : `a page of ${origin}`;
  const rule = origins === undefined ? `for ${host}` : `under ${JSON.stringify(origins)}`;
  Deno.test(`upgrade() answers ${status} to ${who} ${rule}`, async () => {
    const options = origins === undefined ? {} : { origins };
    assertEquals(await statusOf(options, { Origin: origin, Host: host }), status);
  });
}

/** Requests that ask for no WebSocket. */
const NONE: Record<string, Record<string, string>> = {
  "a plain request": {
    Upgrade: "",
    Connection: "",
    "Sec-WebSocket-Key": "",
    "Sec-WebSocket-Version": "",
  },
  "version 8": { "Sec-WebSocket-Version": "8" },
  "no version": { "Sec-WebSocket-Version": "" },
  "no key": { "Sec-WebSocket-Key": "" },
  "no Upgrade": { Upgrade: "" },
  "another Upgrade": { Upgrade: "h2c" },
  "no Connection: Upgrade": { Connection: "close" },
};

for (const [name, headers] of Object.entries(NONE)) {
  Deno.test(`upgrade() is protocol, answered with 426, for ${name}`, async () => {
    assertEquals(await statusOf({}, headers), 426);
  });
}

for (
  const [what, head] of [["a Host that is none", "GET / HTTP/1.1\r\nHost: [\r\n"], [
    "a POST",
    "POST / HTTP/1.1\r\nHost: app.example\r\n",
  ]]
) {
  Deno.test(`upgrade() is protocol, answered with 426, for ${what}, and the server goes on`, async () => {
    await using door = acceptor();
    await using sock = await unwrap(dial("127.0.0.1", door.port));
    await sock.send([
      head!,
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    ]);
    assertEquals(await sock.receive(), ["HTTP/1.1 426 Upgrade Required", null]);
    await using client = await unwrap(connect(door.url));
    await using served = await door.accept();
    assertEquals([client.closed(), served.closed()], [false, false]);
  });
}

Deno.test("upgrade() tells the version it speaks, and closes nothing else", async () => {
  await using door = acceptor();
  const response = await fetch(`http://127.0.0.1:${door.port}`);
  assertEquals([response.status, response.headers.get("sec-websocket-version")], [426, "13"]);
  await response.body?.cancel();
});

const PROTOCOLS: [ours: string[], theirs: string[], spoken: string][] = [
  [[], [], ""],
  [["a"], ["a"], "a"],
  [["a", "b"], ["b", "a"], "a"],
  [["a", "b"], ["c", "b"], "b"],
  [["a"], ["b"], ""],
  [["a"], [], ""],
  [[], ["b"], ""],
];

for (const [ours, theirs, spoken] of PROTOCOLS) {
  const words = `[${theirs}] of the client and [${ours}] of the server`;
  Deno.test(`protocols: ${words} speak '${spoken}'`, async () => {
    await using door = acceptor({ protocols: ours });
    await using client = await unwrap(connect(door.url, { protocols: theirs }));
    await using served = await door.accept();
    assertEquals([client.protocol, served.protocol, served.url], [spoken, spoken, door.url]);
  });
}

Deno.test("upgrade() throws for options that cannot be", () => {
  const request = new Request("http://127.0.0.1/");
  const fails = (options: object, kind: typeof TypeError, words: string) =>
    assertThrows(() => upgrade(request, options), kind, words);
  fails({ origins: "http://a" }, TypeError, "origins must be a list of strings");
  fails({ origins: [1] }, TypeError, "origins must be a list of strings");
  fails({ protocols: ["a b"] }, TypeError, "tokens of HTTP");
  fails({ protocols: ["a", "a"] }, TypeError, "protocols must differ");
  fails({ protocols: "a" }, TypeError, "protocols must be a list");
  fails({ idle_timeout: -1 }, RangeError, "idle_timeout");
  fails({ close_timeout: -1 }, RangeError, "close_timeout");
  fails({ max_queue: 0 }, RangeError, "max_queue");
  fails({ max_bytes: 1.5 }, RangeError, "max_bytes");
  fails({ high_mark: "1" }, TypeError, "high_mark");
});

Deno.test("refusal() is 403 for a page, 426 for the rest", () => {
  const [, err] = upgrade(new Request("http://127.0.0.1/"));
  assertEquals([err?.code, refusal(err!).status], ["protocol", 426]);
});

Deno.test("a socket that is not open after 10 s fails with reset, and is closed if it opens later", async () => {
  using clock = new FakeClock();
  const asked = Promise.withResolvers<MessageSocket>();
  const late = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { socket, response } = unwrap(upgrade(request));
    asked.resolve(socket);
    await late.promise;
    return response;
  });
  const handshaken = handshake(server.addr.port);
  const socket = await asked.promise;
  const ends = [socket.receive({ timeout: 0 }), socket.send("x", { timeout: 0 })];
  await clock.tick(9_999);
  assertEquals(socket.closed(), false);
  await clock.tick(1);
  assertEquals((await Promise.all(ends)).map(([, err]) => err?.code), ["reset", "reset"]);
  assertEquals([socket.code, await socket.close()], [1006, [true, null]]);
  late.resolve();
  const { sock } = await handshaken;
  const goodbye = await receiveFrame(sock);
  assertEquals(goodbye, { head: 0x88, payload: new Uint8Array([3, 233]) });
  await sock.send(frame(0x88, goodbye!.payload, true));
  assertEquals(await receiveFrame(sock), null);
  await sock.close();
  await server.shutdown();
});

Deno.test("a server's end whose handshake fails is over at once: no close event tells", async () => {
  const runtime = Object.assign(new EventTarget(), { readyState: 0, binaryType: "blob" });
  const wire = new Wire(
    runtime as unknown as WebSocket,
    "server",
    "ws://127.0.0.1/chat",
    settingsOf({}, "upgrade"),
  );
  const receiving = wire.incoming.receive({ timeout: 0, signal: undefined, owner: wire });
  runtime.dispatchEvent(new ErrorEvent("error", { message: "broken pipe" }));
  assertEquals((await receiving)[1]?.code, "reset");
  assertEquals([wire.released, wire.closing?.code], [true, 1_006]);
});

Deno.test("a socket that is closed before it is open says goodbye when it is", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = unwrap(upgrade(request));
    socket.close(4_000, "not now");
    return response;
  });
  const socket = await unwrap(connect(`ws://127.0.0.1:${server.addr.port}`));
  assertEquals(await socket.receive(), [null, null]);
  assertEquals([socket.code, socket.reason], [4_000, "not now"]);
  await server.shutdown();
});
