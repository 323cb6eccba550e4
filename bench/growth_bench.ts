/**
 * What an operation costs as things grow: connections from 1 to 10,000, threads to 100,000,
 * lines from 10 B to 1 MB, a pool from empty to full, lists of waiters. A cost that stays
 * flat shows as a ratio near 1; one that grows with the size itself would fall by ten each
 * row. Then a load of all of it together, for `--minutes N` (a half by default), whose heap
 * and descriptors must not grow; `--load` runs that alone.
 *
 *     deno task bench growth -- --minutes 10
 *     deno task bench growth -- --load --minutes 10
 */
import { connect, listen, pool_close, type TcpSocket, unwrap } from "../cosocket/mod.ts";
import { BufferedStream, pair } from "../stream/mod.ts";
import { kill, newthread, queue, sleep, startloop, swop, wait } from "../thread/mod.ts";
import { compare, type Contender, keep, rate } from "./compare.ts";
import { brief, type Row } from "./figures.ts";
import { PURPOSE, startPeer } from "./peer.ts";

const flag = Deno.args.indexOf("--minutes");
const minutes = flag < 0 ? 0.5 : Number(Deno.args[flag + 1]);
if (!(minutes > 0)) throw new RangeError(`--minutes wants a number above 0: got ${minutes}`);

/** Sizes as contenders: `1,000 connections`. */
function sizes(
  all: number[],
  of: string,
  make: (size: number) => Contender,
): Record<string, Contender> {
  return Object.fromEntries(all.map((size) => [`${size.toLocaleString("en")} ${of}`, make(size)]));
}

const message = new Uint8Array(64).fill(120);

/**
 * A signal for each, aborted from the last to the first, which is the dearer order for
 * lists. One for all would show what the runtime needs for so many listeners.
 */
function controllers(count: number): AbortController[] {
  return Array.from({ length: count }, () => new AbortController());
}

/** Round trips of one measurement, of however many connections. */
const trips = 20_000;

/** What the machine itself makes of so many: its caches, the kernel, the runtime. */
async function plainConnections(): Promise<void> {
  await using peer = await startPeer();
  await compare({
    name: "growth: plain Deno's echo by connections",
    unit: "round trips of 64 B/s",
    rounds: 3,
    contenders: sizes([1, 10, 100, 1_000, 10_000], "connections", (size) => async () => {
      const conns: Deno.TcpConn[] = [];
      while (conns.length < size) {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port: peer.port });
        await conn.write(Uint8Array.of(PURPOSE.echo));
        conns.push(conn);
      }
      const figure = await rate(trips, () =>
        Promise.all(conns.map(async (conn) => {
          const into = new Uint8Array(64);
          for (let n = 0; n < trips / size; n++) {
            await conn.write(message);
            for (let at = 0; at < 64;) at += (await conn.read(into.subarray(at)))!;
          }
        })));
      for (const conn of conns) conn.close();
      return figure;
    }),
  });
}

async function connections(): Promise<void> {
  await using peer = await startPeer();
  const socks: TcpSocket[] = [];
  const most = 10_000;
  while (socks.length < most) {
    const some = Array.from({ length: 100 }, () => unwrap(connect("127.0.0.1", peer.port)));
    for (const sock of await Promise.all(some)) {
      await sock.send(Uint8Array.of(PURPOSE.echo));
      socks.push(sock);
    }
  }
  await compare({
    name: "growth: echo by connections",
    unit: "round trips of 64 B/s",
    rounds: 3,
    contenders: sizes(
      [1, 10, 100, 1_000, 10_000],
      "connections",
      (size) => () =>
        rate(trips, () =>
          Promise.all(
            socks.slice(0, size).map(async (sock) => {
              for (let n = 0; n < trips / size; n++) {
                await sock.send(message);
                await unwrap(sock.receive(64));
              }
            }),
          )),
    ),
  });
  for (const sock of socks) sock.close_immediately();
  await compare({
    name: "growth: pool, by sockets at rest",
    unit: "gets and puts/s",
    rounds: 3,
    contenders: sizes([1, 10, 100, 1_000], "at rest", (size) => async () => {
      const key = { pool: `bench ${size}` };
      const dial = () => unwrap(connect("127.0.0.1", peer.port, key));
      const all = await Promise.all(Array.from({ length: size }, dial));
      for (const sock of all) unwrap(sock.setkeepalive(size));
      const figure = await rate(2_000, async () => {
        for (let n = 0; n < 2_000; n++) unwrap((await dial()).setkeepalive(size));
      });
      await pool_close(key.pool);
      return figure;
    }),
  });
  await compare({
    name: "growth: pool, by waiters that give up",
    unit: "waiters/s",
    rounds: 3,
    contenders: sizes([100, 1_000, 10_000], "waiters", (size) => async () => {
      const options = { pool: "bench waiters", pool_size: 1 };
      const first = await unwrap(connect("127.0.0.1", peer.port, options));
      const figure = await often(size, async () => {
        const stops = controllers(size);
        const waiting = stops.map(({ signal }) =>
          connect("127.0.0.1", peer.port, { ...options, signal })
        );
        await null;
        for (const stop of stops.toReversed()) stop.abort();
        await Promise.all(waiting);
      })();
      await first.close();
      return figure;
    }),
  });
}

