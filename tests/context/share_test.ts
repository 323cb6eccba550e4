import { assert, assertEquals, assertThrows } from "@std/assert";
import { once } from "node:events";
import * as net from "node:net";
import {
  claim,
  type Context,
  create,
  type IoError,
  open,
  share,
  unwrap,
} from "../../context/mod.ts";
import { connect, listen, type TcpSocket } from "../../cosocket/mod.ts";
import { BufferedStream, pair } from "../../stream/mod.ts";
import { FakeClock, kill, newthread, on_error, wait } from "../../thread/mod.ts";
import { CERTS, overTcp } from "../cosocket/ends.ts";
import { turn } from "../cosocket/servers.ts";
import { sizes } from "../sizes.ts";
import { random, receiveAll, source } from "../stream/promise.ts";
import type { Request } from "./sharer.ts";

const url = new URL("./sharer.ts", import.meta.url);
const KINDS = [["a thread", {}], ["a process", {
  isolated: true,
  permissions: ["--allow-net=127.0.0.1", "--allow-run"],
}]] as const;

async function sharer(options: { isolated?: boolean } = {}): Promise<Context<Request, string>> {
  return unwrap(await create<Request, string>(url, options));
}

async function end(ctx: Context<Request, string>): Promise<void> {
  ctx.destroy();
  await ctx.wait();
}

/** A context that owns a socket, the address of that, and the peer of it. */
async function owned(options = {}) {
  const server = unwrap(await listen("127.0.0.1", 0));
  const ctx = await sharer(options);
  const address = unwrap(await ctx.query({ do: "connect", port: server.port }));
  const peer = unwrap(await server.accept());
  await server.close();
  return { ctx, address, peer };
}

