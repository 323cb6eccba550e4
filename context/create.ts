import type { Result } from "../core/mod.ts";
import { createFor } from "./_create.ts";
import { Hub } from "./_hub.ts";
import { current, type Home } from "./_home.ts";
import type { Context, CreateOptions, Inside } from "./types.ts";

/**
 * Starts a context: the default export of a module, in one of up to CPU-count worker
 * threads, the least loaded first, or with `isolated` in a process of its own.
 *
 * **A thread cannot be killed.** One that is stuck in a loop is given up: its contexts end
 * with `gone`, and it burns a processor until the program ends. Contexts in threads share
 * the program's permissions and the module state of their thread. Only `isolated` contexts
 * can be killed when stuck and have memory and permissions of their own.
 *
 * Resolves when the module is loaded; `failed` with the reason where it cannot be, or its
 * default export is no function; `exhausted` where no more files can be opened. The URL must be absolute: a string without a scheme
 * throws a TypeError. `no_permission` without `--allow-read` of the module, or if isolated
 * without `--allow-run` of Deno and `--allow-env=NODE_V8_COVERAGE`, which
 * `node:child_process` always reads. `unsupported` for isolated ones in a compiled program.
 * After node-lua's `context.create`, whose handle came before the file was looked for.
 *
 * @example Usage
 * ```ts
 * import { create } from "@alilua/coevent/context";
 *
 * // In a program this is a file: new URL("./doubler.ts", import.meta.url).
 * const doubles = `data:text/typescript,
 *   import type { Inside } from "@alilua/coevent/context";
 *   export default async function (inside: Inside<number, number>) {
 *     for (;;) {
 *       const [message, err] = await inside.recv();
 *       if (err) return;
 *       inside.reply(message, message.value * 2);
 *     }
 *   }`;
 * const [doubler, err] = await create<number, number>(doubles);
 * if (err) throw err;
 * console.log(await doubler.query(3, { timeout: 1_000 })); // [ 6, null ]
 * doubler.destroy();
 * await doubler.wait();
 * ```
 */
export function create<In = unknown, Out = unknown>(
  url: URL | string,
  options: CreateOptions = {},
): Promise<Result<Context<In, Out>>> {
  return createFor<In, Out>(homeOf(), 0, url, options);
}

/**
 * The main thread's own mailbox, to receive what contexts send to their `parent`.
 *
 * @example Usage
 * ```ts
 * import { create, inside, unwrap } from "@alilua/coevent/context";
 *
 * const source = 'export default (inside) => void inside.parent.send("hello");';
 * const context = unwrap(await create(`data:text/javascript,${source}`));
 * const [message] = await inside<string>().recv();
 * console.log(message?.value); // hello
 * await context.wait();
 * ```
 */
export function inside<In = unknown, Out = unknown>(): Inside<In, Out> {
  const home = homeOf();
  if (!(home instanceof Hub)) throw new TypeError("inside: a context gets its own as argument");
  return home.main as Inside as Inside<In, Out>;
}

/**
 * Milliseconds without a sign of life after which a thread or process counts as stuck, 2,000
 * by default. Holds from now on, for those that run too.
 *
 * @example Usage
 * ```ts
 * import { stuck_after } from "@alilua/coevent/context";
 *
 * stuck_after(10_000); // for contexts that compute for seconds without a wait
 * stuck_after(2_000);
 * ```
 */
export function stuck_after(milliseconds: number): void {
  if (!(milliseconds >= 100 && milliseconds < Infinity)) {
    throw new RangeError(`stuck_after wants 100 or more milliseconds: got ${milliseconds}`);
  }
  mainHub("stuck_after").stuckAfter = milliseconds;
}

/**
 * How many threads were given up as stuck; each may burn a processor until the program ends.
 *
 * @example Usage
 * ```ts
 * import { abandoned } from "@alilua/coevent/context";
 *
 * if (abandoned() > 0) console.error("threads burn on, start the program anew soon");
 * ```
 */
export function abandoned(): number {
  return mainHub("abandoned").abandoned;
}

function mainHub(caller: string): Hub {
  const home = homeOf();
  if (!(home instanceof Hub)) throw new TypeError(`${caller} is for the main thread only`);
  return home;
}

function homeOf(): Home {
  if (current.home !== null) return current.home;
  return current.home = new Hub();
}
