/**
 * The soak itself, run by `deno task soak`: every load at once, with threads that are killed
 * at random, between two looks at a program at rest. Each line of its output is one sample.
 *
 *     soak.ts [minutes [seed [loads]]]
 *
 * Loads are names joined by commas; those of leaky_loads.ts run after the first look alone.
 */
import { pool_close, pool_stats } from "../../cosocket/mod.ts";
import { children } from "../../process/mod.ts";
import { IoError, kill, list, newthread, sleep, type Thread, wait } from "../../thread/mod.ts";
import { random } from "../stream/promise.ts";
import { LEAKY_LOADS } from "./leaky_loads.ts";
import { type Load, LOADS, RESTS, stageOf } from "./loads.ts";

/** What the program holds at a moment. */
export interface Sample {
  phase: "start" | "load" | "end";
  /** Seconds since the beginning. */
  at: number;
  /** Bytes in use of JavaScript's heap. */
  heap: number;
  /** Bytes of buffers, which lie outside of it. */
  buffers: number;
  /** Bytes of memory that the system has given. */
  rss: number;
  descriptors: number;
  /** Light threads. */
  threads: number;
  /** Threads of the system's. */
  system_threads: number;
  /** Children of ours that run, as this collection knows them. */
  children: number;
  /** Processes below this one, as the kernel knows them, dead ones that nobody asked for too. */
  processes: number;
  /** Rounds of each load so far, and how many failed, with what, and were killed. */
  rounds: Record<string, number>;
}

declare const gc: () => void;

const [minutes = "15", seed = "1", chosen = ""] = Deno.args;
const ALL: Record<string, Load> = { ...LOADS, ...LEAKY_LOADS };
const names = chosen === "" ? Object.keys(LOADS) : chosen.split(",");
const ROWS = 2;

/** Longer than any wait of a load: who has not ended by then, hangs. */
const LATE = 90_000;

const ms = Number(minutes) * 60_000;

/** Longer than the runtime keeps what is idle; a soak of seconds cannot wait for that. */
const REST = Math.min(12_000, 3_000 + ms);
/** What a program at rest held, when it was so for the first time. */
let rested: Held | undefined;

const begun = performance.now();
const rounds: Record<string, number> = Object.fromEntries(
  [...names, "killed"].map((name) => [name, 0]),
);
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

function processes(): number {
  let count = 0;
  try {
    for (const { name } of Deno.readDirSync("/proc")) {
      if (/^\d+$/.test(name) && parentOf(name) === String(Deno.pid)) count += 1;
    }
  } catch {
    // Only Linux shows them.
  }
  return count;
}

function parentOf(pid: string): string | undefined {
  try {
    return /^PPid:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
  } catch {
    // It has just ended.
  }
}

/** What the system lends, and takes back in its own time. */
interface Held {
  descriptors: number;
  system_threads: number;
  processes: number;
}

function held(): Held {
  return { descriptors: descriptors(), system_threads: systemThreads(), processes: processes() };
}

function tell(phase: Sample["phase"]): void {
  const { heapUsed: heap, external: buffers, rss } = Deno.memoryUsage();
  const sample: Sample = {
    phase,
    at: (performance.now() - begun) / 1_000,
    heap,
    buffers,
    rss,
    ...held(),
    threads: list().length,
    children: children().length,
    rounds: { ...rounds },
  };
  console.log(JSON.stringify(sample));
}

/**
 * Waits until nothing is on its way any more, and what is dropped has been collected. What
 * does not end is not waited for without end: it shows in the sample.
 */
async function atRest(): Promise<void> {
  await pool_close();
  const busy = () => pool_stats().length > 0 || children().length > 0 || list().length > 0;
  /** The first time nobody knows how few there are without a load. */
  const more = () => {
    const { descriptors, system_threads, processes } = held();
    return rested === undefined ? ms >= 60_000 : descriptors > rested.descriptors ||
      system_threads > rested.system_threads || processes > rested.processes;
  };
  const until = performance.now() + REST;
  while (performance.now() < until && (busy() || more())) await sleep(50);
  rested ??= held();
  for (let n = 0; n < 10; n++) {
    gc();
    await sleep(100);
  }
}

/** One thread's life: rounds of one load, one at least, until it is killed or the time is over. */
async function work(name: string, fn: () => Promise<void>, until: number): Promise<void> {
  do {
    try {
      await fn();
      count(name);
      await sleep(RESTS[name] ?? 0);
    } catch (error) {
      // A peer that hangs up is part of the load; a wrong answer is not.
      if (!(error instanceof IoError)) throw error;
      count(`${name} failed: ${error.code}`);
      await sleep(1);
    }
  } while (performance.now() < until);
}

/** All loads for so long; whoever is killed is started anew. */
async function load(
  names: string[],
  ms: number,
  next: () => number,
  tells: boolean,
): Promise<void> {
  await using stage = await stageOf(next);
  const until = performance.now() + ms;
  const alive = new Set<Thread>();
  const start = (name: string): Promise<void> => {
    const thread = newthread(() => work(name, () => ALL[name]!(stage), until));
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
  const all = names.flatMap((name) => Array.from({ length: ROWS }, () => start(name)));
  const killer = newthread(async () => {
    do {
      const threads = [...alive];
      const victim = threads[Math.floor(next() * threads.length)];
      if (victim !== undefined) kill(victim);
      await sleep(20 + next() * 200);
    } while (performance.now() < until);
  });
  const teller = newthread(async () => {
    while (tells && performance.now() < until) {
      await sleep(Math.min(2_000, Math.max(until - performance.now(), 1)));
      tell("load");
    }
  });
  const late = setTimeout(() => {
    for (const { name, state } of alive) console.error(`HANGS ${name}: ${state}`);
    Deno.exit(1);
  }, ms + LATE);
  await Promise.all(all);
  clearTimeout(late);
  await wait([killer, teller]);
}

const next = random(Number(seed));
// First for a while unseen: what the runtime keeps for ever, it has then.
await load(names.filter((name) => name in LOADS), Math.min(ms / 4, 60_000), next, false);
await atRest();
tell("start");
await load(names, ms, next, true);
await atRest();
tell("end");
