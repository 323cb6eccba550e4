import process from "node:process";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  dump,
  event,
  FakeClock,
  kill,
  newthread,
  queue,
  scope,
  semaphore,
  sleep,
  swop,
  type Thread,
  type ThreadLoad,
  top,
  wait,
  watch,
} from "../../thread/mod.ts";

/** Keeps the processor busy for so many milliseconds of its time. */
function burn(ms: number): void {
  const used = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const end = used() + ms;
  while (used() < end);
}

/** What threads had, by name; each millisecond that the process had since is counted once. */
function shares(
  names: string[],
  since: ReturnType<typeof process.cpuUsage>,
): Record<string, ThreadLoad> {
  const rows = top().filter(({ name }) => names.includes(name));
  const { user, system } = process.cpuUsage(since);
  const sum = rows.reduce((all, { cpu }) => all + cpu!, 0);
  assert(sum <= (user + system) / 1000, `${sum} ms of ${(user + system) / 1000}`);
  assertEquals(rows, rows.toSorted((a, b) => b.cpu! - a.cpu!), "not the most first");
  return Object.fromEntries(rows.map((row) => [row.name, row]));
}

Deno.test("top() puts processor time down to the thread that used it, most first", async () => {
  const before = process.cpuUsage();
  const off = watch();
  try {
    const done = semaphore(0);
    const threads = [
      newthread(async function idle() {
        for (let n = 0; n < 20; n++) await sleep(1);
        done.post();
        await sleep(60_000);
      }),
      newthread(async function busy() {
        for (let n = 0; n < 10; n++) {
          burn(5);
          await sleep(1);
        }
        done.post();
        await sleep(60_000);
      }),
      newthread(async function swopper() {
        for (let n = 0; n < 10; n++) {
          burn(2);
          await swop();
        }
        done.post();
        await sleep(60_000);
      }),
    ];
    for (const _ of threads) await done.acquire();
    const { busy, swopper, idle } = shares(["idle", "busy", "swopper"], before);
    assert(busy!.cpu! >= 50, `busy had ${busy!.cpu} ms`);
    assert(swopper!.cpu! >= 20, `swopper had ${swopper!.cpu} ms`);
    assertEquals([busy!.waits, swopper!.waits, idle!.waits], [11, 1, 21]);
    for (const thread of threads) kill(thread);
  } finally {
    off();
  }
});

Deno.test("top() tells the thread that starts another from the one that is started", () => {
  const before = process.cpuUsage();
  const off = watch();
  let started: Thread | undefined;
  const child = newthread(function child() {
    burn(5);
    return sleep(60_000);
  });
  const starter = newthread(function starter() {
    burn(20);
    started = newthread(() => sleep(60_000));
    started.name = "started";
    return sleep(60_000);
  });
  const rows = shares(["child", "starter", "started"], before);
  off();
  assert(rows.child!.cpu! >= 5, `the child had ${rows.child!.cpu} ms`);
  assert(rows.starter!.cpu! >= 20, `the starter had ${rows.starter!.cpu} ms`);
  assertEquals(rows.started?.name, "started");
  for (const thread of [child, starter, started!]) kill(thread);
});

Deno.test("top() puts what other threads of the process used down to nobody", async () => {
  const off = watch();
  const told = event();
  const idle = newthread(async function idle() {
    await told.wait();
    await sleep(60_000);
  });
  const before = process.cpuUsage();
  const burning =
    "const end = performance.now() + 100; while (performance.now() < end); postMessage(1)";
  const worker = new Worker(`data:text/javascript,${burning}`, { type: "module" });
  await new Promise<void>((resolve) => {
    worker.onmessage = () => {
      told.set();
      resolve();
    };
  });
  worker.terminate();
  await sleep(0);
  const { user, system } = process.cpuUsage(before);
  const cpu = top().find(({ name }) => name === "idle")!.cpu!;
  off();
  assert(cpu < (user + system) / 2000, `idle had ${cpu} ms of ${(user + system) / 1000}`);
  kill(idle);
});

Deno.test("top() counts waits and their time, the present one included", async () => {
  using clock = new FakeClock();
  const off = watch();
  const thread = newthread(async function waiter() {
    await sleep(10);
    await queue().get();
  });
  await clock.tick(25);
  const row = () => top().find(({ name }) => name === "waiter");
  assertEquals([row()?.waits, row()?.waited], [2, 25]);
  off();
  assertEquals([row()?.waits, row()?.waited, row()?.cpu], [null, null, null]);
  kill(thread);
});

Deno.test("watch() begins anew, and lasts until all who watch have ended", () => {
  const thread = newthread(() => sleep(60_000));
  const load = () => top().find(({ id }) => id === thread.id)!.waits;
  const [one, other] = [watch(), watch()];
  one();
  one();
  assertEquals(load(), 0);
  other();
  assertEquals(load(), null);
  kill(thread);
});

Deno.test("dump() shows each thread below the one that started it", async () => {
  await scope(async (s) => {
    newthread(async function parent() {
      newthread(function child() {
        return sleep(60_000);
      });
      await sleep(60_000);
    });
    newthread(() => sleep(60_000)).name = "sibling";
    const text = dump();
    s.close();
    const shape = text.replace(/\d+/g, "#").split("\n").slice(-4);
    assertEquals(shape, [
      "# scope: running; # ms old",
      "  # parent: sleep, # ms; # ms old",
      "    # child: sleep, # ms; # ms old",
      "  # sibling: sleep, # ms; # ms old",
    ]);
    await swop();
  });
});

Deno.test("dump() tells where each thread was started, when it is asked for before", async () => {
  const off = watch({ stacks: true });
  function startsOne() {
    return newthread(function started() {
      return sleep(60_000);
    });
  }
  const thread = startsOne();
  const [line, first] = dump().split("\n").slice(-10).join("\n").split("started: ")[1]!.split("\n");
  assertMatch(
    line!,
    /^sleep, \d+ ms; \d+ ms old, \d+\.\d ms of processor, 1 waits, \d+ ms waited$/,
  );
  assertStringIncludes(first!, "at startsOne (");
  assertStringIncludes(first!, "watch_test.ts:");
  off();
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  const unwatched = startsOne();
  assertEquals(dump().includes("watch_test.ts"), false);
  kill(unwatched);
});
