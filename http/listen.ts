import {
  afterTurn,
  checkTimeout,
  current,
  evenKilled,
  fromOs,
  IoError,
  now,
  park,
  poll,
  report,
  type Result,
} from "../core/mod.ts";
import { setImmediate } from "node:timers";
import { type Address, listen as listenOnPath } from "../cosocket/mod.ts";
import { newthread, sleep } from "../thread/mod.ts";
import { currentExchange, type Exchange, handlerOf } from "./_exchange.ts";
import { RequestHost } from "./_host.ts";
import { checkLimits, checkPlace, nameOf, type Place } from "./_listen_options.ts";
import { BrokenOff } from "./response.ts";
import type { Handler, ListenOptions, ShutdownOptions } from "./types.ts";

/** Requests have so long to end by themselves at a shutdown, and killed handlers to unwind. */
const GRACE = 5_000;

/** At a shutdown, requests are held until none has come for so many looks, each so long. */
const LOOKS = 4;
const LOOK = 5;

/** And for so long at most: who sends without a pause is cut off at some point. */
const LONGEST_HOLD = 250;

/** The runtime's server with the way to cut it off. */
interface Engine {
  server: Deno.HttpServer<Deno.Addr>;
  abort: AbortController;
}

/**
 * A server, as {@linkcode listen} gives it. It is a thread of the scope that called: the
 * scope lasts as long as it does, and when its thread is killed, or its scope closed, the
 * server ends at once, with all its handlers. It keeps the program alive unless `unref`
 * was called.
 *
 * From LEM (`server.new`, `run`, `close`), where an error of a handler ends the process.
 *
 * @example Where it listens, and an end that cuts nobody off
 * ```ts
 * import { listen, unwrap } from "@alilua/coevent/http";
 *
 * const server = await unwrap(listen("127.0.0.1", 0, (_req, res) => void res.add("hello\n")));
 * const response = await fetch(`http://127.0.0.1:${server.port}/`);
 * console.log(await response.text()); // hello
 * await server.shutdown();
 * ```
 */
