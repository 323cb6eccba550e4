import process from "node:process";
import { current, now, setWatcher, type Task, type Watcher, watcher } from "../core/mod.ts";
import { scopes } from "./_run.ts";
import type { ThreadInfo } from "./types.ts";

/** What `watch` is to keep. */
export interface WatchOptions {
  /** Where each thread was started, for `dump()`. It costs some microseconds a thread. */
  stacks?: boolean;
}

/** One row of `top()`. */
export interface ThreadLoad extends ThreadInfo {
  /** Milliseconds of processor time since the watch began; `null` while nobody watches. */
  cpu: number | null;
  /** How often it has waited since the watch began; `null` while nobody watches. */
  waits: number | null;
  /** Milliseconds that it has waited, the present wait included; `null` while nobody watches. */
  waited: number | null;
}

/** What is known of a thread. */
interface Tally {
  cpu: number;
  waits: number;
  waited: number;
  /** Its stack is made into text when it is asked for. */
  origin: Error | null;
}

let tallies = new WeakMap<Task, Tally>();
/** Up to here the processor time is put down to somebody, in microseconds. */
let marked = 0;
let watching = 0;
let keeping = 0;

function tallyOf(task: Task): Tally {
  let tally = tallies.get(task);
  if (tally === undefined) {
    tallies.set(task, tally = { cpu: 0, waits: 0, waited: 0, origin: null });
  }
  return tally;
}

/** Puts the processor time since the last mark down to `task`, which has run until now. */
function mark(task: Task): Tally {
  const tally = tallyOf(task);
  const { user, system } = process.cpuUsage();
  tally.cpu += user + system - marked;
  marked = user + system;
  return tally;
}

/** Puts the processor time since the last mark down to nobody. */
function skip(): void {
  const { user, system } = process.cpuUsage();
  marked = user + system;
}

const counting: Watcher = {
  born(task) {
    mark(current());
    if (keeping > 0) tallyOf(task).origin = new Error();
  },
  entered(task) {
    mark(task).waits += 1;
  },
  left(task, since) {
    // What was used since the last mark belongs to who wakes the task. If that is the event
    // loop, it belongs to nobody: the loop's own work, and what other threads of V8 did.
    const waker = current();
    if (waker.waits === null) mark(waker);
    else skip();
    if (!Number.isNaN(since)) tallyOf(task).waited += now() - since;
  },
  ended: mark,
  paused() {
    mark(current());
  },
};

/**
 * Begins to count what the threads do, for `top()`, and with `stacks` to note where each
 * is started, for `dump()`. Gives a function that ends it; several may watch at a time.
 *
 * While nobody watches it costs nothing; while somebody does, some two microseconds a wait.
 *
 * @example Usage
 * ```ts
 * import { newthread, sleep, top, wait, watch } from "@alilua/coevent/thread";
 *
 * const off = watch();
 * const nap = newthread(async function nap() {
 *   for (let n = 0; n < 3; n++) await sleep(1);
 *   console.log(top().find(({ name }) => name === "nap")?.waits); // 3
 * });
 * await wait(nap);
 * off();
 * ```
 */
export function watch(options: WatchOptions = {}): () => void {
  if (watching++ === 0) {
    tallies = new WeakMap();
    skip();
    setWatcher(counting);
  }
  const stacks = options.stacks === true ? 1 : 0;
  keeping += stacks;
  let on = true;
  return () => {
    if (!on) return;
    on = false;
    keeping -= stacks;
    if (--watching === 0) setWatcher(null);
  };
}

/**
 * All threads that have not ended, those that used the processor most first, with what
 * they used since {@linkcode watch}; without it `cpu`, `waits` and `waited` are `null`.
 *
 * Processor time is the program's, helpers of V8 included. It is taken when a thread begins
 * to wait, calls `swop` or ends, and put down to it; what the event loop used between two
 * threads is put down to none. What runs after a wait that is not ours (`fetch`, your own
 * promise) is put down to the thread that comes to such a point next.
 *
 * @example Usage
 * ```ts
 * import { top, watch } from "@alilua/coevent/thread";
 *
 * const off = watch();
 * for (const { id, name, cpu, waited, state } of top()) console.log(id, name, cpu, waited, state);
 * off();
 * ```
 */
export function top(): ThreadLoad[] {
  if (watcher !== null) mark(current());
  return tasks().map((task) => ({ ...infoOf(task), ...loadOf(task) }))
    .sort((a, b) => (b.cpu ?? 0) - (a.cpu ?? 0) || a.id - b.id);
}

/**
 * All threads that have not ended, as text: each below the one that started it, with
 * what it is doing, and under {@linkcode watch} its load and where it was started.
 *
 * @example Usage
 * ```ts
 * import { dump, newthread, scope, sleep } from "@alilua/coevent/thread";
 *
 * await scope((s) => {
 *   newthread(function parent() {
 *     newthread(function child() {
 *       return sleep(10_000);
 *     });
 *     return sleep(10_000);
 *   });
 *   console.log(dump());
 *   // 2 scope: running; 0 ms old
 *   //   3 parent: sleep, 0 ms; 0 ms old
 *   //     4 child: sleep, 0 ms; 0 ms old
 *   s.close();
 * });
 * ```
 */
export function dump(): string {
  if (watcher !== null) mark(current());
  const all = tasks();
  const alive = new Set(all.map(({ id }) => id));
  const children = Map.groupBy(all, ({ parent }) => alive.has(parent) ? parent : 0);
  const lines: string[] = [];
  const tell = (id: number, indent: string) => {
    for (const task of children.get(id) ?? []) {
      lines.push(...linesOf(task).map((line) => indent + line));
      tell(task.id, `${indent}  `);
    }
  };
  tell(0, "");
  return lines.join("\n");
}

function tasks(): Task[] {
  return [...scopes].flatMap((scope) => [...scope.tasks]).sort((a, b) => a.id - b.id);
}

function infoOf({ id, name, state, age, parent }: Task): ThreadInfo {
  return { id, name, state, age, parent };
}

function loadOf(task: Task): Pick<ThreadLoad, "cpu" | "waits" | "waited"> {
  if (watcher === null) return { cpu: null, waits: null, waited: null };
  const { cpu, waits, waited } = tallyOf(task);
  const since = task.waits?.since ?? NaN;
  return { cpu: cpu / 1000, waits, waited: waited + (Number.isNaN(since) ? 0 : now() - since) };
}

function linesOf(task: Task): string[] {
  const { cpu, waits, waited } = loadOf(task);
  let line = `${task.id} ${task.name}: ${task.state}; ${Math.round(task.age)} ms old`;
  if (cpu !== null) line += `, ${cpu.toFixed(1)} ms of processor, ${waits} waits`;
  if (waited !== null) line += `, ${Math.round(waited)} ms waited`;
  const origin = watcher === null ? null : tallyOf(task).origin;
  return [line, ...stackOf(origin)];
}

/** The directories of this collection whose frames start threads, and say nothing of where. */
const OWN = ["../core/", "./"].map((path) => new URL(path, import.meta.url).href);

/** The lines of a stack that lie outside, in front of them all those inside left out. */
function stackOf(origin: Error | null): string[] {
  if (origin?.stack === undefined) return [];
  return origin.stack.split("\n").slice(1)
    .filter((line) => !OWN.some((path) => line.includes(path)) && !/\((ext|node):/.test(line))
    .map((line) => `  ${line}`);
}
