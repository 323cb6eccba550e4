/**
 * Many threads, kills and timeouts at random moments of a clock that stands still: what a
 * seed determines is the same each time. No wake-up is lost, nobody starves, nothing is
 * lost or doubled.
 */
import { assert, assertEquals } from "@std/assert";
import { Pool } from "../../cosocket/pool.ts";
import type { Transport } from "../../cosocket/_transport.ts";
import { Channel } from "../../stream/mod.ts";
import {
  channel,
  FakeClock,
  kill,
  list,
  newthread,
  on_error,
  queue,
  type Result,
  scope,
  semaphore,
  sleep,
  type Thread,
  timer,
  type WaitOptions,
} from "../../thread/mod.ts";
import { sizes } from "../sizes.ts";
import { random } from "../stream/promise.ts";

/** What chance decides in one run. */
class Dice {
  readonly #next: () => number;
  /** Whether threads are killed and time out in this run. */
  readonly rough: boolean;

  /** What was found wrong in threads, where nobody would hear an error. */
  readonly faults: string[] = [];

  constructor(seed: number) {
    this.#next = random(seed);
    this.rough = seed % 4 !== 0;
  }

  below(n: number): number {
    return Math.floor(this.#next() * n);
  }

  chance(part: number): boolean {
    return this.#next() < part;
  }

  limits(): WaitOptions {
    return this.rough && this.chance(0.3) ? { timeout: 1 + this.below(6) } : {};
  }

  expect(fine: boolean, words: string): void {
    if (!fine) this.faults.push(words);
  }

  /** Kills one of the threads, now and then. */
  strike(threads: Thread[]): void {
    if (!this.rough || threads.length === 0 || !this.chance(0.3)) return;
    kill(threads[this.below(threads.length)]!, "struck");
  }
}

function forSeeds(what: string, run: (dice: Dice, clock: FakeClock) => Promise<void>): void {
  Deno.test(`${what}, for ${sizes.schedSeeds} seeds`, async () => {
    for (let seed = 1; seed <= sizes.schedSeeds; seed++) {
      using clock = new FakeClock();
      const dice = new Dice(seed);
      // Those that throw on purpose are no news.
      const off = on_error((error) => dice.expect(String(error) === "Error: thrown", `${error}`));
      try {
        await run(dice, clock);
        assertEquals([list(), dice.faults], [[], []]);
      } catch (cause) {
        throw new Error(`seed ${seed} failed`, { cause });
      } finally {
        off();
      }
    }
  });
}

/** Threads that pass values on, over a queue or a channel. */
interface Way {
  put(value: number, options: WaitOptions): Promise<Result<true>>;
  get(options: WaitOptions): Promise<Result<number>>;
  try_get(): number | undefined;
  /** How many values are there; how many fit. */
  size(): number;
  limit: number;
}

/** Who waits where, and what became of the values. */
async function passOn(way: Way, dice: Dice, clock: FakeClock): Promise<void> {
  const threads: Thread[] = [];
  const put = new Set<number>();
  const got: number[] = [];
  const getting = new Set<number>();
  const served: number[] = [];
  let putting = 0;
  let next = 0;
  const produce = async () => {
    const value = next++;
    putting += 1;
    try {
      const [done] = await way.put(value, dice.limits());
      if (done) put.add(value);
    } finally {
      putting -= 1;
    }
  };
  let asked = 0;
  const consume = async () => {
    const turn = asked++;
    getting.add(turn);
    try {
      const [value, err] = await way.get(dice.limits());
      if (err !== null) return;
      got.push(value);
      served.push(turn);
    } finally {
      getting.delete(turn);
    }
  };
  const check = () => {
    assert(getting.size === 0 || way.size() === 0, "a getter was not woken");
    assert(putting === 0 || way.size() >= way.limit, "a putter was not woken");
    assert(putting === 0 || getting.size === 0, "a putter and a getter wait for each other");
  };
  for (let step = 0; step < 30; step++) {
    const count = 1 + dice.below(4);
    for (let n = 0; n < count; n++) {
      threads.push(newthread(dice.chance(0.5) ? produce : consume));
      // Also while a value is on its way.
      dice.strike(threads);
    }
    await clock.tick(dice.below(3));
    check();
  }
  // Whoever still waits is served when there is something for them.
  while (getting.size > 0 || putting > 0) {
    const before = getting.size + putting;
    newthread(getting.size > 0 ? produce : consume);
    await clock.tick(0);
    check();
    assert(getting.size + putting < before, "somebody starves");
  }
  const rest: number[] = [];
  for (let value = way.try_get(); value !== undefined; value = way.try_get()) rest.push(value);
  const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b);
  assertEquals(sorted([...got, ...rest]), sorted(put), "a value was lost or doubled");
  assertEquals(rest, sorted(rest), "what was left is not in order");
  if (dice.rough) return;
  assertEquals(got, sorted(got), "values overtook each other");
  assertEquals(served, sorted(served), "getters overtook each other");
}

