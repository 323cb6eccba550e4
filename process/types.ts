import type { Bytes, Encoding, Result, WaitOptions } from "../core/mod.ts";
import type { Stream } from "../stream/mod.ts";

/** A command: text for the shell, or a program and its arguments, without any shell. */
export type Command = string | readonly string[];

/** What stands behind a child's stdin, stdout or stderr: a pipe to us, ours, or nothing. */
export type Stdio = "piped" | "inherit" | "null";

/** How a child ended. */
export interface ExitStatus {
  /** Which child it was. */
  pid: number;
  /** What it gave to exit; 128 and the signal's number if a signal ended it. */
  code: number;
  /** The signal that ended it, `SIGTERM`; `null` if none did. */
  signal: string | null;
  /** The code is 0. */
  success: boolean;
}

/** How a child is started. */
export interface SpawnOptions<E extends Encoding = "lines"> {
  /** Its working directory, ours by default; a relative one starts from ours. */
  cwd?: string | URL;
  /** Variables of its environment, beside ours. */
  env?: Record<string, string>;
  /** It gets nothing of our environment but `env`. */
  clear_env?: boolean;
  /** Runs as this user; needs a parent that may do so. */
  uid?: number;
  /** Runs as this group; needs a parent that may do so. */
  gid?: number;
  /**
   * Bound to this processor, or these, counted from 0. By `taskset` of util-linux, so
   * it needs `--allow-run=taskset` as well; `unsupported` where that is not installed.
   */
  cpu?: number | readonly number[];
  /** Outlives us and its scope: neither ends it or waits for it. Off by default. */
  detached?: boolean;
  /** `"null"` by default: out of our terminal's foreground, a child cannot read from it. */
  stdin?: Stdio;
  /** `"inherit"` by default. */
  stdout?: Stdio;
  /** `"inherit"` by default. */
  stderr?: Stdio;
  /** How piped bytes become text and back; `"lines"` by default. */
  encoding?: E;
  /** Milliseconds that a call on a pipe waits; 30,000 by default, 0 for no limit. */
  timeout?: number;
}

/** How a child is stopped. */
export interface StopOptions extends WaitOptions {
  /** Milliseconds between SIGTERM and SIGKILL; 5,000 by default, 0 kills at once. */
  grace?: number;
}

/**
 * A child process, which leads a process group of its own.
 *
 * It is reaped when it ends, whether anyone waits or not, and whoever asks later still
 * learns how it ended. While it runs, the program does not end by itself. When the
 * program ends before it, its group is ended too, unless it is `detached`. It belongs to the
 * scope of the thread that started it, which it does not outlive.
 *
 * `[Symbol.asyncDispose]` closes its pipes and stops it, as {@linkcode Child.stop}.
 */
export interface Child<E extends Encoding = "lines"> extends AsyncDisposable {
  /** Its process id, also that of its group. */
  readonly pid: number;
  /** The shell's text, cut off if it is long; of a list the program alone, for messages. */
  readonly command: string;
  /** How it ended; `null` while it runs. */
  readonly status: ExitStatus | null;
  /** How often it was started anew; 0 unless it was forked `forever`. */
  readonly restarts: number;
  /** Writes to it; `shutdown("send")` is its end of file. Throws `TypeError` unless piped. */
  readonly stdin: Stream<E>;
  /** Reads what it writes. Throws `TypeError` unless piped. */
  readonly stdout: Stream<E>;
  /** Reads what it complains. Throws `TypeError` unless piped. */
  readonly stderr: Stream<E>;
  /**
   * Waits until it ends and gives how; its pipes may still hold what it wrote, or be
   * held open by what it started. A `timeout` (milliseconds; none by default), an
   * aborted `signal` and a kill of the waiting thread leave it running.
   */
  wait(options?: WaitOptions): Promise<Result<ExitStatus>>;
  /**
   * Sends a signal, `SIGTERM` by default, to its whole group, that is also to what it
   * has started; see {@linkcode kill} for the permissions. `gone` if it has ended,
   * `denied` if the system does not let us, `unsupported` if there is no such signal.
   */
  kill(signal?: string | number): Result<true>;
  /**
   * Ends its whole group: SIGTERM, then, after a grace, SIGKILL. Gives how it ended
   * when nothing of the group runs any more. Giving up to wait does not stop the stop.
   */
  stop(options?: StopOptions): Promise<Result<ExitStatus>>;
  /** Neither the program nor the scope ends by itself while this child runs; so it is at first. */
  ref(): void;
  /** Program and scope may end while this child runs, which ends the child unless detached. */
  unref(): void;
}

/** What a whole output is, as text or as bytes. */
export type Output<E extends "utf-8" | "latin1" | "bytes"> = E extends "bytes" ? Bytes : string;

/** One row of `children()`. */
export interface ChildRow {
  /** Its process id. */
  pid: number;
  /** The shell's text, cut off if it is long; of a list the program alone. */
  command: string;
  /** `stopping` after `stop()`. */
  state: "running" | "stopping";
  /** Milliseconds since it was started. */
  age: number;
  /** It outlives us. */
  detached: boolean;
}
