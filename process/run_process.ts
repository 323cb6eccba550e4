import { clearImmediate, setImmediate } from "node:timers";
import {
  type Bytes,
  checkTimeout,
  Deadline,
  fail,
  fromOs,
  IoError,
  now,
  ok,
  park,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { Buffer } from "node:buffer";
import { GRACE } from "./_member.ts";
import { programOf, spawn } from "./_spawn.ts";
import type { Spawned } from "./_spawned.ts";
import type { Command, ExitStatus, Output, SpawnOptions, Stdio } from "./types.ts";

/** The most of each output that is held, in bytes, unless `max` says otherwise. */
const MOST_HELD = 64 * 1024 * 1024;

/** So long, in milliseconds, may what the command has left behind hold its pipes. */
const PIPE_GRACE = 500;

/** In which form {@linkcode run_process} gives the output. */
export type OutputEncoding = "utf-8" | "latin1" | "bytes";

/** What {@linkcode run_process} takes. */
export interface RunOptions<E extends OutputEncoding = "utf-8">
  extends Omit<SpawnOptions, "encoding" | "stdin" | "timeout" | "detached">, WaitOptions {
  /** What the command reads; nothing by default. */
  input?: string | Uint8Array<ArrayBuffer>;
  /** `"piped"` by default: it is given in the result. */
  stdout?: Stdio;
  /** `"piped"` by default: it is given in the result. */
  stderr?: Stdio;
  /** How the output is given; `"utf-8"` by default. */
  encoding?: E;
  /** The most bytes of each output, 64 MiB by default; beyond it is `too_long`. */
  max?: number;
  /** Milliseconds from SIGTERM to SIGKILL where it is given up; 5,000 by default. */
  grace?: number;
}

/** How a command ended and what it wrote. */
export interface RunResult<T> extends ExitStatus {
  /** What it wrote to stdout. */
  stdout: T;
  /** What it wrote to stderr. */
  stderr: T;
}

/**
 * Runs a command to its end and gives how it ended and all that it wrote.
 *
 * Needs `--allow-run=sh` for text, `--allow-run=<program>` for a list, as `exec`. A
 * status other than 0 is a result, not an error. The command's end is what counts: what
 * it left running may hold the pipes for half a second more, then they are closed.
 *
 * `timeout` is in milliseconds; none by default, for nobody knows how long a command may
 * take. After a `timeout`, `cancelled`, `too_long` or a kill of the waiting thread the
 * command's whole group is ended (SIGTERM, `grace`, SIGKILL) behind the caller's back,
 * and what it wrote is lost: `popen` keeps it. `bad_text` says that the output is not in
 * the `encoding`; `"latin1"` and `"bytes"` take everything.
 *
 * Errors: as `exec`, and those. From the libev RPC's `event.run_process`.
 *
 * @example Usage
 * ```ts
 * import { run_process } from "@alilua/coevent/process";
 *
 * const [result, err] = await run_process(["sort"], { input: "b\na\n", timeout: 5_000 });
 * console.log(err ? err.message : [result.code, result.stdout]); // [ 0, "a\nb\n" ]
 * ```
 */
export function run_process<E extends OutputEncoding = "utf-8">(
  command: Command,
  options: RunOptions<E> = {},
): Promise<Result<RunResult<Output<E>>>> {
  const program = programOf(command, "run_process");
  const { input, stdout = "piped", stderr = "piped", max = MOST_HELD, encoding = "utf-8" } =
    options;
  if (encoding !== "utf-8" && encoding !== "latin1" && encoding !== "bytes") {
    throw new TypeError(`run_process: encoding must be "utf-8", "latin1" or "bytes"`);
  }
  if (input !== undefined && typeof input !== "string" && !(input instanceof Uint8Array)) {
    throw new TypeError(`run_process: input must be text or bytes: got ${typeof input}`);
  }
  if (typeof max !== "number" || !(max >= 0)) {
    throw new RangeError(`run_process: max must be 0 bytes or more: got ${max}`);
  }
  const grace = checkTimeout(options.grace ?? GRACE, "grace");
  const { timeout: _ofRun, encoding: _ofOutput, signal: _ofWait, ...rest } = options;
  const stdin = input === undefined ? "null" : "piped";
  return park<Result<RunResult<Output<E>>>>(
    () => `run ${program.name}`,
    options,
    (wake) => {
      const [child, err] = spawn<"lines">(program, { ...rest, stdin, stdout, stderr });
      if (err !== null) {
        // In a turn of its own, or a loop that tries for ever would spin in microtasks.
        const told = setImmediate(() => wake(fail(err)));
        return () => clearImmediate(told);
      }
      const run = new Run(child, grace, max, (ended) => {
        wake(ended[1] === null ? decoded(ended[0], encoding, program.name) : fail(ended[1]));
      });
      if (stdout === "piped") run.collect("stdout");
      if (stderr === "piped") run.collect("stderr");
      if (input !== undefined) run.feed(input);
      return () => run.abandon();
    },
  );
}

/** The command while it runs, and what it has written so far. */
class Run {
  readonly #child: Spawned;
  readonly #grace: number;
  readonly #max: number;
  readonly #then: (result: Result<RunResult<Bytes>>) => void;
  readonly #limit: Deadline;
  readonly #readers: ReadableStreamDefaultReader<Bytes>[] = [];
  readonly #pieces: Record<"stdout" | "stderr", Uint8Array[]> = { stdout: [], stderr: [] };
  #open = 0;
  #over = false;

  constructor(
    child: Spawned,
    grace: number,
    max: number,
    then: (result: Result<RunResult<Bytes>>) => void,
  ) {
    this.#child = child;
    this.#grace = grace;
    this.#max = max;
    this.#then = then;
    this.#limit = new Deadline(() => this.#finish(), true);
    child.onEnd(() => {
      if (this.#over) return;
      if (this.#open === 0) this.#finish();
      else this.#limit.set(now() + PIPE_GRACE);
    });
  }

  /** Reads a pipe to its end, or until it is cancelled. */
  async collect(name: "stdout" | "stderr"): Promise<void> {
    this.#open += 1;
    const reader = this.#child.takeReadable(name).getReader();
    this.#readers.push(reader);
    let size = 0;
    try {
      for (;;) {
        const { value } = await reader.read();
        if (value === undefined || this.#over) break;
        size += value.length;
        if (size > this.#max) return this.#tooLong(name);
        this.#pieces[name].push(value);
      }
    } catch (error) {
      return this.#fail(fromOs(error, `Cannot read what ${this.#child.command} writes`));
    }
    this.#open -= 1;
    if (this.#open === 0 && this.#child.ended) this.#finish();
  }

  /** Writes what the command is to read. That it does not read it all is its affair. */
  async feed(input: string | Uint8Array<ArrayBuffer>): Promise<void> {
    const writer = this.#child.takeWritable().getWriter();
    writer.closed.catch(() => {});
    const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
    try {
      await writer.write(bytes);
      await writer.close();
    } catch (error) {
      const err = fromOs(error, `Cannot write what ${this.#child.command} is to read`);
      if (err.code !== "reset") this.#fail(err);
    }
  }

  /** Nobody waits any more: the group is ended, and the pipes are closed. */
  abandon(): void {
    this.#close();
    this.#child.beginStop(this.#grace);
  }

  #tooLong(name: string): void {
    const words = `Cannot hold what ${this.#child.command} writes: more than ${this.#max} bytes ` +
      `on ${name} need a larger max`;
    this.#fail(new IoError("too_long", words));
  }

  #fail(err: IoError): void {
    if (this.#over) return;
    this.abandon();
    this.#then(fail(err));
  }

  #finish(): void {
    if (this.#over) return;
    this.#close();
    const [status, err] = this.#child.outcome!;
    if (err !== null) return this.#then(fail(err));
    const { stdout, stderr } = this.#pieces;
    this.#then(ok({ ...status, stdout: joined(stdout), stderr: joined(stderr) }));
  }

  #close(): void {
    this.#over = true;
    this.#limit.remove();
    for (const reader of this.#readers) reader.cancel().catch(() => {});
  }
}

function joined(pieces: Uint8Array[]): Bytes {
  const { buffer, byteOffset, length } = Buffer.concat(pieces);
  return new Uint8Array(buffer, byteOffset, length) as Bytes;
}

function decoded<E extends OutputEncoding>(
  result: RunResult<Bytes>,
  encoding: E | "utf-8",
  name: string,
): Result<RunResult<Output<E>>> {
  try {
    const [stdout, stderr] = [result.stdout, result.stderr].map((bytes) => decode(bytes, encoding));
    return ok({ ...result, stdout: stdout as Output<E>, stderr: stderr as Output<E> });
  } catch (cause) {
    const words = `Cannot decode what ${name} wrote as ${encoding}`;
    return fail(new IoError("bad_text", words, { cause }));
  }
}

function decode(bytes: Bytes, encoding: OutputEncoding): string | Bytes {
  if (encoding === "bytes") return bytes;
  if (encoding === "latin1") {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  }
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}
