/**
 * Looks up names: with the system, hosts file included, or by asking a name server.
 *
 * Answers are kept for a while, and so are names that do not exist. `connect` does not
 * need this module: it hands names to the runtime. Given as its `resolver`, this module
 * looks up instead, and then the addresses need permission too.
 *
 * ```ts
 * import { dns } from "@alilua/coevent/cosocket";
 *
 * const [addresses, err] = await dns.lookup("localhost");
 * console.log(err ? err.message : addresses.includes("127.0.0.1"));
 * ```
 *
 * @module
 */
import { isIP } from "node:net";
import { setImmediate } from "node:timers";
import {
  afterTurn,
  cancelled,
  IoError,
  now,
  park,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { DEFAULT_TIMEOUT } from "../stream/mod.ts";
import { type Answer, askServer, type Server } from "./_ask.ts";
import { askSystem } from "./_lookup.ts";

/** The types of records that are asked for. */
export type RecordType = keyof Records;

/** What a record of each type is. */
export interface Records {
  /** An IPv4 address. */
  A: string;
  /** An IPv6 address. */
  AAAA: string;
  /** A name. */
  ANAME: string;
  /** Who may issue certificates. */
  CAA: Deno.CaaRecord;
  /** The name that this one stands for. */
  CNAME: string;
  /** Who takes mail. */
  MX: Deno.MxRecord;
  /** How a service is found. */
  NAPTR: Deno.NaptrRecord;
  /** A name server. */
  NS: string;
  /** The name of an address. */
  PTR: string;
  /** The authority of the zone. */
  SOA: Deno.SoaRecord;
  /** Where a service runs. */
  SRV: Deno.SrvRecord;
  /** Texts, each in its pieces. */
  TXT: string[];
}

/** What every call here takes as its last argument. */
export interface DnsOptions extends WaitOptions {
  /** Whom to ask, instead of the system's first name server; port 53 by default. */
  name_server?: { ip: string; port?: number };
  /** Whether what is known already will do; it will, by default. */
  cached?: boolean;
}

/** What {@linkcode lookup} takes. */
export interface LookupOptions extends WaitOptions {
  /** IPv4 or IPv6 alone; 0, the default, for both. */
  family?: 0 | 4 | 6;
  /** Whether what is known already will do; it will, by default. */
  cached?: boolean;
}

/** How answers are kept. */
export interface CacheOptions {
  /**
   * Milliseconds that an answer is kept at most; 30,000 by default. Addresses are kept no
   * longer than their TTL, which the runtime tells of what the system's name server says, and
   * of what another says under `--allow-sys=networkInterfaces`.
   */
  life?: number;
  /** Milliseconds that it is known that there is none; 5,000 by default. */
  negative_life?: number;
  /** So many answers are kept; 1,000 by default, the least recently used go first. */
  size?: number;
}

interface Kept {
  answer: Result<unknown[]>;
  until: number;
}

const limits: Required<CacheOptions> = { life: 30_000, negative_life: 5_000, size: 1_000 };

/** The least recently used first. */
const kept = new Map<string, Kept>();

/** Sets how answers are kept, for all of the program; drops those that are kept now. */
export function set_cache(options: CacheOptions): void {
  for (const name of ["life", "negative_life", "size"] as const) {
    const value = options[name] ?? limits[name];
    if (typeof value !== "number" || !(value >= 0)) {
      throw new RangeError(`set_cache: ${name} must be 0 or more: got ${value}`);
    }
    limits[name] = value;
  }
  forget();
}

/** Drops all answers that are kept, or those about one name. */
export function forget(name?: string): void {
  for (const known of [kept, questions]) {
    // Who waits for an answer under way still gets it; it is not kept.
    for (const key of known.keys()) {
      if (name === undefined || key.split(" ")[1] === name) known.delete(key);
    }
  }
}

/**
 * The IPv4 addresses of a name, from a name server. Errors: `not_found`, `dns`, `timeout`,
 * `cancelled`, `no_permission`. Requires `--allow-net` for the name server's address. From
 * LuaIO.
 */
export function resolve4(name: string, options: DnsOptions = {}): Promise<Result<string[]>> {
  return resolve(name, "A", options);
}

/** The IPv6 addresses of a name. Errors: as {@linkcode resolve4}. From LuaIO. */
export function resolve6(name: string, options: DnsOptions = {}): Promise<Result<string[]>> {
  return resolve(name, "AAAA", options);
}

/**
 * The records of a name, of one type. Errors: `not_found` (none of this type), `dns`,
 * `timeout`, `cancelled`, `no_permission`, which names the name server's address: that is
 * what needs permission, not the name.
 */
export async function resolve<T extends RecordType>(
  name: string,
  type: T,
  options: DnsOptions = {},
): Promise<Result<Records[T][]>> {
  checkName(name, "resolve");
  if (!TYPES.has(type)) {
    throw new RangeError(`resolve: type must be one of ${[...TYPES].join(", ")}: got '${type}'`);
  }
  const server = serverOf(options.name_server);
  const at = server === undefined ? "" : `${server.ipAddr}:${server.port}`;
  const what = `resolve ${name} ${type}`;
  const answer = await remembered(
    `${type} ${name} ${at}`,
    what,
    options,
    (signal) => askServer(`Cannot ${what}`, name, type, server, signal),
  );
  return answer as Result<Records[T][]>;
}

/**
 * The addresses of a name as the system knows them, its hosts file included, in the
 * system's order. Errors: `dns`, `timeout`, `cancelled`, `no_permission`. Requires
 * `--allow-net` for the name.
 */
export async function lookup(
  name: string,
  options: LookupOptions = {},
): Promise<Result<string[]>> {
  checkName(name, "lookup");
  const { family = 0 } = options;
  if (family !== 0 && family !== 4 && family !== 6) {
    throw new RangeError(`lookup: family must be 4, 6 or 0: got ${family}`);
  }
  if (isIP(name) !== 0) return await afterTurn<Result<string[]>>([[name], null]);
  const what = `look up ${name}`;
  const answer = await remembered(
    `lookup${family} ${name}`,
    what,
    options,
    async () => ({ result: await askSystem(what, name, family) }),
  );
  return answer as Result<string[]>;
}

const TYPES: ReadonlySet<string> = new Set([
  ...["A", "AAAA", "ANAME", "CAA", "CNAME", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "TXT"],
]);

function waitOf({ timeout = DEFAULT_TIMEOUT, signal }: WaitOptions): WaitOptions {
  return signal === undefined ? { timeout } : { timeout, signal };
}

/** A question under way, and those who wait for its answer. */
interface Question {
  wakers: Set<(result: Result<unknown[]>) => void>;
  abort: AbortController;
}

const questions = new Map<string, Question>();

/** What is kept under a key, or what `ask` says, which is kept then. One asks for all. */
function remembered(
  key: string,
  what: string,
  options: WaitOptions & { cached?: boolean },
  ask: (signal: AbortSignal) => Promise<Answer>,
): Promise<Result<unknown[]>> {
  const { signal, cached = true } = options;
  if (signal?.aborted) return afterTurn([null, cancelled(what, signal)]);
  const known = kept.get(key);
  if (cached && known !== undefined && known.until > now()) {
    kept.delete(key);
    kept.set(key, known);
    return afterTurn(ownCopy(known.answer));
  }
  return park<Result<unknown[]>>(() => what, waitOf(options), (wake) => {
    const question = questions.get(key) ?? begin(key, ask);
    question.wakers.add(wake);
    return () => {
      question.wakers.delete(wake);
      if (question.wakers.size > 0) return;
      if (questions.get(key) === question) questions.delete(key);
      question.abort.abort();
    };
  });
}

function begin(key: string, ask: (signal: AbortSignal) => Promise<Answer>): Question {
  const question: Question = { wakers: new Set(), abort: new AbortController() };
  questions.set(key, question);
  ask(question.abort.signal).then((answer) => {
    if (questions.get(key) === question) {
      questions.delete(key);
      keep(key, answer);
    }
    const tell = () => {
      for (const wake of question.wakers) wake(ownCopy(answer.result));
    };
    // What may not be asked is refused at once, however often.
    if (answer.result[1] === null) tell();
    else setImmediate(tell);
  });
  return question;
}

/** A list of one's own each time: it may be changed. */
function ownCopy(answer: Result<unknown[]>): Result<unknown[]> {
  if (answer[1] === null) return [structuredClone(answer[0]), null];
  const { code, message, cause } = answer[1];
  return [null, new IoError(code, message, { cause })];
}

function keep(key: string, { result, life = limits.life }: Answer): void {
  const err = result[1];
  // That it could not be asked says nothing about the name.
  const lasting = err === null || err.code === "not_found" ||
    (err.code === "dns" && key.startsWith("lookup"));
  if (!lasting) return;
  kept.delete(key);
  const most = err === null ? Math.min(life, limits.life) : limits.negative_life;
  if (most > 0 && limits.size > 0) kept.set(key, { answer: result, until: now() + most });
  while (kept.size > limits.size) kept.delete(kept.keys().next().value!);
}

function checkName(name: string, caller: string): void {
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`${caller}: name must be a host name: got ${JSON.stringify(name)}`);
  }
}

function serverOf(server: DnsOptions["name_server"]): Server {
  if (server === undefined) return undefined;
  const { ip, port = 53 } = server;
  if (typeof ip !== "string" || isIP(ip) === 0) {
    throw new TypeError(`name_server: ip must be an IP address: got ${JSON.stringify(ip)}`);
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new RangeError(`name_server: port must be from 1 to 65535: got ${port}`);
  }
  return { ipAddr: ip, port };
}
