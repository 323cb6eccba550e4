import {
  checkTimeout,
  dying,
  type Encoding,
  evenKilled,
  fail,
  IoError,
  ok,
  park,
  refusal,
  report,
  type Result,
  root,
  runIn,
  type WaitOptions,
} from "../core/mod.ts";
import type {
  Address,
  ListenOptions,
  ShutdownOptions,
  SslIdentity,
  SslServerOptions,
  TcpSocket,
} from "../cosocket/mod.ts";
import { createFor } from "./_create.ts";
import { checkShards, forWorkers, workerUrl } from "./_listen_options.ts";
import { type Answer, type Counts, LINE, type Place, type Question } from "./_listen_words.ts";
import type { Word } from "./_listen_words.ts";
import { newLine, postTo, takeFrom, unpackError, wiredHome } from "./_share_wire.ts";
import { type Strategy, supervise, type Supervised, type Supervisor } from "./supervise.ts";
import type { Context, CreateOptions, Ending, Inside } from "./types.ts";

/** Connections have so long to end by themselves at a shutdown. */
const GRACE = 5_000;

/** A worker that does not answer for so long, beside what it was given, counts as lost. */
const PATIENCE = 10_000;

/** So many new workers for each of them, within the period, before the server gives up. */
const RESTARTS = 5;

/**
 * One worker of a sharded server, as its handler knows it.
 *
 * @example A worker that says which it is
 * ```ts
 * import type { ShardHandler } from "@alilua/coevent/context";
 *
 * // The default export of a module, which `listen` is given.
 * const handler: ShardHandler = async (sock, shard) => {
 *   await sock.send(`worker ${shard.index}\n`);
 * };
 * console.log(typeof handler); // function
 * ```
 */
export interface Shard {
  /** Which of the workers it is, from 0; one that takes another's place has its number. */
  readonly index: number;
  /** The worker's context: its mailbox, its arguments, its `log`. */
  readonly inside: Inside;
}

/**
 * What the module of a sharded server exports as default: it serves one connection, as the
 * handler of a `Server` does. The socket is closed when it has ended, unless it returned it.
 *
 * @example An echo, line by line
 * ```ts
 * import type { ShardHandler } from "@alilua/coevent/context";
 *
 * // The default export of a module, which `listen` is given.
 * const echo: ShardHandler = async (sock) => {
 *   for await (const line of sock.lines()) await sock.send([line, "\n"]);
 * };
 * console.log(typeof echo); // function
 * ```
 */
export type ShardHandler<E extends Encoding = "lines"> = (
  sock: TcpSocket<E>,
  shard: Shard,
) => unknown;

/** What a worker shows under TLS: all that can be copied to it, so no `sni` function. */
export type ShardSsl = SslIdentity & Omit<SslServerOptions, "sni">;

/** What {@linkcode listen} takes; the limits of connections are each worker's own. */
export interface ShardOptions<E extends Encoding = "lines">
  extends
    Omit<ListenOptions<E>, "class" | "mode" | "ssl" | "onerror" | "reuseport">,
    Pick<CreateOptions, "name" | "args" | "isolated" | "permissions">,
    Pick<Strategy, "intensity" | "period" | "backoff"> {
  /** How many workers; one for each processor by default. */
  workers?: number;
  /** Let other servers have the port too; without it, a port that is taken is `in_use`. */
  reuseport?: boolean;
  /** TLS from the first byte on. */
  ssl?: ShardSsl;
  /**
   * Hears what kept a connection from becoming a socket (as with `cosocket.listen`), and
   * of which worker.
   */
  onerror?: (err: IoError, index: number) => void;
  /** Hears that a worker listens, at the beginning and whenever it was started anew. */
  onstart?: (index: number, id: number) => void;
  /** In a context: its own side, so that the server ends with it. */
  inside?: Inside;
}

/** What one worker has served since it was started. */
export interface ShardCounts {
  /** Which worker. */
  index: number;
  /** The id of its context. */
  id: number;
  /** Connections that are open. */
  connections: number;
  /** Connections that its handler was given. */
  accepted: number;
  /** Of these, how many the handler ended with an error. */
  failed: number;
  /** How often it was started anew. */
  restarts: number;
}

/** A worker and what is asked of it. */
class Slot {
  readonly index: number;
  ctx: Context | null = null;
  starts = 0;
  /** Settles when its last start is over, whatever has come of it. */
  starting: Promise<unknown> | null = null;
  /** Told once whether it listens. */
  begun: ((result: Result<Address>) => void) | null = null;
  readonly asked = new Map<number, (result: Result<Answer>) => void>();

  constructor(index: number) {
    this.index = index;
  }

