import {
  current,
  Deadline,
  IoError,
  Link,
  now,
  type Outcome,
  report,
  type Ring,
  runIn,
  type Scope,
  Task,
  ThreadKilled,
} from "../core/mod.ts";
import { setImmediate } from "node:timers";
import { bounded } from "./_body.ts";
import { kindOf } from "./_check.ts";
import { holdWarningBack } from "./_quiet.ts";
import type { HttpServer } from "./listen.ts";
import { HttpRequest } from "./request.ts";
import { HttpResponse } from "./response.ts";
import { status_text } from "./status.ts";
import type { FetchApp, RequestHandler } from "./types.ts";

/** What an exchange knows of where it happens. */
export interface Host {
  readonly scope: Scope;
  /** The thread of the server. */
  readonly parent: number;
  /** The exchanges that wait. */
  readonly running: Ring<Exchange>;
  readonly timeout: number;
  readonly bodyTimeout: number;
  readonly maxBody: number;
  /** It is about to end: each answer says so. */
  closing: boolean;
  /** `null` where the runtime has the server. */
  readonly server: HttpServer | null;
  /** It has ended. */
  readonly over: boolean;
  /** An exchange has ended. */
  ended(): void;
}

/** What the client is told when a handler is killed for one of our own reasons. */
const STATUS_OF = { late: 503, slow: 408, shutdown: 503, gone: 499 } as const;

/** Why we kill a handler. */
type Why = keyof typeof STATUS_OF;

/** The exchanges that wait, and have not been looked at since. */
let waiting: Exchange[] = [];

/**
 * Most handlers that wait have ended before the next turn. Only those that have not are
 * worth a timer and a look at the request's signal, which cost as much as an answer.
 */
function watchLater(exchange: Exchange): void {
  if (waiting.push(exchange) > 1) return;
  setImmediate(() => {
    const all = waiting;
    waiting = [];
    for (const one of all) one.watch();
  });
}

/**
 * The thread that a handler runs in. It is no more than that: what `AsyncLocalStorage` has
 * held is collected late, so all that is large hangs on the exchange, which is let go of.
 */
class RequestTask extends Task {
  /** `null` when it is over. */
  exchange: Exchange | null;
  #name: string | null = null;

  constructor(host: Host, exchange: Exchange) {
    super("", host.parent, host.scope);
    this.exchange = exchange;
  }

  /** For `thread.list()`: `GET /path`. Asked for seldom, so that nobody pays for it. */
  override get name(): string {
    return this.#name ?? this.exchange?.name ?? `request ${this.id}`;
  }

  override set name(name: string) {
    this.#name = name;
  }

  override kill(reason: unknown): boolean {
    if (!super.kill(reason)) return false;
    this.exchange?.killed();
    return true;
  }
}

/** What a handler's thread gives to whoever waits for it. */
const DONE: Outcome = [true, null];

/** One request and its answer. It stands in the ring of those that wait, where it does. */
export class Exchange extends Link {
  readonly host: Host;
  readonly request: Request;
  readonly info: Deno.ServeHandlerInfo<Deno.Addr>;
  readonly task: RequestTask;
  #req: HttpRequest | null = null;
  #res: HttpResponse | null = null;
  #resolve: ((response: Response) => void) | null = null;
  /** The answer; it has left the handler, if not the machine. */
  #answer: Response | null = null;
  #deadline: Deadline | null = null;
  #timeout: number;
  /** When it was seen to wait, a turn after it had come at most. */
  #since = NaN;
  #signal: AbortSignal | null = null;
  #clientGone: (() => void) | null = null;
  #why: Why | null = null;
  /** What is wrong with the request, as a status; 0 where nothing is. */
  faulty = 0;
  /** The handler waits for the rest of the body. */
  reading = false;
  /** The handler has returned, thrown, or unwound after a kill. */
  over = false;

  constructor(host: Host, request: Request, info: Deno.ServeHandlerInfo<Deno.Addr>) {
    super();
    this.host = host;
    this.request = request;
    this.info = info;
    this.task = new RequestTask(host, this);
    this.#timeout = host.timeout;
  }

  /** The request, for handlers that want it so. */
  get req(): HttpRequest {
    return this.#req ??= new HttpRequest(this);
  }

  /** The answer to be filled. */
  get res(): HttpResponse {
    return this.#res ??= new HttpResponse(this);
  }

