/**
 * Control groups, read from their files; which reader is used is the caller's affair.
 *
 * How it works. `/proc/self/cgroup` says which group the program is in, a line a
 * hierarchy; `/proc/self/mountinfo` says where each hierarchy is mounted, and which of
 * its groups the mount shows as its root. A limit holds for all groups below, so each
 * is looked up from the program's own group to the mount, and the narrowest counts.
 */
import type { Limits } from "./limits.ts";

/** Gives the content of a file; throws `Deno.errors.NotFound` where there is none. */
export type ReadText = (path: string) => string;

/** A v1 file that says "no limit" holds the largest multiple of a page; nothing real comes near. */
const NO_LIMIT = 2 ** 62;

/** One mounted hierarchy. */
interface Mount {
  /** The group that the mount shows as its root. */
  root: string;
  point: string;
}

/** Reads the limits of the program's own group. */
export function limitsFrom(read: ReadText): Limits {
  const groups = readIfThere(read, "/proc/self/cgroup");
  const mounts = readIfThere(read, "/proc/self/mountinfo");
  const none: Limits = { version: null, cpus: null, memory: null, memory_used: null, swap: null };
  if (groups === null || mounts === null) return none;
  const cpu = foldersOf(groups, mounts, "cpu");
  const memory = foldersOf(groups, mounts, "memory");
  // Where both generations are mounted, each controller belongs to one of them.
  const unified = foldersOf(groups, mounts, "");
  if (cpu === null && memory === null) {
    return unified === null ? none : { version: 2, ...readV2(read, unified) };
  }
  const v2 = unified === null ? null : readV2(read, unified);
  return {
    version: 1,
    cpus: cpu === null ? v2?.cpus ?? null : narrowest(cpu, (folder) => quotaV1(read, folder)),
    ...(memory === null
      ? {
        memory: v2?.memory ?? null,
        memory_used: v2?.memory_used ?? null,
        swap: v2?.swap ?? null,
      }
      : memoryV1(read, memory)),
  };
}

function readV2(read: ReadText, folders: string[]): Omit<Limits, "version"> {
  const smallest = (file: string) =>
    narrowest(folders, (folder) => numberIn(read, `${folder}/${file}`));
  return {
    cpus: narrowest(folders, (folder) => {
      // `max 100000` is no limit.
      const text = readIfThere(read, `${folder}/cpu.max`)?.trim() ?? "";
      const [, quota, period = "100000"] = /^(\d+)(?: (\d+))?$/.exec(text) ?? [];
      return quota === undefined ? null : share(Number(quota), Number(period));
    }),
    memory: smallest("memory.max"),
    memory_used: numberIn(read, `${folders[0]}/memory.current`),
    swap: smallest("memory.swap.max"),
  };
}

function quotaV1(read: ReadText, folder: string): number | null {
  const quota = numberIn(read, `${folder}/cpu.cfs_quota_us`);
  const period = numberIn(read, `${folder}/cpu.cfs_period_us`);
  return quota === null || period === null ? null : share(quota, period);
}

/** How many processors a quota of a period is; a period of nothing says nothing. */
function share(quota: number, period: number): number | null {
  const cpus = quota / period;
  return Number.isFinite(cpus) ? cpus : null;
}

function memoryV1(
  read: ReadText,
  folders: string[],
): Pick<Limits, "memory" | "memory_used" | "swap"> {
  const smallest = (file: string) =>
    narrowest(folders, (folder) => numberIn(read, `${folder}/${file}`));
  const memory = smallest("memory.limit_in_bytes");
  const both = smallest("memory.memsw.limit_in_bytes");
  return {
    memory,
    memory_used: numberIn(read, `${folders[0]}/memory.usage_in_bytes`),
    swap: both === null ? null : Math.max(both - (memory ?? 0), 0),
  };
}

/** The folders of the program's group and of those around it, innermost first. */
function foldersOf(groups: string, mounts: string, controller: string): string[] | null {
  const group = groupOf(groups, controller);
  const mount = mountOf(mounts, controller);
  if (group === null || mount === null) return null;
  const below = mount.root === "/"
    ? group
    : group === mount.root
    ? ""
    : group.startsWith(`${mount.root}/`)
    ? group.slice(mount.root.length)
    : "";
  // A group outside of what the mount shows begins with "/..": then the mount is all we see.
  const names = below.startsWith("/..") ? [] : below.split("/").filter((name) => name !== "");
  const folders = [mount.point];
  for (const name of names) folders.unshift(`${folders[0]}/${name}`);
  return folders;
}

/** `4:memory:/a/b` gives `/a/b` for `memory`; the line of v2 is `0::/a/b`. */
function groupOf(groups: string, controller: string): string | null {
  for (const line of groups.split("\n")) {
    const parts = /^\d+:([^:]*):(.*)$/.exec(line);
    if (parts !== null && parts[1]!.split(",").includes(controller)) return parts[2]!;
  }
  return null;
}

/** `31 23 0:28 ROOT POINT rw - TYPE SOURCE OPTIONS`, where v1 names its controllers last. */
function mountOf(mounts: string, controller: string): Mount | null {
  for (const line of mounts.split("\n")) {
    const [place, kind] = line.split(" - ");
    if (place === undefined || kind === undefined) continue;
    const [type, , options = ""] = kind.split(" ");
    const matches = controller === ""
      ? type === "cgroup2"
      : type === "cgroup" && options.split(",").includes(controller);
    if (!matches) continue;
    const fields = place.split(" ");
    return { root: plain(fields[3] ?? "/"), point: plain(fields[4] ?? "/") };
  }
  return null;
}

/** The kernel writes a space in a path as `\040`. */
function plain(path: string): string {
  return path.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
}

/** The smallest of the limits that are there. */
function narrowest(folders: string[], limit: (folder: string) => number | null): number | null {
  const found = folders.map(limit).filter((one) => one !== null);
  return found.length === 0 ? null : Math.min(...found);
}

/** The number in a file; `null` where there is no file, no number, or no limit. */
function numberIn(read: ReadText, path: string): number | null {
  const text = readIfThere(read, path)?.trim();
  if (text === undefined || !/^\d+$/.test(text)) return null;
  const value = Number(text);
  return value >= NO_LIMIT ? null : value;
}

function readIfThere(read: ReadText, path: string): string | null {
  try {
    return read(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
