import {
  checkTimeout,
  current,
  evenKilled,
  park,
  report,
  type Result,
  ThreadKilled,
} from "../core/mod.ts";
import { kill, newthread, self, type Thread } from "../thread/mod.ts";
import { FAILED, GOING_AWAY, NORMAL } from "./_codes.ts";
import { GRACE, sayGoodbye, type ShutdownOptions } from "./_goodbye.ts";
import { type MessageSocket, wireOf } from "./socket.ts";
import type { UpgradeOptions } from "./types.ts";
import { refusal, upgrade } from "./upgrade.ts";

/** Serves one WebSocket, in a thread of its own; it is closed when that has ended. */
export type SocketHandler = (socket: MessageSocket, request: Request) => unknown;

/**
 * A handler of requests that makes WebSockets of them. Made by {@linkcode serve}.
 *
 * @example Beside other pages
 * ```ts
 * import { connect, serve, unwrap } from "@alilua/coevent/websocket";
 *
 * await using echo = serve(async (socket) => {
 *   for await (const message of socket) await socket.send(message);
 * });
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
 *   return new URL(request.url).pathname === "/ws" ? echo.fetch(request) : new Response("a page");
 * });
 * const home = `127.0.0.1:${server.addr.port}`;
 * console.log(await (await fetch(`http://${home}/`)).text()); // a page
 * const socket = await unwrap(connect(`ws://${home}/ws`));
 * await socket.close();
 * await server.shutdown();
 * ```
 */
export class Endpoint implements AsyncDisposable {
  readonly #handler: SocketHandler;
  readonly #options: UpgradeOptions;
  readonly #threads: Map<Thread, MessageSocket> = new Map();
  /** Called whenever a handler has ended, while a shutdown waits. */
  readonly #onLeft: Set<() => void> = new Set();
  #closed = false;

  /** Use {@linkcode serve}. */
  constructor(handler: SocketHandler, options: UpgradeOptions) {
    if (typeof handler !== "function") {
      throw new TypeError(`serve wants a function: got ${typeof handler}`);
    }
    this.#handler = handler;
    this.#options = options;
  }

  /**
   * Answers one request: makes a WebSocket of it and starts its thread, or gives the
   * {@linkcode refusal}; 503 after a shutdown. For `Deno.serve`, `http.listen` or any app.
   */
  readonly fetch: (request: Request) => Response = (request) => {
    if (this.#closed) return new Response("Going away\n", { status: 503 });
    // A killed thread starts none: nobody would be there for what was upgraded.
    const { killed } = current();
    if (killed !== null) throw killed;
    const [upgraded, err] = upgrade(request, this.#options);
    if (err !== null) return refusal(err);
    const { socket, response } = upgraded;
    const thread: Thread = newthread(async () => {
      try {
        await this.#run(socket, request);
      } finally {
        this.#threads.delete(thread);
        for (const look of this.#onLeft) look();
      }
    });
    thread.name = `websocket ${new URL(request.url).pathname}`;
    this.#threads.set(thread, socket);
    return response;
  };

  async #run(socket: MessageSocket, request: Request): Promise<void> {
    const wire = wireOf(socket, "serve");
    let code = FAILED;
    try {
      // A turn first, so that the thread is on the list before its handler can end.
      await null;
      await this.#handler(socket, request);
      code = NORMAL;
    } catch (error) {
      if (error instanceof ThreadKilled) {
        code = GOING_AWAY;
        throw error;
      }
      // A handler may let the end of its connection pass, as `for await` throws it.
      if (error !== wire.err) report(error, `websocket ${wire.name}`);
    } finally {
      await wire.close(code, "", code === GOING_AWAY);
    }
  }

  /** How many of its WebSockets are open, or have a handler that still runs. */
  get connections(): number {
    return this.#threads.size;
  }

  /**
   * Takes no more, tells all that we go away (1001), gives them and their handlers `grace`
   * milliseconds to end (5,000 by default, 0 for none), then kills the handlers that are
   * left. Gives the number of those; `timeout` where killed handlers do not unwind. A handler's receive gets `closed` at once.
   *
   * A handler may call it: it is not waited for. A kill of the caller cuts the grace short.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<Result<number>> {
    const grace = checkTimeout(options.grace ?? GRACE, "shutdown: grace");
    this.#closed = true;
    const thread = self();
    const running = () => [...this.#threads.keys()].filter((handler) => handler !== thread);
    void sayGoodbye([...this.#threads.values()].map((socket) => wireOf(socket, "shutdown")));
    let left: Thread[] = [];
    try {
      if (grace > 0) await this.#until(() => running().length === 0, grace);
    } finally {
      left = running();
      for (const handler of left) kill(handler, "the endpoint was shut down");
    }
    const [, err] = await this.#until(() => running().length === 0, GRACE);
    return err === null ? [left.length, null] : [null, err];
  }

  /** Waits until `gone`, as long as handlers have to end. */
  async #until(gone: () => boolean, timeout: number): Promise<Result<true>> {
    let look = () => {};
    try {
      return await park<Result<true>>(() => "shut the endpoint down", { timeout }, (wake) => {
        look = () => gone() && wake([true, null]);
        this.#onLeft.add(look);
        look();
        return () => {};
      });
    } finally {
      this.#onLeft.delete(look);
    }
  }

  /** Shuts it down, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await evenKilled(this.shutdown());
  }
}

/**
 * Makes an endpoint: each request that asks for a WebSocket, and may, gets a thread of its
 * own that runs `handler`. The socket is closed when the handler has ended: with 1000, with
 * 1011 after it threw, with 1001 after a kill. What it throws is reported to
 * `thread.on_error`, but for the error that its connection ended with.
 *
 * The threads belong to the scope in which the request is answered, so that a server's
 * shutdown ends them too.
 *
 * @example An echo
 * ```ts
 * import { connect, serve, unwrap } from "@alilua/coevent/websocket";
 *
 * await using echo = serve(async (socket) => {
 *   for await (const message of socket) await socket.send(message);
 * });
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, echo.fetch);
 *
 * const socket = await unwrap(connect(`ws://127.0.0.1:${server.addr.port}`));
 * await socket.send(new Uint8Array([1, 2, 3]));
 * console.log(await socket.receive()); // [ Uint8Array(3) [ 1, 2, 3 ], null ]
 * await socket.close();
 * await server.shutdown();
 * ```
 */
export function serve(handler: SocketHandler, options: UpgradeOptions = {}): Endpoint {
  return new Endpoint(handler, options);
}
