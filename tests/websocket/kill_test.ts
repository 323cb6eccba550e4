/** Every call that may wait: a kill, a signal and a timeout reach it, and nothing is left. */
import { assert, assertEquals } from "@std/assert";
import { connect, hub, type MessageSocket, serve } from "../../websocket/mod.ts";
import { inKilled } from "../kill/killed.ts";
import { ends, frame, rawClient, receiveFrame } from "./ends.ts";
import { FakeClock, kill, newthread, swop, wait } from "./threads.ts";

interface Place {
  /** Its other side says nothing, reads nothing, and more than may wait leaves. */
  ours: MessageSocket;
  /** Where nobody answers. */
  url: string;
}

interface Bounds {
  timeout?: number;
  signal?: AbortSignal;
}

/** Each call, and what a thread in it is called. */
const CALLS: Record<
  string,
  [state: string, call: (at: Place, bounds: Bounds) => Promise<unknown>]
> = {
  "connect()": ["connect to", ({ url }, bounds) => connect(url, bounds)],
  "MessageSocket.receive()": ["receive from", ({ ours }, bounds) => ours.receive(bounds)],
  "MessageSocket.send()": ["send to", ({ ours }, bounds) => ours.send("late", bounds)],
};

/** More than the buffers of both ends hold. */
const FLOOD = 64;

async function withPlace(fn: (at: Place) => Promise<void>): Promise<void> {
  using mute = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using client = await rawClient({ high_mark: 0, close_timeout: 20 });
  const { ours, raw } = client;
  const piece = new Uint8Array(256 * 1024);
  const sends = Array.from({ length: FLOOD }, () => ours.send(piece, { timeout: 0 }));
  await fn({ ours, url: `ws://127.0.0.1:${mute.addr.port}` });
  // The receive was given up, and what comes now is the next one's.
  await raw.send(frame(0x81, "hello", true));
  assertEquals(await ours.receive(), ["hello", null]);
  // The sends before came through, whole, and nothing of what was given up.
  for (let n = 0; n < FLOOD; n++) {
    assertEquals((await receiveFrame(raw))?.payload.length, piece.length);
  }
  assertEquals(await Promise.all(sends), sends.map(() => [true, null]));
  assertEquals(await ours.send("next"), [true, null]);
  assertEquals(new TextDecoder().decode((await receiveFrame(raw))?.payload), "next");
  assertEquals(ours.busy(), false);
}

for (const [name, [state, call]] of Object.entries(CALLS)) {
  Deno.test(`a kill reaches ${name} and leaves nothing of it`, () =>
    withPlace(async (at) => {
      const thread = newthread(() => call(at, { timeout: 0 }));
      await swop();
      assert(thread.state.startsWith(state), thread.state);
      kill(thread, "enough");
      assertEquals((await wait(thread))[1]?.code, "killed");
    }));

  Deno.test(`${name} in a thread that was killed before throws that, and does nothing`, () =>
    withPlace(async (at) => {
      assertEquals(await inKilled(() => call(at, {})), "killed");
    }));

  Deno.test(`a signal and a timeout reach ${name} and leave nothing of it`, () =>
    withPlace(async (at) => {
      const abort = new AbortController();
      const waiting = call(at, { timeout: 0, signal: abort.signal }) as Promise<unknown[]>;
      abort.abort();
      const codes = [await waiting, await call(at, { signal: abort.signal })];
      using clock = new FakeClock();
      const late = call(at, { timeout: 1_000 });
      await clock.tick(1_000);
      codes.push(await late);
      assertEquals(codes.map((one) => (one as { code: string }[])[1]?.code), [
        "cancelled",
        "cancelled",
        "timeout",
      ]);
    }));
}

Deno.test("receive() and send() of a killed thread throw that also where there is nothing to wait for", async () => {
  await using both = await ends();
  const { client, served } = both;
  await served.send("here");
  while (client.pending === 0) await swop();
  assertEquals(await inKilled(() => client.receive()), "killed");
  assertEquals(await inKilled(() => client.send("of nobody's")), "killed");
  assertEquals(await client.receive(), ["here", null]);
  await client.send("next");
  assertEquals(await served.receive(), ["next", null]);
  await client.close();
  assertEquals(await inKilled(() => client.receive()), "killed");
  assertEquals(await inKilled(() => client.send("too late")), "killed");
});

Deno.test("for await over a socket throws ThreadKilled in a thread that was killed before", async () => {
  await using both = await ends();
  const { client } = both;
  assertEquals(await inKilled(() => Array.fromAsync(client)), "killed");
  assertEquals(client.busy(), false);
});

Deno.test("shutdown() in a thread that was killed before throws that, and has told all", async () => {
  await using both = await ends();
  const room = hub();
  room.join(both.served);
  assertEquals(await inKilled(() => room.shutdown()), "killed");
  assertEquals(await both.client.receive(), [null, null]);
  assertEquals(both.client.code, 1_001);
});

Deno.test("Endpoint.fetch() in a thread that was killed before throws that, and upgrades nothing", async () => {
  const endpoint = serve(() => {});
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const how = await inKilled(() => Promise.resolve(endpoint.fetch(request)));
    return new Response(how, { status: 403 });
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  for (let n = 0; n < 2; n++) {
    const [, err] = await connect(url);
    assertEquals(err?.code, "reply");
  }
  assertEquals(endpoint.connections, 0);
  await server.shutdown();
});
