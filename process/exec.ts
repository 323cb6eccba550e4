import type { Encoding, Result } from "../core/mod.ts";
import { inScope } from "./_member.ts";
import { programOf, spawn } from "./_spawn.ts";
import type { Child, Command, SpawnOptions } from "./types.ts";

/**
 * Starts a command and gives the child at once, without waiting for anything.
 *
 * Needs `--allow-run=sh` for text, which the shell runs (`cmd` on Windows), and
 * `--allow-run=<program>` for a list, which is run without any shell: nothing in it has
 * a special meaning, so that is the form for what came from outside. To reach what the
 * child has started in turn, see {@linkcode kill}.
 *
 * The child belongs to the scope of the thread that calls, as a thread does: the scope
 * waits for it, or ends its group when it is closed, killed or late; `unref()` lets the
 * scope end without it, which ends it, and a `detached` one belongs to no scope. In a
 * killed thread this throws `ThreadKilled`.
 *
 * What the child writes goes where ours goes, and it reads nothing, unless
 * `stdin: "piped"` and so on make streams of them. A pipe that is not read holds the
 * child up once it is full.
 *
 * Errors: `not_found` (no such program, or `cwd`), `denied` (not executable; or no right
 * to be `uid`), `no_permission`, `unsupported` (`cpu`), `exhausted`, `cancelled` (in a worker
 * thread, when the program is ending). What the shell cannot find is not an error here but
 * status 127. From LuaIO (`process.exec`).
 *
 * @example With the shell, and with pipes
 * ```ts
 * import { exec, unwrap } from "@alilua/coevent/process";
 *
 * await using child = unwrap(exec("tr a-z A-Z | rev", { stdin: "piped", stdout: "piped" }));
 * await child.stdin.send("hello\n");
 * await child.stdin.shutdown("send");
 * console.log(await child.stdout.receive()); // [ "OLLEH", null ]
 * console.log((await unwrap(child.wait())).code); // 0
 * ```
 *
 * @example Without the shell
 * ```ts
 * import { exec, unwrap } from "@alilua/coevent/process";
 *
 * await using child = unwrap(exec(["printf", "%s\n", "$HOME; stays as it is"]));
 * await child.wait();
 * ```
 */
export function exec<E extends Encoding = "lines">(
  command: Command,
  options: SpawnOptions<E> = {},
): Result<Child<E>> {
  const program = programOf(command, "exec");
  return inScope(options.detached, () => spawn(program, options));
}
