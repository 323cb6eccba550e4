/**
 * Loops that take no heed of what they are told must not keep everything else from
 * running: whatever is answered at once, for ever, takes a turn of the event loop
 * now and then.
 */
import { assert } from "@std/assert";
import { BufferedStream, pair } from "../../stream/mod.ts";
import { FakeClock, newthread, sleep, swop, wait } from "../../thread/mod.ts";

/** So often may a loop go round before a timer must have fired; without turns it never would. */
const MOST_ROUNDS = 2_000_000;

/** Gives how many rounds there were in the first turn. */
async function letsTimersThrough(ask: () => Promise<unknown>): Promise<number> {
  let stop = false;
  const timer = setTimeout(() => stop = true, 2);
  let inFirstTurn = 0;
  const turned = setImmediate(() => inFirstTurn = rounds);
  let rounds = 0;
  while (!stop && rounds < MOST_ROUNDS) {
    rounds += 1;
    await ask();
  }
  clearTimeout(timer);
  clearImmediate(turned);
  assert(stop, `no timer has fired within ${rounds} rounds`);
  return inFirstTurn;
}

/** The first failures are answered at once, in one turn. */
async function failsFast(ask: () => Promise<unknown>): Promise<void> {
  // Where time stands still no turn is due because the machine was busy.
  using _clock = new FakeClock();
  const rounds = await letsTimersThrough(ask);
  assert(rounds >= 15, `only ${rounds} rounds: then each of them takes a turn`);
}

const AT_THE_END: Record<string, (stream: BufferedStream) => () => Promise<unknown>> = {
  'receive("*l")': (stream) => () => stream.receive(),
  'receive("*a")': (stream) => () => stream.receive("*a"),
  "receive(n)": (stream) => () => stream.receive(5),
  "receiveany()": (stream) => () => stream.receiveany(),
  "receive_into()": (stream) => () => stream.receive_into(new Uint8Array(9)),
  "receiveuntil()": (stream) => () => stream.receiveuntil("x"),
  "peek()": (stream) => () => stream.peek(1),
  "lines()": (stream) => {
    const lines = stream.lines();
    return () => lines.next();
  },
  "send()": (stream) => () => stream.send("nobody reads"),
};

for (const [name, ask] of Object.entries(AT_THE_END)) {
  Deno.test(`${name} at the end of a stream does not freeze who takes no heed of it`, async () => {
    const [a, b] = pair();
    await b.close();
    await failsFast(ask(a));
    await a.close();
  });
}

const MISUSED: Record<string, (stream: BufferedStream) => Promise<unknown>> = {
  "receive() of a closed stream": async (stream) => {
    await stream.close();
    return stream.receive();
  },
  "an aborted receive()": (stream) => stream.receive("*l", { signal: AbortSignal.abort() }),
  "an aborted send()": (stream) => stream.send("x", { signal: AbortSignal.abort() }),
  "receive(n) beyond its max": (stream) => stream.receive(9, { max: 8 }),
  "a line that is too long": (stream) => stream.receive("*l", { max: 2 }),
  "bad text": (stream) => stream.receive(1, { encoding: "utf-8" }),
  "shutdown() after a shutdown, and send()": async (stream) => {
    await stream.shutdown("send");
    return stream.send("x");
  },
};

for (const [name, ask] of Object.entries(MISUSED)) {
  Deno.test(`${name} does not freeze who tries for ever`, async () => {
    const [a, b] = pair();
    await b.send(new Uint8Array([0xff, 0x41, 0x42, 0x43, 0x44]));
    await a.peek(5);
    await failsFast(() => ask(a));
    a.close_immediately();
    b.close_immediately();
  });
}

Deno.test("a second receive() does not freeze who tries for ever while the first waits", async () => {
  const [a, b] = pair();
  const first = a.receive();
  await failsFast(() => a.receive());
  await Promise.all([a.close(), b.close(), first]);
});

const UNCONNECTED: Record<string, (stream: BufferedStream) => Promise<unknown>> = {
  "receive()": (stream) => stream.receive(),
  "receive(n) beyond its max": (stream) => stream.receive(9, { max: 8 }),
  "send()": (stream) => stream.send("x"),
  "shutdown()": (stream) => stream.shutdown("send"),
};

for (const [name, ask] of Object.entries(UNCONNECTED)) {
  Deno.test(`${name} without a connection takes a turn each time`, async () => {
    const stream = new BufferedStream(null);
    let turns = 0;
    const count = () => {
      turns += 1;
      if (turns < 20) setTimeout(count, 0);
    };
    setTimeout(count, 0);
    for (let round = 0; round < MOST_ROUNDS && turns < 20; round++) await ask(stream);
    assert(turns === 20, `only ${turns} timers fired`);
  });
}

Deno.test("two threads that talk over a pair let timers through", async () => {
  const [a, b] = pair();
  const echo = newthread(async () => {
    for await (const line of b.lines()) await b.send(`${line}\n`);
  });
  await letsTimersThrough(async () => {
    await a.send("ping\n");
    return await a.receive();
  });
  await a.close();
  await wait(echo);
  await b.close();
});

Deno.test("sleep() and wait() with an aborted signal take a turn each time", async () => {
  const signal = AbortSignal.abort();
  const slow = newthread(() => sleep(20));
  for (const ask of [() => sleep(10, { signal }), () => wait(slow, { signal })]) {
    let fired = false;
    setTimeout(() => fired = true, 0);
    for (let round = 0; round < MOST_ROUNDS && !fired; round++) await ask();
    assert(fired, "no timer has fired");
  }
  await wait(slow);
});

Deno.test("swop() lets a fake clock tick", async () => {
  using clock = new FakeClock();
  let stop = false;
  let swops = 0;
  const spinner = newthread(async () => {
    while (!stop && swops < MOST_ROUNDS) {
      await swop();
      swops += 1;
    }
  });
  const sleeper = newthread(async () => {
    await sleep(10);
    stop = true;
  });
  await clock.tick(10);
  await wait([spinner, sleeper]);
  assert(swops < MOST_ROUNDS, "the clock could not tick");
});
