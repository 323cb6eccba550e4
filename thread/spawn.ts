import { current } from "../core/mod.ts";
import { functionOf } from "./_args.ts";
import { newthread } from "./thread.ts";
import type { Thread } from "./types.ts";

/** Another name of {@linkcode swop}, from LEM. */
export { swop as yield } from "./sleep.ts";

/**
 * Starts a thread like `newthread`, but later: `fn` runs when the thread that calls has
 * come to its next wait. Threads that were spawned begin in the order of the calls; one
 * that is killed before, never does. From LEM (`utils.spawn`), which gives no handle.
 *
 * @example Usage
 * ```ts
 * import { spawn, swop } from "@alilua/coevent/thread";
 *
 * spawn((name: string) => console.log("later:", name), "second");
 * console.log("first");
 * await swop();
 * ```
 */
export function spawn<A extends unknown[], R>(
  fn: (...args: A) => R,
  ...args: A
): Thread<Awaited<R>> {
  functionOf(fn, "spawn");
  const thread = newthread(async (): Promise<Awaited<R>> => {
    await null;
    const { killed } = current();
    if (killed !== null) throw killed;
    return await fn(...args);
  });
  thread.name = fn.name;
  return thread as Thread<Awaited<R>>;
}
