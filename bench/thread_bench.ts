/**
 * Threads started, waited for and put to sleep, and turns given away, beside what plain
 * JavaScript has for it.
 *
 *     deno task bench thread
 */
import { newthread, startloop, swop, wait } from "../thread/mod.ts";
import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate } from "node:timers";
import { compare, rate } from "./compare.ts";

const SPAWNS = 100_000;
/** So many are alive at a time. */
const WAVE = 1_000;
let sum = 0;
const bare = async (n: number) => {
  await null;
  sum += n;
};

/** Starts threads in waves; `wave` starts one and waits until it has ended. */
function waves(wave: () => Promise<unknown>): Promise<number> {
  return rate(SPAWNS, async () => {
    for (let n = 0; n < SPAWNS; n += WAVE) await wave();
  });
}

const each = (start: (n: number) => unknown) => {
  for (let n = 0; n < WAVE; n++) start(n);
};

/** What nobody can do without who must know which thread runs. */
const store = new AsyncLocalStorage<object>();
const floor = () => Promise.all(Array.from({ length: WAVE }, (_, n) => store.run({}, bare, n)));

await compare({
  name: "spawn and finish",
  unit: "threads/s",
  contenders: {
    "an async call": () =>
      waves(() => Promise.all(Array.from({ length: WAVE }, (_, n) => bare(n)))),
    "the same, in AsyncLocalStorage": () => waves(floor),
    "the same, begun in it too": () => waves(() => store.run({}, floor)),
    "newthread() in a loop": () => waves(() => startloop(() => each((n) => newthread(bare, n)))),
    "newthread(), ends at once": () =>
      waves(() => startloop(() => each((n) => newthread(() => void (sum += n))))),
    "newthread(), wait() of the list": () =>
      waves(() => wait(Array.from({ length: WAVE }, (_, n) => newthread(bare, n)))),
    "newthread(), wait() of each": () =>
      waves(async () => {
        for (let n = 0; n < WAVE; n++) await wait(newthread(bare, n));
      }),
  },
});

const YIELDS = 200_000;

await compare({
  name: "yields",
  unit: "yields/s",
  contenders: {
    "await null (starves I/O)": () =>
      rate(YIELDS, async () => {
        for (let n = 0; n < YIELDS; n++) await null;
      }),
    "setImmediate": () =>
      rate(YIELDS / 10, async () => {
        for (let n = 0; n < YIELDS / 10; n++) await new Promise((go) => setImmediate(go));
      }),
    "swop()": () =>
      rate(YIELDS, async () => {
        for (let n = 0; n < YIELDS; n++) await swop();
      }),
  },
});

/** A program that puts many to sleep for a second, alone in its process. */
const SLEEPERS: Record<string, string> = {
  "setTimeout in a promise":
    `Promise.all(Array.from({ length: N }, () => new Promise((go) => setTimeout(go, 1_000))))`,
  "sleep()": `Promise.all(Array.from({ length: N }, () => t.sleep(1_000)))`,
  "newthread(sleep)": `t.wait(Array.from({ length: N }, () => t.newthread(t.sleep, 1_000)))`,
  "newthread(async () => await sleep())":
    `t.wait(Array.from({ length: N }, () => t.newthread(async () => { await t.sleep(1_000); })))`,
};

const COUNT = 100_000;

/** Runs one; gives the seconds that it woke late, and the MiB that its process held. */
async function sleepers(code: string): Promise<[late: number, memory: number]> {
  const program = `import * as t from "${new URL("../thread/mod.ts", import.meta.url)}";
    const N = ${COUNT}; const begun = performance.now(); const all = ${code};
    const memory = () => Deno.memoryUsage().rss / 2 ** 20;
    const held = memory(); await all;
    console.log(JSON.stringify([(performance.now() - begun) / 1000 - 1, Math.max(held, memory())]));`;
  const args = ["eval", program];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } })
    .output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

const held: Record<string, number[]> = {};

await compare({
  name: "100,000 sleep for 1 s: lateness",
  unit: "s",
  less: true,
  contenders: Object.fromEntries(
    Object.entries(SLEEPERS).map(([name, code]) => [name, async () => {
      const [late, memory] = await sleepers(code);
      (held[name] ??= []).push(memory);
      return late;
    }]),
  ),
});

// Of the same runs: the memory of each was looked at on the way.
await compare({
  name: "100,000 sleep for 1 s: memory",
  unit: "MiB",
  less: true,
  contenders: Object.fromEntries(
    Object.entries(held).map(([name, memory]) => [name, () => memory.shift()!]),
  ),
});
