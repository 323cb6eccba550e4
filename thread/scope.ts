import { checkTimeout } from "../core/mod.ts";
import { openScope, type Scope, type ScopeOptions } from "./_running.ts";
import type { Waited } from "./types.ts";

export type { Scope, ScopeOptions } from "./_running.ts";

/**
 * Runs `fn` in a scope and waits until it and every thread, server and child process
 * started in it have ended: nothing outlives the scope. Gives what `fn` returned.
 *
 * When `fn` throws (`failed`), or the thread that waits for the scope is killed, all
 * threads in it are killed; the scope then closes when they have unwound, or when
 * `grace` has passed, which is reported to `on_error`. Children are ended with their
 * groups: SIGTERM, and SIGKILL shortly before `grace` has passed. `timeout` (`timeout`) and `signal`
 * (`cancelled`) bound the whole; `on_error` says what a thread that throws means.
 *
 * @example The first answer wins, the rest is stopped
 * ```ts
 * import { newthread, scope, sleep } from "@alilua/coevent/thread";
 *
 * const [winner] = await scope(async (s) => {
 *   newthread(() => sleep(60_000));
 *   await sleep(1);
 *   s.close("have an answer");
 *   return "answer";
 * });
 * console.log(winner); // answer
 * ```
 *
 * @example One failure ends them all
 * ```ts
 * import { newthread, scope, sleep } from "@alilua/coevent/thread";
 *
 * const [, err] = await scope(() => {
 *   newthread(() => sleep(60_000));
 *   newthread(async () => {
 *     await sleep(1);
 *     throw new Error("no answer");
 *   });
 * }, { on_error: "cancel" });
 * console.log(err?.code, (err?.cause as Error).message); // failed no answer
 * ```
 */
export function scope<R>(
  fn: (scope: Scope) => R,
  options: ScopeOptions = {},
): Promise<Waited<Awaited<R>>> {
  return openScope({ name: "scope", limit: checkTimeout(options.timeout ?? 0) }, fn, options);
}

/**
 * Runs `fn` in a scope for at most `ms` milliseconds; then every thread in it is
 * killed and the result is `timeout`. It bounds the whole, where a `timeout` option
 * bounds one call. `0` means no limit.
 *
 * @example Usage
 * ```ts
 * import { deadline, sleep } from "@alilua/coevent/thread";
 *
 * const [, err] = await deadline(20, () => sleep(60_000));
 * console.log(err?.code); // timeout
 * ```
 */
export function deadline<R>(
  ms: number,
  fn: (scope: Scope) => R,
  options: ScopeOptions = {},
): Promise<Waited<Awaited<R>>> {
  return openScope({ name: "deadline", limit: checkTimeout(ms, "deadline: ms") }, fn, options);
}

/**
 * Runs `fn` out of reach of a kill, for at most `ms` milliseconds: for the cleanup of
 * a killed thread that must still wait, such as a farewell to the peer. When the time
 * has passed, it is killed all the same and the result is `timeout`.
 *
 * @example A farewell that is sent even when the thread is killed
 * ```ts
 * import { shield, sleep } from "@alilua/coevent/thread";
 *
 * try {
 *   await sleep(1);
 * } finally {
 *   await shield(1_000, () => sleep(1));
 * }
 * ```
 */
export function shield<R>(
  ms: number,
  fn: (scope: Scope) => R,
  options: ScopeOptions = {},
): Promise<Waited<Awaited<R>>> {
  const limit = checkTimeout(ms, "shield: ms");
  return openScope({ name: "shield", limit, shielded: true }, fn, options);
}

/**
 * Runs `fn` as the main thread of a loop. The promise is kept with what `fn` returned
 * when `fn` and every thread started in it have ended.
 *
 * When `fn` throws, the loop's other threads are killed and the promise rejects with
 * what it threw: so a loop that nobody awaits ends the program with status 1, as any
 * failure does in Deno. Also the default export `L`. From aLiLua (`startloop`, `L`),
 * which abandons the threads that are left; here they are waited for.
 *
 * @example Usage
 * ```ts
 * import { newthread, sleep, startloop } from "@alilua/coevent/thread";
 *
 * await startloop(() => {
 *   newthread(() => sleep(5));
 * }); // returns after 5 ms
 * ```
 */
export function startloop<R>(fn: () => R): Promise<Awaited<R>> {
  if (typeof fn !== "function") {
    throw new TypeError(`startloop wants a function: got ${typeof fn}`);
  }
  let returned: unknown;
  let thrown: { error: unknown } | null = null;
  // The function's own value and error are the loop's, whatever their shape.
  const main = async () => {
    try {
      returned = await fn();
    } catch (error) {
      thrown = { error };
      throw error;
    }
  };
  return openScope({ name: fn.name || "main", limit: 0 }, main, {}).then(([, err]) => {
    if (thrown !== null) throw thrown.error;
    if (err !== null) throw err;
    return returned as Awaited<R>;
  });
}