for (const [where, options] of KINDS) {
  Deno.test(`a context in ${where} claims a stream of ours, and has the whole of it`, async () => {
    await using ends = await overTcp();
    const { client, served } = ends;
    await client.send("at hand\nmore");
    await served.peek(4);
    const address = unwrap(share(served));
    const ctx = await sharer(options);
    assertEquals(await ctx.query({ do: "claim", address }), ["claim", null]);
    assertEquals(await ctx.query({ do: "receive" }), ["at hand", null]);
    assertEquals(await ctx.query({ do: "receive, briefly" }), ["timeout", null]);
    await client.send(" of it\n");
    assertEquals(await ctx.query({ do: "receive" }), ["more of it", null]);
    assertEquals(await ctx.query({ do: "send", text: "from there\n" }), ["sent", null]);
    assertEquals(await client.receive(), ["from there", null]);
    assertEquals((await served.receive())[1]?.code, "busy");
    assertEquals(await served.send("from here\n"), [10, null]);
    assertEquals(await client.receive(), ["from here", null]);
    assertEquals((await claim(address))[1]?.code, "busy");
    await client.shutdown("send");
    assertEquals(await ctx.query({ do: "receive" }), [null, null]);
    assertEquals(await ctx.query({ do: "close" }), [true as never, null]);
    assertEquals(await client.receive(), [null, null]);
    assertEquals([served.closed(), (await open(address))[1]?.code], [true, "closed"]);
    await end(ctx);
  });

  Deno.test(`who closes in ${where} as its turn to send begins, holds nobody up`, async () => {
    await using ends = await overTcp();
    const { client, served } = ends;
    const address = unwrap(share(served));
    const ctx = await sharer(options);
    assertEquals(await ctx.query({ do: "open", address }), ["open", null]);
    const cut = ctx.query({ do: "cut as it begins", address, count: 10_000 });
    assertEquals(await cut, ["closed", null]);
    assertEquals(await served.send("from its owner\n", { timeout: 10_000 }), [15, null]);
    const [line] = await client.receive();
    assertEquals(line, `${"\0".repeat(10_000)}from its owner`);
    await end(ctx);
  });

  for (const way of ["return", "throw", "exit", "destroy"]) {
    Deno.test(`what waits on a stream of ${where} is gone when that does ${way}`, async () => {
      const quiet = on_error(() => {});
      const { ctx, address, peer } = await owned(options);
      const far = unwrap(await claim(address));
      const writer = unwrap(await open(address));
      const told = Promise.withResolvers<IoError | null>();
      writer.on_disconnect(told.resolve);
      await peer.send("before the end\n");
      assertEquals(await far.receive(), ["before the end", null]);
      const waiting = far.receive("*l", { timeout: 0 });
      const sending = far.send(new Uint8Array(64 * 1024 * 1024), { timeout: 0 });
      // The peer has some of it, and reads no more.
      await peer.receive(100_000);
      if (way === "destroy") ctx.destroy();
      else await ctx.send({ do: way });
      const reason = {
        return: "returned",
        throw: "threw",
        exit: "exited",
        destroy: "destroyed",
      }[way];
      for (const [, err] of [await waiting, await sending, await writer.send("x")]) {
        assertEquals([err?.code, err?.reason], ["gone", reason], String(err));
      }
      assertEquals((await told.promise)?.code, "gone");
      await ctx.wait();
      assertEquals((await open(address))[1]?.code, "gone");
      // Nothing of it is left, so the peer hears the end, or a reset.
      while ((await peer.receiveany())[0] !== null);
      for (const stream of [far, writer, peer]) await stream.close();
      quiet();
    });
  }

  Deno.test(`a claimant in ${where} that ends takes the stream along`, async () => {
    await using ends = await overTcp();
    const { client, served } = ends;
    const address = unwrap(share(served));
    const writer = unwrap(await open(address));
    const ctx = await sharer(options);
    assertEquals(await ctx.query({ do: "claim", address }), ["claim", null]);
    await client.send("crossed, and lost with it\nmore");
    assertEquals(await ctx.query({ do: "receive" }), ["crossed, and lost with it", null]);
    ctx.destroy();
    while ((await client.receiveany())[0] !== null);
    assertEquals([served.closed(), (await open(address))[1]?.code], [true, "closed"]);
    assertEquals((await writer.send("x"))[1]?.code, "gone");
    await ctx.wait();
    await writer.close();
  });

  Deno.test(`one in ${where} that ends between two sends harms nobody`, async () => {
    await using ends = await overTcp();
    const address = unwrap(share(ends.served));
    const ctx = await sharer(options);
    assertEquals(await ctx.query({ do: "open", address }), ["open", null]);
    assertEquals(await ctx.query({ do: "send", text: "its last\n" }), ["sent", null]);
    await end(ctx);
    assertEquals(await ends.client.receive(), ["its last", null]);
    assertEquals(await ends.served.send("ours\n"), [5, null]);
    assertEquals(await ends.client.receive(), ["ours", null]);
  });

  Deno.test(`one in ${where} that ends in the middle of a send leaves it dirty for all`, async () => {
    await using ends = await overTcp();
    const address = unwrap(share(ends.served));
    const ctx = await sharer(options);
    const [writer, far] = [unwrap(await open(address)), unwrap(await claim(address))];
    assertEquals(await ctx.query({ do: "open", address }), ["open", null]);
    const text = "x".repeat(16 * 1024 * 1024);
    const sending = ctx.query({ do: "send", text });
    await ends.client.receive(1_000);
    ctx.destroy();
    assertEquals((await sending)[1]?.code, "gone");
    await ctx.wait();
    assertEquals((await ends.served.send("it must not follow"))[1]?.code, "dirty");
    assertEquals((await writer.send("nor must this".repeat(1_000)))[1]?.code, "dirty");
    assertEquals((await far.shutdown("send"))[1]?.code, "dirty");
    await Promise.all([writer.close(), far.close()]);
  });
}