async function threads(): Promise<void> {
  const all = [1, 10, 100, 1_000, 10_000, 100_000];
  const times = 100_000;
  /** Starts `size` at a time, until `times` were started. */
  const waves = (size: number, wave: () => unknown) => () =>
    rate(times, async () => {
      for (let n = 0; n < times; n += size) await wave();
    });
  const each = <T>(size: number, make: () => T) => Array.from({ length: size }, make);
  await compare({
    name: "growth: threads that start, wait once and end",
    unit: "threads/s",
    rounds: 3,
    contenders: sizes(
      all,
      "alive",
      (size) => waves(size, () => wait(each(size, () => newthread(swop)))),
    ),
  });
  await compare({
    name: "growth: threads that sleep and are killed",
    unit: "threads/s",
    rounds: 3,
    contenders: sizes(all, "asleep", (size) =>
      waves(size, () =>
        startloop(() => {
          for (const thread of each(size, () => newthread(sleep, 60_000))) kill(thread);
        }))),
  });
  await compare({
    name: "growth: waits for one thread that give up",
    unit: "waits/s",
    rounds: 3,
    contenders: sizes([100, 1_000, 10_000], "waiters", (size) =>
      often(size, async () => {
        const stops = controllers(size);
        const one = newthread(sleep, 60_000);
        const waiting = stops.map(({ signal }) => wait(one, { signal }));
        for (const stop of stops.toReversed()) stop.abort();
        await Promise.all(waiting);
        kill(one);
      })),
  });
}

async function lines(): Promise<void> {
  const total = 8 * 1024 * 1024;
  /** A stream of lines of one length, that come in pieces of at most `most` bytes. */
  const source = (length: number, most: number) => {
    const text = new Uint8Array(Math.max(length, 1024 * 1024)).fill(120);
    for (let at = length - 1; at < text.length; at += length) text[at] = 10;
    const whole = text.length - text.length % length;
    let at = 0;
    return new BufferedStream({
      read(into) {
        const count = Math.min(into.length, most, whole - at % whole);
        into.set(text.subarray(at % whole, at % whole + count));
        at += count;
        return Promise.resolve(count);
      },
      write: (bytes) => Promise.resolve(bytes.length),
      end: () => Promise.resolve(),
      close: () => {},
      keeps_alive: true,
    }, { max_line: 2 * 1024 * 1024 });
  };
  for (const [most, in_pieces] of [[65_536, "64 KiB"], [1_024, "1 KiB"]] as const) {
    await compare({
      name: `growth: lines by length, in pieces of ${in_pieces}`,
      unit: "bytes/s",
      rounds: 3,
      contenders: sizes(
        [10, 100, 1_000, 10_000, 100_000, 1_000_000],
        "B",
        (length) => () =>
          rate(total, async () => {
            const stream = source(length, most);
            for (let got = 0; got < total; got += length) await unwrap(stream.receive("*l"));
            await stream.close();
          }),
      ),
    });
  }
  await compare({
    name: "growth: sends in a queue that are given up",
    unit: "sends/s",
    rounds: 3,
    contenders: sizes([100, 1_000, 10_000], "sends", (size) =>
      often(size, async () => {
        const [a, b] = pair();
        // More than fits, and nobody reads.
        const first = a.send(new Uint8Array(16 * 1024 * 1024));
        await null;
        const stops = controllers(size);
        const sends = stops.map(({ signal }) => a.send("x", { signal }));
        for (const stop of stops.toReversed()) stop.abort();
        await Promise.all(sends);
        b.close_immediately();
        a.close_immediately();
        await first;
      })),
  });
}

