/**
 * Loops of calls that need no event: whoever computes between them, however long, holds up
 * neither timers nor I/O. Without the turns that these calls take now and then, a loop over
 * lines that have come already would freeze a server until the last of them.
 */
import { assert } from "@std/assert";
import { codecOf } from "../core/mod.ts";
import { Datagrams } from "../cosocket/_datagrams.ts";
import { connect, listen, unwrap } from "../cosocket/mod.ts";
import { create } from "../context/mod.ts";
import { open } from "../eio/mod.ts";
import { pair, select } from "../stream/mod.ts";
import {
  channel,
  deadline,
  event,
  lock,
  newthread,
  parallel,
  queue,
  retry,
  scope,
  semaphore,
  sleep,
  sleeper,
  swop,
  wait,
  wait_any,
} from "../thread/mod.ts";
import { Incoming } from "../websocket/_incoming.ts";
import { Outgoing } from "../websocket/_outgoing.ts";

/** So many rounds, of a millisecond each, must be more than enough. */
const ROUNDS = 400;

type Round = () => unknown;
type Loop = (undo: AsyncDisposableStack) => Round | Promise<Round>;

const LINES = "line\n".repeat(ROUNDS);

/** A socket whose other side has sent `sent`, of which one byte is received. */
async function socketOf(undo: AsyncDisposableStack, sent: string) {
  const server = undo.use(unwrap(await listen("127.0.0.1", 0)));
  const client = unwrap(await connect("127.0.0.1", server.port));
  const peer = undo.use(unwrap(await server.accept()));
  undo.defer(() => void client.close_immediately());
  unwrap(await peer.send(sent));
  // What was sent before has come when this has.
  unwrap(await client.receive(1));
  return client;
}