  /** It has ended: whoever waits for a word of it hears that. */
  ended({ reason, message }: Ending): void {
    this.ctx = null;
    const words = `Worker ${this.index} has ended (${reason}): ${message}`;
    const err = new IoError("gone", words, { reason });
    this.begun?.(fail(err));
    for (const wake of this.asked.values()) wake(fail(err));
    this.asked.clear();
  }
}

/**
 * Several workers that listen on one port, as {@linkcode listen} gives it. Its workers are
 * supervised; it is itself what `supervise` takes as a child.
 *
 * @example Where it listens, and how much its workers do
 * ```ts
 * import { listen, unwrap } from "@alilua/coevent/context";
 *
 * // A module of yours: new URL("./bye.ts", import.meta.url).
 * const url = "data:text/javascript,export default (sock) => sock.send('bye\\n')";
 * await using server = unwrap(await listen("127.0.0.1", 0, url, { workers: 2 }));
 * console.log(server.port > 0, (await server.counts()).length); // true 2
 * ```
 */
export class ShardedServer implements Supervised, AsyncDisposable {
  readonly #slots: Slot[];
  #name: string;
  readonly #options: ShardOptions<Encoding>;
  readonly #parent: number;
  readonly #url: string;
  readonly #place: Omit<Place, "index">;
  readonly #forget: () => void;
  #misuse: Error | null = null;
  #address: Address | null = null;
  #tree!: Supervisor;
  #question = 0;
  #closing = false;
  /**
   * Resolves when no worker is left: `returned` after `close`, `destroyed` after `shutdown`
   * or `destroy`, `threw` when workers ended too often.
   */
  readonly done: Promise<Ending>;
  readonly #ended = Promise.withResolvers<Ending>();

  /**
   * Made by {@linkcode listen}.
   *
   * @internal
   */
  constructor(host: string, port: number, url: string, options: ShardOptions<Encoding>) {
    const { workers = navigator.hardwareConcurrency, reuseport = false, inside } = options;
    this.#name = `${host}:${port}`;
    this.#options = options;
    this.#slots = Array.from({ length: workers }, (_, index) => new Slot(index));
    this.#parent = inside?.self.id ?? 0;
    this.#url = workerUrl(url);
    const reply = newLine();
    this.#place = { host, port, joins: reuseport, options: forWorkers(options), reply };
    this.#forget = takeFrom(this.#parent, reply, (word, from) => this.#take(word as Word, from));
    this.done = this.#ended.promise;
  }

