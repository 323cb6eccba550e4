/**
 * What the machine is and how busy it is: processors, memory, load, uptime, network
 * interfaces, and the limits that a container really has.
 *
 * Everything gives `[value, err]` at once, except {@linkcode cpuusage}, which watches for
 * a while and gives a promise of it. What needs no permission gives the plain value:
 * {@linkcode hrtime}, {@linkcode parallelism}, {@linkcode type}, {@linkcode endian}. The rest
 * asks for its own part of `--allow-sys` and names it where it is missing
 * (`--allow-sys=loadavg`). Only {@linkcode limits} needs more: Deno gives no program
 * `/proc` and `/sys` under less than `--allow-all`. Names and shapes are LuaIO's.
 *
 * ```ts
 * import { cpuinfo, loadavg, meminfo } from "@alilua/coevent/system";
 *
 * const [cpus, err] = cpuinfo();
 * if (err) console.error(err.message); // Cannot read the processors: it needs --allow-sys=cpus
 * else console.log(`${cpus.length} x ${cpus[0]?.model}`);
 *
 * const [memory] = meminfo();
 * if (memory) console.log(`${memory.available} of ${memory.total} bytes to be had`);
 *
 * const [load] = loadavg();
 * if (load) console.log(`load: ${load.join(" ")}`);
 * ```
 *
 * @module
 */
export { type ErrorCode, type GoneReason, IoError, type IoErrorOptions } from "../core/mod.ts";
export { type Result, unwrap, type Unwrapped } from "../core/mod.ts";
export * from "./cpu.ts";
export * from "./host.ts";
export * from "./limits.ts";
export * from "./memory.ts";
export * from "./network.ts";
export * from "./time.ts";
