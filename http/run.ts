import { pathToFileURL } from "node:url";
import { afterTurn, checkTimeout, IoError, park, type Result } from "../core/mod.ts";
import { type Address, listen } from "../cosocket/mod.ts";
import { type Child, exec, type ExitStatus } from "../process/mod.ts";
import { newthread, wait } from "../thread/mod.ts";
import { kindOf } from "./_check.ts";
import { checkLimits, nameOf } from "./_listen_options.ts";
import { print } from "./_printing.ts";
import { markOf } from "./_worker.ts";
import type { RequestLimits } from "./types.ts";

/** The workers have so long to load the module. */
const START = 30_000;

/** Connections have so long to end at a shutdown. */
const GRACE = 5_000;

/** The last words of what has ended are waited for so long, in milliseconds. */
const LAST_WORDS = 500;

/** How {@linkcode run} serves. */
export interface RunOptions extends RequestLimits {
  /** How many workers, each a processor's worth; as many as there are processors by default. */
  workers?: number;
  /** The address to listen on; `127.0.0.1` by default. */
  host?: string;
  /** The port to listen on; 0, the default, for any free one. */
  port?: number;
  /** What Deno gets besides: `["--allow-read=site"]`. Listening needs no flag of its own. */
  flags?: readonly string[];
  /** Milliseconds until all workers must have begun; 30,000 by default, 0 for no limit. */
  start_timeout?: number;
}

/**
 * The workers that {@linkcode run} has started, as one server.
 *
 * @example Started, asked and ended
 * ```ts
 * import { run, unwrap } from "@alilua/coevent/http";
 *
 * const module = "data:text/javascript,export default (req, res) => res.add(req.path)";
 * const workers = await unwrap(run(module, { workers: 1 }));
 * const response = await fetch(`http://127.0.0.1:${workers.port}/there`);
 * console.log(await response.text()); // /there
 * await workers.shutdown();
 * ```
 */
export class Workers implements AsyncDisposable {
  readonly #child: Child;
  readonly #address: Address;
  /** How it ended, when it has; never rejects. */
  readonly done: Promise<Result<ExitStatus>>;

  /**
   * Made by {@linkcode run}.
   *
   * @internal
   */
  constructor(child: Child, address: Address, done: Promise<Result<ExitStatus>>) {
    this.#child = child;
    this.#address = address;
    this.done = done;
  }

  /** Where they listen. */
  address(): Address {
    return this.#address;
  }

  /** The port they listen on. */
  get port(): number {
    return this.#address.family === "tcp" ? this.#address.port : 0;
  }

  /** The process that they are threads of. */
  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Stops listening, gives requests under way `grace` milliseconds (5,000) to end, and then
   * ends the process. Unlike a server of `http.listen` it is the runtime that does so: a
   * request on a kept connection that has not been read by then is lost.
   */
  async shutdown(options: { grace?: number } = {}): Promise<Result<ExitStatus>> {
    return await this.#child.stop({ grace: options.grace ?? GRACE });
  }

  /** Ends the process at once. */
  async close(): Promise<Result<ExitStatus>> {
    return await this.#child.stop({ grace: 0 });
  }

