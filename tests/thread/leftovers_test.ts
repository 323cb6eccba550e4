/**
 * Every call that can wait, ended by kill, signal and timeout: it leaves no thread, no
 * listener, no place in a line and, as the sanitizer of timers sees, no deadline behind.
 */
import { assert, assertEquals } from "@std/assert";
import {
  channel,
  deadline,
  event,
  FakeClock,
  IoError,
  kill,
  list,
  lock,
  newthread,
  parallel,
  queue,
  retry,
  scope,
  semaphore,
  sleep,
  sleeper,
  type Thread,
  timer,
  wait,
  wait_any,
  type WaitOptions,
} from "../../thread/mod.ts";

/** A call that waits, and what is left in its object afterwards, which must be nothing. */
interface Blocking {
  call(options: WaitOptions): Promise<unknown>;
  left?(): unknown;
}

/** A function that returns when it is told to. */
function held(): { wait: () => Promise<void>; left: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { wait: () => promise, left: resolve };
}

/** Fresh objects for each case. */
const BLOCKING: Record<string, () => Blocking> = {
  "sleep()": () => ({ call: ({ signal }) => sleep(60_000, signal ? { signal } : {}) }),
  "Sleeper.sleep()": () => {
    const bed = sleeper();
    return {
      call: ({ timeout, signal }) => bed.sleep(timeout, signal ? { signal } : {}),
      left: () => bed.sleeping ? 1 : 0,
    };
  },
  "wait()": () => {
    const { wait: hold, left } = held();
    const other = newthread(hold);
    return { call: (options) => wait(other, options), left };
  },
  "wait() of a list": () => {
    const { wait: hold, left } = held();
    const others = [1, 2].map(() => newthread(hold));
    return { call: async (options) => (await wait(others, options))[1], left };
  },
  "wait_any()": () => {
    const { wait: hold, left } = held();
    const other = newthread(hold);
    return { call: (options) => wait_any([other], options), left };
  },
  "Queue.get()": () => {
    const values = queue();
    return { call: (options) => values.get(options), left: () => values.n };
  },
  "Queue.put()": () => {
    const values = queue({ limit: 1 });
    values.try_put(1);
    return { call: (options) => values.put(2, options), left: () => values.waiting };
  },
  "Queue.consume()": () => {
    const values = queue();
    return {
      call: (options) =>
        values.consume(options).next().catch((error) => {
          if (error instanceof IoError) return [null, error];
          throw error;
        }),
      left: () => values.n,
    };
  },
  "Channel.receive()": () => {
    const values = channel<number>();
    return {
      call: (options) => values.receive(options),
      left: () => Number(!!values.try_send(1)[0]),
    };
  },
  "Channel.send()": () => {
    const values = channel<number>();
    return { call: (options) => values.send(1, options), left: () => values.try_receive()[0] ?? 0 };
  },
  "Semaphore.acquire()": () => {
    const gate = semaphore(0);
    return { call: (options) => gate.acquire(options), left: () => gate.count };
  },
  "Lock.acquire()": () => {
    const turns = lock();
    const [held] = turns.try_acquire();
    return {
      call: (options) => turns.acquire(options),
      left: () => {
        held!.release();
        return turns.waiting + Number(turns.locked);
      },
    };
  },
  "EventFlag.wait()": () => {
    const flag = event();
    return { call: (options) => flag.wait(options), left: () => flag.waiting };
  },
  "scope()": () => ({ call: (options) => scope(() => sleep(60_000), options) }),
  "scope() with threads and timers": () => ({
    call: (options) =>
      scope(() => {
        newthread(() => sleep(60_000));
        timer.every(10, () => sleep(60_000));
        timer.timeout(50_000, () => {}).unref();
      }, options),
  }),
  "deadline()": () => ({
    call: ({ timeout, signal }) =>
      deadline(timeout ?? 0, () => sleep(60_000), signal ? { signal } : {}),
  }),
  "parallel.map()": () => ({
    call: (options) => parallel.map([1, 2, 3], () => sleep(60_000), { ...options, limit: 2 }),
  }),
  "parallel.all()": () => ({ call: (options) => parallel.all([() => sleep(60_000)], options) }),
  "retry()": () => ({
    call: (options) =>
      retry(() => {
        throw new Error("no");
      }, { ...options, delay: 60_000, max_delay: 60_000 }),
  }),
};

/** A signal that knows how many listen to it. */
function counted(): { abort: AbortController; listeners: () => number } {
  const abort = new AbortController();
  let listeners = 0;
  for (const [name, by] of [["addEventListener", 1], ["removeEventListener", -1]] as const) {
    const plain = abort.signal[name].bind(abort.signal) as (...args: unknown[]) => void;
    abort.signal[name] = (...args: unknown[]) => {
      listeners += by;
      plain(...args);
    };
  }
  return { abort, listeners: () => listeners };
}

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

async function untilEnded(...threads: Thread[]): Promise<void> {
  while (threads.some(({ state }) => state !== "ended")) await turn();
}

for (const [name, make] of Object.entries(BLOCKING)) {
  Deno.test(`${name} that is killed leaves nothing behind`, async () => {
    const { call, left } = make();
    const others = list();
    const { abort, listeners } = counted();
    let thrown: unknown;
    const thread = newthread(async () => {
      try {
        await call({ timeout: 50_000, signal: abort.signal });
      } catch (error) {
        thrown = error;
        throw error;
      }
    });
    await turn();
    assert(listeners() > 0, "it does not hear the signal");
    kill(thread, "enough");
    await untilEnded(thread);
    assertEquals((await wait(thread))[1]?.code, "killed");
    assertEquals((thrown as Error).name, "ThreadKilled");
    assertEquals([listeners(), left?.() ?? 0], [0, 0]);
    assertEquals(list().filter(({ id }) => !others.some((other) => other.id === id)), []);
    while (list().length > 0) await turn();
  });

  Deno.test(`${name} whose signal is aborted is cancelled, and leaves nothing behind`, async () => {
    const { call, left } = make();
    const { abort, listeners } = counted();
    const calling = call({ timeout: 50_000, signal: abort.signal });
    await turn();
    abort.abort("enough");
    const [, err] = await calling as [unknown, Error & { code: string }];
    assertEquals([err.code, err.cause], ["cancelled", "enough"]);
    assertEquals([listeners(), left?.() ?? 0], [0, 0]);
    while (list().length > 0) await turn();
  });

  if (name === "sleep()") continue;
  Deno.test(`${name} that takes too long is a timeout, and leaves nothing behind`, async () => {
    const { call, left } = make();
    const { abort, listeners } = counted();
    {
      using clock = new FakeClock();
      const calling = call({ timeout: 40, signal: abort.signal });
      await clock.tick(40);
      const [, err] = await calling as [unknown, Error & { code: string }];
      assertEquals(err.code, "timeout");
    }
    assertEquals([listeners(), left?.() ?? 0], [0, 0]);
    while (list().length > 0) await turn();
  });
}
