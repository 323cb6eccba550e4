import type { Bytes, IoError, WaitOptions } from "../core/mod.ts";

/** What is received: a text message is a string, a binary one bytes. */
export type Message = string | Bytes;

/** Hears once that a connection is over: `null` for a clean end, else the error. */
export type DisconnectHandler = (reason: IoError | null) => unknown;

/** What both ends of a WebSocket are made with. */
export interface SocketOptions {
  /** Milliseconds that `close` waits for the other side's answer; 2,000 by default. */
  close_timeout?: number;
  /** So many messages may wait to be received, 1,024 by default. */
  max_queue?: number;
  /** So many bytes may wait, 16 MiB by default; a text counts its length as a string. */
  max_bytes?: number;
  /** While more bytes than this wait to leave, `send` waits too; 1 MiB by default. */
  high_mark?: number;
}

/** What {@linkcode upgrade} takes. */
export interface UpgradeOptions extends SocketOptions {
  /**
   * The pages that may connect, as origins (`https://example.com`, `null` for what has
   * none), or `"*"` for any. By default only pages of the host that is asked.
   */
  origins?: readonly string[] | "*";
  /** The subprotocols we speak, the favourite first. */
  protocols?: readonly string[];
  /**
   * After half of so many milliseconds of silence the runtime asks the other side (ping),
   * and after the other half gives it up; 30,000 by default, 0 for never. A client that is
   * gone without a goodbye leaves nothing but the runtime's own timer for that question,
   * which keeps a program that has nothing else to do for up to the first half.
   */
  idle_timeout?: number;
}

/** Whom a client under TLS trusts, and who it is. */
export interface ClientSsl {
  /** Authorities to trust beside the system's, as PEM text. */
  ca?: string | string[];
  /** Our certificate, as PEM text, where the server asks for one. */
  cert?: string;
  /** The key of our certificate, as PEM text. */
  key?: string;
}

/** What {@linkcode connect} takes. */
export interface ConnectOptions extends SocketOptions, WaitOptions {
  /** The subprotocols we speak, the favourite first. */
  protocols?: readonly string[];
  /** More headers of the handshake, such as `Authorization`. */
  headers?: Record<string, string>;
  /** For `wss:`: whom to trust and who we are. */
  ssl?: ClientSsl;
}