  /**
   * Starts the workers, the first one before the others: it finds the port.
   *
   * @internal
   */
  async begin(): Promise<Result<ShardedServer>> {
    const { period, backoff, intensity = RESTARTS * this.#slots.length } = this.#options;
    const strategy: Strategy = { intensity };
    if (period !== undefined) strategy.period = period;
    if (backoff !== undefined) strategy.backoff = backoff;
    const children = this.#slots.map((slot) => ({
      name: `worker ${slot.index} of ${this.#name}`,
      start: () => {
        const start = this.#start(slot);
        slot.starting = start.catch(() => {});
        return start;
      },
      restart: "transient" as const,
    }));
    const [tree, err] = await supervise(children, strategy);
    if (err !== null) {
      this.#forget();
      if (this.#misuse !== null) throw this.#misuse;
      return fail(err);
    }
    this.#tree = tree;
    tree.wait().then(([ending]) => {
      this.#forget();
      this.#ended.resolve(ending!);
    });
    this.#options.inside?.self.wait().then(() => this.destroy("its creator has ended"));
    return ok<ShardedServer>(this);
  }

  /** Where it listens; the port is the real one if 0 was asked for. */
  address(): Address {
    return this.#address!;
  }

  /** The port that all workers listen on. */
  get port(): number {
    return this.#address?.family === "tcp" ? this.#address.port : 0;
  }

  /** How many workers it has. */
  get workers(): number {
    return this.#slots.length;
  }

  /**
   * Asks every worker what it has served. One that is being started anew has no row;
   * `timeout` (10,000 ms by default) where one does not answer, as when it is stuck.
   */
  async counts(options: WaitOptions = {}): Promise<Result<ShardCounts[]>> {
    const rows: ShardCounts[] = [];
    for (const [slot, answer] of await this.#askAll({ what: "counts" }, options)) {
      const [counts, err] = answer;
      if (err?.code === "gone") continue;
      if (err !== null) return fail(err);
      const { index, starts, ctx } = slot;
      const { connections, accepted, failed } = counts as Counts;
      const id = ctx?.id ?? 0;
      rows.push({ index, id, connections, accepted, failed, restarts: starts - 1 });
    }
    return ok(rows);
  }

  /**
   * Stops listening. Connections that are open go on; each worker ends when its last one
   * has. Gives `true` when the port is free. Idempotent.
   */
  close(): Promise<Result<true>> {
    this.#closing = true;
    // It goes on when its caller is killed, and is begun by one that was killed before.
    const closing = runIn(
      root,
      () => Promise.all(this.#slots.map((slot) => this.#close(slot))),
      [],
    );
    return park<Result<true>>(() => `close the server on ${this.#name}`, {}, (wake) => {
      closing.then(() => wake([true, null]));
      return () => {};
    });
  }

  /** Has a worker stop listening; one that is about to begin, when it has. */
  async #close(slot: Slot): Promise<void> {
    if (slot.ctx !== null) await slot.starting;
    const { ctx } = slot;
    if (ctx === null) return;
    const [, err] = await this.#ask(slot, { what: "close" }, { timeout: PATIENCE });
    // What has ended listens no more; what does not answer is stuck.
    if (err !== null && err.code !== "gone") ctx.destroy("it did not stop listening");
  }

  /**
   * Stops listening, gives the connections `grace` milliseconds to end (5,000 by default, 0
   * for none), then kills the handlers that are left and all workers. Gives the number of
   * connections that were cut. A kill of the caller cuts the grace short.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<Result<number>> {
    const grace = checkTimeout(options.grace ?? GRACE, "shutdown: grace");
    this.#closing = true;
    let cut = 0;
    try {
      const timeout = grace === Infinity ? 0 : grace + PATIENCE;
      for (const [, [count]] of await this.#askAll({ what: "shutdown", grace }, { timeout })) {
        cut += count as number | null ?? 0;
      }
    } finally {
      // A killed caller could not wait for it.
      await runIn(root, () => this.#tree.stop(), []);
    }
    return ok(cut);
  }

  /** Ends all workers at once, and their connections; `done` tells when they have gone. */
  destroy(_reason?: string): void {
    this.#closing = true;
    runIn(root, () => this.#tree.destroy(), []);
  }

  /** Waits until no worker is left; see {@linkcode ShardedServer.done}. */
  wait(options: WaitOptions = {}): Promise<Result<Ending>> {
    return park<Result<Ending>>(() => `wait for the server on ${this.#name}`, options, (wake) => {
      this.done.then((ending) => wake([ending, null]));
      return () => {};
    });
  }

  /** Shuts it down, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await evenKilled(this.shutdown());
  }

  async #start(slot: Slot): Promise<Result<Supervised>> {
    if (this.#closing) return ok<Supervised>(CLOSED);
    const { name = `worker ${slot.index}`, args, isolated, permissions } = this.#options;
    const options: CreateOptions = { name };
    if (args !== undefined) options.args = args;
    if (isolated !== undefined) options.isolated = isolated;
    if (permissions !== undefined) options.permissions = permissions;
    const [ctx, err] = await createFor(wiredHome(), this.#parent, this.#url, options);
    if (err !== null) return fail(err);
    if (this.#closing) {
      // It was not there to be told, and has not been told to listen.
      ctx.destroy("the server was closed");
      await ctx.wait();
      return ok<Supervised>(CLOSED);
    }
    slot.ctx = ctx;
    slot.starts++;
    const begun = new Promise<Result<Address>>((resolve) => slot.begun = resolve);
    ctx.wait().then(([ending]) => slot.ended(ending!));
    const place: Place = { ...this.#place, index: slot.index };
    postTo(ctx.id, LINE, this.#parent, { k: "begin", place });
    const [address, refused] = await begun;
    slot.begun = null;
    if (refused !== null) {
      // Nothing of it is left when that is told.
      await ctx.wait();
      return fail(refused);
    }
    if (this.#address === null) {
      this.#address = address;
      if (address.family === "tcp") {
        this.#name = this.#name.replace(/:0$/, `:${address.port}`);
        this.#place.port = address.port;
      }
      // From now on it is ours.
      this.#place.joins = true;
    }
    // Closed meanwhile: it is told that next.
    if (!this.#closing) this.#call("onstart", slot.index, ctx.id);
    return ok<Supervised>(ctx);
  }

  async #askAll(
    question: Question,
    options: WaitOptions = {},
  ): Promise<[Slot, Result<Answer>][]> {
    const asked = this.#slots.filter(({ ctx, begun }) => ctx !== null && begun === null);
    return await Promise.all(asked.map(async (slot): Promise<[Slot, Result<Answer>]> => {
      return [slot, await this.#ask(slot, question, { timeout: PATIENCE, ...options })];
    }));
  }

  #ask(slot: Slot, question: Question, options: WaitOptions): Promise<Result<Answer>> {
    const what = () => `ask worker ${slot.index} of ${this.#name}`;
    return park<Result<Answer>>(what, options, (wake) => {
      const n = ++this.#question;
      slot.asked.set(n, wake);
      postTo(slot.ctx!.id, LINE, this.#parent, { k: "ask", n, question });
      return () => slot.asked.delete(n);
    });
  }

  #take(word: Word, from: number): void {
    const slot = this.#slots.find(({ ctx }) => ctx?.id === from);
    if (slot === undefined) return;
    if (word.k === "listening") slot.begun?.([word.address, null]);
    else if (word.k === "refused") slot.begun?.(fail(unpackError(word.err)));
    else if (word.k === "lost") this.#call("onerror", unpackError(word.err), slot.index);
    else if (word.k === "misuse") {
      this.#misuse = word.range ? new RangeError(word.message) : new TypeError(word.message);
      slot.begun?.(fail(new IoError("failed", word.message)));
    } else {
      const wake = slot.asked.get(word.n);
      slot.asked.delete(word.n);
      wake?.([word.value, null]);
    }
  }

  /** Calls a function of the program's; what it throws harms nobody. */
  #call(name: "onerror", err: IoError, index: number): void;
  #call(name: "onstart", index: number, id: number): void;
  #call(name: "onerror" | "onstart", first: never, second: number): void {
    try {
      this.#options[name]?.(first, second);
    } catch (error) {
      report(error, `${name} of the server on ${this.#name}`);
    }
  }
}