  /** `GET /path`. Not the query: a secret may stand in it, and names end up in logs. */
  get name(): string {
    // The runtime keeps both, for it was asked for them when the request came.
    const { method, uri } = this.req;
    const end = uri.indexOf("?");
    return `${method} ${end < 0 ? uri : uri.slice(0, end)}`;
  }

  /** Runs the handler to its first wait, and gives the answer or the promise of it. */
  begin(run: Run): Response | Promise<Response> {
    let returned: unknown;
    try {
      returned = runIn(this.task, run, [this]);
    } catch (error) {
      this.#threw(error);
      return this.#answer!;
    }
    if (!isThenable(returned)) {
      this.#returned(returned);
      return this.#answer!;
    }
    // Only now, for most answers of most servers never come this far.
    this.task.scope.tasks.add(this.task);
    this.host.running.add(this);
    if (this.host.over) this.end("shutdown", "the server has ended");
    Promise.resolve(returned).then(
      (value) => this.#returned(value),
      (error) => this.#threw(error),
    );
    watchLater(this);
    return this.#answer ?? new Promise((resolve) => this.#resolve = resolve);
  }

  /** It waits longer than a turn: from now on it is told when its client or its time is gone. */
  watch(): void {
    if (this.over || this.task.killed !== null) return;
    this.#since = now();
    this.#setDeadline();
    // What is not written piece by piece is out of our hands.
    if (this.#answer !== null && this.#res?.begun !== true) return;
    holdWarningBack();
    this.#signal = this.request.signal;
    this.#clientGone = () =>
      // An upgrade aborts it too, and has let go of the request when its call returns.
      queueMicrotask(() => {
        if (!this.#upgraded()) this.end("gone", "the client has gone");
      });
    if (this.#signal.aborted) this.#clientGone();
    else this.#signal.addEventListener("abort", this.#clientGone);
  }

  /** Whether the runtime has given the connection away: it answers no question then. */
  #upgraded(): boolean {
    try {
      // Of these two, which have none, the body is asked for in 6 ns, the address in 200.
      const { method } = this.request;
      void (method === "GET" || method === "HEAD" ? this.request.body : this.info?.remoteAddr);
      return false;
    } catch {
      return true;
    }
  }

  /** Sets another time limit, counted from the beginning of the request. */
  settimeout(timeout: number): void {
    this.#timeout = timeout;
    if (!Number.isNaN(this.#since)) this.#setDeadline();
  }

  /** The head of the answer goes out; its body may still be written. */
  answer(response: Response, streams = false): void {
    if (this.#answer !== null) return;
    this.#answer = this.#upgraded() ? afterUpgrade(response) : response;
    // The runtime aborts it when the answer is through, whether good or bad.
    if (!streams) this.#forgetSignal();
    // Nobody takes what is written to `HEAD`, so that nobody's going ends it.
    if (!streams || this.request.method !== "HEAD") {
      this.#deadline?.remove();
      this.#deadline = null;
    }
    this.#resolve?.(this.#answer);
  }

  /** Whether the head of the answer has gone out. */
  get answered(): boolean {
    return this.#answer !== null;
  }

  /** Something is wrong with the request: it decides the answer if the handler does not. */
  fault(status: number): void {
    if (this.faulty === 0) this.faulty = status;
  }

  /** The client does not want the rest of the body any more. */
  left(): void {
    if (!this.over) this.end("gone", "the client has gone");
  }

  /** Kills the handler for a reason of ours. */
  end(why: Why, words: string): void {
    if (this.over || this.task.killed !== null) return;
    this.#why = why;
    this.task.kill(words);
  }

  /** Its thread has been killed, by us or by somebody else. */
  killed(): void {
    // The client need not wait until it has unwound, which may take long.
    const status = this.#why === null ? 500 : STATUS_OF[this.#why];
    this.#res?.break_off();
    this.answer(errorResponse(status, true));
  }

  #setDeadline(): void {
    const done = this.#answer !== null && this.request.method !== "HEAD";
    if (this.#timeout === 0 || this.#timeout === Infinity || done) {
      this.#deadline?.remove();
      return;
    }
    this.#deadline ??= new Deadline(() => {
      const why = this.reading ? "slow" : "late";
      this.end(why, `no answer within ${this.#timeout} ms`);
    }, false);
    this.#deadline.remove();
    this.#deadline.set(this.#since + this.#timeout);
  }

  #returned(value: unknown): void {
    // What goes out when it was killed has been decided then.
    if (this.task.killed !== null) return this.#finish();
    try {
      if (value instanceof Response) this.#took(value);
      else if (this.#answer !== null) this.#res?.end();
      else this.answer(this.res.finish());
    } catch (error) {
      return this.#threw(error);
    }
    this.task.settle(DONE);
    this.#finish();
  }

  /** The handler has given a standard response. */
  #took(response: Response): void {
    if (this.#answer !== null) {
      this.#res?.end();
      throw new TypeError("a handler cannot return a Response when it has begun to write one");
    }
    this.answer(this.host.closing ? withClose(response) : response);
  }

  #threw(error: unknown): void {
    if (this.task.killed !== null) {
      if (!(error instanceof ThreadKilled)) report(error, `cleanup of killed ${this.name}`);
      return this.#finish();
    }
    if (this.faulty !== 0 && error instanceof IoError && this.#answer === null) {
      // It is the client's fault, and an app with `fetch` has only been told of it.
      this.answer(errorResponse(this.faulty, true));
      this.task.settle([null, error]);
      return this.#finish();
    }
    this.task.threw = true;
    const words = error instanceof Error ? error.message : String(error);
    for (const wait of this.task.lasting()) wait.kill(new ThreadKilled(error));
    const err = new IoError("failed", `Handler of ${this.name} threw: ${words}`, { cause: error });
    report(error, `handler of ${this.name}`);
    this.#res?.break_off();
    this.answer(errorResponse(500, this.host.closing));
    this.task.settle([null, err]);
    this.#finish();
  }

