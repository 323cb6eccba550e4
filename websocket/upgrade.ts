import { checkTimeout, IoError, type Result } from "../core/mod.ts";
import { checkProtocols, settingsOf } from "./_options.ts";
import { Wire } from "./_wire.ts";
import { MessageSocket } from "./socket.ts";
import type { UpgradeOptions } from "./types.ts";

const IDLE_TIMEOUT = 30_000;

/** What {@linkcode upgrade} makes of a request. */
export interface Upgraded {
  /** What the handler of the request must return, for the WebSocket to open. */
  response: Response;
  /** Our end. Sends and receives wait until it is open. */
  socket: MessageSocket;
}

/**
 * Makes a WebSocket of a request that asks for one, of `Deno.serve` or of anything that
 * hands its requests on unchanged.
 *
 * Errors: `protocol`, the request asks for no WebSocket, or not of version 13; `denied`,
 * it comes from a page that may not (`origins`). {@linkcode refusal} makes the response for
 * both. A request without an `Origin` comes from no browser, and passes. Of `protocols` the
 * first one that the client speaks too is chosen; if there is none, none, and a browser
 * then gives up by itself.
 *
 * @example An echo
 * ```ts
 * import { connect, refusal, upgrade, unwrap } from "@alilua/coevent/websocket";
 *
 * const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
 *   const [upgraded, err] = upgrade(request);
 *   if (err) return refusal(err);
 *   const { socket, response } = upgraded;
 *   (async () => {
 *     for await (const message of socket) await socket.send(message);
 *   })();
 *   return response;
 * });
 *
 * const socket = await unwrap(connect(`ws://127.0.0.1:${server.addr.port}`));
 * await socket.send("hello");
 * console.log(await socket.receive()); // [ "hello", null ]
 * await socket.close();
 * await server.shutdown();
 * ```
 */
export function upgrade(request: Request, options: UpgradeOptions = {}): Result<Upgraded> {
  const settings = settingsOf(options, "upgrade");
  const protocols = checkProtocols(options.protocols ?? [], "upgrade");
  const idle = checkTimeout(options.idle_timeout ?? IDLE_TIMEOUT, "upgrade: idle_timeout");
  checkOrigins(options.origins);
  const { headers, method } = request;
  // Nothing may fail behind the runtime's own upgrade: for a response other than the one
  // that it gives, it ends the whole server.
  const url = request.url.replace(/^http/, "ws");
  if (method !== "GET" || !URL.canParse(url)) {
    return refuse("protocol", method !== "GET" ? `it is a ${method}` : "its Host is none");
  }
  if (headers.get("sec-websocket-version") !== "13") {
    return refuse("protocol", "it asks for no WebSocket of version 13");
  }
  const origin = headers.get("origin");
  if (origin !== null && !mayConnect(origin, headers.get("host"), options.origins)) {
    return refuse("denied", `its page is of '${origin}'`);
  }
  const offered = (headers.get("sec-websocket-protocol") ?? "").split(",").map((one) => one.trim());
  const protocol = protocols.find((one) => offered.includes(one));
  try {
    const { response, socket } = Deno.upgradeWebSocket(request, { idleTimeout: idle / 1_000 });
    // Told by ourselves: the runtime finds no name in a list without a space after each comma.
    if (protocol !== undefined) response.headers.set("sec-websocket-protocol", protocol);
    const wire = new Wire(socket, "server", url, settings, protocol);
    return [{ response, socket: new MessageSocket(wire) }, null];
  } catch (cause) {
    return refuse("protocol", cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function refuse(
  code: "protocol" | "denied",
  why: string,
  cause?: unknown,
): [value: null, err: IoError] {
  const options = cause === undefined ? {} : { cause };
  return [null, new IoError(code, `Cannot make a WebSocket of the request: ${why}`, options)];
}

function checkOrigins(origins: UpgradeOptions["origins"]): void {
  if (origins === undefined || origins === "*") return;
  if (!Array.isArray(origins) || origins.some((origin) => typeof origin !== "string")) {
    throw new TypeError(`upgrade: origins must be a list of strings or "*": got ${origins}`);
  }
}

/** Whether a page of `origin` may connect. */
function mayConnect(
  origin: string,
  host: string | null,
  origins: UpgradeOptions["origins"],
): boolean {
  if (origins === "*") return true;
  if (origins !== undefined) return origins.some((one) => originOf(one) === originOf(origin));
  return host !== null && sameHost(origin, host);
}

/** An origin in its one spelling: lower case, without a port that goes without saying. */
function originOf(text: string): string {
  return URL.parse(text)?.origin ?? text;
}

function sameHost(origin: string, host: string): boolean {
  const page = URL.parse(origin);
  if (page === null || page.host === "") return false;
  return URL.parse(`${page.protocol}//${host}`)?.host === page.host;
}

/**
 * The response for what {@linkcode upgrade} refused: 403 for a page that may not connect,
 * 426 for a request that asks for no WebSocket.
 *
 * @example Usage
 * ```ts
 * import { refusal, upgrade } from "@alilua/coevent/websocket";
 *
 * function answer(request: Request): Response {
 *   const [upgraded, err] = upgrade(request);
 *   if (err !== null) return refusal(err);
 *   void upgraded.socket.close();
 *   return upgraded.response;
 * }
 * console.log(answer(new Request("http://127.0.0.1/")).status); // 426
 * ```
 */
export function refusal(err: IoError): Response {
  if (err.code === "denied") return new Response("Not from this page\n", { status: 403 });
  return new Response("This address speaks WebSocket\n", {
    status: 426,
    headers: { upgrade: "websocket", connection: "upgrade", "sec-websocket-version": "13" },
  });
}
