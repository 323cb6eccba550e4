/** Who waits, for whom, and what is left when they give up. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  FakeClock,
  IoError,
  kill,
  list,
  newthread,
  on_error,
  type ReadResult,
  type Result,
  self,
  sleep,
  type Thread,
  wait,
  wait_any,
} from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

Deno.test("the types of wait() follow the threads, for one, a list, several and tuples", async () => {
  const number = newthread(() => 1);
  const text = newthread(() => Promise.resolve("a"));
  const result = newthread((): Result<boolean> => [true, null]);
  const line = newthread((): Promise<ReadResult<string>> => Promise.resolve([null, null]));
  const nothing = newthread(() => {});

  const one: Result<number> = await wait(number);
  const flat: Result<boolean> = await wait(result);
  const read: ReadResult<string> = await wait(line);
  const tuple: [Result<number>, Result<string>, Result<boolean>] = await wait([
    number,
    text,
    result,
  ]);
  const several: [Result<string>, Result<number>] = await wait(text, number);
  const array: Result<number>[] = await wait([1, 2].map((n) => newthread((m: number) => m, n)));
  const empty: Result<void> = await wait(nothing);
  const [first] = await wait_any([number, text]);
  const any: Result<number> | Result<string> | undefined = first?.result;
  const done: Result<string> = await text.done;

  // @ts-expect-error: the result of a Result is not wrapped a second time
  const twice: Result<Result<boolean>> = await wait(result);
  // @ts-expect-error: the arguments of a thread have the types of its function
  newthread((n: number) => n, "1");

  assertEquals([one, flat, read], [[1, null], [true, null], [null, null]]);
  assertEquals(tuple, [[1, null], ["a", null], [true, null]]);
  assertEquals([several, array], [[["a", null], [1, null]], [[1, null], [2, null]]]);
  assertEquals([empty, any, done], [[undefined, null], [1, null], ["a", null]]);
  assertEquals(twice as unknown, [true, null]);
});

Deno.test("only what has the very shape of a result is taken for one", async () => {
  const err = new IoError("eof", "x");
  const values: unknown[] = [[1], [1, 2], [1, null, 3], [1, undefined], [1, err], [
    null,
    new Error(),
  ], {}];
  for (const value of values) {
    assertEquals(await wait(newthread(() => value)), [value, null], JSON.stringify(value));
  }
  for (const value of [[1, null], [null, null], [null, err], [undefined, null]]) {
    assertEquals(await wait(newthread(() => value)), value);
  }
});

Deno.test("a thread is no thenable, but what its function returns may be", async () => {
  const thread = newthread(() => ({
    then(resolve: (value: string) => void) {
      resolve("from a thenable");
    },
  }));
  assertEquals("then" in thread, false);
  assertEquals(await wait(thread), ["from a thenable", null]);
});

Deno.test("self() is the same thread before, between and after all waits", async () => {
  const seen: Thread[] = [];
  const thread = newthread(async () => {
    seen.push(self());
    await sleep(1);
    seen.push(self());
    await turn();
    seen.push(self());
    await Promise.all([1, 2].map(async () => {
      await sleep(1);
      seen.push(self());
    }));
  });
  seen.push(thread);
  await wait(thread);
  assertEquals(new Set(seen).size, 1);
  assertEquals([self().id, self().name, self().parent], [1, "root", 0]);
  assertEquals([thread.parent, await wait(newthread(() => self().parent))], [1, [1, null]]);
});

Deno.test("wait() that gives up leaves nothing in its thread", async () => {
  using clock = new FakeClock();
  const slow = newthread(() => sleep(1_000));
  const aborter = new AbortController();
  const waiter = newthread(async () => {
    await wait(slow, { timeout: 10 });
    await wait_any([slow], { timeout: 10 });
    await wait([slow, slow], { signal: aborter.signal });
    const states = [self().state];
    assertThrows(() => wait([slow, self()]), TypeError, "cannot wait for itself");
    assertThrows(() => wait(slow, self()), TypeError, "cannot wait for itself");
    assertThrows(() => wait_any([slow, self()]), TypeError, "cannot wait for itself");
    states.push(self().state);
    return states;
  });
  await clock.tick(20);
  aborter.abort();
  assertEquals(await wait(waiter), [["running", "running"], null]);
  kill(slow);
});

Deno.test("wait() of a finished thread is the same whoever else is dying", async () => {
  const done = newthread(() => "kept");
  const signal = AbortSignal.abort();
  assertEquals(await wait(done, { signal }), ["kept", null]);
  const deaf = newthread(() => new Promise(() => {}));
  kill(deaf);
  assertEquals(deaf.state, "unwinding");
  assertEquals(await wait(done, { signal }), ["kept", null]);
  assertThrows(() => wait(done, { timeout: -1 }), RangeError, "timeout must be 0");
});

Deno.test("a failure that was waited for in vain is still told", async () => {
  using clock = new FakeClock();
  const told: string[] = [];
  const off = on_error((_, about) => told.push(about));
  const seen = newthread(async function seen() {
    await sleep(6);
    throw new Error("x");
  });
  const unseen = newthread(async function unseen() {
    await sleep(6);
    throw new Error("x");
  });
  const waiting = wait([seen, unseen], { timeout: 2 });
  await clock.tick(2);
  const results = await waiting;
  assertEquals(results.map(([, err]) => err?.code), ["timeout", "timeout"]);
  const again = wait(seen);
  await clock.tick(4);
  assertEquals((await again)[1]?.code, "failed");
  await turn();
  await turn();
  off();
  assertEquals(told, ["thread 'unseen'"]);
});

Deno.test("a failure that was read from done is not told", async () => {
  const told: string[] = [];
  const off = on_error((_, about) => told.push(about));
  const thread = newthread(() => Promise.reject(new Error("x")));
  assertEquals((await thread.done)[1]?.code, "failed");
  await turn();
  off();
  assertEquals(told, []);
});

Deno.test("wait_any() gives the first of the list when several have ended", async () => {
  const threads = [newthread(() => sleep(60_000)), newthread(() => "b"), newthread(() => "c")];
  const [found] = await wait_any(threads);
  assertEquals([found?.index, found?.result], [1, ["b", null]]);
  kill(threads[0]!);
  const [dead] = await wait_any(threads);
  assertEquals([dead?.index, dead?.result[1]?.code], [0, "killed"]);
});

Deno.test("on_error() handlers are taken back one by one", async () => {
  const told: string[] = [];
  const offs = ["a", "b"].map((name) => on_error((_, about) => told.push(`${name}: ${about}`)));
  const fail = async () => {
    newthread(function failing() {
      throw new Error("x");
    });
    await turn();
  };
  await fail();
  offs[0]!();
  offs[0]!();
  await fail();
  offs[1]!();
  assertEquals(told, ["a: thread 'failing'", "b: thread 'failing'", "b: thread 'failing'"]);
  assertThrows(() => on_error("x" as never), TypeError, "on_error wants a function: got string");
});

Deno.test("list() holds nobody who has ended, and a thread's name can be set", async () => {
  const before = list().length;
  const threads = Array.from({ length: 50 }, () => newthread(() => sleep(60_000)));
  threads[7]!.name = "seven";
  const rows = list();
  assertEquals(rows.length, before + 50);
  assert(rows.every((row, at) => at === 0 || rows[at - 1]!.id < row.id), "not the oldest first");
  assertEquals(rows.filter((row) => row.name === "seven").length, 1);
  for (const thread of threads) kill(thread);
  await turn();
  assertEquals(list().length, before);
});

Deno.test("a sleeping thread keeps the program alive, a receive in memory does not", async () => {
  const url = (path: string) => new URL(`../../${path}`, import.meta.url).href;
  const code = `
    import { newthread, sleep } from "${url("thread/mod.ts")}";
    import { pair } from "${url("stream/mod.ts")}";
    const [a, b] = pair({ timeout: 0 });
    newthread(() => a.receive());
    newthread(async () => { await sleep(20); console.log("slept"); });`;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", "--no-check", code] });
  const { stdout, code: status } = await child.output();
  assertEquals([new TextDecoder().decode(stdout), status], ["slept\n", 0]);
});