/** Makes `size` at a time until 10,000 were made, so that all sizes are measured as long. */
function often(size: number, wave: () => Promise<unknown>): () => Promise<number> {
  const times = 10_000;
  return () =>
    rate(times, async () => {
      for (let n = 0; n < times; n += size) await wave();
    });
}

/** What the process holds. */
function held(): { heap: number; rss: number; descriptors: number } {
  const { heapUsed, rss } = Deno.memoryUsage();
  let descriptors = NaN;
  try {
    descriptors = [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    // Only Linux shows them.
  }
  return { heap: heapUsed, rss, descriptors };
}

/** Everything at once: what is held must be the same in the last fifth as in the second. */
async function load(): Promise<void> {
  const server = await unwrap(listen("127.0.0.1", 0));
  const until = performance.now() + minutes * 60_000;
  const going = () => performance.now() < until;
  let done = 0;
  const samples: ReturnType<typeof held>[] = [];
  await startloop(async () => {
    newthread(() =>
      server.autospawn(async (sock) => {
        for await (const line of sock.lines()) await sock.send([line, "\n"]);
      })
    );
    const client = async (n: number) => {
      while (going()) {
        const sock = await unwrap(connect("127.0.0.1", server.port, { pool_size: 40 }));
        for (let m = 0; m < 20; m++, done++) {
          await sock.send(`line ${n} ${m} ${"x".repeat(m * 50)}\n`);
          await unwrap(sock.receive());
        }
        // Some answer too late, some are dropped, most go back.
        if (done % 7 === 0) await sock.receive("*l", { timeout: 2 });
        if (done % 5 === 0) await sock.close();
        else sock.setkeepalive();
      }
    };
    const clients = Array.from({ length: 50 }, (_, n) => newthread(client, n));
    const jobs = queue<number>({ limit: 100 });
    newthread(async () => {
      while (going()) {
        await jobs.put(done);
        kill(newthread(sleep, 60_000));
        await sleep(1);
      }
    });
    newthread(async () => {
      while (going()) await jobs.get({ timeout: 100 });
    });
    const sampler = newthread(async () => {
      while (going()) {
        await sleep(minutes * 60_000 / 100);
        samples.push(held());
      }
    });
    await wait([...clients, sampler]);
    await pool_close();
    await server.close();
  });
  const fifth = (from: number, what: keyof ReturnType<typeof held>) => {
    const some = samples.slice(samples.length * from / 5, samples.length * (from + 1) / 5);
    // The least: what is left when the collector has just run.
    return Math.min(...some.map((sample) => sample[what]));
  };
  const rows = (["heap", "rss", "descriptors"] as const).flatMap((what): Row[] => {
    const base = fifth(1, what);
    return [1, 2, 3, 4].map((at) => {
      const least = fifth(at, what);
      const contender = `${what}, least of the ${at + 1}. fifth`;
      return { contender, median: least, min: least, max: least, ratio: base / least };
    });
  });
  const name = "growth: load";
  console.log(`\n${name}, ${minutes} min, ${brief(done)} round trips`);
  for (const { contender, median } of rows) {
    console.log(`  ${contender.padEnd(36)} ${brief(median)}`);
  }
  const unit = `held, of ${minutes} min and ${brief(done)} round trips`;
  await keep(name, {
    deno: Deno.version.deno,
    os: Deno.build.os,
    unit,
    rounds: 1,
    less: true,
    rows,
  });
}

if (!Deno.args.includes("--load")) {
  await lines();
  await threads();
  await plainConnections();
  await connections();
}
await load();
