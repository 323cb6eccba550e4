import type { ErrorCode, IoError } from "../core/mod.ts";
import { unsent } from "./_client_error.ts";

/** How often a request is tried, and how long in between. */
export interface ClientRetryOptions {
  /** How often at most; 5 by default. */
  attempts?: number;
  /** Milliseconds before the second try; 100 by default. */
  delay?: number;
  /** The delay grows by this factor with each try; 2 by default. */
  factor?: number;
  /** Milliseconds that the delay does not grow beyond; 30,000 by default. */
  max_delay?: number;
  /** How much of each delay is left to chance, from 0 to 1; 0.5 by default. */
  jitter?: number;
}

/** The methods that may be carried out twice: RFC 9110, 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  ...["GET", "HEAD", "OPTIONS", "PUT", "DELETE"],
]);

/** What another try may mend. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...["timeout", "dns", "refused", "unreachable", "reset", "eof"] as const,
]);

/** Whether a request may reach the server twice without harm. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** Whether to try again after this error: never what the server may have carried out. */
export function mayRetry(err: IoError, method: string): boolean {
  return PASSING.has(err.code) && (isIdempotent(method) || unsent(err));
}
