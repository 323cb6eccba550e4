/** What a soak has left behind. */
import type { Sample } from "../tests/soak/soak.ts";

/** What a program at rest may hold more at the end than at the start, in bytes of heap. */
const HEAP_MORE = 8 * 1024 * 1024;

/** Bytes for people: `12.1 MB`. */
export const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;

/** What is more at the end than at the start, in words. */
export function leaks(start: Sample, end: Sample): string[] {
  const found: string[] = [];
  for (const what of ["descriptors", "threads", "children"] as const) {
    if (end[what] > start[what]) found.push(`${what}: ${start[what]}, then ${end[what]}`);
  }
  // The runtime keeps threads for blocking work for a while, and lets them go by itself.
  if (end.system_threads > start.system_threads + 4) {
    found.push(`system threads: ${start.system_threads}, then ${end.system_threads}`);
  }
  if (end.heap > start.heap + HEAP_MORE) {
    found.push(`heap: ${megabytes(start.heap)}, then ${megabytes(end.heap)}`);
  }
  return found;
}
