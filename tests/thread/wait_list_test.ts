/** Waits for many threads, and several waits for one. */
import { assertEquals } from "@std/assert";
import {
  FakeClock,
  kill,
  newthread,
  on_error,
  self,
  sleep,
  type Thread,
  ThreadKilled,
  wait,
} from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

/** Runs `body` and gives what `on_error` was told meanwhile, and in the two turns behind it. */
async function toldIn(body: () => Promise<unknown>): Promise<string[]> {
  const told: string[] = [];
  const off = on_error((_, about) => told.push(about));
  await body();
  await turn();
  await turn();
  off();
  return told;
}

/** A thread that throws after 6 ms. */
const failing = (name: string) => {
  const thread = newthread(async () => {
    await sleep(6);
    throw new Error("x");
  });
  thread.name = name;
  return thread;
};

Deno.test("wait() of a list says in list() how many are left", async () => {
  using clock = new FakeClock();
  const threads = [newthread(() => 1), newthread(sleep, 5), newthread(sleep, 10)];
  const waiter = newthread(() => wait(threads));
  const states = [waiter.state];
  await clock.tick(5);
  states.push(waiter.state);
  await clock.tick(5);
  states.push(waiter.state);
  assertEquals(states, [
    "wait for 2 of 3 threads, 0 ms",
    "wait for 1 of 3 threads, 5 ms",
    "ended",
  ]);
});

Deno.test("wait() of a list that times out gives what has ended, and timeout for the others", async () => {
  using clock = new FakeClock();
  const threads = [
    newthread(() => "at once"),
    newthread(sleep, 60_000),
    newthread(() => sleep(5).then(() => "in time")),
  ] as const;
  const waiting = wait([threads[0], threads[1], threads[2], threads[1]], { timeout: 10 });
  await clock.tick(10);
  const results = await waiting;
  const words = results.map(([value, err]) => err?.code ?? value);
  assertEquals(words, ["at once", "timeout", "in time", "timeout"]);
  assertEquals(threads[1].state, "sleep, 10 ms");
  kill(threads[1]);
  const [[, killed]] = await wait([threads[1]]);
  assertEquals(killed?.code, "killed");
});

Deno.test("wait() of a list throws in a thread that is killed, and leaves the others running", async () => {
  const slow = newthread(sleep, 60_000);
  const done = newthread(() => 1);
  const thrown: boolean[] = [];
  const over = Promise.withResolvers<void>();
  const waiter = newthread(async () => {
    // The first is under way when it is killed; the others have nothing to wait for.
    for (const list of [[slow, slow], [done], []]) {
      await wait(list).catch((error) => thrown.push(error instanceof ThreadKilled));
    }
    over.resolve();
  });
  kill(waiter, "enough");
  await over.promise;
  assertEquals([thrown, slow.state.startsWith("sleep")], [[true, true, true], true]);
  assertEquals(await wait([]), []);
  kill(slow);
});

Deno.test("a failure is not told while another still waits for the thread", async () => {
  using clock = new FakeClock();
  const told = await toldIn(async () => {
    const thread = failing("waited for twice");
    const first = wait(thread, { timeout: 2 });
    const second = wait(thread);
    await clock.tick(2);
    assertEquals((await first)[1]?.code, "timeout");
    await clock.tick(4);
    assertEquals((await second)[1]?.code, "failed");
  });
  assertEquals(told, []);
});

Deno.test("a failure is not told while a list that it stands in is waited for", async () => {
  const told = await toldIn(async () => {
    const failed = newthread(() => {
      throw new Error("x");
    });
    const results = await wait([failed, newthread(sleep, 20)]);
    assertEquals(results.map(([value, err]) => err?.code ?? value), ["failed", true]);
  });
  assertEquals(told, []);
});

Deno.test("a failure is told when all who waited for the thread have given up", async () => {
  using clock = new FakeClock();
  const told = await toldIn(async () => {
    const thread = failing("waited for in vain");
    // In the order that they came: each has seen the one before it waiting.
    const waits = [2, 3].map((timeout) => wait(thread, { timeout }));
    waits.push(wait([thread], { timeout: 4 }).then(([result]) => result!));
    await clock.tick(4);
    for (const [, err] of await Promise.all(waits)) assertEquals(err?.code, "timeout");
    await clock.tick(2);
  });
  assertEquals(told, ["thread 'waited for in vain'"]);
});

Deno.test("on_error() handlers run as the root thread, and can wait, whoever was killed", async () => {
  const heard = Promise.withResolvers<unknown>();
  const off = on_error(async (error) => {
    const { name } = self();
    // As one that writes a log does.
    await sleep(1).then(([slept]) => heard.resolve([name, (error as Error).message, slept]));
  });
  const inner = Promise.withResolvers<Thread>();
  const outer = newthread(async () => {
    inner.resolve(newthread(async () => {
      await sleep(60_000).catch(() => Promise.reject(new Error("in the cleanup")));
    }));
    await new Promise(() => {});
  });
  kill(outer);
  kill(await inner.promise);
  assertEquals(await heard.promise, ["root", "in the cleanup", true]);
  off();
});
