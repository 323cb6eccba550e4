/**
 * Light threads: functions that run side by side and wait in straight-line code.
 *
 * A thread can be waited for, killed while it waits in any call of this collection,
 * and listed with what it is doing. Threads started in a scope end with it. Needs no
 * permission.
 *
 * ```ts
 * import { kill, newthread, sleep, startloop, wait } from "@alilua/coevent/thread";
 *
 * await startloop(async () => {
 *   const ticker = newthread(async () => {
 *     for (let n = 1;; n++) {
 *       await sleep(10);
 *       console.log("tick", n);
 *     }
 *   });
 *   await sleep(35);
 *   kill(ticker, "enough");
 *   const [, err] = await wait(ticker);
 *   console.log(err?.code); // killed
 * });
 * ```
 *
 * @module
 */
export { type ErrorCode, type GoneReason, IoError, type IoErrorOptions } from "../core/mod.ts";
export { type ReadResult, type Result, ThreadKilled, unwrap, type Unwrapped } from "../core/mod.ts";
export * from "./channel.ts";
export * from "./event.ts";
export * from "./exit.ts";
export * from "./fake_clock.ts";
export * from "./lock.ts";
export * as parallel from "./parallel.ts";
export * from "./queue.ts";
export * from "./retry.ts";
export * from "./scope.ts";
export * from "./semaphore.ts";
export * from "./sleep.ts";
export * from "./sleeper.ts";
export * from "./spawn.ts";
export * from "./succeeded.ts";
export * from "./thread.ts";
export * as timer from "./timer.ts";
export * from "./types.ts";
export * from "./watch.ts";