Deno.test("the end of an owner, or of a claimant, is one though its thread lives on", async () => {
  // From then on contexts share the threads that there are.
  const others = await Promise.all(
    Array.from({ length: navigator.hardwareConcurrency }, () => sharer()),
  );
  const { ctx, address, peer } = await owned();
  const far = unwrap(await claim(address));
  const waiting = far.receive();
  await end(ctx);
  assertEquals((await waiting)[1]?.reason, "destroyed");
  while ((await peer.receiveany())[0] !== null);
  await Promise.all([far.close(), peer.close()]);

  await using ends = await overTcp();
  const claimant = await sharer();
  const shared = unwrap(share(ends.served));
  assertEquals(await claimant.query({ do: "claim", address: shared }), ["claim", null]);
  await end(claimant);
  while ((await ends.client.receiveany())[0] !== null);
  assertEquals(ends.served.closed(), true);
  await Promise.all(others.map(end));
});

Deno.test("a process that owns a stream, or has claimed one, is killed: its other side hears", async () => {
  const quiet = on_error(() => {});
  const options = KINDS[1][1];
  const { ctx, address, peer } = await owned(options);
  const far = unwrap(await claim(address));
  const waiting = far.receive();
  await ctx.send({ do: "kill" });
  const [, err] = await waiting;
  assertEquals([err?.code, err?.reason], ["gone", "killed"]);
  while ((await peer.receiveany())[0] !== null);
  await Promise.all([far.close(), peer.close(), ctx.wait()]);

  await using ends = await overTcp();
  const claimant = await sharer(options);
  const shared = unwrap(share(ends.served));
  assertEquals(await claimant.query({ do: "claim", address: shared }), ["claim", null]);
  await claimant.send({ do: "kill" });
  while ((await ends.client.receiveany())[0] !== null);
  assertEquals(ends.served.closed(), true);
  await claimant.wait();
  quiet();
});

Deno.test("1 MB crosses a thread whole, whatever gives up in between", async () => {
  for (let seed = 1; seed <= Math.ceil(sizes.socketRuns / 10); seed++) {
    const { ctx, address, peer } = await owned();
    const far = unwrap(await claim(address));
    const next = random(seed);
    const bytes = source(next, 1_000_000);
    const sender = newthread(async () => {
      const chop = random(seed + 1);
      for (let at = 0; at < bytes.length;) {
        const size = 1 + Math.floor(chop() * (chop() < 0.5 ? 300 : 60_000));
        await peer.send(bytes.subarray(at, at + size), { timeout: 0 });
        at += size;
        if (chop() < 0.3) await turn();
      }
      await peer.shutdown("send");
    });
    try {
      await receiveAll(far, bytes, next, () => turn().then(() => {}));
    } catch (cause) {
      throw new Error(`seed ${seed} failed`, { cause });
    }
    await wait(sender);
    await Promise.all([far.close(), peer.close()]);
    await end(ctx);
  }
});

Deno.test("sends of many contexts, and the owner's, are queued, each whole and in order", async () => {
  await using ends = await overTcp();
  const address = unwrap(share(ends.served));
  const contexts = await Promise.all([sharer(), sharer()]);
  for (const ctx of contexts) {
    assertEquals(await ctx.query({ do: "open", address }), ["open", null]);
  }
  const writers = await Promise.all([open(address), open(address)]);
  const messages = (who: string) =>
    Array.from(
      { length: 50 },
      (_, n) => `${who} ${n} ${who.repeat(n % 7 === 0 ? 150_000 : 300)}\n`,
    );
  const sending = [
    ...writers.map((writer, who) =>
      Promise.all(messages("ab"[who]!).map((text) => writer[0]!.send(text)))
    ),
    Promise.all(messages("c").map((text) => ends.served.send(text))),
    ...contexts.map((ctx, who) =>
      ctx.query({ do: "send", text: `${"de"[who]} * ${"de"[who]!.repeat(99_999)}\n`, count: 20 })
    ),
  ];
  const seen: Record<string, number> = { a: 0, b: 0, c: 0, d: 0, e: 0 };
  for (let left = 3 * 50 + 2 * 20; left > 0; left--) {
    const [line] = await ends.client.receive("*l", { max: 1_000_000 });
    const [who = "", n, body = ""] = line!.split(" ");
    assert(body.length >= 300 && body === who.repeat(body.length), `torn: ${line!.slice(0, 50)}`);
    if (n !== "*") assertEquals(Number(n), seen[who]);
    seen[who]! += 1;
  }
  assertEquals(seen, { a: 50, b: 50, c: 50, d: 20, e: 20 });
  await Promise.all(sending);
  await Promise.all(writers.map(([writer]) => writer!.close()));
  assertEquals(ends.served.closed(), false);
  await Promise.all(contexts.map(end));
});