  /** Shuts them down, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}

/**
 * Serves the default export of a module, a handler in any form that `http.listen` takes,
 * with several workers on one port, so that it uses several processors. Gives them when
 * all of them have loaded the module.
 *
 * It is `deno serve --parallel`, in a process of its own that belongs to the scope that
 * calls, as the runtime's fastest way that needs no unstable flag: each worker is a thread
 * with its own copy of the module, and the kernel deals the connections out. A module that
 * throws when it is loaded, or a worker that dies of an error of nobody's, ends them all:
 * `done` tells. What they print, text or not, is printed here. No TLS: for that stand a proxy
 * in front.
 *
 * Errors: those of `listen` for the address, `gone` (it ended before it began), `timeout`,
 * `no_permission`, `unsupported` (in a program made by `deno compile`, which holds no Deno
 * that could serve). Given up or killed before it has begun, it leaves nothing. Requires `--allow-run=deno` (or the path of the Deno that runs), and
 * `--allow-net=host:port` to look whether the port is free.
 *
 * @example Usage
 * ```ts
 * import { run, unwrap } from "@alilua/coevent/http";
 *
 * const module = "data:text/javascript,export default (req, res) => res.add('hello\\n')";
 * await using workers = await unwrap(run(module, { workers: 2 }));
 * const response = await fetch(`http://127.0.0.1:${workers.port}/`);
 * console.log(await response.text()); // hello
 * ```
 */
export async function run(
  module: string | URL,
  options: RunOptions = {},
): Promise<Result<Workers>> {
  const url = moduleUrl(module);
  checkLimits(options, "http.run");
  const { workers = navigator.hardwareConcurrency, flags = [] } = options;
  const { host = "127.0.0.1", port = 0, start_timeout = START } = options;
  if (!Number.isInteger(workers) || workers < 1) {
    throw new RangeError(`http.run: workers wants a whole number from 1: got ${workers}`);
  }
  if (!Array.isArray(flags)) {
    throw new TypeError(`http.run: flags wants a list of texts: got ${kindOf(flags)}`);
  }
  checkTimeout(start_timeout, "http.run: start_timeout");
  if (Deno.build.standalone) {
    // It would run itself, again and again.
    const words = "Cannot serve with workers: a compiled program has no Deno to run them with";
    return await afterTurn<Result<Workers>>([null, new IoError("unsupported", words)]);
  }
  // It says what is wrong with the address in our words, and finds a port that is free.
  const [probe, err] = await listen(host, port);
  if (err !== null) return [null, err];
  const address = probe.address();
  await probe.close();
  if (address.family !== "tcp") {
    throw new TypeError("http.run wants a host: Unix sockets have one server each");
  }
  const id = crypto.randomUUID();
  // What was found to be free: a name may lead elsewhere the next time.
  const ip = address.ip.includes(":") ? `[${address.ip}]` : address.ip;
  const command = ["serve", "--parallel", "--no-prompt", "--quiet", ...flags];
  command.push("--host", ip, "--port", String(address.port));
  command.push(`data:text/javascript,${encodeURIComponent(bootstrap(url, options, id))}`);
  return await start(command, address, { workers, mark: markOf(id), timeout: start_timeout });
}

interface Start {
  workers: number;
  mark: string;
  timeout: number;
}

async function start(
  command: string[],
  address: Address & { family: "tcp" },
  { workers, mark, timeout }: Start,
): Promise<Result<Workers>> {
  const name = nameOf(address.ip, address.port);
  const path = Deno.execPath();
  const { state } = Deno.permissions.querySync({ name: "run", command: path });
  const [child, err] = exec([state === "granted" ? path : "deno", ...command], {
    // The last one would send them elsewhere, where our program's environment has it.
    env: { DENO_JOBS: String(workers), DENO_SERVE_ADDRESS: `tcp:${name}` },
    stdout: "piped",
    // Its pipe is read for as long as it runs.
    timeout: 0,
  });
  if (err !== null) return await afterTurn<Result<Workers>>([null, err]);
  const begun = Promise.withResolvers<Result<true>>();
  const thread = newthread(async (): Promise<Result<ExitStatus>> => {
    await using ending = child;
    let waiting = workers;
    const read = () => ending.stdout.receiveany(64 * 1024, { encoding: "latin1" });
    const printing = newthread(print, read, Deno.stdout, mark, () => {
      if (--waiting === 0) begun.resolve([true, null]);
    });
    const result = await ending.wait();
    const words = `Cannot serve on ${name}: it ended with status ${result[0]?.code}`;
    begun.resolve([null, new IoError("gone", words, { reason: "exited" })]);
    // What they have started ends with them, and may hold the pipe until then.
    await ending.stop();
    await wait(printing, { timeout: LAST_WORDS });
    return result;
  });
  thread.name = `http workers ${name}`;
  let serves = false;
  try {
    const [, startErr] = await within(begun.promise, timeout, name);
    if (startErr !== null) return [null, startErr];
    serves = true;
    return [new Workers(child, address, thread.done), null];
  } finally {
    // Also where the caller was killed meanwhile.
    if (!serves) {
      child.kill("SIGKILL");
      await thread.done;
    }
  }
}

function within(
  begun: Promise<Result<true>>,
  timeout: number,
  name: string,
): Promise<Result<true>> {
  return park<Result<true>>(() => `serve on ${name}`, { timeout }, (wake) => {
    begun.then(wake);
    return () => {};
  });
}

/** What each worker runs. */
function bootstrap(url: string, options: RunOptions, id: string): string {
  const { max_body, body_timeout, timeout, max_requests } = options;
  const limits = Object.entries({ max_body, body_timeout, timeout, max_requests })
    .map(([name, value]) => `${name}: ${value}`).join(", ");
  const here = new URL("./_worker.ts", import.meta.url).href;
  return [
    `import { serveModule } from ${JSON.stringify(here)};`,
    // As a literal: so it belongs to the program, which needs no permission to read itself.
    `const load = () => import(${JSON.stringify(url)});`,
    `export default await serveModule(load, { ${limits} }, ${JSON.stringify(id)});`,
  ].join("\n");
}

function moduleUrl(module: unknown): string {
  if (module instanceof URL) return module.href;
  if (typeof module !== "string" || module === "") {
    const got = module === "" ? '""' : kindOf(module);
    throw new TypeError(`http.run wants the URL of a module, or an absolute path: got ${got}`);
  }
  if (module.startsWith("/")) return pathToFileURL(module).href;
  if (URL.canParse(module)) return new URL(module).href;
  throw new TypeError(
    `http.run wants the URL of a module, or an absolute path: got '${module}': ` +
      `write new URL("${module}", import.meta.url)`,
  );
}
