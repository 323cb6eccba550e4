/**
 * Messages and queries to contexts, beside bare ports between the same two threads, piscina
 * and comlink; how much two threads do at once; ten thousand contexts; and how soon a death
 * is known.
 *
 *     deno task bench context
 */
import { type Remote, wrap } from "comlink";
import { Piscina } from "piscina";
import { type Context, create, inside, unwrap } from "../context/mod.ts";
import { on_error } from "../thread/mod.ts";
import { compare, rate } from "./compare.ts";
import type { Api } from "./context/comlink_worker.ts";

const MESSAGES = 50_000;
const url = new URL("./context/worker.ts", import.meta.url);
const here = () => unwrap(create<unknown, unknown>(url));
const apart = () => unwrap(create<unknown, unknown>(url, { isolated: true }));

/** The next thing that comes out of a port. */
const next = (port: MessagePort) =>
  new Promise<unknown>((resolve) => port.onmessage = ({ data }) => resolve(data));

function same(counted: unknown): void {
  if (counted !== MESSAGES) throw new Error(`${MESSAGES} were sent, ${counted} came`);
}

/** Two contexts in two threads of their own, and a process. */
const [one, two, other] = [await here(), await here(), await apart()];

/** A bare port from this thread into the thread of a context. */
async function portTo(ctx: Context): Promise<MessagePort> {
  const { port1, port2 } = new MessageChannel();
  await unwrap(ctx.query({ port: port2 }, { transfer: [port2] }));
  return port1;
}

async function sends(ctx: Context): Promise<void> {
  for (let value = 0; value < MESSAGES; value++) await ctx.send({ do: "count", value });
  same(await unwrap(ctx.query("count")));
}

const raw = await portTo(one);
const web = new Worker(new URL("./context/comlink_worker.ts", import.meta.url), { type: "module" });
const remote: Remote<Api> = wrap<Api>(web);

await compare({
  name: "messages to another thread",
  unit: "messages/s",
  contenders: {
    "postMessage() each": () =>
      rate(MESSAGES, async () => {
        for (let value = 0; value < MESSAGES; value++) raw.postMessage({ do: "count", value });
        raw.postMessage("count");
        same(await next(raw));
      }),
    "postMessage() of 100": () =>
      rate(MESSAGES, async () => {
        for (let value = 0; value < MESSAGES;) {
          const batch = [];
          while (batch.length < 100) batch.push({ do: "count", value: value++ });
          raw.postMessage(batch);
        }
        raw.postMessage("count");
        same(await next(raw));
      }),
    "comlink, a call each": () =>
      rate(MESSAGES / 10, async () => {
        const calls = [];
        for (let value = 0; value < MESSAGES / 10; value++) {
          calls.push(remote.add({ do: "count", value }));
        }
        await Promise.all(calls);
        await remote.count();
      }),
    "send()": () => rate(MESSAGES, () => sends(one)),
    "send(), 1,000 at a time": () =>
      rate(MESSAGES, async () => {
        for (let value = 0; value < MESSAGES;) {
          const sent = [];
          while (sent.length < 1_000) sent.push(one.send({ do: "count", value: value++ }));
          await Promise.all(sent);
        }
        same(await unwrap(one.query("count")));
      }),
    "send() to a process": () => rate(MESSAGES, () => sends(other)),
  },
});

await compare({
  name: "messages between two threads beside the main one",
  unit: "messages/s",
  contenders: {
    "postMessage() each": async () => {
      const { port1, port2 } = new MessageChannel();
      await unwrap(two.query({ port: port2 }, { transfer: [port2] }));
      const order = { through: port1, messages: MESSAGES };
      return rate(MESSAGES, async () => {
        same(await unwrap(one.query(order, { transfer: [port1] })));
      });
    },
    "send(), which goes through the main one": () =>
      rate(MESSAGES, async () => {
        same(await unwrap(one.query({ to: two.id, messages: MESSAGES })));
      }),
  },
});

const channel = new MessageChannel();
let arrived = 0;
let all = Promise.withResolvers<void>();
channel.port2.onmessage = () => {
  if (++arrived % MESSAGES === 0) all.resolve();
};
const main = inside();

await compare({
  name: "messages within a thread",
  unit: "messages/s",
  contenders: {
    "postMessage() each": () =>
      rate(MESSAGES, async () => {
        all = Promise.withResolvers();
        for (let value = 0; value < MESSAGES; value++) {
          channel.port1.postMessage({ do: "count", value });
        }
        await all.promise;
      }),
    "send() and recv()": () =>
      rate(MESSAGES, async () => {
        const received = (async () => {
          for (let count = 0; count < MESSAGES; count++) await unwrap(main.recv());
        })();
        for (let value = 0; value < MESSAGES; value++) await main.self.send({ do: "count", value });
        await received;
      }),
  },
});
channel.port1.close();

/** Round trips of numbers, so many under way at a time. */
function trips(count: number, width: number, trip: (n: number) => Promise<unknown>) {
  return () =>
    rate(count, () =>
      Promise.all(Array.from({ length: width }, async () => {
        for (let n = 0; n < count / width; n++) {
          if (await trip(n) !== n) throw new Error("an answer is wrong");
        }
      })));
}

const waiting: ((value: number) => void)[] = [];
/** A port answers in order: that is all a round trip over a bare one needs. */
function bareTrip(n: number): Promise<unknown> {
  raw.postMessage([n]);
  return new Promise((resolve) => waiting.push(resolve));
}