Deno.test("who opened a stream sends, and has no other part in it", async () => {
  await using ends = await overTcp();
  const { client, served } = ends;
  const address = unwrap(share(served));
  assertEquals(unwrap(share(served)), address);
  const writer = unwrap(await open(address));
  assertEquals((await writer.receive())[1]?.code, "closed");
  assertEquals(writer.getpeer()[0], served.getpeer()[0]);
  assertEquals(await writer.send("one\n"), [4, null]);
  assertEquals(await writer.shutdown("send"), [true, null]);
  assertEquals((await writer.send("two\n"))[1]?.code, "closed");
  assertEquals(await writer.close(), [true, null]);
  await served.send("three\n");
  assertEquals([await client.receive(), await client.receive()], [["one", null], ["three", null]]);
  await client.send("to the owner\n");
  assertEquals(await served.receive(), ["to the owner", null]);
});

Deno.test("claim() while the owner receives is busy, and takes nothing away", async () => {
  await using ends = await overTcp();
  const address = unwrap(share(ends.served));
  const waiting = ends.served.receive();
  assertEquals((await claim(address))[1]?.code, "busy");
  await ends.client.send("for the owner\nfor the claimant\n");
  assertEquals(await waiting, ["for the owner", null]);
  const far = unwrap(await claim(address));
  assertEquals((await claim(address))[1]?.code, "busy");
  assertEquals(await far.receive(), ["for the claimant", null]);
  await far.close();
  assertEquals((await claim(address))[1]?.code, "closed");
});

Deno.test("both sides may close at once, gracefully or not", async () => {
  for (const [ours, theirs] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
    await using ends = await overTcp();
    const far = unwrap(await claim(unwrap(share(ends.served))));
    const waiting = far.receive();
    const close = (stream: BufferedStream, atOnce: number | undefined) =>
      atOnce ? stream.close_immediately() : stream.close();
    const both = [close(far, ours), close(ends.served, theirs)];
    assertEquals((await waiting)[1]?.code, "closed");
    assertEquals(await Promise.all(both), [[true, null], [true, null]]);
    assertEquals(await far.close(), [true, null]);
    while ((await ends.client.receiveany())[0] !== null);
  }
});

Deno.test("the owner's close ends it for all: what had arrived comes first, then gone", async () => {
  await using ends = await overTcp();
  const address = unwrap(share(ends.served));
  const far = unwrap(await claim(address));
  const writer = unwrap(await open(address));
  const heard = Promise.withResolvers<IoError | null>();
  writer.on_disconnect(heard.resolve);
  await ends.client.send("one\ntwo\n");
  assertEquals(await far.receive(), ["one", null]);
  await ends.served.close();
  assertEquals((await heard.promise)?.code, "gone");
  assertEquals(await far.receive(), ["two", null]);
  assertEquals((await far.receive())[1]?.code, "gone");
  assertEquals((await far.send("x"))[1]?.code, "gone");
  assertEquals((await writer.send("x"))[1]?.code, "gone");
  assertEquals((await writer.shutdown("send"))[1]?.code, "gone");
  await Promise.all([far.close(), writer.close()]);
});

