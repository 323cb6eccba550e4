import { close, constants, fstat, open } from "node:fs";
import { promisify } from "node:util";
import { IoError } from "../core/mod.ts";
import { errnoOf, isRefused } from "./_errors.ts";
import type { Access } from "./_mode.ts";
import { quote } from "./_path.ts";

/** How a path is to be opened: as a file with a cursor, or as something that makes one wait. */
export type Route = "file" | "fifo" | "device";

/** How to open it, and the descriptor that it was looked at by, if that must stay open. */
export interface Way {
  route: Route;
  fd: number | null;
}

const FILE: Way = { route: "file", fd: null };

const openFile = promisify(open);
const statFile = promisify(fstat);
const closeFile = promisify(close);

/** On Linux, the memory devices, such as /dev/null, /dev/zero and /dev/full: none waits. */
const MEMORY_MAJOR = 1;

/** Looks at what a path leads to; throws where that cannot be opened. */
export async function routeOf(path: string, access: Access): Promise<Way> {
  let info: Pick<Deno.FileInfo, "isDirectory" | "isSocket" | "isFifo" | "isCharDevice" | "rdev">;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && access.create) return FILE;
    // Who may only write may still write to a FIFO; whoever may not, is told when it is opened.
    if (isRefused(error)) return access.read ? FILE : await wayByOpening(path);
    throw error;
  }
  const cannot = `Cannot open ${quote(path)}`;
  if (info.isDirectory) throw new IoError("is_dir", `${cannot}: it is a directory`);
  if (info.isSocket) {
    throw new IoError("unsupported", `${cannot}: it is a socket, to be connected to`);
  }
  if (access.fresh) return FILE;
  if (info.isFifo) return { route: "fifo", fd: null };
  return info.isCharDevice && !isMemory(info.rdev) ? { route: "device", fd: null } : FILE;
}

/**
 * The same without leave to read: opening it for writing does nothing, and tells what it is.
 * A FIFO stays open: closed, it would seem to its reader that all had been written.
 */
async function wayByOpening(path: string): Promise<Way> {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  let fd: number;
  try {
    fd = await openFile(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch (error) {
    return errnoOf(error) === "ENXIO" ? { route: "fifo", fd: null } : FILE;
  }
  let keep = false;
  try {
    const info = await statFile(fd);
    keep = info.isFIFO();
    if (keep) return { route: "fifo", fd };
    return info.isCharacterDevice() && !isMemory(info.rdev) ? { route: "device", fd: null } : FILE;
  } finally {
    if (!keep) await closeFile(fd);
  }
}

function isMemory(rdev: number | null): boolean {
  return Deno.build.os === "linux" && rdev !== null && (rdev >> 8) === MEMORY_MAJOR;
}
