import { availableParallelism, cpus } from "node:os";
import { afterTurn, Deadline, fail, now, ok, park, type Result } from "../core/mod.ts";
import { ask } from "./_ask.ts";
import { usageBetween } from "./_usage.ts";

/** How long a processor has done what since the machine came up, in milliseconds. */
export interface CpuTimes {
  /** Ran programs. */
  user: number;
  /** Ran programs of low priority. */
  nice: number;
  /** Ran the kernel. */
  sys: number;
  /** Did nothing. */
  idle: number;
  /** Served interrupts; counted apart on Windows only. */
  irq: number;
}

/** One processor, as the system counts them: a hardware thread is one. */
export interface CpuInfo {
  /** What its maker calls it. */
  model: string;
  /** In MHz; 0 where the system does not say. */
  speed: number;
  /** How it has spent its time. */
  times: CpuTimes;
}

/** Shares of an interval, each from 0 to 1; all but `busy` add up to 1. */
export interface CpuShare extends CpuTimes {
  /** Everything but idle. */
  busy: number;
}

/** What the processors did during an interval. */
export interface CpuUsage extends CpuShare {
  /** The same for each processor, in the order of `cpuinfo()`. The whole is their mean. */
  cores: CpuShare[];
}

/** What `cpuusage` takes beside the interval. */
export interface CpuUsageOptions {
  /** Gives up with `cancelled` when aborted. */
  signal?: AbortSignal;
}

/**
 * The machine's processors, with what each has done since the machine came up.
 *
 * In a container these are the machine's; what the container may use is in
 * `limits()`. Errors: `no_permission`. Needs `--allow-sys=cpus`. From LuaIO
 * (`system.cpuinfo`).
 *
 * @example Usage
 * ```ts
 * import { cpuinfo } from "@alilua/coevent/system";
 *
 * const [cpus, err] = cpuinfo();
 * if (err) console.log(err.message);
 * else for (const { model, speed } of cpus) console.log(`${model}, ${speed} MHz`);
 * ```
 */
export function cpuinfo(): Result<CpuInfo[]> {
  return ask("the processors", () => {
    return cpus().map(({ model, speed, times: { user, nice, sys, idle, irq } }) => {
      return { model, speed, times: { user, nice, sys, idle, irq } };
    });
  });
}

/**
 * How many threads can run at the same time, at least 1: a good number of workers.
 *
 * Heeds the processors that the program is bound to (`taskset`, a cpuset) and a
 * container's quota, rounded down. Needs no permission.
 *
 * @example Usage
 * ```ts
 * import { parallelism } from "@alilua/coevent/system";
 *
 * console.log(`${parallelism()} workers would be busy at the same time`);
 * ```
 */
export function parallelism(): number {
  return availableParallelism();
}

/**
 * Watches the processors for `interval` milliseconds (1000 by default) and says how busy
 * each was meanwhile.
 *
 * Waits. The system counts in steps of about 10 ms, so an interval under 100 says little;
 * a processor that counted nothing at all meanwhile is idle. An aborted `signal` ends
 * it at once with `cancelled`, a killed thread too, and no timer stays behind. An
 * interval that is not above 0 throws `RangeError`.
 * Errors: `no_permission`, `cancelled`. Needs `--allow-sys=cpus`.
 *
 * @example Usage
 * ```ts
 * import { cpuusage } from "@alilua/coevent/system";
 *
 * const [usage, err] = await cpuusage(100);
 * if (err) console.log(err.message);
 * else usage.cores.forEach((core, i) => console.log(`${i}: ${Math.round(core.busy * 100)} %`));
 * ```
 */
export function cpuusage(
  interval: number = 1000,
  options: CpuUsageOptions = {},
): Promise<Result<CpuUsage>> {
  if (typeof interval !== "number") {
    throw new TypeError(
      `cpuusage: interval must be a number of milliseconds: got ${typeof interval}`,
    );
  }
  if (!(interval > 0 && interval < Infinity)) {
    throw new RangeError(
      `cpuusage: interval must be above 0 milliseconds and finite: got ${interval}`,
    );
  }
  return watch(interval, options);
}

async function watch(interval: number, options: CpuUsageOptions): Promise<Result<CpuUsage>> {
  const [before, err] = cpuinfo();
  if (err) return await afterTurn(fail(err));
  const [, waitErr] = await park<Result<true>>(() => "cpuusage", options, (wake) => {
    const deadline = new Deadline(() => wake(ok<true>(true)), true);
    deadline.set(now() + interval);
    return () => deadline.remove();
  });
  if (waitErr) return fail(waitErr);
  const [after, lateErr] = cpuinfo();
  return lateErr ? fail(lateErr) : ok(usageBetween(before, after));
}
