import { fail, fromOs, IoError, ok, type Result } from "../core/mod.ts";
import { limitsFrom } from "./_cgroup.ts";

/** What the program's control group may use. */
export interface Limits {
  /** Which generation of control groups says so; `null` where the system has none. */
  version: 1 | 2 | null;
  /** Processor time a second, in processors: `1.5`; `null` for no limit. */
  cpus: number | null;
  /** Memory in bytes; `null` for no limit. Over it, the kernel kills the program. */
  memory: number | null;
  /** Memory in use by the whole group, file caches included, in bytes; `null` if not known. */
  memory_used: number | null;
  /** Swap space in bytes; `null` for no limit, or if not known. */
  swap: number | null;
}

/**
 * What a container really has: the limits of the control group that the program runs in,
 * and of those around it, the narrowest of each. Reads both generations of control
 * groups, v1 and v2.
 *
 * `cpuinfo` and `meminfo` show the machine, whatever the container may use of it.
 * Errors: `no_permission`, `unsupported` (not Linux). Needs `--allow-all`, since Deno
 * gives `/proc` and `/sys` to no one else; nothing else in this module does.
 * {@linkcode parallelism} heeds the processor limit without any permission.
 *
 * @example Usage
 * ```ts
 * import { limits } from "@alilua/coevent/system";
 *
 * const [mine, err] = limits();
 * if (err) console.log(err.message);
 * else console.log(`${mine.cpus ?? "all"} processors, ${mine.memory ?? "all"} bytes`);
 * ```
 */
export function limits(): Result<Limits> {
  const action = "Cannot read the control group's limits";
  if (Deno.build.os !== "linux") {
    return fail(new IoError("unsupported", `${action}: ${Deno.build.os} has no control groups`));
  }
  try {
    return ok(limitsFrom((path) => Deno.readTextFileSync(path)));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) {
      // Deno names --allow-read first, and only under that says that it does not do.
      return fail(new IoError("no_permission", `${action}: it needs --allow-all`, { cause }));
    }
    return fail(fromOs(cause, action));
  }
}
