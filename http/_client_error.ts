import { type ErrorCode, fromOs, IoError } from "../core/mod.ts";

/**
 * Failures before a connection stood: nothing of the request has left. `fetch` says only in
 * words how far it came; what it does not call a connect error may have reached the server.
 */
const unsentErrors = new WeakSet<IoError>();

/** Whether a request that failed so has certainly not left. */
export function unsent(err: IoError): boolean {
  return unsentErrors.has(err);
}

/** Marks an error as one before which nothing has left, and gives it back. */
export function markUnsent(err: IoError): IoError {
  unsentErrors.add(err);
  return err;
}

/** What the runtime's words mean, the first that fits; the engine below it has no codes. */
const WORDS: readonly [words: RegExp, code: ErrorCode][] = [
  [/dns error|failed to lookup address/, "dns"],
  [/connection refused|proxy server unreachable/i, "refused"],
  [/unreachable|no route to host/i, "unreachable"],
  [/timed out|deadline has elapsed/i, "timeout"],
  [/no such file/i, "not_found"],
  [/certificate|handshake|fatal alert|corrupt message|tls|PeerIncompatible/i, "tls"],
  [/connection closed before message completed|early end|unexpected eof/i, "eof"],
  [/error reading a body from connection|end of file|unexpected EOF|body ended/i, "eof"],
  [/reset by peer|connection reset|broken pipe|aborted|stream error|go ?away/i, "reset"],
  [/message head is too large/, "too_long"],
  [
    /invalid .* parsed|unexpected message|invalid gzip|deflate|brotli|protocol error|corrupt|unsuccessful/i,
    "protocol",
  ],
  [/invalid proxy|proxy auth/i, "protocol"],
  [/ports? \d+ are blocked|not supported/i, "unsupported"],
  [/too many open files/i, "exhausted"],
];

/**
 * Turns what `fetch` or a body of its threw into an {@linkcode IoError}. `action` is in the
 * form "Cannot GET http://a/".
 */
export function fromFetch(error: unknown, action: string): IoError {
  if (error instanceof IoError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  if (cause.name === "NotCapable") return markUnsent(fromOs(cause, action));
  const inner = cause.cause;
  const words = inner instanceof Error ? inner.message : cause.message;
  const code = WORDS.find(([pattern]) => pattern.test(words))?.[1] ?? "io";
  const said = plain(words);
  // Not the platform's own error: that names the whole URL, with what is secret in it.
  const told = new Error(said);
  told.name = cause.name;
  const err = new IoError(code, `${action}: ${said}`, { cause: told });
  return /client error \(Connect\)|are blocked/.test(words) ? markUnsent(err) : err;
}

/** The words that say what went wrong, without the addresses that `action` names already. */
function plain(words: string): string {
  const said = words.replace(/^error sending request.*?: client error \((\w+)\): /, "")
    .replace(/^Fetch failed: /, "").replace(/\s*\(os error \d+\)/g, "")
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/\S*/gi, "the URL");
  return said.charAt(0).toLowerCase() + said.slice(1);
}
