import type { HttpRequest } from "./request.ts";
import type { HttpResponse } from "./response.ts";

/** Answers a request by filling `res`, or returns a standard `Response`; may wait. */
export type RequestHandler = (req: HttpRequest, res: HttpResponse) => unknown;

/**
 * A program that answers requests as a function `fetch` of an object: Hono and its like,
 * or what `deno serve` takes. `info` is the runtime's, with the client's address.
 */
export interface FetchApp {
  /** Answers one request. */
  fetch(request: Request, info: Deno.ServeHandlerInfo<Deno.Addr>): Response | Promise<Response>;
}

/**
 * What answers requests: a function of `req` and `res`, or an object with `fetch`. Which of
 * them it is, is seen by that and by nothing else; for the libev form there is `http.libev`.
 */
export type Handler = RequestHandler | FetchApp;

/** What a request may take; the same for each. */
export interface RequestLimits {
  /**
   * The most bytes of a body: 1 MiB by default, `Infinity` for no limit. One that is
   * announced as longer is answered with 413 before the handler runs; one that turns out
   * longer is `too_long`, and 413 unless the handler answers otherwise.
   */
  max_body?: number;
  /**
   * Milliseconds that the client may keep silent while its body is read: 30,000 by
   * default, 0 for no limit. Over it a read is `timeout`, and the answer 408 unless the
   * handler says otherwise. A body of up to 64 KiB must come within it as a whole.
   */
  body_timeout?: number;
  /**
   * Milliseconds until the response must have begun: 60,000 by default, 0 for no limit.
   * Over it the handler is killed and the answer is 503, or 408 while it waits for the
   * body. `req.settimeout` changes it for one request.
   */
  timeout?: number;
  /** The most requests at a time: 10,000 by default; those over it get 503 at once. */
  max_requests?: number;
}

/** Where and how to listen. */
export interface ListenOptions extends RequestLimits {
  /**
   * Speaks TLS, and HTTP/2 to clients that ask for it: the certificate and those between
   * it and its authority, and its key, as PEM text.
   */
  ssl?: { cert: string; key: string };
  /** How many connections the kernel queues; 511 by default. Not for Unix sockets. */
  backlog?: number;
  /** The rights of the Unix socket's file: `0o660`; `0o7777` at most. */
  mode?: number;
  /** Compresses bodies for clients that take it; off by default. */
  compress?: boolean;
}

/** How a server is to end. */
export interface ShutdownOptions {
  /** Milliseconds that requests under way have to end; 5,000 by default, 0 for none. */
  grace?: number;
  /**
   * Milliseconds in which it goes on as before, but tells each client with its answer that
   * the connection ends; 0 by default. For clients that are far away, or behind a balancer
   * that needs time to notice.
   */
  linger?: number;
}

/** What a read of a body takes. */
export interface BodyOptions {
  /** Milliseconds, in place of the server's `body_timeout`. */
  timeout?: number;
  /** Gives up with `cancelled` when aborted. */
  signal?: AbortSignal;
}

/** What a server-sent event carries beside its data. */
export interface EventOptions {
  /** Its name; `message` to the browser without one. */
  event?: string;
  /** Its id, which the browser sends as `Last-Event-ID` when it comes back. */
  id?: string;
  /** Milliseconds after which the browser is to come back. */
  retry?: number;
  /** Milliseconds to wait for the client; 30,000 by default, 0 for no limit. */
  timeout?: number;
  /** Gives up with `cancelled` when aborted. */
  signal?: AbortSignal;
}

/** What `write`, `flush` and `sendfile` take as their last argument. */
export interface WriteOptions {
  /** Milliseconds that the client may take nothing; 30,000 by default, 0 for no limit. */
  timeout?: number;
  /** Gives up with `cancelled` when aborted. */
  signal?: AbortSignal;
}
