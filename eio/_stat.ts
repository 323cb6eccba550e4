import type { FileStat, FileType } from "./types.ts";

/** What the runtime's stat says it is. */
export function typeOf(info: Deno.FileInfo): FileType {
  if (info.isFile) return "file";
  if (info.isDirectory) return "directory";
  if (info.isSymlink) return "link";
  if (info.isSocket) return "socket";
  if (info.isFifo) return "named pipe";
  if (info.isCharDevice) return "char device";
  if (info.isBlockDevice) return "block device";
  return "other";
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