const LOOPS: Record<string, Loop> = {
  "swop": () => () => swop(),
  "sleep(0)": () => () => sleep(0),
  "wait for a thread that has ended": () => {
    const ended = newthread(() => 1);
    return () => wait(ended);
  },
  "wait for a list of what has ended": () => {
    const ended = [newthread(() => 1), newthread(() => 2)];
    return () => wait(ended);
  },
  "wait for a thread that ends at once": () => () => wait(newthread(() => 1)),
  "wait for a list of what ends at once": () => () => wait([newthread(() => 1)]),
  "wait_any": () => () => wait_any([newthread(() => 1)]),
  "scope": () => () => scope(() => 1),
  "deadline": () => () => deadline(60_000, () => 1),
  "parallel": () => () => parallel.map([1, 2], (n) => n),
  "retry": () => () => retry(() => 1),
  "queue.get of what is there": () => {
    const values = queue<number>();
    for (let n = 0; n < ROUNDS; n++) values.try_put(n);
    return () => values.get();
  },
  "queue.put where there is room": () => {
    const values = queue<number>();
    return () => values.put(1);
  },
  "channel without a place, between two": (undo) => {
    const values = channel<number>();
    const sender = newthread(async () => {
      while ((await values.send(1))[1] === null);
    });
    undo.defer(async () => {
      values.close();
      await wait(sender);
    });
    return () => values.receive();
  },
  "event that has happened": () => {
    const happened = event();
    happened.set();
    return () => happened.wait();
  },
  "semaphore": () => {
    const permits = semaphore(1);
    return async () => unwrap(await permits.acquire()).release();
  },
  "lock": () => {
    const one = lock();
    return async () => unwrap(await one.acquire()).release();
  },
  "sleeper that another wakes": () => {
    const bed = sleeper();
    return () => {
      queueMicrotask(() => bed.wakeup());
      return bed.sleep();
    };
  },
  "TcpSocket.receive of lines that have come": async (undo) => {
    const client = await socketOf(undo, "." + LINES);
    return () => client.receive();
  },
  "TcpSocket.receive of bytes that have come": async (undo) => {
    const client = await socketOf(undo, "." + LINES);
    return () => client.receive(2);
  },
  "TcpSocket.lines of what has come": async (undo) => {
    const client = await socketOf(undo, "." + LINES);
    const lines = client.lines();
    return () => lines.next();
  },
  "UdpSocket.receive of what has come": () => {
    const datagrams = new Datagrams(ROUNDS, ROUNDS);
    for (let n = 0; n < ROUNDS; n++) {
      datagrams.put({ bytes: new Uint8Array(1), ip: "127.0.0.1", port: 1 });
    }
    return () => datagrams.receive("socket", codecOf("bytes"), {});
  },
  "MessageSocket.receive of what has come": () => {
    const messages = new Incoming("socket", ROUNDS, ROUNDS);
    for (let n = 0; n < ROUNDS; n++) messages.arrive("x");
    return () => messages.receive({ timeout: 0, signal: undefined, owner: messages });
  },
  "MessageSocket.send where there is room": () => {
    const outlet = { open: true, buffered: 0, hand: () => {}, refusal: () => null };
    const messages = new Outgoing("socket", 1, outlet);
    return () => messages.send("x", { timeout: 0, signal: undefined, owner: messages });
  },
  "an echo in memory": (undo) => {
    const [here, there] = pair();
    undo.use(here);
    undo.use(there);
    newthread(async () => {
      for (;;) {
        const [line] = await there.receive();
        if (line === null) return;
        await there.send(`${line}\n`);
      }
    });
    return async () => {
      await here.send("x\n");
      unwrap(await here.receive());
    };
  },
  "a send that is held": (undo) => {
    const [here, there] = pair();
    undo.use(there);
    undo.use(here);
    here.cork();
    return () => here.send("x");
  },
  "uncork of nothing": (undo) => {
    const [here, there] = pair();
    undo.use(there);
    undo.use(here);
    return () => here.uncork();
  },
  "select among what is readable": async (undo) => {
    const [here, there] = pair();
    undo.use(there);
    undo.use(here);
    await there.send("x");
    return () => select([here]);
  },
  "FileHandle.lines": async (undo) => {
    const path = await Deno.makeTempFile();
    undo.defer(() => Deno.remove(path));
    await Deno.writeTextFile(path, LINES);
    const file = undo.use(unwrap(await open(path, "r")));
    const lines = file.lines();
    return () => lines.next();
  },
  "Context.send": async (undo) => {
    const code =
      "data:text/javascript,export default async (inside) => { while ((await inside.recv())[0]); }";
    const context = undo.use(unwrap(await create<number>(code)));
    return () => context.send(1);
  },
};

Deno.test("a connection is served while a thread goes on", async () => {
  await using server = unwrap(await listen("127.0.0.1", 0));
  const served = server.autospawn(async (sock) => {
    await sock.send(`${(await sock.receive())[0]}\n`);
  });
  let echo: string | null = null;
  const client = newthread(async () => {
    await using sock = unwrap(await connect("127.0.0.1", server.port));
    await sock.send("hello\n");
    echo = unwrap(await sock.receive());
  });
  const values = queue<number>();
  let rounds = 0;
  // It takes five looks at the kernel.
  for (; echo === null && rounds < 5 * ROUNDS; rounds++) {
    unwrap(await values.put(rounds));
    const over = performance.now() + 1;
    while (performance.now() < over);
  }
  assert(echo === "hello", `not within ${rounds} rounds`);
  await wait(client);
  await server.close();
  await served;
});

for (const [name, loop] of Object.entries(LOOPS)) {
  Deno.test(`a timer fires while a thread goes on: ${name}`, async () => {
    await using undo = new AsyncDisposableStack();
    const round = await loop(undo);
    let fired = false;
    const timer = setTimeout(() => fired = true, 1);
    undo.defer(() => clearTimeout(timer));
    let rounds = 0;
    for (; !fired && rounds < ROUNDS; rounds++) {
      await round();
      const over = performance.now() + 1;
      while (performance.now() < over);
    }
    assert(fired, `not within ${rounds} rounds`);
  });
}
