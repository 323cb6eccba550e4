import type { Bytes, Encoding, Result, WaitOptions } from "../core/mod.ts";

/** Who we are and whom we trust under TLS. */
export interface SslOptions {
  /** The name asked for (SNI) and verified; the host by default. */
  servername?: string;
  /** Authorities to trust instead of the system's, as PEM text. */
  ca?: string | string[];
  /** Protocols offered (ALPN), the favourite first. */
  alpn?: string[];
  /** Our certificate, as PEM text, where the peer asks for one. */
  cert?: string;
  /** The key of our certificate, as PEM text. */
  key?: string;
  /** What the key is encrypted with. */
  passphrase?: string;
  /** Whether the peer's certificate must be valid; on unless you turn it off. */
  verify?: boolean;
}

/** The certificate that a server shows. */
export interface SslIdentity {
  /** The server's certificate and those between it and its authority, as PEM text. */
  cert: string;
  /** The key of the certificate, as PEM text. */
  key: string;
  /** What the key is encrypted with. */
  passphrase?: string;
  /** Authorities for the client's certificate, as PEM text. */
  ca?: string | string[];
}

/** What a server shows and asks for under TLS. */
export interface SslServerOptions extends SslIdentity {
  /**
   * Chooses by the name that the client asks for (SNI), in lower case; `null` is the
   * identity beside it, and what it throws ends the handshake (`tls`). Not asked for a
   * client that names nobody. Without a `ca` of its own, the one beside it holds.
   */
  sni?: (servername: string) => SslIdentity | null | Promise<SslIdentity | null>;
  /** Protocols accepted (ALPN), the favourite first. */
  alpn?: string[];
  /** Ask for the client's certificate, and refuse one that `ca` does not vouch for. */
  request_cert?: boolean;
}

/** The certificate that the peer has shown. */
export interface PeerCert {
  /** Whom it is for: `{ CN: "a client" }`. */
  subject: Record<string, string | string[]>;
  /** Who has signed it. */
  issuer: Record<string, string | string[]>;
  /** Other names it is for: `DNS:localhost, IP Address:127.0.0.1`; empty without any. */
  subjectaltname: string;
  /** Its number, in hex. */
  serial: string;
  /** Its SHA-256 digest, in hex with colons. */
  fingerprint256: string;
  /** It is good from then on. */
  valid_from: Date;
  /** It is good until then. */
  valid_to: Date;
  /** The certificate itself (DER). */
  raw: Bytes;
}

/** What `sslhandshake` takes for the client's role. */
export interface HandshakeOptions extends SslOptions, WaitOptions {
  /** Only for the server's role. */
  server?: never;
}

/** What `sslhandshake` takes for the server's role. */
export interface ServerHandshakeOptions extends WaitOptions {
  /** What the server shows. */
  server: SslServerOptions;
  /** Sent in plain text first, when nothing unread is left: `"220 go\r\n"`. */
  reply?: string | Uint8Array;
}

/** What `tcp` takes. */
export interface TcpOptions<E extends Encoding> {
  /** TLS: `true`, or who we are and whom we trust. */
  ssl?: boolean | SslOptions;
  /** How bytes become text and back; `"lines"` by default. */
  encoding?: E;
  /** Milliseconds that a call waits; 30,000 by default, 0 for no limit. */
  timeout?: number;
  /** The longest line, in bytes, where a call does not say; 65,536 by default. */
  max_line?: number;
  /** The most bytes that one receive holds, where a call does not say; 64 MiB by default. */
  max?: number;
}

/** What `connect` takes beside the address. */
export interface ConnectOptions extends WaitOptions {
  /** At most so many sockets of the pool's key are open at a time; the next ones wait. */
  pool_size?: number;
  /**
   * The name of the pool; by default the address, with where it is connected from and
   * whether it has `keepidle`, if so. What TLS shows is always part of it.
   */
  pool?: string;
  /** At most so many may wait for the pool; the next ones get `exhausted`. */
  backlog?: number;
  /** TCP keepalive probes after so many idle milliseconds. */
  keepidle?: number;
  /** The address to connect from. */
  local_address?: string;
  /** The port to connect from. */
  local_port?: number;
  /**
   * Looks the host's name up, instead of the runtime; its addresses are tried in order.
   * They need the permission then, `--allow-net=<address>:<port>`, the name does not.
   */
  resolver?: Resolver;
}

/** What looks names up for `connect`. */
export interface Resolver {
  /** The addresses of a host, the best first. */
  lookup(host: string, options?: WaitOptions): Promise<Result<string[]>>;
}

/** What the one-step `connect` takes: the socket's options and the connection's. */
export interface OpenOptions<E extends Encoding> extends ConnectOptions {
  /** TLS: `true`, or who we are and whom we trust. */
  ssl?: boolean | SslOptions;
  /** How bytes become text and back; `"lines"` by default. */
  encoding?: E;
}

/** Where to connect to, with the options along. */
export interface ConnectTarget extends ConnectOptions {
  /** A host name or address. */
  host?: string;
  /** A port from 1 to 65535. */
  port?: number;
  /** A Unix socket, instead of host and port. */
  path?: string;
}

/** One end of a connection. */
export type Address =
  | { /** `tcp`. */ family: "tcp"; /** An IP address. */ ip: string; /** A port. */ port: number }
  | { /** `unix`. */ family: "unix"; /** A path; empty where it has none. */ path: string };

/** What `setkeepalive` takes beside size and key. */
export interface KeepaliveOptions {
  /** The last word of the protocol is a send, so that no answer is to be expected. */
  unanswered?: boolean;
  /** Milliseconds after which the idle socket is closed; 60,000 by default, 0 for never. */
  idle?: number;
}

/** One pool, as `pool_stats` gives it. */
export interface PoolStats {
  /** The pool's name. */
  key: string;
  /** The most sockets open at a time; `Infinity` where no `pool_size` was given. */
  pool_size: number;
  /** Sockets at rest. */
  idle: number;
  /** Sockets open: at rest, in use, or being connected. */
  open: number;
  /** Connects that wait. */
  waiting: number;
}
