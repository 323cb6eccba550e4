import {
  current,
  Deadline,
  IoError,
  now,
  type Outcome,
  report,
  root,
  runIn,
  type Scope,
  Task,
  ThreadKilled,
} from "../core/mod.ts";
import { setImmediate } from "node:timers";

/** More unseen failures than this are not kept for the end of the loop, but told at once. */
const MOST_FAILURES = 64;

/** Milliseconds after which a failure is told while its loop, which may be a server's, goes on. */
const PATIENCE = 1_000;

/** All scopes with threads in them, for `list()`. */
export const scopes: Set<Scope> = new Set([root.scope]);

/** Starts `fn` as a thread of `scope`; it runs at once to its first suspension. */
export function start<A extends unknown[]>(
  scope: Scope,
  name: string,
  fn: (...args: A) => unknown,
  args: A,
  starter: Task = current(),
): Task {
  if (scope.over) scope = scope.present;
  const task = new Task(name, starter.id, scope);
  scope.tasks.add(task);
  let returned: unknown;
  try {
    returned = runIn(task, fn, args);
  } catch (error) {
    threw(task, error);
    return task;
  }
  if (returned instanceof Promise) follow(task, returned);
  else if (isThenable(returned)) follow(task, Promise.resolve(returned));
  else ended(task, outcomeOf(returned));
  return task;
}

function follow(task: Task, promise: Promise<unknown>): void {
  promise.then((value) => ended(task, outcomeOf(value)), (error) => threw(task, error));
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}

/** A value that has the shape of a result is the result. */
function outcomeOf(value: unknown): Outcome {
  if (Array.isArray(value) && value.length === 2) {
    const err = value[1];
    if (err === null || (err instanceof IoError && value[0] === null)) return value as Outcome;
  }
  return [value, null];
}

function threw(task: Task, error: unknown): void {
  if (task.killed !== null) {
    ended(task, [null, null]);
    if (!(error instanceof ThreadKilled)) report(error, `cleanup of killed thread '${task.name}'`);
    return;
  }
  const words = error instanceof Error ? error.message : String(error);
  task.threw = true;
  for (const wait of task.lasting()) wait.kill(new ThreadKilled(error));
  ended(task, [
    null,
    new IoError("failed", `Thread '${task.name}' threw: ${words}`, { cause: error }),
  ]);
}

/**
 * The outcome of a killed task stands already; this one is dropped then. Scopes that it
 * has opened and not awaited end first.
 */
function ended(task: Task, outcome: Outcome): void {
  const open = task.lasting();
  if (open.length > 0) {
    Promise.allSettled(open.map((wait) => wait.lasting)).then(() => ended(task, outcome));
    return;
  }
  task.settle(outcome);
  // Before the scope hears that it has ended, for it may be the last one.
  if (task.threw && task.killed === null && !task.observed) keepFailure(task);
  task.unwind();
}

function keepFailure(task: Task): void {
  const { answers, failures } = task.scope;
  if (task.scope === root.scope) {
    // There is no loop to end; a `wait` later in this turn still counts.
    setImmediate(() => tellUnseen(task));
    return;
  }
  // The loop may be a server's, which ends when the program does.
  const due = answers ? null : new Deadline(() => tellFailure(task), false);
  due?.set(now() + PATIENCE);
  failures.set(task, due);
  const [oldest] = failures.keys();
  if (failures.size > MOST_FAILURES) tellFailure(oldest!);
}

/** Reports the failures of a scope that nobody has waited for. */
export function tellFailures(scope: Scope): void {
  for (const task of scope.failures.keys()) tellFailure(task);
}

function tellFailure(task: Task): void {
  const { failures } = task.scope;
  failures.get(task)?.remove();
  failures.delete(task);
  tellUnseen(task);
}

function tellUnseen(task: Task): void {
  if (!task.observed) report(task.outcome?.[1]?.cause, `thread '${task.name}'`);
}
