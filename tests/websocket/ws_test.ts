/** Against npm's `ws`, in both roles: what it sends arrives as it was, and the other way round. */
import { assertEquals } from "@std/assert";
import { connect, type Message, type MessageSocket, unwrap } from "../../websocket/mod.ts";
import { acceptor } from "./ends.ts";
import { WebSocket, WebSocketServer, type WsSocket } from "./ws.ts";

/** Our end, and the end of `ws`. */
interface Ends extends AsyncDisposable {
  ours: MessageSocket;
  theirs: WsSocket;
}

/** What `ws` is made with, beside the address. */
interface Settings {
  maxPayload?: number;
  protocols?: string[];
}

/** `ws` as the client of our server. */
async function wsClient({ protocols = [], ...options }: Settings = {}): Promise<Ends> {
  const door = acceptor({ protocols: ["chat.v2", "chat.v1"] });
  const theirs = new WebSocket(door.url, protocols, options);
  const [ours] = await Promise.all([
    door.accept(),
    new Promise<void>((resolve) => theirs.on("open", resolve)),
  ]);
  const ended = endOf(theirs);
  return {
    ours,
    theirs,
    async [Symbol.asyncDispose]() {
      await ours.close();
      await ended;
      await door[Symbol.asyncDispose]();
    },
  };
}

/** `ws` as the server of our client. */
async function wsServer({ protocols = [], ...options }: Settings = {}): Promise<Ends> {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    ...options,
    handleProtocols: (offered: Set<string>) => offered.has("chat.v2") ? "chat.v2" : false,
  });
  await new Promise<void>((resolve) => server.on("listening", resolve));
  const connected = new Promise<WsSocket>((resolve) => server.on("connection", resolve));
  const url = `ws://127.0.0.1:${server.address().port}`;
  const [theirs, ours] = await Promise.all([connected, unwrap(connect(url, { protocols }))]);
  const ended = endOf(theirs);
  return {
    ours,
    theirs,
    async [Symbol.asyncDispose]() {
      await ours.close();
      await ended;
      await new Promise<void>((resolve) => server.close(resolve));
    },
  };
}

interface End {
  code: number;
  reason: string;
}

/** How `ws` saw the end. What it throws for is seen by its close too. */
function endOf(socket: WsSocket): Promise<End> {
  socket.on("error", () => {});
  return new Promise((resolve) =>
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }))
  );
}

/** Has `ws` send back what it gets. */
function echo(socket: WsSocket): void {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
}

const ROLES = { "ws as client": wsClient, "ws as server": wsServer };

function both(
  name: string,
  fn: (ends: Ends) => Promise<void>,
  settings: Settings = {},
): void {
  for (const [role, open] of Object.entries(ROLES)) {
    Deno.test(`${role}: ${name}`, async () => {
      await using ends = await open(settings);
      await fn(ends);
    });
  }
}

const SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 1024 * 1024];

/** Text of so many bytes, some of them in characters of several. */
function textOf(size: number): string {
  const wide = "ü€😀";
  return size < 9 ? "x".repeat(size) : wide + "x".repeat(size - 9);
}

/** Bytes of every value, in no period of a power of two. */
function bytesOf(size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, at) => at % 251);
}

/** Compares without making a text of a megabyte of it. */
function assertSame(got: Message | null, sent: Message): void {
  if (typeof sent === "string") return assertEquals(got === sent, true);
  assertEquals(got instanceof Uint8Array && got.length, sent.length);
  assertEquals((got as Uint8Array).findIndex((byte, at) => byte !== sent[at]), -1);
}

for (const size of SIZES) {
  for (const message of [textOf(size), bytesOf(size)]) {
    const kind = typeof message === "string" ? "text" : "binary";
    both(`${size} bytes of ${kind} come back as they were`, async ({ ours, theirs }) => {
      echo(theirs);
      await ours.send(message);
      const [got, err] = await ours.receive();
      assertEquals(err, null);
      assertSame(got, message);
    });
  }
}

for (const pieces of [2, 3, 16, 1_000]) {
  both(`${pieces} fragments with pings between them are one message`, async (ends) => {
    const { ours, theirs } = ends;
    const sent = bytesOf(pieces * 100);
    const pongs: Promise<unknown>[] = [];
    for (let n = 0; n < pieces; n++) {
      theirs.send(sent.subarray(100 * n, 100 * n + 100), { fin: n === pieces - 1 });
      if (n % 10 === 0) theirs.ping(String(n));
    }
    pongs.push(new Promise((resolve) => theirs.on("pong", resolve)));
    const [got] = await ours.receive();
    assertSame(got, sent);
    await Promise.all(pongs);
  });
}

both("a ping is answered with what it brought", async ({ theirs }) => {
  const answer = new Promise<string>((resolve) =>
    theirs.on("pong", (data) => resolve(data.toString()))
  );
  theirs.ping("are you there?");
  assertEquals(await answer, "are you there?");
});

both("a thousand messages both ways keep their order", async ({ ours, theirs }) => {
  echo(theirs);
  const words = Array.from({ length: 1_000 }, (_, n) => `message ${n}`);
  for (const word of words) await ours.send(word);
  for (const word of words) assertEquals(await ours.receive(), [word, null]);
});

for (
  const [code, reason] of [[1_000, ""], [1_000, "done"], [3_000, "ü"], [
    4_999,
    "x".repeat(123),
  ]] as const
) {
  both(`close(${code}, ${reason.length} characters) arrives`, async ({ ours, theirs }) => {
    const end = endOf(theirs);
    assertEquals(await ours.close(code, reason), [true, null]);
    assertEquals(await end, { code, reason });
  });

  both(`their close(${code}, ${reason.length} characters) arrives`, async ({ ours, theirs }) => {
    const end = endOf(theirs);
    theirs.close(code, reason);
    assertEquals(await ours.receive(), [null, null]);
    assertEquals([ours.code, ours.reason], [code, reason]);
    assertEquals(await end, { code, reason });
  });
}

both("their close without a code is 1005", async ({ ours, theirs }) => {
  theirs.close();
  assertEquals(await ours.receive(), [null, null]);
  assertEquals(ours.code, 1_005);
});

both("their end without a close is reset (1006)", async ({ ours, theirs }) => {
  theirs.terminate();
  assertEquals((await ours.receive())[1]?.code, "reset");
  assertEquals(ours.code, 1_006);
});

both("a message that is too big for them is too_long (1009)", async ({ ours }) => {
  await ours.send(bytesOf(1_001));
  assertEquals((await ours.receive())[1]?.code, "too_long");
  assertEquals(ours.code, 1_009);
}, { maxPayload: 1_000 });

both("the subprotocol is the one that both speak", ({ ours, theirs }) => {
  assertEquals([ours.protocol, theirs.protocol], ["chat.v2", "chat.v2"]);
  return Promise.resolve();
}, { protocols: ["chat.v2", "chat.v1"] });