export class HttpServer implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #host: RequestHost;
  readonly #name: string;
  readonly #finished: Promise<void>;
  #done: Promise<Result<true>> = Promise.resolve<Result<true>>([true, null]);
  #ending = false;
  /** The runtime's server ends by itself: it cannot be cut off any more. */
  #stopping = false;
  /** The runtime's server has ended. */
  #stopped = false;

  /**
   * Made by {@linkcode listen}.
   *
   * @internal
   */
  constructor(engine: Engine, host: RequestHost, place: Place) {
    const { addr, finished } = engine.server;
    this.#engine = engine;
    this.#host = host;
    this.#name = addr.transport === "tcp" ? nameOf(addr.hostname, addr.port) : place.name;
    host.server = this;
    this.#finished = finished
      .catch((error) => report(error, `the server on ${this.#name}`))
      .then(() => void (this.#stopped = true));
  }

  /** Where it listens; the port is the real one if 0 was asked for. */
  address(): Address {
    const { addr } = this.#engine.server;
    if (addr.transport === "tcp") return { family: "tcp", ip: addr.hostname, port: addr.port };
    return { family: "unix", path: addr.transport === "unix" ? addr.path : "" };
  }

  /** The port it listens on; 0 for a Unix socket. */
  get port(): number {
    const { addr } = this.#engine.server;
    return addr.transport === "tcp" ? addr.port : 0;
  }

  /** How many requests are under way. */
  get requests(): number {
    return this.#host.running.size;
  }

  /** Whether it is ending, or has ended. */
  closed(): boolean {
    return this.#ending;
  }

  /** Resolves when it has ended, for whatever reason, and its port is free; never rejects. */
  get done(): Promise<Result<true>> {
    return this.#done;
  }

  /** Lets the program end while this server waits for requests. */
  unref(): void {
    this.#engine.server.unref();
  }

  /** Takes {@linkcode HttpServer.unref} back. */
  ref(): void {
    this.#engine.server.ref();
  }

  /**
   * Ends it without dropping a request: those under way are answered, those that come
   * while it ends are too, and each client is told that its connection ends. When no more
   * come (20 ms, 250 at most), it stops listening. What is not answered within `grace`
   * (5,000) is cut, its handler killed. Gives how many were cut; `timeout` where killed
   * handlers do not unwind, or a client does not take an answer that the runtime has: it
   * holds the connection until the client goes.
   *
   * A client that sends again on a kept connection at the very moment that it is closed for
   * idleness sees it end without an answer, as with any HTTP server, and tries again. A
   * handler may call this: its own request is not waited for. A kill of the caller cuts the
   * grace short.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<Result<number>> {
    const grace = checkTimeout(options.grace ?? GRACE, "shutdown: grace");
    const linger = checkTimeout(options.linger ?? 0, "shutdown: linger");
    const host = this.#host;
    const own = currentExchange();
    const others = () => [...host.running].filter((exchange) => exchange !== own);
    const quiet = () => host.held === 0 && others().length === 0;
    if (this.#ending) {
      if (own === null) await this.#within(this.#done, 0);
      return [0, null];
    }
    this.#ending = true;
    const until = now() + grace;
    let cut: Exchange[] = [];
    let stopped: Promise<void> | null = null;
    try {
      host.closing = true;
      if (linger > 0) await sleep(Math.min(linger, grace));
      if (grace > 0) await this.#hush(until);
      // Without a grace it is cut off, but for the answer of a handler that calls this.
      if (grace > 0 || own !== null) stopped = this.#stop();
      if (grace > 0) await this.#settled(quiet, until - now());
    } finally {
      // Also when the caller was killed while it waited.
      cut = others();
      if (stopped === null) this.#cut();
      host.over = true;
      for (const exchange of cut) exchange.end("shutdown", "the server was shut down");
    }
    const [, err] = await this.#settled(quiet, GRACE);
    if (own !== null) return err === null ? [cut.length, null] : [null, err];
    // An answer may still be on its way to a client that is slow to take it.
    const rest = Math.max(until - now(), GRACE);
    const [, slow] = stopped === null ? await this.close() : await this.#within(stopped, rest);
    const late = err ?? slow;
    return late === null ? [cut.length, null] : [null, late];
  }

  /**
   * Ends it at once: handlers are killed, connections closed, whatever is under way.
   * Idempotent; gives `true` when the port is free again. After a shutdown that has left a
   * connection behind, `timeout` while that is there.
   */
  async close(): Promise<Result<true>> {
    this.#cut();
    if (this.#stopping && !this.#stopped) return await this.#within(this.#finished, GRACE);
    await this.#finished;
    return [true, null];
  }

  /** Shuts it down, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await evenKilled(this.shutdown());
  }

  /**
   * What its thread does: it waits for its end.
   *
   * @internal
   */
  async stay(): Promise<Result<true>> {
    try {
      return await park<Result<true>>(() => `serve ${this.#name}`, {}, (wake) => {
        this.#finished.then(() => wake([true, null]));
        return () => this.#cut();
      });
    } finally {
      await this.#finished;
    }
  }

  /**
   * Takes its thread, when that has begun.
   *
   * @internal
   */
  live(done: Promise<Result<true>>): void {
    this.#done = done.then(() => [true, null]);
  }

  #cut(): void {
    this.#ending = true;
    this.#host.over = true;
    this.#host.release();
    for (const exchange of this.#host.running) {
      exchange.end("shutdown", "the server was closed");
    }
    // In a turn of its own: to abort what has just ended, or has begun to end by itself,
    // would be an error that nobody can catch.
    setImmediate(() => {
      if (!this.#stopping && !this.#stopped) this.#engine.abort.abort();
    });
  }

  /** Stops listening; what was held meanwhile is let through. */
  async #stop(): Promise<void> {
    this.#stopping = true;
    const stopped = this.#engine.server.shutdown();
    this.#host.release();
    await stopped;
    this.#stopped = true;
  }

  /**
   * Holds new requests until no more come. The runtime closes every connection at once
   * that no request is under way on, and a client that has just got an answer may be about
   * to send the next: it has been read by then, is under way, and will be answered.
   */
  async #hush(until: number): Promise<void> {
    const host = this.#host;
    host.hold();
    const longest = Math.min(until, now() + LONGEST_HOLD);
    for (let quiet = 0; quiet < LOOKS && now() < longest;) {
      const before = host.arrived;
      await new Promise<void>((resolve) => setTimeout(() => poll(resolve), LOOK));
      quiet = host.arrived === before ? quiet + 1 : 0;
    }
  }

  /** Waits, so long at most, until it is so. */
  #settled(gone: () => boolean, timeout: number): Promise<Result<true>> {
    const { onEnded } = this.#host;
    if (gone()) return Promise.resolve([true, null]);
    const wait = { timeout: Math.max(timeout, 1) };
    return park<Result<true>>(() => `shut down ${this.#name}`, wait, (wake) => {
      const look = () => {
        if (!gone()) return;
        onEnded.delete(look);
        wake([true, null]);
      };
      onEnded.add(look);
      return () => onEnded.delete(look);
    });
  }

  #within(promise: Promise<unknown>, timeout: number): Promise<Result<true>> {
    return park<Result<true>>(() => `shut down ${this.#name}`, { timeout }, (wake) => {
      promise.then(() => wake([true, null]));
      return () => {};
    });
  }
}

