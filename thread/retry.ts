import { type ErrorCode, IoError, type Result } from "../core/mod.ts";
import { countOf, functionOf } from "./_args.ts";
import { handingOver, type ScopeOptions } from "./_running.ts";
import { sleep } from "./sleep.ts";
import type { Succeeded } from "./succeeded.ts";

/** How often `retry` tries, and how long it waits in between. */
export interface RetryOptions {
  /** How often at most; 5 by default, `Infinity` for ever. */
  attempts?: number;
  /** Milliseconds before the second try; 100 by default. */
  delay?: number;
  /** The delay grows by this factor with each try; 2 by default. */
  factor?: number;
  /** Milliseconds that the delay does not grow beyond; 30,000 by default. */
  max_delay?: number;
  /**
   * How much of each delay is left to chance, from 0 to 1: with 0.5, the default, it is
   * between half and the whole. So that many who failed together do not come together.
   */
  jitter?: number;
  /** Milliseconds for the whole; 0, the default, is no limit. */
  timeout?: number;
  /** When aborted, the try under way is killed and the result is `cancelled`. */
  signal?: AbortSignal;
  /** Milliseconds that a killed try has to unwind; 5,000 by default. */
  grace?: number;
  /** Whether to try again after this error. By default after all that another try may mend. */
  when?: (err: IoError, attempt: number) => boolean;
}

/** No further try mends these. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...["cancelled", "killed", "no_permission", "denied", "unsupported"] as const,
]);

/**
 * Runs `fn(attempt)` until it succeeds, at most `attempts` times, with growing pauses;
 * attempts count from 1. Gives the first success, or the last error as it came.
 *
 * A try fails when `fn` returns a failed `Result` or throws: an `IoError` counts as
 * itself, all else as `failed` with the `cause`. It is not tried again after `cancelled`,
 * `killed`, `no_permission`, `denied` and `unsupported`, unless `when` says so.
 * `timeout` and `signal` bound the whole, the try under way included. What a successful try
 * has started and left running, a server, a child, a thread, is the caller's from then on;
 * of a failed one it has been ended before the next begins.
 *
 * @example Usage
 * ```ts
 * import { retry } from "@alilua/coevent/thread";
 *
 * const [answer] = await retry((attempt) => {
 *   if (attempt < 3) throw new Error("not yet");
 *   return `at the ${attempt}rd try`;
 * }, { delay: 1 });
 * console.log(answer); // at the 3rd try
 * ```
 */
export function retry<R>(
  fn: (attempt: number) => R,
  options: RetryOptions = {},
): Promise<Result<Succeeded<R>>> {
  functionOf(fn, "retry");
  return tryOn(fn, pacing(options), options) as Promise<Result<Succeeded<R>>>;
}

/** How often, and how long in between. */
interface Pacing {
  attempts: number;
  when: (err: IoError, attempt: number) => boolean;
  /** The pause after an attempt, the longest that it can be. */
  pause: (attempt: number) => number;
  jitter: number;
}

function pacing(options: RetryOptions): Pacing {
  const attempts = countOf(options.attempts ?? 5, "retry: attempts", 1);
  const delay = number(options.delay ?? 100, "delay", 0);
  const factor = number(options.factor ?? 2, "factor", 1);
  const most = number(options.max_delay ?? 30_000, "max_delay", 0);
  const jitter = number(options.jitter ?? 0.5, "jitter", 0, 1);
  const when = options.when ?? ((err: IoError) => !FINAL.has(err.code));

  // Where there is no delay, none grows: 0 times Infinity is no number.
  const pause = (n: number) => delay === 0 ? 0 : Math.min(most, delay * factor ** (n - 1));
  return { attempts, when, jitter, pause };
}

async function tryOn(
  fn: (attempt: number) => unknown,
  { attempts, when, pause, jitter }: Pacing,
  bounds: ScopeOptions,
): Promise<Result<unknown>> {
  const ofTry = bounds.grace === undefined ? {} : { grace: bounds.grace };
  return await handingOver("retry", async (): Promise<Result<unknown>> => {
    for (let attempt = 1;; attempt++) {
      const name = fn.name || "try";
      const [value, failure] = await handingOver(name, () => fn(attempt), ofTry);
      const err = thrownIoError(failure);
      if (err === null) return [value, null];
      if (attempt >= attempts || !when(err, attempt)) return [null, err];
      await sleep(pause(attempt) * (1 - jitter * Math.random()));
    }
  }, bounds);
}

/** What `unwrap` threw in the function is the function's error. */
function thrownIoError(err: IoError | null): IoError | null {
  return err?.code === "failed" && err.cause instanceof IoError ? err.cause : err;
}

function number(value: number, name: string, least: number, most = Infinity): number {
  if (typeof value !== "number") {
    throw new TypeError(`retry: ${name} must be a number: got ${typeof value}`);
  }
  if (value >= least && value <= most) return value;
  throw new RangeError(`retry: ${name} must be from ${least} to ${most}: got ${value}`);
}
