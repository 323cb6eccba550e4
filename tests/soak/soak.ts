/**
 * The soak itself, run by `deno task soak`: every load at once, with threads that are killed
 * at random, between two looks at a program at rest. Each line of its output is one sample.
 */
import { pool_close, pool_stats } from "../../cosocket/mod.ts";
import { children } from "../../process/mod.ts";
import { IoError, kill, list, newthread, sleep, type Thread, wait } from "../../thread/mod.ts";
import { random } from "../stream/promise.ts";
import { LOADS, stageOf } from "./loads.ts";

/** What the program holds at a moment. */
export interface Sample {
  phase: "start" | "load" | "end";
  /** Seconds since the beginning. */
  at: number;
  /** Bytes in use of JavaScript's heap. */
  heap: number;
  /** Bytes of memory that the system has given. */
  rss: number;
  descriptors: number;
  /** Light threads. */
  threads: number;
  /** Threads of the system's. */
  system_threads: number;
  children: number;
  /** Rounds of each load so far, and of failed and killed ones. */
  rounds: Record<string, number>;
}

declare const gc: () => void;

const [minutes = "15", seed = "1"] = Deno.args;
const ROWS = 2;

const begun = performance.now();
const rounds: Record<string, number> = {};
const count = (what: string) => rounds[what] = (rounds[what] ?? 0) + 1;

function systemThreads(): number {
  try {
    return Number(/Threads:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function descriptors(): number {
  try {
    // One of them is the folder's own.
    return [...Deno.readDirSync("/proc/self/fd")].length - 1;
  } catch {
    return 0;
  }
}

function tell(phase: Sample["phase"]): void {
  const { heapUsed: heap, rss } = Deno.memoryUsage();
  const sample: Sample = {
    phase,
    at: (performance.now() - begun) / 1_000,
    heap,
    rss,
    descriptors: descriptors(),
    threads: list().length,
    system_threads: systemThreads(),
    children: children().length,
    rounds: { ...rounds },
  };
  console.log(JSON.stringify(sample));
}

/** Waits until nothing is on its way any more, and what is dropped has been collected. */
async function atRest(): Promise<void> {
  await pool_close();
  while (pool_stats().length > 0 || children().length > 0) await sleep(10);
  for (let n = 0; n < 10; n++) {
    gc();
    await sleep(100);
  }
}

/** One thread's life: rounds of one load until it is killed or the time is over. */
async function work(name: string, fn: () => Promise<void>, until: number): Promise<void> {
  while (performance.now() < until) {
    try {
      await fn();
      count(name);
    } catch (error) {
      // A peer that hangs up is part of the load; a wrong answer is not.
      if (!(error instanceof IoError)) throw error;
      count(`${name} failed: ${error.code}`);
      await sleep(1);
    }
  }
}

/** All loads for so long; whoever is killed is started anew. */
async function load(ms: number, next: () => number, tells: boolean): Promise<void> {
  await using stage = await stageOf(next);
  const until = performance.now() + ms;
  const alive = new Set<Thread>();
  const start = (name: string): Promise<void> => {
    const thread = newthread(() => work(name, () => LOADS[name]!(stage), until));
    thread.name = `soak ${name}`;
    alive.add(thread);
    return wait(thread).then(([, err]) => {
      alive.delete(thread);
      if (err === null) return;
      if (err.code !== "killed") throw err;
      count("killed");
      return start(name);
    });
  };
  const all = Object.keys(LOADS).flatMap((name) => Array.from({ length: ROWS }, () => start(name)));
  const killer = newthread(async () => {
    while (performance.now() < until) {
      await sleep(20 + next() * 200);
      const threads = [...alive];
      const victim = threads[Math.floor(next() * threads.length)];
      if (victim !== undefined && performance.now() < until) kill(victim);
    }
  });
  const teller = newthread(async () => {
    while (tells && performance.now() < until) {
      await sleep(Math.min(2_000, Math.max(until - performance.now(), 1)));
      tell("load");
    }
  });
  await Promise.all(all);
  await wait([killer, teller]);
}

const next = random(Number(seed));
const ms = Number(minutes) * 60_000;
// First for a while unseen: what the runtime keeps for ever, it has then.
await load(Math.min(ms / 4, 60_000), next, false);
await atRest();
tell("start");
await load(ms, next, true);
await atRest();
tell("end");