Deno.test("a send without a limit waits as long as the peer does not read, whatever the stream's is", async () => {
  using clock = new FakeClock();
  const [own, peer] = pair({ capacity: 8 });
  const address = unwrap(share(own));
  const far = unwrap(await claim(address, { timeout: 20 }));
  for (const text of ["small and whole\n", `${"large ".repeat(100_000)}\n`]) {
    const sending = far.send(text, { timeout: 0 });
    for (let turns = 0; turns < 10; turns++) await turn();
    await clock.tick(100_000);
    assertEquals((await peer.receive(text.length, { encoding: "utf-8" }))[0], text);
    assertEquals((await sending)[1], null);
  }
  const late = far.send("more than eight bytes\n");
  for (let turns = 0; turns < 10; turns++) await turn();
  await clock.tick(100);
  assertEquals((await late)[1]?.code, "timeout");
  await Promise.all([far.close(), peer.close()]);
});

Deno.test("what had crossed before the owner's close can still be received", async () => {
  const [own, peer] = pair();
  const far = unwrap(await claim(unwrap(share(own))));
  await peer.send("one\n");
  assertEquals(await far.receive(), ["one", null]);
  await peer.send("two\n");
  // It comes over by itself, and then the end; nobody has asked for either here.
  for (let turns = 0; turns < 10; turns++) await turn();
  await own.close();
  for (let turns = 0; turns < 10; turns++) await turn();
  assertEquals(await far.receive(), ["two", null]);
  assertEquals((await far.receive())[1]?.code, "gone");
  await Promise.all([far.close(), peer.close()]);
});

Deno.test("an error of the socket comes with its code", async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const ctx = await sharer();
  const { port } = server.address() as net.AddressInfo;
  const address = unwrap(await ctx.query({ do: "connect", port }));
  const [socket] = await accepted as [net.Socket];
  const far = unwrap(await claim(address));
  socket.write("before\n");
  assertEquals(await far.receive(), ["before", null]);
  const waiting = far.receive();
  socket.resetAndDestroy();
  assertEquals((await waiting)[1]?.code, "reset");
  assertEquals((await far.receive())[1]?.code, "reset");
  await far.close();
  server.close();
  await once(server, "close");
  await end(ctx);
});

Deno.test("a stream that is used for something else is shared no more", async () => {
  const server = unwrap(await listen("127.0.0.1", 0));
  const sock = unwrap(await connect("127.0.0.1", server.port));
  const peer = unwrap(await server.accept());
  const address = unwrap(share(sock));
  const writer = unwrap(await open(address));
  const other = unwrap(await open(address));
  await writer.send("a question\n");
  await peer.send("an answer\n");
  assertEquals([await peer.receive(), await sock.receive()], [
    ["a question", null],
    ["an answer", null],
  ]);
  assertEquals(sock.setkeepalive(), [true, null]);
  // It is at rest in the pool, for others.
  assertEquals((await writer.send("x"))[1]?.code, "closed");
  assertEquals((await other.send("x".repeat(10_000)))[1]?.code, "closed");
  assertEquals((await open(address))[1]?.code, "closed");
  await Promise.all([writer.close(), other.close(), peer.close(), server.close()]);
});

Deno.test("shutdown() of a stream that its owner has closed gives gone, and so at once", async () => {
  const [own, peer] = pair();
  const address = unwrap(share(own));
  const writer = unwrap(await open(address));
  const gone = Promise.withResolvers<void>();
  writer.on_disconnect(() => gone.resolve());
  await own.close();
  await gone.promise;
  assertEquals((await writer.shutdown("send"))[1]?.code, "gone");
  await Promise.all([writer.close(), peer.close()]);
});

