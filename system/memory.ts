import type { Result } from "../core/mod.ts";
import { ask } from "./_ask.ts";

/** The machine's memory, in bytes. */
export interface MemInfo {
  /** All there is. */
  total: number;
  /** Used for nothing at all, not even as a cache. */
  free: number;
  /** What programs can still get before anything must be swapped out: free memory and most caches. */
  available: number;
  /** Held by the kernel for block devices. */
  buffers: number;
  /** Held by the kernel for file contents. */
  cached: number;
  /** Size of the swap space; 0 where there is none. */
  swap_total: number;
  /** Unused swap space. */
  swap_free: number;
}

/**
 * The machine's memory and swap space, in bytes.
 *
 * `available` is the one to look at before starting something large: `free` is small on
 * any healthy machine, because the kernel caches files. In a container these are the
 * machine's figures; what the container may use is in `limits()`.
 *
 * Errors: `no_permission`. Needs `--allow-sys=systemMemoryInfo`. From LuaIO
 * (`system.meminfo`), which has only `total` and `free`.
 *
 * @example Usage
 * ```ts
 * import { meminfo } from "@alilua/coevent/system";
 *
 * const [memory, err] = meminfo();
 * console.log(err ? err.message : `${Math.round(memory.available / 2 ** 20)} MiB to be had`);
 * ```
 */
export function meminfo(): Result<MemInfo> {
  return ask("the memory", () => {
    const { total, free, available, buffers, cached, swapTotal, swapFree } = Deno
      .systemMemoryInfo();
    return { total, free, available, buffers, cached, swap_total: swapTotal, swap_free: swapFree };
  });
}
