import { current, now, type Result, runIn, Task, type ThreadKilled, Wait } from "../core/mod.ts";
import { DYING } from "./_ending.ts";

/** Milliseconds between SIGTERM and SIGKILL, unless told otherwise. */
export const GRACE = 5_000;

/** What a scope must not be outlived by: a child, or one that is started ever anew. */
export interface Stoppable {
  readonly pid: number;
  readonly command: string;
  /** It is none's: it was started `detached`. */
  readonly detached: boolean;
  /** Told when it and what was to end with it are gone; also whether it is waited for. */
  member: Member | null;
  /** Begins to end its group; goes on by itself. */
  beginStop(grace: number): unknown;
}

/**
 * Starts a child as a member of the scope of the thread that runs, unless it is to be
 * `detached`. In a killed thread it throws `ThreadKilled`, as `newthread` does.
 */
export function inScope<C extends Stoppable>(
  detached: boolean | undefined,
  start: () => Result<C>,
): Result<C> {
  const { killed } = current();
  if (killed !== null && detached !== true) throw killed;
  const started = start();
  const [child] = started;
  if (child !== null && !child.detached) child.member = new Member(child);
  return started;
}

/**
 * A child as its scope sees it: a thread that waits for the child's end, and brings it
 * about when it is killed. It has no code of its own that could end later than the child.
 */
export class Member extends Wait {
  readonly #child: Stoppable;
  readonly #task: Task;

  constructor(child: Stoppable) {
    super();
    const { id, scope } = current();
    this.#child = child;
    this.#task = new Task(`child ${child.command}`, id, scope.present);
    this.#task.scope.tasks.add(this.#task);
    runIn(this.#task, () => this.enter(now()), []);
  }

  override describe(): string {
    return `process ${this.#child.pid}`;
  }

  /** SIGKILL comes early enough for the child to be gone before the scope's own grace is over. */
  override kill(_error: ThreadKilled): void {
    const { grace } = this.#task.scope;
    const endless = grace === 0 || grace === Infinity;
    this.#child.beginStop(endless ? GRACE : Math.max(grace - DYING, grace / 2));
  }

  /** Whether the scope waits for the child, or ends it when all others have ended. */
  keep(waited: boolean): void {
    this.#task.putBehind(!waited);
  }

  /** The child is gone, with what was to end with it. */
  end(): void {
    this.leave();
    this.#task.settle([true, null]);
    this.#task.unwind();
  }
}