forSeeds("a queue loses no value and no wake-up", async (dice, clock) => {
  const limit = dice.chance(0.5) ? 1 + dice.below(3) : Infinity;
  const values = queue<number>({ limit });
  const way: Way = {
    put: (value, options) => values.put(value, options),
    get: (options) => values.get(options),
    try_get: () => values.try_get()[0] ?? undefined,
    size: () => Math.max(0, values.n),
    limit,
  };
  await passOn(way, dice, clock);
  assertEquals([values.n, values.waiting], [0, 0]);
});

forSeeds("a channel loses no value and no wake-up", async (dice, clock) => {
  const limit = dice.below(3);
  const values = channel<number>(limit);
  await passOn(
    {
      put: (value, options) => values.send(value, options),
      get: (options) => values.receive(options) as Promise<Result<number>>,
      try_get: () => values.try_receive()[0] ?? undefined,
      size: () => values.pending,
      limit,
    },
    dice,
    clock,
  );
});

forSeeds("a semaphore loses no permit and no wake-up", async (dice, clock) => {
  const permits = 1 + dice.below(3);
  const gate = semaphore(permits);
  const threads: Thread[] = [];
  const order: number[] = [];
  let holders = 0;
  let waiting = 0;
  for (let step = 0; step < 40; step++) {
    threads.push(newthread(async () => {
      waiting += 1;
      let held = false;
      try {
        const [permit] = await gate.acquire(dice.limits());
        if (permit === null) return;
        using _permit = permit;
        waiting -= 1;
        held = true;
        holders += 1;
        order.push(step);
        dice.expect(holders <= permits, `${holders} hold one of ${permits} permits`);
        try {
          await sleep(dice.below(4));
          // It is handed on while the next may be struck.
          permit.release();
          holders -= 1;
          held = false;
          dice.strike(threads);
        } finally {
          if (held) holders -= 1;
          held = true;
        }
      } finally {
        if (!held) waiting -= 1;
      }
    }));
    dice.strike(threads);
    await clock.tick(dice.below(3));
    assert(gate.count <= 0 || waiting === 0, "a permit is free, and somebody waits");
    assertEquals(Math.max(0, gate.count), gate.count > 0 ? permits - holders : 0);
  }
  // Step by step: a killed thread takes a turn to unwind, and time does not wait for it.
  for (let step = 0; step < 50; step++) await clock.tick(4);
  assertEquals([holders, waiting, gate.count], [0, 0, permits]);
  assertEquals(order, order.toSorted((a, b) => a - b), "somebody was overtaken");
  if (!dice.rough) assertEquals(order.length, 40);
});

