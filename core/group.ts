/**
 * The process group that every child leads, so that its own children can be reached.
 *
 * How it works. A child is started in a session of its own, whose group has the child's
 * process id; a signal to the negative id reaches all of it. Deno asks `--allow-run`
 * without a list for that. Under a list, `sh` or `kill` does it, if it is on the list;
 * else only the child itself can be reached.
 */
import { IoError } from "./error.ts";
import { fromOs } from "./os_error.ts";

/** Who can signal the group. */
type Reach = "runtime" | "sh" | "kill" | "child";

function reach(): Reach {
  if (Deno.build.os === "windows") return "child";
  if (granted()) return "runtime";
  if (granted("sh")) return "sh";
  return granted("kill") ? "kill" : "child";
}

function granted(command?: string): boolean {
  const descriptor = command === undefined ? {} : { command };
  return Deno.permissions.querySync({ name: "run", ...descriptor }).state === "granted";
}

/** The child that leads a group. */
export interface Leader {
  readonly pid: number;
  kill(signal: Deno.Signal): void;
}

/** A child and everything that it has started and that did not leave its group. */
export class Group {
  readonly pid: number;
  readonly #leader: Leader;
  readonly #command: string;
  /** Nothing was left of the group when it was looked at: its id may be another's by now. */
  #empty = false;

  constructor(leader: Leader, command: string) {
    this.pid = leader.pid;
    this.#leader = leader;
    this.#command = command;
  }

  /** Sends a signal to all of it or as much as can be reached, or to the child alone; the error, if any. */
  signal(name: Deno.Signal, alone = false): IoError | null {
    if (this.#empty) return this.#gone();
    const by = alone ? "child" : reach();
    try {
      if (by === "runtime") Deno.kill(-this.pid, name);
      else if (by === "child") this.#leader.kill(name);
      else if (!runKill(by, name.slice(3), this.pid)) this.#leader.kill(name);
      return null;
    } catch (error) {
      // The runtime's way to say that the child has ended; ESRCH is the system's.
      if (error instanceof TypeError || error instanceof Deno.errors.NotFound) return this.#gone();
      return fromOs(error, `Cannot send ${name} to ${this.#command}`);
    }
  }

  /** Whether something of it still runs; `null` where we are not allowed to see. */
  lives(): boolean | null {
    if (this.#empty) return false;
    const by = reach();
    if (by === "child") return null;
    this.#empty = by === "runtime" ? !there(this.pid) : !runKill(by, "0", this.pid);
    return !this.#empty && !onlyZombies(this.pid);
  }

  /**
   * The child has ended by itself. If nothing of its group is left, its id can be given
   * to others from now on; where that cannot be seen without a helper, it is assumed.
   */
  leaderEnded(): void {
    if (reach() !== "runtime" || !there(this.pid)) this.#empty = true;
  }

  #gone(): IoError {
    return new IoError("gone", `Cannot send a signal to ${this.#command}: it has ended`, {
      reason: "exited",
    });
  }
}

function there(pid: number): boolean {
  try {
    // Signal 0 asks only; the types do not know it.
    Deno.kill(-pid, 0 as unknown as Deno.Signal);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}

function runKill(by: "sh" | "kill", signal: string, pid: number): boolean {
  const args = ["-s", signal, "--", `-${pid}`];
  const command = by === "sh"
    ? { file: "sh", args: ["-c", `kill ${args.join(" ")}`] }
    : { file: "kill", args };
  const { success } = new Deno.Command(command.file, {
    args: command.args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).outputSync();
  return success;
}

/**
 * Whether all that is left of a group has ended and is only not reaped: orphans in a
 * container whose first process does not reap. Only `--allow-all` may see that.
 */
function onlyZombies(group: number): boolean {
  let found = false;
  try {
    for (const { name } of Deno.readDirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const stat = statOf(name);
      if (stat === null || stat.group !== group) continue;
      if (stat.state !== "Z" && stat.state !== "X") return false;
      found = true;
    }
  } catch {
    // Not every system has such a folder, either.
    return false;
  }
  return found;
}

/** What a process is doing, by a letter, and its group. */
interface Stat {
  state: string;
  group: number;
}

function statOf(pid: string): Stat | null {
  try {
    return statIn(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    // It has ended since the directory was read, or we are not allowed to see.
    return null;
  }
}

/** Reads `/proc/PID/stat`. */
export function statIn(text: string): Stat {
  // The name stands in brackets and may hold anything; what is fixed comes after it.
  const [state, , group] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: state ?? "", group: Number(group) };
}
