import {
  afterTurn,
  checkTimeout,
  type ErrorCode,
  fromOs,
  IoError,
  park,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { setImmediate } from "node:timers";
import { checkProtocols, type Settings, settingsOf, TIMEOUT } from "./_options.ts";
import { Wire } from "./_wire.ts";
import { MessageSocket } from "./socket.ts";
import type { ClientSsl, ConnectOptions } from "./types.ts";

/**
 * Opens a WebSocket to `ws:` or `wss:` (or `http:`, `https:`), and gives our end of it.
 *
 * One `timeout` (milliseconds, 30,000 by default) bounds lookup, connect, TLS and handshake;
 * that of later calls is `settimeout`'s. Given up, by whatever, the attempt is taken back. Errors:
 * `refused` (whoever the system could not connect to: the runtime does not say why), `dns`,
 * `tls`, `timeout`, `cancelled`, `reset` (the server ended the connection), `reply` (it
 * answered with another status than 101, which the message names), `protocol` (with what
 * is no HTTP, or with a subprotocol that was not asked for), `no_permission`. Needs
 * `--allow-net=<host>:<port>`. An address or a subprotocol that cannot be throws.
 *
 * @example Usage
 * ```ts
 * import { connect } from "@alilua/coevent/websocket";
 *
 * const [socket, err] = await connect("ws://127.0.0.1:1", { timeout: 1_000 });
 * console.log(socket, err?.code); // null refused
 * ```
 */
export function connect(
  url: string | URL,
  options: ConnectOptions = {},
): Promise<Result<MessageSocket>> {
  const address = addressOf(url);
  const settings = settingsOf(options, "connect");
  const protocols = checkProtocols(options.protocols ?? [], "connect");
  checkTimeout(options.timeout ?? TIMEOUT, "connect: timeout");
  checkHeaders(options.headers ?? {});
  return open(address, protocols, settings, options);
}

/** The address as one of `ws:` or `wss:`; throws for what can be none. */
function addressOf(url: string | URL): URL {
  const address = URL.parse(String(url));
  // Neither the text nor a fragment is shown: a password or a token may stand there.
  if (address === null) throw new TypeError("connect: url must be an address");
  address.protocol = address.protocol.replace(/^http/, "ws");
  if (!/^wss?:$/.test(address.protocol)) {
    throw new TypeError(`connect: url must begin with ws: or wss:, got '${address.protocol}'`);
  }
  if (address.hash !== "" || address.href.endsWith("#")) {
    throw new TypeError("connect: url must have no fragment");
  }
  return address;
}

/** Throws for a header that cannot be, without its value, which the platform would show. */
function checkHeaders(headers: Record<string, string>): void {
  const checked = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    let bad = false;
    try {
      checked.append(name, value);
    } catch {
      bad = true;
    }
    if (bad) throw new TypeError("connect: a header is not allowed, by its name or its value");
  }
}

async function open(
  address: URL,
  protocols: readonly string[],
  settings: Settings,
  { headers, ssl, signal, timeout = TIMEOUT }: ConnectOptions,
): Promise<Result<MessageSocket>> {
  const name = `${address.protocol}//${address.host}${address.pathname}`;
  const action = `Cannot connect to ${name}`;
  const wait: WaitOptions = { timeout };
  if (signal !== undefined) wait.signal = signal;
  let client: Deno.HttpClient | null = null;
  try {
    if (ssl !== undefined) client = clientOf(ssl);
    const init = {
      protocols: [...protocols],
      ...(headers && { headers }),
      ...(client && { client }),
    };
    const [wire, err] = await park<Result<Wire>>(() => `connect to ${name}`, wait, (wake) => {
      // What it throws must not leave the wait behind.
      let socket: WebSocket;
      try {
        socket = new WebSocket(address, init);
      } catch (cause) {
        wake([null, fromOs(cause, action)]);
        return () => {};
      }
      const wire = new Wire(socket, "client", address.href, settings);
      socket.addEventListener("open", () => wake([wire, null]));
      socket.addEventListener("error", (event) => wake([null, errorOf(event, action)]));
      // In a turn of its own, when what has become of the handshake has been told: of one that
      // is done but not yet told, a goodbye that fails would be an error that nobody can catch.
      return () => void setImmediate(() => socket.close());
    });
    // A missing permission is missing however often it is asked for: a loop must not spin.
    if (err !== null) {
      return err.code === "no_permission" ? await afterTurn([null, err]) : [null, err];
    }
    const { protocol } = wire;
    if (protocol !== "" && !protocols.includes(protocol)) {
      wire.close(1000, "");
      const words = `${action}: it speaks '${protocol}', which was not asked for`;
      return [null, new IoError("protocol", words)];
    }
    return [new MessageSocket(wire), null];
  } finally {
    client?.close();
  }
}

function clientOf({ ca, cert, key }: ClientSsl): Deno.HttpClient {
  const caCerts = ca === undefined ? {} : { caCerts: [ca].flat() };
  if (cert === undefined && key === undefined) return Deno.createHttpClient(caCerts);
  if (cert === undefined || key === undefined) {
    throw new TypeError("connect: ssl needs cert and key together");
  }
  return Deno.createHttpClient({ ...caCerts, cert, key });
}

/** What the words of a failed handshake mean; the runtime gives no code. */
const MEANINGS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/Invalid status code/, "reply"],
  [/dns error/, "dns"],
  [/certificate|TLS|tls|received corrupt message|HandshakeFailure/, "tls"],
  [/tcp connect error/, "refused"],
  [/closed before message completed|reset|EOF|broken pipe/i, "reset"],
];

function errorOf(event: Event, action: string): IoError {
  const cause = (event as ErrorEvent).error ?? event;
  const words = String((event as ErrorEvent).message).replace(/^.*to WebSocket: /, "");
  const code = MEANINGS.find(([pattern]) => pattern.test(words))?.[1] ?? "protocol";
  return new IoError(code, `${action}: ${words}`, { cause });
}
