/**
 * What threads wait for each other with, and timers, beside what plain JavaScript has for
 * it; and what `watch()` costs while it is on, for while it is off it is one comparison.
 *
 *     deno task bench timer
 */
import {
  channel,
  kill,
  newthread,
  queue,
  semaphore,
  sleep,
  startloop,
  swop,
  timer,
  wait,
  watch,
} from "../thread/mod.ts";
import { compare, rate } from "./compare.ts";

const VALUES = 100_000;

/** A queue as one writes it by hand: no limits, no kill, no timeout, no turn for others. */
class Bare<T> {
  readonly #values: T[] = [];
  readonly #waiting: ((value: T) => void)[] = [];
  put(value: T): void {
    const wake = this.#waiting.shift();
    if (wake === undefined) this.#values.push(value);
    else wake(value);
  }
  get(): Promise<T> {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift()!);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

await compare({
  name: "values from thread to thread",
  unit: "values/s",
  contenders: {
    "an array and promises": () => {
      const values = new Bare<number>();
      return rate(VALUES, async () => {
        const getter = newthread(async () => {
          for (let n = 0; n < VALUES; n++) await values.get();
        });
        for (let n = 0; n < VALUES; n++) {
          values.put(n);
          await null;
        }
        await wait(getter);
      });
    },
    "queue(), the getter waits": () => {
      const values = queue<number>();
      return rate(VALUES, async () => {
        const getter = newthread(async () => {
          for (let n = 0; n < VALUES; n++) await values.get();
        });
        for (let n = 0; n < VALUES; n++) await values.put(n);
        await wait(getter);
      });
    },
    "queue(), filled before": () => {
      const values = queue<number>();
      return rate(VALUES, async () => {
        for (let n = 0; n < VALUES; n++) values.try_put(n);
        for (let n = 0; n < VALUES; n++) await values.get();
      });
    },
    "queue({ limit: 10 })": () => {
      const values = queue<number>({ limit: 10 });
      return rate(VALUES, async () => {
        const getter = newthread(async () => {
          for (let n = 0; n < VALUES; n++) await values.get();
        });
        for (let n = 0; n < VALUES; n++) await values.put(n);
        await wait(getter);
      });
    },
    "channel(), each meets its receiver": () => {
      const values = channel<number>();
      return rate(VALUES, async () => {
        const getter = newthread(async () => {
          for (let n = 0; n < VALUES; n++) await values.receive();
        });
        for (let n = 0; n < VALUES; n++) await values.send(n);
        await wait(getter);
      });
    },
  },
});

const PASSES = 100_000;

await compare({
  name: "permits",
  unit: "permits/s",
  contenders: {
    "a chain of promises": () => {
      let last: Promise<unknown> = Promise.resolve();
      return rate(PASSES, async () => {
        for (let n = 0; n < PASSES; n++) await (last = last.then(() => n));
      });
    },
    "semaphore(), free": () => {
      const gate = semaphore(1);
      return rate(PASSES, async () => {
        for (let n = 0; n < PASSES; n++) (await gate.acquire())[0]!.release();
      });
    },
    "semaphore(), ten threads wait": () => {
      const gate = semaphore(1);
      return rate(PASSES, () =>
        startloop(() => {
          for (let n = 0; n < 10; n++) {
            newthread(async () => {
              for (let n = 0; n < PASSES / 10; n++) {
                const [permit] = await gate.acquire();
                await null;
                permit!.release();
              }
            });
          }
        }));
    },
  },
});

const TIMERS = 20_000;

await compare({
  name: "timers made and cancelled",
  unit: "timers/s",
  contenders: {
    "setTimeout": () =>
      rate(TIMERS, () => {
        const ids = Array.from({ length: TIMERS }, () => setTimeout(() => {}, 60_000));
        for (const id of ids) clearTimeout(id);
      }),
    "timer.timeout()": () =>
      rate(TIMERS, () =>
        startloop(() => {
          const timers = Array.from({ length: TIMERS }, () => timer.timeout(60_000, () => {}));
          for (const one of timers) one.cancel();
        })),
    "newthread(sleep), kill()": () =>
      rate(TIMERS, () =>
        startloop(() => {
          const threads = Array.from({ length: TIMERS }, () => newthread(sleep, 60_000));
          for (const one of threads) kill(one);
        })),
  },
});

await compare({
  name: "timers that fire",
  unit: "timers/s",
  contenders: {
    "setTimeout": () =>
      rate(TIMERS, () =>
        new Promise<void>((done) => {
          let left = TIMERS;
          for (let n = 0; n < TIMERS; n++) setTimeout(() => --left === 0 && done(), 1 + n % 50);
        })),
    "timer.timeout()": () =>
      rate(TIMERS, () =>
        startloop(() => {
          for (let n = 0; n < TIMERS; n++) timer.timeout(1 + n % 50, () => {});
        })),
  },
});

const SPAWNS = 20_000;

/** Threads that are started, wait and are waited for, while somebody watches, or nobody. */
function watched(options: Parameters<typeof watch>[0] | null): Promise<number> {
  const off = options === null ? () => {} : watch(options);
  return rate(SPAWNS, async () => {
    const values = queue<number>();
    const threads = Array.from({ length: SPAWNS }, () =>
      newthread(async () => {
        await values.get();
        await swop();
      }));
    for (let n = 0; n < SPAWNS; n++) values.try_put(n);
    await wait(threads);
  }).finally(off);
}

await compare({
  name: "threads that wait once, watched",
  unit: "threads/s",
  contenders: {
    "nobody watches": () => watched(null),
    "watch()": () => watched({}),
    "watch({ stacks: true })": () => watched({ stacks: true }),
  },
});
