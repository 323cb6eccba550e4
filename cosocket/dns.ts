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
import {
  afterTurn,
  cancelled,
  fromOs,
  IoError,
  now,
  park,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import { DEFAULT_TIMEOUT } from "../stream/mod.ts";
import { systemLookup } from "./_lookup.ts";

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
  /** Milliseconds that an answer is kept; 30,000 by default. The runtime tells no TTL. */
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
  kept.clear();
}

/** Drops all answers that are kept, or those about one name. */
export function forget(name?: string): void {
  if (name === undefined) return kept.clear();
  for (const key of kept.keys()) if (key.split(" ")[1] === name) kept.delete(key);
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
  const answer = await remembered(`${type} ${name} ${at}`, options, () => {
    const what = `resolve ${name} ${type}`;
    return park<Result<unknown[]>>(() => what, waitOf(options), (wake) => {
      const abort = new AbortController();
      // One overload a type; which it is does not matter here.
      const ask = Deno.resolveDns as (
        name: string,
        type: RecordType,
        options: Deno.ResolveDnsOptions,
      ) => Promise<unknown[]>;
      ask(name, type, {
        signal: abort.signal,
        ...(server === undefined ? {} : { nameServer: server }),
      }).then(
        (records) => wake([records, null]),
        (error) => wake([null, failure(error, `Cannot ${what}`)]),
      );
      return () => abort.abort();
    });
  });
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
  const answer = await remembered(
    `lookup${family} ${name}`,
    options,
    () => systemLookup(`look up ${name}`, name, family, waitOf(options)),
  );
  return answer as Result<string[]>;
}

const TYPES: ReadonlySet<string> = new Set([
  ...["A", "AAAA", "ANAME", "CAA", "CNAME", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "TXT"],
]);

function waitOf({ timeout = DEFAULT_TIMEOUT, signal }: WaitOptions): WaitOptions {
  return signal === undefined ? { timeout } : { timeout, signal };
}

/** What is kept under a key, or what `ask` says, which is kept then. */
async function remembered(
  key: string,
  options: WaitOptions & { cached?: boolean },
  ask: () => Promise<Result<unknown[]>>,
): Promise<Result<unknown[]>> {
  const { signal, cached = true } = options;
  if (signal?.aborted) return afterTurn([null, cancelled(key, signal)]);
  const known = kept.get(key);
  if (cached && known !== undefined && known.until > now()) {
    kept.delete(key);
    kept.set(key, known);
    // A list of one's own each time: it may be changed.
    return afterTurn(known.answer[1] === null ? [[...known.answer[0]], null] : known.answer);
  }
  const answer = await ask();
  const err = answer[1];
  // That it could not be asked says nothing about the name.
  const lasting = err === null || err.code === "not_found" ||
    (err.code === "dns" && key.startsWith("lookup"));
  if (!lasting) return answer;
  kept.delete(key);
  const life = err === null ? limits.life : limits.negative_life;
  if (life > 0 && limits.size > 0) {
    kept.set(key, { answer: err === null ? [[...answer[0]!], null] : answer, until: now() + life });
  }
  while (kept.size > limits.size) kept.delete(kept.keys().next().value!);
  return answer;
}

function failure(error: unknown, action: string): IoError {
  const err = fromOs(error, action);
  if (err.code !== "io") return err;
  return new IoError("dns", err.message, { cause: error });
}

function checkName(name: string, caller: string): void {
  if (typeof name !== "string" || name === "") {
    throw new TypeError(`${caller}: name must be a host name: got ${JSON.stringify(name)}`);
  }
}

function serverOf(server: DnsOptions["name_server"]): { ipAddr: string; port: number } | undefined {
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
