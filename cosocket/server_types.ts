import type { Encoding, IoError } from "../core/mod.ts";
import type { Server } from "./server.ts";
import type { TcpSocket } from "./tcp.ts";
import type { SslServerOptions, TcpOptions } from "./types.ts";

/** What `listen` takes beside the address. */
export interface ListenOptions<E extends Encoding, S extends TcpSocket<E> = TcpSocket<E>> {
  /** How bytes become text and back, for each socket; `"lines"` by default. */
  encoding?: E;
  /** Milliseconds that a call of each socket waits; 30,000 by default, 0 for no limit. */
  timeout?: number;
  /** The longest line of each socket, in bytes, where a call does not say; 65,536 by default. */
  max_line?: number;
  /** The most that one receive of each socket holds; 64 MiB by default. */
  max?: number;
  /** What the sockets are: a class of yours that extends `TcpSocket`. From the libev RPC. */
  class?: new (options: TcpOptions<E>) => S;
  /** Only this family of addresses, for names, and 4 for `"*"`: 4 or 6. */
  family?: 4 | 6;
  /** So many connections the kernel queues before they are accepted; 511 by default. */
  backlog?: number;
  /**
   * At most so many connections at a time, no limit by default. While they are all open,
   * accepting pauses and the kernel queues the next ones.
   */
  maxconnections?: number;
  /** Small writes go out at once (TCP_NODELAY); on unless you turn it off. */
  nodelay?: boolean;
  /** TCP asks after two hours of silence whether the peer is there. */
  keepalive?: boolean;
  /** TCP asks after so many idle milliseconds whether the peer is there. */
  keepidle?: number;
  /** Several processes may listen on the port; the kernel spreads the connections. */
  reuseport?: boolean;
  /** The permission bits of a Unix socket: `0o660`. */
  mode?: number;
  /** TLS from the first byte on: what the server shows. */
  ssl?: SslServerOptions;
  /** Milliseconds that a TLS handshake may take; 10,000 by default, 0 for no limit. */
  handshake_timeout?: number;
  /**
   * Hears what kept a connection from becoming a socket: a handshake that failed
   * (`tls`, `timeout`, `reset`), or a pause because descriptors have run out (`exhausted`).
   */
  onerror?: (err: IoError) => void;
}

/**
 * Serves one connection. The socket is closed when it has ended, unless it returns the
 * socket, which then belongs to whom it gave it.
 */
export type Handler<E extends Encoding = "lines", S extends TcpSocket<E> = TcpSocket<E>> = (
  sock: S,
  server: Server<E, S>,
) => unknown;

/** What `autospawn` takes. */
export interface AutospawnOptions {
  /** Ends it with `cancelled` when aborted; handlers that run go on. */
  signal?: AbortSignal;
}

/** What `shutdown` of a server takes. */
export interface ShutdownOptions {
  /** Milliseconds that connections have to end by themselves; 5,000 by default, 0 for none. */
  grace?: number;
}