const pool = new Piscina({
  filename: new URL("./context/piscina_worker.ts", import.meta.url).href,
  minThreads: 1,
  maxThreads: 1,
  concurrentTasksPerWorker: 100,
});

for (const width of [1, 100]) {
  const count = width === 1 ? 2_000 : 20_000;
  const run = (trip: (n: number) => Promise<unknown>) => trips(count, width, trip);
  await compare({
    name: `round trips, ${width} at a time`,
    unit: "round trips/s",
    contenders: {
      "postMessage() and back": () => {
        raw.onmessage = ({ data: [n] }) => waiting.shift()!(n);
        return run(bareTrip)();
      },
      "comlink": run((n) => remote.echo(n)),
      "piscina": run((n) => pool.run(n)),
      "query()": run((n) => unwrap(one.query(n))),
      "query() to a process": run((n) => unwrap(other.query(n))),
    },
  });
}
await pool.destroy();
web.terminate();
raw.close();

/** Handlers that use the processor for 0.2 ms, 20 under way for each thread. */
const BUSY = { busy: 0.2 };
function handlers(contexts: Context[]): () => Promise<number> {
  const count = 1_000 * contexts.length;
  return () =>
    rate(count, () =>
      Promise.all(contexts.flatMap((ctx) =>
        Array.from({ length: 20 }, async () => {
          for (let n = 0; n < 50; n++) await unwrap(ctx.query(BUSY));
        })
      )));
}

function tasks(threads: number): () => Promise<number> {
  const count = 1_000 * threads;
  return async () => {
    const { href } = new URL("./context/piscina_worker.ts", import.meta.url);
    const workers = new Piscina({ filename: href, minThreads: threads, maxThreads: threads });
    await Promise.all(Array.from({ length: threads }, () => workers.run(1)));
    const done = await rate(
      count,
      () =>
        Promise.all(Array.from({ length: 20 * threads }, async () => {
          for (let n = 0; n < 50; n++) await workers.run(BUSY);
        })),
    );
    await workers.destroy();
    return done;
  };
}

/*
 * Every ratio is to one context in a thread. What a second thread brings is therefore the
 * ratio of "two contexts, a thread each" itself. A second process is to be compared with one
 * process, so divide the two: the same loop costs more or less in a process than in a thread,
 * for each has its own machine code for it, and the message its own way. That goes for a process
 * that has done other work before, too: these are new, and do nothing else.
 */
const [alone, left, right] = [await apart(), await apart(), await apart()];
await compare({
  name: "handlers of 0.2 ms",
  unit: "queries/s",
  rounds: 5,
  contenders: {
    "one context": handlers([one]),
    "two contexts, a thread each": handlers([one, two]),
    "one context, a process": handlers([alone]),
    "two contexts, a process each": handlers([left, right]),
    "piscina, one thread": tasks(1),
    "piscina, two threads": tasks(2),
  },
});
for (const ctx of [one, two, other, alone, left, right]) ctx.destroy();

const CROWD = 10_000;
console.log(
  `\n${CROWD} contexts alive at once, 3 runs: created, asked and ended in, memory of each`,
);
for (let run = 0; run < 3; run++) {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      new URL("./context/crowd.ts", import.meta.url).href,
      `${CROWD}`,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  const { created, asked, ended, memory } = JSON.parse(new TextDecoder().decode(stdout));
  const times = [created, asked, ended].map((time) => `${time.toFixed(0)} ms`.padStart(8)).join(
    " ",
  );
  console.log(
    `  ${times}   ${(CROWD / created).toFixed(0)} k/s   ${(memory / 1024).toFixed(1)} KiB`,
  );
}

const DEATHS = Number(Deno.args[0] ?? 100);
const mortal = new URL("../tests/context/worker.ts", import.meta.url);
const quiet = on_error(() => {});
/** Ways to die: as an order to the context, or from here. */
const WAYS: [name: string, isolated: boolean, die: (ctx: Context) => unknown][] = [
  ["returns", false, (ctx) => ctx.send({ do: "return" })],
  ["throws", false, (ctx) => ctx.send({ do: "throw" })],
  ["calls Deno.exit()", false, (ctx) => ctx.send({ do: "exit" })],
  ["is destroyed", false, (ctx) => ctx.destroy()],
  ["returns, in a process", true, (ctx) => ctx.send({ do: "return" })],
  ["is killed, a process", true, (ctx) => ctx.send({ do: "kill" })],
  ["is destroyed, a process", true, (ctx) => ctx.destroy()],
];

console.log(`\ndeaths, until the last of 100 queries knows, ${DEATHS} of each: median, worst`);
for (const [name, isolated, die] of WAYS) {
  const times: number[] = [];
  const options = isolated ? { isolated, permissions: ["--allow-run"] } : {};
  for (let n = 0; n < DEATHS; n++) {
    const ctx = await unwrap(create<unknown, unknown>(mortal, options));
    const queries = Array.from({ length: 100 }, () => ctx.query({ do: "nothing" }));
    await unwrap(ctx.query({ do: "echo", value: 1 }));
    const begun = performance.now();
    die(ctx);
    const ends = await Promise.all(queries);
    times.push(performance.now() - begun);
    if (ends.some(([, err]) => err?.code !== "gone")) throw new Error("a query has not failed");
    await ctx.wait();
  }
  times.sort((a, b) => a - b);
  const [middle, worst] = [times[times.length >> 1]!, times.at(-1)!];
  console.log(
    `  ${name.padEnd(36)} ${middle.toFixed(1).padStart(7)} ${worst.toFixed(1).padStart(7)} ms`,
  );
}
quiet();
