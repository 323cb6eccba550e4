import { type Encoding, fail, ok, type Result, type WaitOptions } from "../core/mod.ts";
import { BufferedStream, type Stream } from "../stream/mod.ts";
import { PipeSource } from "./_pipes.ts";
import { inScope } from "./_member.ts";
import { programOf, spawn } from "./_spawn.ts";
import type { Spawned } from "./_spawned.ts";
import type { Child, Command, ExitStatus, SpawnOptions, StopOptions } from "./types.ts";

/** Which way the pipe goes: we read, we write, or both. */
export type PopenMode = "r" | "w" | "rw";

/** What {@linkcode popen} takes beside command and mode. */
export type PopenOptions<E extends Encoding = "lines"> = Omit<SpawnOptions<E>, "stdin" | "stdout">;

/**
 * A child and the pipe to it in one: a `Stream` that receives what the child writes
 * and sends what it reads, and a {@linkcode Child}.
 *
 * The end of the stream and the end of the child are two events. The stream ends when
 * nobody holds the pipe's other end any more: a child may close it and run on, or end
 * and leave it to what it has started. `wait()` tells the end of the child.
 *
 * `close()` closes the pipe and leaves the child running: it learns of it when it next
 * reads or writes. At the end of an `await using` block the child is stopped too.
 *
 * @example A question and its answer
 * ```ts
 * import { popen, unwrap } from "@alilua/coevent/process";
 *
 * await using child = unwrap(await popen(["cat"], "rw"));
 * await child.send("hello\n");
 * console.log(await child.receive()); // [ "hello", null ]
 * await child.shutdown("send");
 * console.log((await unwrap(child.wait())).code); // 0
 * ```
 */
export class ChildStream<E extends Encoding = "lines"> extends BufferedStream<E>
  implements Child<E> {
  readonly #child: Spawned<E>;
  readonly #mode: PopenMode;

  /** Made by {@linkcode popen}. */
  constructor(child: Spawned<E>, mode: PopenMode, options: PopenOptions<E>) {
    const { encoding, timeout } = options;
    const readable = mode === "w" ? null : child.takeReadable("stdout");
    const writable = mode === "r" ? null : child.takeWritable();
    super(new PipeSource({ readable, writable }, child.command), {
      name: child.command,
      ...(encoding === undefined ? {} : { encoding }),
      ...(timeout === undefined ? {} : { timeout }),
    });
    this.#child = child;
    this.#mode = mode;
  }

  /** Its process id, also that of its group. */
  get pid(): number {
    return this.#child.pid;
  }

  /** What it was started as, for messages. */
  get command(): string {
    return this.#child.command;
  }

  /** How it ended; `null` while it runs. */
  get status(): ExitStatus | null {
    return this.#child.status;
  }

  /** Always 0. */
  get restarts(): number {
    return this.#child.restarts;
  }

  /** This stream, if it writes to the child. */
  get stdin(): Stream<E> {
    return this.#mode === "r" ? this.#child.stdin : this;
  }

  /** This stream, if it reads from the child. */
  get stdout(): Stream<E> {
    return this.#mode === "w" ? this.#child.stdout : this;
  }

  /** What it complains; throws `TypeError` unless `stderr: "piped"`. */
  get stderr(): Stream<E> {
    return this.#child.stderr;
  }

  /** Waits until the child ends and gives how; the stream may still hold what it wrote. */
  wait(options?: WaitOptions): Promise<Result<ExitStatus>> {
    return this.#child.wait(options);
  }

  /** Sends a signal, `SIGTERM` by default, to the child's whole group. */
  kill(signal?: string | number): Result<true> {
    return this.#child.kill(signal);
  }

  /** Ends the child's whole group: SIGTERM, a grace, SIGKILL. The stream stays. */
  stop(options?: StopOptions): Promise<Result<ExitStatus>> {
    return this.#child.stop(options);
  }

  /** Neither the program nor the scope ends by itself while the child runs. */
  ref(): void {
    this.#child.ref();
  }

  /** Program and scope may end while the child runs. */
  unref(): void {
    this.#child.unref();
  }

  /** Closes the pipe and stops the child. */
  override async [Symbol.asyncDispose](): Promise<void> {
    this.close_immediately();
    await this.#child[Symbol.asyncDispose]();
  }
}

/**
 * Starts a command with a pipe to it, and gives both in one, at once.
 *
 * Needs `--allow-run=sh` for text, `--allow-run=<program>` for a list, as `exec`.
 * `"r"` (the default) receives what the command writes, `"w"` sends what it reads, `"rw"`
 * does both over one stream, whose `shutdown("send")` is the command's end of file. All
 * of the receive patterns, timeouts and kill work as on a socket; nothing here ever
 * waits for the command but `wait()`. A command that ends without a word ends the
 * stream at once. The command belongs to the scope of the thread that calls, as `exec`'s.
 *
 * Errors: as `exec`. On the stream: `reset` when sending to a command that reads no
 * more, `closed` when sending under `"r"` or receiving under `"w"`.
 *
 * From LEM (`io.popen`), which tells no exit status, and aLiLua (`cosocket.popen`), which
 * can only read and freezes until the command ends; here it is also `cosocket.popen`.
 *
 * @example Read lines, then learn how it ended
 * ```ts
 * import { popen, unwrap } from "@alilua/coevent/process";
 *
 * await using ls = unwrap(popen("echo one; echo two; exit 3"));
 * for await (const line of ls.lines()) console.log(line);
 * console.log((await unwrap(ls.wait())).code); // 3
 * ```
 *
 * @example Both ways
 * ```ts
 * import { popen, unwrap } from "@alilua/coevent/process";
 *
 * await using sort = unwrap(popen(["sort"], "rw"));
 * await sort.send("b\na\n");
 * await sort.shutdown("send");
 * console.log(await sort.receive(), await sort.receive()); // [ "a", null ] [ "b", null ]
 * ```
 */
export function popen<E extends Encoding = "lines">(
  command: Command,
  mode: PopenMode = "r",
  options: PopenOptions<E> = {},
): Result<ChildStream<E>> {
  if (mode !== "r" && mode !== "w" && mode !== "rw") {
    throw new TypeError(`popen: mode must be "r", "w" or "rw": got ${JSON.stringify(mode)}`);
  }
  const program = programOf(command, "popen");
  const [child, err] = inScope(options.detached, () =>
    spawn<E>(program, {
      ...options,
      stdin: mode === "r" ? "null" : "piped",
      stdout: mode === "w" ? "inherit" : "piped",
    }));
  return err === null ? ok(new ChildStream(child, mode, options)) : fail(err);
}
