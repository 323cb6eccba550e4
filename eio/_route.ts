import { close, constants, fstat, open } from "node:fs";
import { promisify } from "node:util";
import { IoError } from "../core/mod.ts";
import { errnoOf, isRefused } from "./_call.ts";
import type { Access } from "./_mode.ts";
import { quote } from "./_path.ts";

/** How a path is to be opened: as a file with a cursor, or as something that makes one wait. */
export type Route = "file" | "fifo" | "device";

const openFile = promisify(open);
const statFile = promisify(fstat);
const closeFile = promisify(close);

/** On Linux, the memory devices, such as /dev/null, /dev/zero and /dev/full: none waits. */
const MEMORY_MAJOR = 1;

/** Looks at what a path leads to; throws where that cannot be opened. */
export async function routeOf(path: string, access: Access): Promise<Route> {
  let info: Pick<Deno.FileInfo, "isDirectory" | "isSocket" | "isFifo" | "isCharDevice" | "rdev">;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && access.create) return "file";
    // Who may only write may still write to a FIFO; whoever may not, is told when it is opened.
    if (isRefused(error)) return access.read ? "file" : await routeByOpening(path);
    throw error;
  }
  const cannot = `Cannot open ${quote(path)}`;
  if (info.isDirectory) throw new IoError("is_dir", `${cannot}: it is a directory`);
  if (info.isSocket) {
    throw new IoError("unsupported", `${cannot}: it is a socket, to be connected to`);
  }
  if (access.fresh) return "file";
  if (info.isFifo) return "fifo";
  return info.isCharDevice && !isMemory(info.rdev) ? "device" : "file";
}

/** The same without leave to read: opening it for writing does nothing, and tells what it is. */
async function routeByOpening(path: string): Promise<Route> {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  let fd: number;
  try {
    fd = await openFile(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch (error) {
    return errnoOf(error) === "ENXIO" ? "fifo" : "file";
  }
  try {
    const info = await statFile(fd);
    if (info.isFIFO()) return "fifo";
    return info.isCharacterDevice() && !isMemory(info.rdev) ? "device" : "file";
  } finally {
    await closeFile(fd);
  }
}

function isMemory(rdev: number | null): boolean {
  return Deno.build.os === "linux" && rdev !== null && (rdev >> 8) === MEMORY_MAJOR;
}