Deno.test("what a context has sent whole goes out after its end, if the peer takes it in time", async () => {
  for (const taken of [true, false]) {
    using clock = new FakeClock();
    const [own, peer] = pair({ capacity: 8 });
    const ctx = await sharer();
    const address = unwrap(share(own));
    assertEquals(await ctx.query({ do: "open", address }), ["open", null]);
    const sending = ctx.query({ do: "send", text: "its last words, whole\n" });
    // It is here when it has begun to leave.
    assertEquals((await peer.receive(3, { encoding: "utf-8" }))[0], "its");
    await end(ctx);
    assertEquals((await sending)[1]?.code, "gone");
    for (let turns = 0; turns < 10; turns++) await turn();
    if (taken) assertEquals(await peer.receive(), [" last words, whole", null]);
    await clock.tick(30_000);
    const [, err] = await own.send("x");
    assertEquals(err?.code ?? null, taken ? null : "dirty");
    own.close_immediately();
    peer.close_immediately();
  }
});

Deno.test("close_immediately() of a claimant whose close waits ends that, and cuts what is queued", async () => {
  const [own, peer] = pair({ capacity: 8 });
  const far = unwrap(await claim(unwrap(share(own))));
  const queued = own.send("more than the peer takes\n");
  const closing = far.close();
  for (let turns = 0; turns < 10; turns++) await turn();
  assertEquals(far.close_immediately(), [true, null]);
  assertEquals(await closing, [true, null]);
  assertEquals((await queued)[1]?.code, "closed");
  while ((await peer.receiveany())[0] !== null);
  await peer.close();
});

Deno.test("plain text does not get into a stream that has gone over to TLS", async () => {
  await using ends = await overTcp();
  const writer = unwrap(await open(unwrap(share(ends.client))));
  const [, client] = await Promise.all([
    ends.served.sslhandshake({ server: CERTS.server }),
    ends.client.sslhandshake({ ca: CERTS.ca }),
  ]);
  assertEquals(client, [true, null]);
  assertEquals((await writer.send("plain\n"))[1]?.code, "closed");
  await ends.client.send("secret\n");
  assertEquals(await ends.served.receive(), ["secret", null]);
  await writer.close();
});

Deno.test("open() that is given up leaves nothing behind, and the claim to others", async () => {
  const ctx = unwrap(await create(new URL("./worker.ts", import.meta.url)));
  // A context that has never shared anything does not answer.
  const nobody = `shared:${ctx.id}:101:${"0".repeat(32)}`;
  assertEquals((await open(nobody, { timeout: 5 }))[1]?.code, "timeout");
  const aborter = new AbortController();
  const waiting = open(nobody, { timeout: 0, signal: aborter.signal });
  aborter.abort();
  assertEquals((await waiting)[1]?.code, "cancelled");
  const thread = newthread(() => claim(nobody, { timeout: 0 }));
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  const lost = open(nobody, { timeout: 0 });
  ctx.destroy();
  assertEquals((await lost)[1]?.code, "gone");
  await ctx.wait();

  const { ctx: owner, address, peer } = await owned();
  const late = newthread(() => claim(address));
  kill(late);
  // What was claimed for nobody is closed again.
  while ((await peer.receiveany())[0] !== null);
  assertEquals((await open(address))[1]?.code, "closed");
  await peer.close();
  await end(owner);
});

Deno.test("share(), open() and claim() throw for what the caller could have known", async () => {
  const [ours, theirs] = pair();
  const address = unwrap(share(ours));
  assertThrows(() => share({} as BufferedStream), TypeError, "share wants a stream: got object");
  for (const wrong of ["127.0.0.1:80", "shared:1:2:3", 7, null]) {
    const say = "wants an address that share() gave";
    assertThrows(() => open(wrong as string), TypeError, `open ${say}`);
    assertThrows(() => claim(wrong as string), TypeError, `claim ${say}`);
  }
  assertThrows(() => open(address, { timeout: -1 }), RangeError, "timeout");
  assertThrows(() => open(address, { encoding: "no such" }), RangeError);
  const guessed = address.replace(/.{32}$/, "0".repeat(32));
  assertEquals((await claim(guessed))[1]?.code, "closed");
  await Promise.all([ours.close(), theirs.close()]);
  assertEquals(share(ours)[1]?.code, "closed");
  assertEquals((await open(address))[1]?.code, "closed");
  assertEquals(share(new BufferedStream(null))[1]?.code, "closed");
});

