import { fail, IoError, type Result } from "../core/mod.ts";
import type { ChildRow, ExitStatus } from "./types.ts";
import type { Spawned } from "./_spawned.ts";

/** Of so many ended children it is still known how they ended, for a late `waitpid`. */
const MOST_ENDED = 1_024;

const living = new Map<number, Spawned>();
const ended = new Map<number, Result<ExitStatus>>();
const watchers = new Set<(status: ExitStatus) => void>();

/** A child runs. */
export function enter(child: Spawned): void {
  living.set(child.pid, child);
  ended.delete(child.pid);
}

/** A child and all of its group that was to end with it are gone. */
export function leave(child: Spawned): void {
  // Its id may be another's by now.
  if (living.get(child.pid) === child) living.delete(child.pid);
}

/** A child has ended: whoever listens hears how. */
export function tell(child: Spawned, outcome: Result<ExitStatus>): void {
  ended.set(child.pid, outcome);
  if (ended.size > MOST_ENDED) {
    const [oldest] = ended.keys();
    ended.delete(oldest!);
  }
  const [status] = outcome;
  if (status !== null) { for (const watcher of [...watchers]) watcher(status); }
}

/** A child of ours that runs. */
export function livingChild(pid: number): Spawned | null {
  return living.get(pid) ?? null;
}

/** How a child of ours has ended. */
export function outcomeOf(pid: number): Result<ExitStatus> {
  return ended.get(pid) ??
    fail(new IoError("not_found", `Cannot wait for ${pid}: it is no child of this program`));
}

/** Calls `watcher` whenever a child ends; gives the way to take that back. */
export function onChildEnd(watcher: (status: ExitStatus) => void): () => void {
  watchers.add(watcher);
  return () => void watchers.delete(watcher);
}

/**
 * The children that run, and those that have ended while others of their group are still
 * being ended (`stopping`), the oldest first. Needs no permission.
 *
 * @example Usage
 * ```ts
 * import { children } from "@alilua/coevent/process";
 *
 * for (const { pid, command, state } of children()) console.log(pid, command, state);
 * ```
 */
export function children(): ChildRow[] {
  return [...living.values()].map((child) => child.row());
}
