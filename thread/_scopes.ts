import type { Scope, Task } from "../core/mod.ts";

/** The scopes that the root thread has opened: the loops of the program. */
export const outermost: Set<Scope> = new Set();

const background = new WeakMap<Scope, Set<Task>>();

const NONE: ReadonlySet<Task> = new Set();

/** The tasks of a scope that it does not wait for, but kills when all others have ended. */
export function backgroundOf(scope: Scope): ReadonlySet<Task> {
  return background.get(scope) ?? NONE;
}

/** Whether its scope waits for this task. */
export function putBehind(task: Task, behind: boolean): void {
  let tasks = background.get(task.scope);
  if (tasks === undefined) background.set(task.scope, tasks = new Set());
  if (behind) {
    tasks.add(task);
    task.scope.onChange?.(task);
  } else {
    tasks.delete(task);
  }
}