/** In the place of a worker that is not started anew, for the server is closed. */
const CLOSED: Supervised = {
  wait: () => Promise.resolve(ok<Ending>({ reason: "returned", message: "the server is closed" })),
  destroy: () => {},
};

/**
 * Runs a module's handler in several workers that listen on one port: contexts in threads,
 * or with `isolated` in processes. The kernel spreads the connections evenly.
 *
 * The default export of `url` is a {@linkcode ShardHandler}. An error in it ends its
 * connection, is reported where the worker runs, and the worker goes on. A worker that ends
 * (`Deno.exit`, out of memory, killed) takes its connections along and is started anew, the
 * others serve on; more than `intensity` times (5 for each worker) within `period` (5,000
 * ms), and the server ends. `maxconnections` and `backlog` hold for each worker.
 *
 * **A thread that is stuck cannot be killed and keeps its share of the port**: new
 * connections that the kernel gives it are never answered. Use `isolated` where a handler
 * may be stuck: its process is killed, and the port goes to the others.
 *
 * Errors: those of `cosocket.listen` (`in_use`, `denied`, `unreachable`, `tls`), `failed`
 * when the module cannot be loaded, `no_permission`. What is wrong with an argument throws.
 * To find out whether a `port` other than 0 is taken, it is listened on alone for a moment
 * first: a client that comes just then is reset. Not with `reuseport`.
 * Requires `--allow-net=host:port` (a worker's `permissions` if isolated; with port 0, of
 * the whole host) and what {@linkcode create} does. Linux; elsewhere the system may give
 * all connections to one worker, or refuse a second one. From node-lua, whose contexts
 * listen on one port with `reuse`.
 *
 * @example Usage
 * ```ts
 * import { listen, unwrap } from "@alilua/coevent/context";
 * import { connect } from "@alilua/coevent/cosocket";
 *
 * // A module of yours: new URL("./echo.ts", import.meta.url).
 * const url = new URL(`data:text/javascript,export default async (sock, shard) => {
 *   for await (const line of sock.lines()) await sock.send([shard.index, " ", line, "\\n"]);
 * }`);
 * await using server = unwrap(await listen("127.0.0.1", 0, url, { workers: 2 }));
 * await using sock = unwrap(await connect("127.0.0.1", server.port));
 * await sock.send("hello\n");
 * console.log((await sock.receive())[0]?.slice(2)); // hello
 * ```
 */
export async function listen<E extends Encoding = "lines">(
  host: string,
  port: number,
  url: URL | string,
  options: ShardOptions<E> = {},
): Promise<Result<ShardedServer>> {
  const shards = options as ShardOptions<Encoding>;
  const href = checkShards(host, url, shards);
  // What a killed thread could not wait for is not begun.
  const refused = dying === 0 ? null : refusal();
  if (refused !== null) return await refused;
  const server = new ShardedServer(host, port, href, shards);
  let given = false;
  // The workers belong to the server, not to the thread that happens to start it.
  const starting = runIn(root, () => server.begin(), []);
  try {
    const what = () => `listen on ${host}:${port}`;
    const [settled] = await park<Result<typeof starting>>(what, {}, (wake) => {
      const begun = () => wake([starting, null]);
      starting.then(begun, begun);
      return () => {};
    });
    given = true;
    return await settled!;
  } finally {
    // Killed meanwhile: nobody will ever close it.
    if (!given) starting.then(([late]) => late?.destroy(), () => {});
  }
}
