import type { FileStat, FileType } from "./types.ts";

const TYPES = [
  ["isFile", "file"],
  ["isDirectory", "directory"],
  ["isSymlink", "link"],
  ["isSocket", "socket"],
  ["isFifo", "named pipe"],
  ["isCharDevice", "char device"],
  ["isBlockDevice", "block device"],
] as const;

/** What the runtime's stat says it is. */
export function typeOf(info: Deno.FileInfo): FileType {
  return TYPES.find(([is]) => info[is])?.[1] ?? "other";
}

/** What a look at a path gives; `null` where nothing is there. */
export async function ifThere(look: Promise<Deno.FileInfo>): Promise<Deno.FileInfo | null> {
  try {
    return await look;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** aLiLua's table of what the runtime says. */
export function statOf(info: Deno.FileInfo): FileStat {
  const seconds = (date: Date | null) => date === null ? null : date.getTime() / 1000;
  const { dev, ino, mode, nlink, uid, gid, rdev, size, blksize, blocks } = info;
  return {
    dev,
    ino,
    mode: mode === null ? null : mode & 0o7777,
    nlink,
    uid,
    gid,
    rdev,
    type: typeOf(info),
    access: seconds(info.atime),
    modification: seconds(info.mtime),
    change: seconds(info.ctime),
    birth: seconds(info.birthtime),
    size,
    blksize,
    blocks,
  };
}
