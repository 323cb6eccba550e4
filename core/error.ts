/**
 * Every word `IoError.code` can be. Programs branch on it, so the set is closed.
 *
 * Waiting: `timeout`, `cancelled` (signal or `interrupt`), `killed`, `busy`, `idle`
 * (nobody waits there), `closed` (we closed it), `gone` (a thread, context or child
 * ended), `exhausted` (waiters, queue or descriptors full), `dirty`.
 * Data: `eof` (the peer ended in the middle of what was asked), `too_long`,
 * `bad_text`, `protocol`, `reply`.
 * Network: `refused`, `reset`, `unreachable`, `in_use`, `tls`, `dns`.
 * Files: `not_found`, `exists`, `is_dir`, `not_dir`, `not_empty`, `no_space`.
 * Refused: `no_permission` (Deno said no), `denied` (the system said no).
 * The rest: `failed` (code of yours threw), `unsupported`, and `io`.
 */
export type ErrorCode =
  | "timeout"
  | "cancelled"
  | "killed"
  | "busy"
  | "idle"
  | "closed"
  | "gone"
  | "exhausted"
  | "dirty"
  | "eof"
  | "too_long"
  | "bad_text"
  | "protocol"
  | "reply"
  | "refused"
  | "reset"
  | "unreachable"
  | "in_use"
  | "tls"
  | "dns"
  | "not_found"
  | "exists"
  | "is_dir"
  | "not_dir"
  | "not_empty"
  | "no_space"
  | "no_permission"
  | "denied"
  | "failed"
  | "unsupported"
  | "io";

/** How a thread, context or child that is `gone` came to its end. */
export type GoneReason = "returned" | "threw" | "exited" | "killed" | "destroyed";

/** What an {@linkcode IoError} may carry beside its code and message. */
export interface IoErrorOptions {
  /** The platform's own error, or what code of yours threw. */
  cause?: unknown;
  /** A lower bound of the bytes that had left when a send failed. */
  sent?: number;
  /** The system's name of the error, such as `EIO`, where the code is `io`. */
  errno?: string;
  /** How the other side ended, where the code is `gone`. */
  reason?: GoneReason;
}

/**
 * What every function of this collection returns, never throws, when the world
 * (peer, kernel, clock, another thread, a missing permission) decides against it.
 *
 * Branch on `code`; `message` is for people and may change.
 *
 * @example Usage
 * ```ts
 * import { IoError } from "@alilua/coevent";
 *
 * const err = new IoError("timeout", "Cannot receive: no data within 500 ms");
 * console.log(String(err)); // IoError timeout: Cannot receive: no data within 500 ms
 * ```
 */
export class IoError extends Error {
  /** Always `IoError`. */
  override readonly name = "IoError";
  /** The word to branch on. */
  readonly code: ErrorCode;
  /** After a failed send: at least so many bytes have left. */
  declare readonly sent?: number;
  /** The system's name of the error, where the code is `io`. */
  declare readonly errno?: string;
  /** How the other side ended, where the code is `gone`. */
  declare readonly reason?: GoneReason;

  /** Makes an error with its code, a message for people, and what else is known. */
  constructor(code: ErrorCode, message: string, options: IoErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    if (options.sent !== undefined) this.sent = options.sent;
    if (options.errno !== undefined) this.errno = options.errno;
    if (options.reason !== undefined) this.reason = options.reason;
  }

  /** Gives `IoError <code>: <message>`. */
  override toString(): string {
    return `IoError ${this.code}: ${this.message}`;
  }
}