  #finish(): void {
    this.over = true;
    this.#forgetSignal();
    this.#deadline?.remove();
    this.#deadline = null;
    if (this.task.waits === null) return this.#unwound();
    const open = this.task.lasting();
    if (open.length === 0) this.#unwound();
    else Promise.allSettled(open.map((wait) => wait.lasting)).then(() => this.#unwound());
  }

  #forgetSignal(): void {
    if (this.#signal === null || this.#clientGone === null) return;
    this.#signal.removeEventListener("abort", this.#clientGone);
    this.#signal = null;
  }

  #unwound(): void {
    this.task.unwind();
    this.task.exchange = null;
    if (this.after === this) return;
    this.host.running.delete(this);
    this.host.ended();
  }
}

/** The exchange that the running thread is, where it is one. */
export function currentExchange(): Exchange | null {
  const task = current();
  return task instanceof RequestTask ? task.exchange : null;
}

/**
 * What leaves where the request was upgraded and its handler has failed since, or says
 * something else: for a status other than 101 the runtime would end the whole server. No
 * client takes one without the key for a WebSocket.
 */
function afterUpgrade(response: Response): Response {
  return response.status === 101 ? response : new Response(null, { status: 101 });
}

/** An answer of the server's own. */
export function errorResponse(status: number, close: boolean): Response {
  const headers: [string, string][] = [["content-type", "text/plain;charset=UTF-8"]];
  if (close) headers.push(["connection", "close"]);
  if (status === 503) headers.push(["retry-after", "1"]);
  return new Response(`${status_text(status) ?? "Client Closed Request"}\n`, { status, headers });
}

/** Says in a response that the connection ends with it. */
export function withClose(response: Response): Response {
  if (response.status < 200) return response;
  try {
    response.headers.set("connection", "close");
    return response;
  } catch {
    // One that `fetch` has given cannot be changed.
    const { body, status, headers } = response;
    const copy = new Response(body, { status, headers });
    copy.headers.set("connection", "close");
    return copy;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}

/** A handler, whatever its form. */
export type Run = (exchange: Exchange) => unknown;

/** Throws unless `handler` is one; gives it in a form for all. */
export function handlerOf(handler: unknown, caller: string): Run {
  if (typeof handler === "function") {
    const fill = handler as RequestHandler;
    return (exchange) => fill(exchange.req, exchange.res);
  }
  if (typeof handler === "object" && handler !== null && "fetch" in handler) {
    const app = handler as FetchApp;
    if (typeof app.fetch === "function") {
      return (exchange) => app.fetch(bounded(exchange), exchange.info);
    }
  }
  throw new TypeError(
    `${caller} wants a handler, a function of (req, res) or an object with fetch(request): ` +
      `got ${kindOf(handler)}`,
  );
}
