/** Endpoints and hubs: who is told, who is closed, what is left. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  connect,
  type Hub,
  hub,
  type MessageSocket,
  serve,
  type SocketHandler,
  unwrap,
  upgrade,
} from "../../websocket/mod.ts";
import { ends, frame, handshake, rawClient, receiveFrame } from "./ends.ts";
import { kill, newthread, scope, self, sleep, thread, wait } from "./threads.ts";

/** A server of one endpoint, and connects to it. */
function serving(handler: SocketHandler) {
  const endpoint = serve(handler);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, endpoint.fetch);
  const clients: MessageSocket[] = [];
  return {
    endpoint,
    url: `ws://127.0.0.1:${server.addr.port}/room`,
    async connect(): Promise<MessageSocket> {
      const client = await unwrap(connect(this.url));
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      await endpoint.shutdown({ grace: 0 });
      await Promise.all(clients.map((client) => client.close()));
      await server.shutdown();
    },
  };
}

Deno.test("serve() runs a thread for each socket, and closes it with 1000 at its end", async () => {
  const names: string[] = [];
  await using here = serving(async (socket, request) => {
    names.push(self().name);
    await socket.send(new URL(request.url).pathname);
  });
  const client = await here.connect();
  assertEquals(await client.receive(), ["/room", null]);
  assertEquals(await client.receive(), [null, null]);
  assertEquals(client.code, 1_000);
  assertEquals(await here.endpoint.shutdown(), [0, null]);
  assertEquals(names, ["websocket /room"]);
});

Deno.test("serve() closes with 1011 and reports once when the handler throws; others go on", async () => {
  const heard: string[] = [];
  const off = thread.on_error((error, about) => heard.push(`${about}: ${error}`));
  await using here = serving(async (socket) => {
    for await (const message of socket) {
      if (message === "bad") throw new Error("no such luck");
      await socket.send(message);
    }
  });
  const [bad, good] = [await here.connect(), await here.connect()];
  await bad.send("bad");
  const [, err] = await bad.receive();
  assertEquals([err?.code, bad.code], ["reset", 1_011]);
  await good.send("good");
  assertEquals(await good.receive(), ["good", null]);
  off();
  assertEquals(heard.length, 1);
  assert(/^websocket ws:.*\/room: Error: no such luck$/.test(heard[0]!), heard[0]);
});

Deno.test("serve() reports no end of a connection, by whomever, that a handler lets pass", async () => {
  const heard: string[] = [];
  const off = thread.on_error((error, about) => heard.push(`${about}: ${error}`));
  const over: Promise<void>[] = [];
  await using here = serving(async (socket) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    over.push(promise);
    try {
      await socket.send("hello");
      for await (const _ of socket);
    } finally {
      resolve();
    }
  });
  const port = Number(new URL(here.url).port);
  // One that breaks off, one that breaks the protocol, one that a shutdown ends.
  const raws = [await handshake(port), await handshake(port)];
  for (const { sock } of raws) assertEquals((await receiveFrame(sock))?.head, 0x81);
  const [gone, rude] = raws.map(({ sock }) => sock);
  await gone!.close();
  await rude!.send(frame(0x8b, "x", true));
  assertEquals(await receiveFrame(rude!), null);
  await rude!.close();
  const client = await here.connect();
  assertEquals(await client.receive(), ["hello", null]);
  assertEquals(await here.endpoint.shutdown(), [0, null]);
  await Promise.all(over);
  off();
  assertEquals([over.length, heard], [3, []]);
});

Deno.test("serve() closes with 1001 when the handler's thread is killed, and nothing stays", async () => {
  const started = Promise.withResolvers<thread.Thread>();
  await using here = serving(async (socket) => {
    started.resolve(self());
    await socket.receive({ timeout: 0 });
  });
  const client = await here.connect();
  const handler = await started.promise;
  kill(handler, "enough");
  assertEquals(await client.receive(), [null, null]);
  assertEquals(client.code, 1_001);
  assertEquals(await here.endpoint.shutdown(), [0, null]);
  assertEquals(thread.list().filter(({ name }) => name.startsWith("websocket")), []);
});

