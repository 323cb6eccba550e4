import { fail, IoError, ok, type Result, type WaitOptions } from "../core/mod.ts";
import type { Descriptor } from "./_descriptor.ts";
import { osError } from "./_errors.ts";
import { quote } from "./_path.ts";
import { until } from "./_poll.ts";
import { plain } from "./_question.ts";

/** The file's lock (`flock`), as one handle has it. */
export class FileLock {
  readonly #descriptor: Descriptor;
  /** Why the handle takes no call; `null` while it does. */
  readonly #refusal: () => IoError | null;

  constructor(descriptor: Descriptor, refusal: () => IoError | null) {
    this.#descriptor = descriptor;
    this.#refusal = refusal;
  }

  /** Waits for it. */
  take(exclusive: boolean, options: WaitOptions): Promise<Result<true>> {
    const { path, operations } = this.#descriptor;
    const question = plain<true>(
      () => `lock ${quote(path)}`,
      (caller) => until(caller, () => Promise.resolve(this.#taken(exclusive) ? true : undefined)),
      // Nobody knows of it, so nobody would ever give it back.
      () => {
        this.give();
      },
    );
    return operations.ask(question, options);
  }

  /** Takes it if it is free. */
  try(exclusive: boolean): Result<true> {
    return this.#told("lock", () => this.#taken(exclusive));
  }

  /** Gives it back. */
  give(): Result<true> {
    // Closed, it has been given back.
    if (this.#refusal() !== null) return ok(true);
    return this.#told("unlock", () => {
      this.#descriptor.unlock();
      return true;
    });
  }

  #told(action: string, run: () => boolean): Result<true> {
    const cannot = `Cannot ${action} ${quote(this.#descriptor.path)}`;
    try {
      return run() ? ok(true) : fail(new IoError("busy", `${cannot}: its lock is taken`));
    } catch (error) {
      return fail(osError(error, cannot));
    }
  }

  #taken(exclusive: boolean): boolean {
    const err = this.#refusal();
    if (err !== null) throw err;
    return this.#descriptor.tryLock(exclusive);
  }
}

/** Whether a lock of this mode is its holder's alone; throws for what is no mode. */
export function isExclusive(mode: "r" | "w"): boolean {
  if (mode !== "r" && mode !== "w") throw new TypeError(`lock wants "r" or "w": got '${mode}'`);
  return mode === "w";
}
