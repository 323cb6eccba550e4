/** What a soak has left behind, and what it has failed to do. */
import type { Sample } from "../tests/soak/soak.ts";

/** What a program at rest may hold more at the end than at the start, in bytes. */
const MORE = { heap: 8 * 1024 * 1024, buffers: 8 * 1024 * 1024 };

/** Bytes for people: `12.1 MB`. */
export const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;

/** What is more at the end than at the start, in words. */
export function leaks(start: Sample, end: Sample): string[] {
  const found: string[] = [];
  for (const what of ["descriptors", "threads", "children", "processes"] as const) {
    if (end[what] > start[what]) found.push(`${what}: ${start[what]}, then ${end[what]}`);
  }
  // The runtime keeps threads for blocking work for a while, and lets them go by itself.
  if (end.system_threads > start.system_threads + 4) {
    found.push(`system threads: ${start.system_threads}, then ${end.system_threads}`);
  }
  for (const what of ["heap", "buffers"] as const) {
    if (end[what] > start[what] + MORE[what]) {
      found.push(`${what}: ${megabytes(start[what])}, then ${megabytes(end[what])}`);
    }
  }
  return found;
}

/** The servers of these loads hang up on purpose, at any moment. */
const HUNG_UP = /^(echo|lines|pool|tls) failed: (closed|reset|eof|dirty)$/;

/** What the loads have done wrong: no round at all, or a failure that none of them may have. */
export function misdeeds(start: Sample, end: Sample): string[] {
  const found: string[] = [];
  for (const [what, count] of Object.entries(end.rounds)) {
    if (what.includes(" failed: ")) {
      if (!HUNG_UP.test(what)) found.push(`${what}, ${count} times`);
    } else if (count <= (start.rounds[what] ?? 0)) found.push(`${what}: not once`);
  }
  return found;
}