Deno.test("serve(): the threads belong to the scope that answers, and end with it", async () => {
  let client: MessageSocket | null = null;
  const ended = Promise.withResolvers<void>();
  const [, err] = await scope(async (s) => {
    const endpoint = serve(async (socket) => {
      try {
        await socket.receive({ timeout: 0 });
      } finally {
        ended.resolve();
      }
    });
    const requests: { request: Request; answer: (response: Response) => void }[] = [];
    const asked = Promise.withResolvers<void>();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
      asked.resolve();
      return new Promise<Response>((answer) => requests.push({ request, answer }));
    });
    const connecting = connect(`ws://127.0.0.1:${server.addr.port}`);
    await asked.promise;
    const { request, answer } = requests[0]!;
    answer(endpoint.fetch(request));
    client = await unwrap(connecting);
    s.close("enough");
    await thread.shield(1_000, () => server.shutdown());
  });
  assertEquals(err, null);
  await ended.promise;
  assertEquals(await client!.receive(), [null, null]);
  assertEquals(client!.code, 1_001);
});

Deno.test("Endpoint.shutdown() says 1001, wakes handlers with closed and takes no more", async () => {
  const ends: (string | undefined)[] = [];
  await using here = serving(async (socket) => {
    await socket.send("hello");
    ends.push((await socket.receive({ timeout: 0 }))[1]?.code);
  });
  const clients = [await here.connect(), await here.connect()];
  for (const client of clients) assertEquals(await client.receive(), ["hello", null]);
  assertEquals(here.endpoint.connections, 2);
  assertEquals(await here.endpoint.shutdown(), [0, null]);
  for (const client of clients) {
    assertEquals(await client.receive(), [null, null]);
    assertEquals(client.code, 1_001);
  }
  assertEquals([ends, here.endpoint.connections], [["closed", "closed"], 0]);
  const [, err] = await connect(here.url);
  assertEquals(err?.code, "reply");
  assert(err!.message.includes("503"));
});

Deno.test("Endpoint.shutdown() kills what is left after the grace, and tells how many", async () => {
  const started = Promise.withResolvers<void>();
  await using here = serving(async () => {
    started.resolve();
    await sleep(60_000);
  });
  await here.connect();
  await started.promise;
  assertEquals(await here.endpoint.shutdown({ grace: 10 }), [1, null]);
  assertEquals(here.endpoint.connections, 0);
});

Deno.test("Endpoint.shutdown() of a handler does not wait for itself", async () => {
  const done = Promise.withResolvers<unknown>();
  await using here = serving(async () => done.resolve(await here.endpoint.shutdown()));
  await here.connect();
  assertEquals(await done.promise, [0, null]);
});

Deno.test("Endpoint.shutdown() of a killed thread kills the handlers at once", async () => {
  const started = Promise.withResolvers<void>();
  await using here = serving(async () => {
    started.resolve();
    await sleep(60_000);
  });
  const client = await here.connect();
  await started.promise;
  const impatient = newthread(() => here.endpoint.shutdown({ grace: 60_000 }));
  kill(impatient, "enough");
  assertEquals((await wait(impatient))[1]?.code, "killed");
  assertEquals(await client.receive(), [null, null]);
  assertEquals(await here.endpoint.shutdown(), [0, null]);
});

Deno.test("Hub.shutdown() of a killed thread has told all", async () => {
  await using one = await ends();
  await using mute = await rawClient({ close_timeout: 10 });
  const room = hub();
  room.join(mute.ours);
  room.join(one.served);
  const impatient = newthread(() => room.shutdown({ grace: 60_000 }));
  kill(impatient, "enough");
  assertEquals((await wait(impatient))[1]?.code, "killed");
  assertEquals(await one.client.receive(), [null, null]);
  assertEquals([one.client.code, mute.ours.code], [1_001, 1_001]);
});

Deno.test("Hub.send() reaches all members but one, in line with what they sent before", async () => {
  await using one = await ends();
  await using two = await ends();
  await using three = await ends();
  const room = hub();
  for (const { served } of [one, two, three]) assertEquals(room.join(served), true);
  assertEquals(room.join(one.served), true);
  assertEquals([room.size, [...room].length, room.has(two.served)], [3, 3, true]);
  const own = two.served.send("own");
  assertEquals(room.send("to all"), 3);
  assertEquals(room.send(new Uint8Array([1]), { except: one.served }), 2);
  await own;
  assertEquals(await one.client.receive(), ["to all", null]);
  assertEquals(await two.client.receive(), ["own", null]);
  assertEquals(await two.client.receive(), ["to all", null]);
  assertEquals(await three.client.receive(), ["to all", null]);
  assertEquals(await three.client.receive(), [new Uint8Array([1]), null]);
  assertEquals([room.leave(one.served), room.leave(one.served), room.size], [true, false, 2]);
  assertEquals(one.served.closed(), false);
});