Deno.test("share() with move gives an isolated claimant the socket itself", async () => {
  const server = unwrap(await listen("127.0.0.1", 0, { reuseport: true }));
  const ctx = await sharer(KINDS[1][1]);
  const peer = unwrap(await connect("127.0.0.1", server.port));
  const sock = unwrap(await server.accept());
  await peer.send("sent before\n");
  const address = unwrap(share(sock, { move: true }));
  assertEquals(await ctx.query({ do: "claim", address }), ["claim", null]);
  assertEquals(await ctx.query({ do: "kind" }), ["TcpSocket", null]);
  assertEquals([sock.closed(), (await sock.send("x"))[1]?.code], [true, "closed"]);
  assertEquals((await open(address))[1]?.code, "closed");
  assertEquals(await ctx.query({ do: "receive" }), ["sent before", null]);
  await peer.shutdown("send");
  assertEquals(await ctx.query({ do: "receive" }), [null, null]);
  // Half-closed, as any socket of ours.
  assertEquals(await ctx.query({ do: "send", text: "answer\n" }), ["sent", null]);
  assertEquals(await peer.receive(), ["answer", null]);
  assertEquals(server.connections, 0);
  await ctx.send({ do: "exit" });
  assertEquals(await peer.receive(), [null, null]);
  await ctx.wait();
  await Promise.all([peer.close(), server.close()]);
});

Deno.test("share() with move shares what cannot be moved, and moves nothing half read", async () => {
  const server = unwrap(await listen("127.0.0.1", 0, { reuseport: true }));
  const [thread, process] = [await sharer(), await sharer(KINDS[1][1])];
  const cases: [
    Context<Request, string>,
    (sock: TcpSocket, peer: TcpSocket) => Promise<unknown>,
  ][] = [
    [thread, () => Promise.resolve()],
    [process, (sock) => sock.receive("*l", { timeout: 1 })],
    [process, async (sock, peer) => {
      await sock.send("hello\n");
      await peer.receive();
    }],
    [process, (sock) => open(unwrap(share(sock, { move: true })))],
    // It reads ahead, to hear of the end.
    [process, (sock) => Promise.resolve(sock.on_disconnect(() => {}))],
  ];
  for (const [ctx, before] of cases) {
    const peer = unwrap(await connect("127.0.0.1", server.port));
    const sock = unwrap(await server.accept());
    await before(sock, peer);
    const address = unwrap(share(sock, { move: true }));
    assertEquals(await ctx.query({ do: "claim", address }), ["claim", null]);
    assertEquals(await ctx.query({ do: "kind" }), ["SharedStream", null]);
    await peer.send("to the claimant\n");
    assertEquals(await ctx.query({ do: "receive" }), ["to the claimant", null]);
    assertEquals(await sock.send("from the owner\n"), [15, null]);
    assertEquals(await peer.receive(), ["from the owner", null]);
    await peer.close();
    assertEquals(await ctx.query({ do: "close" }), [true as never, null]);
  }
  await Promise.all([end(thread), end(process), server.close()]);
});

Deno.test("a claim of a socket that moves, given up meanwhile, closes it", async () => {
  const server = unwrap(await listen("127.0.0.1", 0, { reuseport: true }));
  const ctx = await sharer(KINDS[1][1]);
  const peer = unwrap(await connect("127.0.0.1", server.port));
  const sock = unwrap(await server.accept());
  const address = unwrap(share(sock, { move: true }));
  assertEquals(await ctx.query({ do: "claim, killed", address }), ["killed", null]);
  assertEquals(await peer.receive(), [null, null]);
  assertEquals((await open(address))[1]?.code, "closed");
  await ctx.send({ do: "exit" });
  await Promise.all([peer.close(), server.close(), ctx.wait()]);
});

Deno.test("a stream that its claimant has closed is not kept by having been shared", async () => {
  const script = new URL("./share_collected.ts", import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", script],
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "collected\n");
});
