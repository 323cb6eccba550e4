import { type Encoding, IoError, type Result } from "../core/mod.ts";
import { BufferedStream, type StreamOptions } from "../stream/mod.ts";
import { StandardInput, StandardOutput } from "./_standard.ts";

/** A standard stream that is bound, and how. */
interface Bound {
  stream: BufferedStream<Encoding>;
  encoding: Encoding;
}

const NAMES = ["stdin", "stdout", "stderr"] as const;

/** Kept for the program's life: a standard stream that is dropped must not be closed. */
const bound = new Map<number, Bound>();

/**
 * Gives standard input (0), output (1) or error (2) as a stream, with every pattern and
 * timeout of a socket. Never waits. From the libev RPC (`event.bind`) and LEM
 * (`io.stdin`, `io.stdout`, `io.stderr`).
 *
 * The same descriptor gives the same stream again, with the options of the first time,
 * as long as it is open; under another encoding it is `busy`. Closing it sends what was
 * accepted and lets go of it; the descriptor itself stays open, for `console` and for
 * who binds it next, and so a reader of our output sees its end when the program ends.
 *
 * A receive that has given up (timeout, abort, kill) leaves no read behind that keeps
 * the program alive; what arrives later is there for the next receive. A send that is
 * stuck cannot be taken back from the runtime, and keeps it alive.
 *
 * Any other descriptor is `unsupported`: Deno has no safe way to adopt one. Needs no
 * permission.
 *
 * @example A line from standard input, if one comes in time
 * ```ts
 * import { bind, unwrap } from "@alilua/coevent/cosocket";
 *
 * async function ask(question: string): Promise<string | null> {
 *   await unwrap(bind(2)).send(`${question} `);
 *   const [answer] = await unwrap(bind(0)).receive("*l", { timeout: 10_000 });
 *   return answer;
 * }
 *
 * const stderr = unwrap(bind(2));
 * await stderr.send("nobody is asked in an example\n");
 * await stderr.close();
 * console.log(ask.name);
 * ```
 */
export function bind<E extends Encoding = "lines">(
  fd: number,
  options: StreamOptions<E> = {},
): Result<BufferedStream<E>> {
  if (typeof fd !== "number") throw new TypeError(`bind wants a descriptor: got ${typeof fd}`);
  if (!Number.isInteger(fd) || fd < 0) {
    throw new RangeError(`bind wants a descriptor, 0 or more: got ${fd}`);
  }
  const name = NAMES[fd];
  if (name === undefined) {
    const words = `Cannot bind descriptor ${fd}: Deno has no safe way to adopt one`;
    return [null, new IoError("unsupported", words)];
  }
  const { encoding = "lines" } = options;
  const before = bound.get(fd);
  if (before !== undefined && !before.stream.closed()) {
    if (before.encoding === encoding) return [before.stream as BufferedStream<E>, null];
    const words = `Cannot bind ${name} as ${encoding}: it is bound as ${before.encoding}`;
    return [null, new IoError("busy", words)];
  }
  const source = name === "stdin" ? new StandardInput() : new StandardOutput(name, Deno[name]);
  const stream = new BufferedStream<E>(source, { name, ...options });
  bound.set(fd, { stream: stream as BufferedStream<Encoding>, encoding });
  return [stream, null];
}