forSeeds("nothing outlives its scope", async (dice, clock) => {
  const never = queue<number>();
  const gate = semaphore(0);
  const errors = ["cancel", "collect", undefined] as const;

  /** A scope with threads, timers and scopes of its own; throws if one of them outlives it. */
  const nest = async (depth: number): Promise<void> => {
    let alive = 0;
    const counted = (wait: () => unknown) => async () => {
      alive += 1;
      try {
        await wait();
      } finally {
        // It may take a turn or two to unwind.
        await null;
        alive -= 1;
      }
    };
    const on_error = errors[dice.below(3)];
    try {
      await scope(async (s) => {
        const waits: (() => unknown)[] = [
          () => sleep(dice.below(20)),
          () => sleep(10_000),
          () => never.get(),
          () => gate.acquire({ timeout: 1 + dice.below(30) }),
          () => nest(depth + 1),
          async () => {
            await sleep(dice.below(10));
            if (on_error !== undefined) throw new Error("thrown");
          },
        ];
        for (let n = dice.below(4); n > 0; n--) {
          const which = depth < 3 ? dice.below(waits.length) : dice.below(4);
          newthread(counted(waits[which]!));
        }
        if (dice.chance(0.3)) timer.every(1 + dice.below(5), counted(() => sleep(3))).unref();
        if (dice.chance(0.2)) timer.timeout(dice.below(30), counted(() => sleep(3)));
        await sleep(dice.below(12));
        if (dice.chance(0.5)) s.close();
      }, {
        timeout: dice.chance(0.5) ? 1 + dice.below(40) : 60,
        ...(on_error === undefined ? {} : { on_error }),
      });
    } finally {
      dice.expect(alive === 0, `${alive} outlive a scope`);
    }
  };
  const threads = [1, 2, 3].map(() => newthread(() => nest(0)));
  for (let step = 0; step < 20; step++) {
    await clock.tick(dice.below(4));
    if (dice.chance(0.2)) dice.strike(threads);
  }
  await clock.tick(100);
  for (const thread of threads) assertEquals(thread.state, "ended");
  assertEquals([never.n, gate.count], [0, 0]);
});

/** A connection to nobody: what a pool keeps of a socket. */
class Nowhere implements Transport {
  readonly keeps_alive = false;
  readonly local = { family: "unix", path: "" } as const;
  readonly remote = { family: "unix", path: "" } as const;
  read(): Promise<never> {
    return new Promise(() => {});
  }
  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(bytes.length);
  }
  end(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {}
  ref(): void {}
  set(): boolean {
    return true;
  }
}

forSeeds("a pool loses no place, no socket and no wake-up", async (dice, clock) => {
  const pool = new Pool("sched");
  pool.resize(1 + dice.below(3));
  const threads: Thread[] = [];
  const order: number[] = [];
  let users = 0;
  for (let step = 0; step < 40; step++) {
    threads.push(newthread(async () => {
      const [grant] = await pool.grant(Infinity, dice.limits());
      if (grant === null) return;
      order.push(step);
      const transport = new Nowhere();
      const member = grant.member ?? pool.opened(new Channel(transport, "nowhere"), transport);
      users += 1;
      dice.expect(users <= pool.size, `${users} use one of ${pool.size} sockets`);
      let whole = false;
      try {
        await sleep(dice.below(4));
        whole = dice.chance(0.7);
      } finally {
        users -= 1;
        if (whole) pool.put(member, pool.size, 0);
        else member.channel.close_immediately();
      }
      dice.strike(threads);
    }));
    dice.strike(threads);
    await clock.tick(dice.below(3));
    const { open, idle, waiting } = pool.stats;
    assertEquals(open - idle, users, "a place is held by nobody");
    assert(waiting === 0 || users === pool.size, "a place is free, and somebody waits");
  }
  // Step by step: a killed thread takes a turn to unwind, and time does not wait for it.
  for (let step = 0; step < 50; step++) await clock.tick(4);
  assertEquals(pool.stats.open, pool.stats.idle);
  assertEquals([users, pool.stats.waiting], [0, 0]);
  await pool.clear();
  assertEquals(pool.stats.open, 0);
  assertEquals(order, order.toSorted((a, b) => a - b), "somebody was overtaken");
  if (!dice.rough) assertEquals(order.length, 40);
});
