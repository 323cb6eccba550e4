import { type Encoding, fail, IoError, ok, type Result } from "../core/mod.ts";
import { Backoff, type BackoffOptions, Forever } from "./_forever.ts";
import { inScope } from "./_member.ts";
import { checkText, type Program, spawn } from "./_spawn.ts";
import type { Spawned } from "./_spawned.ts";
import { inRoot } from "./_root.ts";
import type { Child, SpawnOptions } from "./types.ts";

export type { BackoffOptions };

/** Hears how a forked child ended: LuaIO's `onexit`. */
export type OnExit = (pid: number, file: string, status: number, signal: string | null) => unknown;

/** What {@linkcode fork} takes. */
export interface ForkOptions<E extends Encoding = "lines"> extends SpawnOptions<E> {
  /** The program to run: a path from the child's `cwd`, or a URL. */
  file: string | URL;
  /** Its `Deno.args`. */
  args?: readonly string[];
  /** What Deno gets before the file: `["--allow-net=127.0.0.1"]`; nothing by default. */
  flags?: readonly string[];
  /** Start it anew whenever it ends, until `stop()`; see {@linkcode BackoffOptions}. */
  forever?: boolean | BackoffOptions;
  /** Called, in a thread of its own, whenever it has ended. */
  onexit?: OnExit;
}

/**
 * Starts another Deno program and gives the child at once.
 *
 * Needs `--allow-run=deno`, or the path of the Deno that runs. The child gets the
 * permissions in `flags` and no other: it never asks (`--no-prompt`).
 *
 * The child belongs to the scope of the thread that calls, as `exec`'s, over all new
 * starts. With `forever` it is started anew each time it ends, with whatever status, after a
 * pause that grows from 100 ms to 30 s, and is 100 ms again once it has run for 10 s.
 * `pid` is then that of the present one, `restarts` counts, `kill()` reaches the
 * present one, and only `stop()` is for good, which is what `wait()` waits for.
 * A start that fails later is reported to `thread.on_error` and tried again.
 *
 * Errors: `not_found` (`cwd`), `denied` (no right to be `uid`), `no_permission`,
 * `unsupported` (in a program made by `deno compile`, which holds no Deno that could run
 * a file; or `cpu`), `exhausted`, `cancelled` (as `exec`). A `file` that is not there ends the
 * child with status 1. From LuaIO (`process.fork`), which restarts without a pause.
 *
 * @example Usage
 * ```ts
 * import { fork, unwrap } from "@alilua/coevent/process";
 *
 * const file = new URL("data:text/typescript,console.log('hello', Deno.args[0])");
 * await using child = unwrap(fork({ file, args: ["you"], stdout: "piped" }));
 * console.log(await child.stdout.receive()); // [ "hello you", null ]
 * ```
 */
export function fork<E extends Encoding = "lines">(options: ForkOptions<E>): Result<Child<E>> {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`fork wants options with a file: got ${String(options)}`);
  }
  const { file, forever = false, onexit } = options;
  if (onexit !== undefined && typeof onexit !== "function") {
    throw new TypeError(`fork: onexit must be a function: got ${typeof onexit}`);
  }
  const program = programFor(options);
  const refused = refusal(Deno.build.standalone, program.name);
  if (refused !== null) return fail(refused);
  const start = (): Result<Spawned<E>> => {
    const started = spawnDeno<E>(program, options);
    const [child] = started;
    if (child !== null && onexit !== undefined) {
      child.onEnd(() => {
        const { status } = child;
        if (status === null) return;
        inRoot(`onexit of ${program.name}`, () => {
          return onexit(status.pid, String(file), status.code, status.signal);
        });
      });
    }
    return started;
  };
  if (forever === false) return inScope(options.detached, start);
  for (const name of ["stdin", "stdout", "stderr"] as const) {
    if (options[name] === "piped") {
      throw new TypeError(`fork: ${name} cannot be piped with forever: each start has its own`);
    }
  }
  const backoff = new Backoff(forever === true ? {} : forever);
  return inScope(options.detached, () => {
    const [first, err] = start();
    return err === null ? ok(new Forever<E>(first, start, backoff)) : fail(err);
  });
}

/** A compiled program is its own runtime, which runs nothing but itself. */
export function refusal(standalone: boolean, name: string): IoError | null {
  if (!standalone) return null;
  const words = `Cannot start ${name}: a compiled program has no Deno to run a file with`;
  return new IoError("unsupported", words);
}

function programFor<E extends Encoding>(options: ForkOptions<E>): Program {
  const { file, args = [], flags = [] } = options;
  if (typeof file !== "string" && !(file instanceof URL)) {
    throw new TypeError(`fork: file must be a path or a URL: got ${typeof file}`);
  }
  const path = checkText(String(file), "fork: file");
  if (path === "") throw new RangeError("fork: file is empty");
  for (const [name, list] of Object.entries({ args, flags })) {
    if (!Array.isArray(list)) {
      throw new TypeError(`fork: ${name} must be a list of texts: got ${typeof list}`);
    }
    list.forEach((word, at) => checkText(word, `fork: ${name}[${at}]`));
  }
  // A file must not pass for a flag.
  const named = path.startsWith("-") ? `./${path}` : path;
  return {
    file: Deno.execPath(),
    args: ["run", "--no-prompt", ...flags, named, ...args],
    name: `deno run ${path.length > 60 ? `${path.slice(0, 57)}...` : path}`,
  };
}

/**
 * Starts the Deno that runs by its path, where that is allowed, else by its name: that
 * is what `--allow-run=deno` allows, and what is to be named where nothing is.
 */
function spawnDeno<E extends Encoding>(
  program: Program,
  options: ForkOptions<E>,
): Result<Spawned<E>> {
  const { state } = Deno.permissions.querySync({ name: "run", command: program.file });
  if (state !== "granted") {
    const started = spawn<E>({ ...program, file: "deno" }, options);
    // Not on the PATH: there only the path will do.
    if (started[1]?.code !== "not_found") return started;
  }
  return spawn<E>(program, options);
}