Deno.test("Hub.send() encodes once for all", async () => {
  await using one = await ends();
  await using two = await ends();
  let times = 0;
  const room = hub<{ n: number }>({
    encode(value) {
      times += 1;
      return JSON.stringify(value);
    },
  });
  room.join(one.served);
  room.join(two.served);
  assertEquals([room.send({ n: 1 }), times], [2, 1]);
  assertEquals(await two.client.receive(), ['{"n":1}', null]);
  assertEquals(await one.client.receive(), ['{"n":1}', null]);
});

Deno.test("Hub: a member leaves by itself when its connection is over, by whomever", async () => {
  await using one = await ends();
  await using two = await ends();
  const room = hub();
  room.join(one.served);
  room.join(two.served);
  await one.served.close();
  assertEquals(room.size, 1);
  await two.client.close();
  assertEquals(await two.served.receive(), [null, null]);
  assertEquals([room.size, room.send("nobody"), room.join(two.served)], [0, 0, false]);
});

/** Sends until the hub counts a member as slow; gives how many messages it took. */
function flood(room: Hub): number {
  for (let sent = 0;; sent++) if (room.send(new Uint8Array(64 * 1024)) === 0) return sent;
}

Deno.test("Hub: a member that does not read is dropped with 1008, and no other waits for it", async () => {
  await using slow = await rawClient({ close_timeout: 10 });
  await using quick = await ends();
  const room = hub({ limit: 256 * 1024 });
  room.join(slow.ours);
  flood(room);
  assertEquals([room.size, slow.ours.code, slow.ours.reason], [0, 1_008, "too slow"]);
  room.join(quick.served);
  assertEquals(room.send("still here"), 1);
  assertEquals(await quick.client.receive(), ["still here", null]);
});

Deno.test('Hub: under slow: "skip" a slow member misses messages and stays', async () => {
  await using slow = await rawClient({ close_timeout: 10 });
  const room = hub({ limit: 256 * 1024, slow: "skip" });
  room.join(slow.ours);
  assert(flood(room) > 4);
  assertEquals([room.size, room.send("missed"), slow.ours.closed()], [1, 0, false]);
});

Deno.test("Hub: what is sent to a member that is not open yet arrives when it is", async () => {
  const room = hub();
  const joined = Promise.withResolvers<MessageSocket>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = unwrap(upgrade(request));
    room.join(socket);
    assertEquals(room.send("one"), 1);
    void socket.send("two");
    room.send("three");
    joined.resolve(socket);
    return response;
  });
  const client = await unwrap(connect(`ws://127.0.0.1:${server.addr.port}`));
  for (const word of ["one", "two", "three"]) assertEquals(await client.receive(), [word, null]);
  await client.close();
  await (await joined.promise).close();
  await server.shutdown();
});

Deno.test("Hub.shutdown() says 1001 to all, and closes who comes later", async () => {
  await using one = await ends();
  await using mute = await rawClient({ close_timeout: 10 });
  await using late = await ends();
  const room = hub();
  room.join(one.served);
  room.join(mute.ours);
  assertEquals(await room.shutdown(), [1, null]);
  assertEquals(await one.client.receive(), [null, null]);
  assertEquals([one.client.code, room.size], [1_001, 0]);
  assertEquals(room.join(late.served), false);
  assertEquals(await late.client.receive(), [null, null]);
  assertEquals(late.client.code, 1_001);
});

Deno.test("hub() and serve() throw for what is wrong", () => {
  assertThrows(() => hub({ limit: -1 }), RangeError, "hub: limit");
  assertThrows(() => hub({ slow: "wait" as "drop" }), TypeError, 'slow must be "drop" or "skip"');
  assertThrows(() => hub({ encode: 1 as unknown as () => string }), TypeError, "hub: encode");
  assertThrows(() => hub().send(1 as unknown as string), TypeError, "hub.send wants a string");
  assertThrows(() => hub({ encode: () => 1 as unknown as string }).send("x"), TypeError, "encode");
  assertThrows(() => hub().join({} as MessageSocket), TypeError, "join wants sockets of ours");
  assertThrows(() => serve(1 as unknown as SocketHandler), TypeError, "serve wants a function");
});
