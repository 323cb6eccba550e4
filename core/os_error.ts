import { type ErrorCode, IoError } from "./error.ts";

const BY_ERRNO: Readonly<Record<string, ErrorCode>> = {
  EACCES: "denied",
  EADDRINUSE: "in_use",
  EADDRNOTAVAIL: "unreachable",
  EAI_AGAIN: "dns",
  EAI_NODATA: "dns",
  EAI_NONAME: "dns",
  EAGAIN: "busy",
  EBADF: "closed",
  EBUSY: "busy",
  ECONNABORTED: "reset",
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  EDQUOT: "no_space",
  EEXIST: "exists",
  EFBIG: "too_long",
  EHOSTDOWN: "unreachable",
  EHOSTUNREACH: "unreachable",
  EISDIR: "is_dir",
  EMFILE: "exhausted",
  EMSGSIZE: "too_long",
  ENAMETOOLONG: "too_long",
  ENETDOWN: "unreachable",
  ENETUNREACH: "unreachable",
  ENFILE: "exhausted",
  ENOBUFS: "exhausted",
  ENOENT: "not_found",
  ENOSPC: "no_space",
  ENOTDIR: "not_dir",
  ENOTEMPTY: "not_empty",
  ENOTFOUND: "dns",
  EOPNOTSUPP: "unsupported",
  ENOSYS: "unsupported",
  EPERM: "denied",
  EPIPE: "reset",
  EROFS: "denied",
  ESRCH: "not_found",
  ETIMEDOUT: "timeout",
};

const BY_CLASS: Readonly<Record<string, ErrorCode>> = {
  AddrInUse: "in_use",
  AddrNotAvailable: "unreachable",
  AlreadyExists: "exists",
  BadResource: "closed",
  BrokenPipe: "reset",
  Busy: "busy",
  ConnectionAborted: "reset",
  ConnectionRefused: "refused",
  ConnectionReset: "reset",
  Interrupted: "closed",
  IsADirectory: "is_dir",
  NetworkUnreachable: "unreachable",
  NotADirectory: "not_dir",
  NotConnected: "closed",
  NotFound: "not_found",
  NotSupported: "unsupported",
  PermissionDenied: "denied",
  TimedOut: "timeout",
  UnexpectedEof: "eof",
  WouldBlock: "busy",
};

/**
 * Turns what the runtime threw into an {@linkcode IoError}.
 *
 * `action` says what failed, in the form "Cannot open 'a.txt'"; the platform's
 * words follow after a colon, and its error is kept as `cause`. A missing Deno
 * permission becomes `no_permission` and names the flag that would grant it.
 */
export function fromOs(error: unknown, action: string): IoError {
  if (error instanceof IoError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  if (cause.name === "NotCapable") {
    return new IoError("no_permission", `${action}: it needs ${missingFlag(cause.message)}`, {
      cause,
    });
  }
  const errno = errnoOf(cause);
  const message = `${action}: ${plainWords(cause)}`;
  if (/failed to lookup address|getaddrinfo/.test(cause.message)) {
    return new IoError("dns", message, { cause });
  }
  const code = (errno === undefined ? undefined : byErrno(errno)) ?? BY_CLASS[cause.name];
  if (code !== undefined) return new IoError(code, message, { cause });
  return new IoError("io", message, errno === undefined ? { cause } : { cause, errno });
}

/** The code of a system's or library's own name of an error. */
function byErrno(errno: string): ErrorCode | undefined {
  // Alerts of the other side and broken records, in many names.
  return /^ERR_(SSL|TLS)_/.test(errno) ? "tls" : BY_ERRNO[errno];
}

/** The system's own name of an error (`EACCES`), where the runtime tells it. */
function errnoOf(error: Error): string | undefined {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" ? code : undefined;
}

/** `Requires net access to "a:80", run again ...` becomes `--allow-net=a:80`. */
function missingFlag(message: string): string {
  const parts = /^Requires (\w+) access(?: to (?:"([^"]*)"|(\S+?)))?(?:,|$)/.exec(message);
  if (parts === null) {
    // Some calls need several, and say so in words of their own.
    const flags = new Set(message.match(/--allow-[a-z-]*[a-z]/g));
    return flags.size > 0 ? [...flags].join(" and ") : "a permission";
  }
  const [, kind, quoted, bare] = parts;
  if (kind === "all") return "--allow-all";
  const target = quoted ?? bare;
  return target === undefined || target.startsWith("<")
    ? `--allow-${kind}`
    : `--allow-${kind}=${target}`;
}

/** The platform's words in one line, without its errno suffix: codes are in `code`. */
function plainWords(error: Error): string {
  const words = error.message.replace(/\s*\(os error \d+\)/g, "").replace(/\s+/g, " ").trim();
  return words === "" ? error.name : words.charAt(0).toLowerCase() + words.slice(1);
}