/**
 * Serves HTTP on a host's address and port, 0 for any free one; `"*"` is every address of
 * both families. Each request runs in a light thread of its own.
 *
 * The handler is a function of `(req, res)`, or an object with `fetch(request)` such as a
 * Hono app; either may return a standard `Response`. What it throws is a 500 and goes to
 * `thread.on_error`. When its client has gone, it is killed in the wait it is in, or in its
 * next one. Limits hold unless they are changed: 1 MiB of body (413), silence in the body
 * (408), 60 s until an answer has begun (503), 10,000 requests at a time (503). The head of
 * a request is the runtime's to limit: about 64 KiB, then 400.
 *
 * Errors: `in_use`, `denied` (ports below 1024), `unreachable` (not an address of this
 * machine), `dns`, `tls` (certificates), `no_permission`. Requires `--allow-net=host:port`.
 * From LEM (`server.new`) and the libev RPC (`http.listen`; see `libev` for its callback).
 *
 * @example Usage
 * ```ts
 * import { listen, unwrap } from "@alilua/coevent/http";
 *
 * await using server = await unwrap(listen("127.0.0.1", 0, (req, res) => {
 *   res.add("hello ", req.query.get("name") ?? "world", "\n");
 * }));
 * const response = await fetch(`http://127.0.0.1:${server.port}/?name=you`);
 * console.log(await response.text()); // hello you
 * ```
 */
export function listen(
  host: string,
  port: number,
  handler: Handler,
  options?: ListenOptions,
): Promise<Result<HttpServer>>;
/**
 * Serves on the path of a Unix socket. A socket file that a dead server left is replaced;
 * one that somebody answers on, or another file, is `in_use`. Closing removes the file.
 * Requires `--allow-read`, `--allow-write` and `--allow-net=unix:path`.
 */
export function listen(
  path: string,
  handler: Handler,
  options?: ListenOptions,
): Promise<Result<HttpServer>>;
export async function listen(
  host: string,
  second: number | Handler,
  third?: Handler | ListenOptions,
  fourth?: ListenOptions,
): Promise<Result<HttpServer>> {
  const isPath = typeof host === "string" && host.startsWith("/");
  const given = isPath ? second : third;
  const options = (isPath ? third as ListenOptions | undefined : fourth) ?? {};
  const limits = checkLimits(options, "http.listen");
  const place = checkPlace(host, isPath ? 0 : second, options);
  const handler = handlerOf(given, "http.listen");
  if (isPath) {
    const err = await makeRoom(host);
    if (err !== null) return [null, err];
  }
  let server: HttpServer | null = null;
  let failure: unknown;
  const thread = newthread((): Result<true> | Promise<Result<true>> => {
    const { scope, id } = current();
    const requests = new RequestHost(handler, limits, scope, id);
    try {
      server = new HttpServer(start(place, options, requests), requests, place);
    } catch (error) {
      failure = error;
      return [true, null];
    }
    return server.stay();
  });
  // A loop that asks for a port until it is free would let nobody free it.
  if (server === null) return await afterTurn<Result<HttpServer>>([null, whyNot(failure, place)]);
  const started: HttpServer = server;
  thread.name = `http ${nameOfServer(started, place)}`;
  started.live(thread.done);
  try {
    if (options.mode !== undefined && isPath) Deno.chmodSync(host, options.mode);
    return [started, null];
  } catch (error) {
    // Nor may anybody else be served there then.
    await started.close();
    return [null, whyNot(error, place)];
  }
}

function nameOfServer(server: HttpServer, { name }: Place): string {
  const address = server.address();
  return address.family === "tcp" ? nameOf(address.ip, address.port) : name;
}

/** Starts the runtime's server. */
function start({ host, port }: Place, options: ListenOptions, requests: RequestHost): Engine {
  const abort = new AbortController();
  const common = {
    signal: abort.signal,
    automaticCompression: options.compress ?? false,
    onListen() {},
    // Handlers' own errors never come this far.
    onError(error: unknown): Response {
      if (!(error instanceof BrokenOff)) report(error, "the body of a response");
      return new Response(null, { status: 500 });
    },
  };
  if (host.startsWith("/")) {
    return { server: Deno.serve({ ...common, path: host }, requests.serve), abort };
  }
  const { backlog, ssl } = options;
  const tcp = {
    ...common,
    port,
    ...(backlog === undefined ? {} : { tcpBacklog: backlog }),
    ...(ssl === undefined ? {} : { cert: ssl.cert, key: ssl.key }),
  };
  const hostname = host === "*" ? "::" : /^\[(.*)\]$/.exec(host)?.[1] ?? host;
  try {
    return { server: Deno.serve({ ...tcp, hostname }, requests.serve), abort };
  } catch (error) {
    // A machine may have been told to do without IPv6.
    const lacking = /EAFNOSUPPORT|EADDRNOTAVAIL/.test(String(Object(error).code));
    if (host !== "*" || !lacking) throw error;
    return { server: Deno.serve({ ...tcp, hostname: "0.0.0.0" }, requests.serve), abort };
  }
}

/** Takes away the socket file of a server that has died; why not, where it has not. */
async function makeRoom(path: string): Promise<IoError | null> {
  const [server, err] = await listenOnPath(path);
  if (err !== null) return err;
  await server.close();
  return null;
}

function whyNot(error: unknown, { name }: Place): IoError {
  const err = fromOs(error, `Cannot listen on ${name}`);
  const { cause } = err;
  // The runtime has no name for a certificate that it cannot use.
  if (err.code === "io" && /certificate|key/i.test(err.message)) {
    return new IoError("tls", err.message, { cause });
  }
  return err;
}
