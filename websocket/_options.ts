import { checkTimeout, type WaitOptions } from "../core/mod.ts";
import type { SocketOptions } from "./types.ts";

/** Milliseconds that a call waits where nothing else was said. */
export const TIMEOUT = 30_000;
/** Shorter than a scope's grace, so that a killed handler still says goodbye in it. */
const CLOSE_TIMEOUT = 2_000;
const MAX_QUEUE = 1_024;
const MAX_BYTES = 16 * 1024 * 1024;
const HIGH_MARK = 1024 * 1024;

/** {@linkcode SocketOptions} with nothing left out. */
export type Settings = Required<SocketOptions>;

/** Fills in what was left out, and throws for what is wrong. */
export function settingsOf(options: SocketOptions, what: string): Settings {
  const { max_queue = MAX_QUEUE, max_bytes = MAX_BYTES, high_mark = HIGH_MARK } = options;
  return {
    close_timeout: checkTimeout(options.close_timeout ?? CLOSE_TIMEOUT, `${what}: close_timeout`),
    max_queue: count(max_queue, `${what}: max_queue`, 1),
    max_bytes: count(max_bytes, `${what}: max_bytes`, 1),
    high_mark: count(high_mark, `${what}: high_mark`, 0),
  };
}

/** A whole number of at least `least`, or `Infinity`; else throws. */
export function count(value: number, name: string, least: number): number {
  if (typeof value !== "number") {
    throw new TypeError(`${name} must be a number: got ${typeof value}`);
  }
  if (value !== Infinity && (!Number.isInteger(value) || value < least)) {
    throw new RangeError(`${name} must be a whole number of ${least} or more: got ${value}`);
  }
  return value;
}

/** What a subprotocol may be called: a token of HTTP. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Throws unless these are names of subprotocols, each once. */
export function checkProtocols(protocols: readonly string[], what: string): readonly string[] {
  if (!Array.isArray(protocols)) {
    throw new TypeError(`${what}: protocols must be a list: got ${typeof protocols}`);
  }
  for (const protocol of protocols) {
    if (typeof protocol !== "string" || !TOKEN.test(protocol)) {
      // Not the word itself: browsers leave no other place for a secret that goes along.
      throw new TypeError(`${what}: protocols must be tokens of HTTP`);
    }
  }
  if (new Set(protocols).size < protocols.length) {
    throw new TypeError(`${what}: protocols must differ`);
  }
  return protocols;
}

/** How one call waits. */
export interface SocketWait {
  timeout: number;
  signal: AbortSignal | undefined;
  /** Kept from being collected while it waits. */
  owner: object;
}

/** The same for `park`, which tells what is left out from what is undefined. */
export function parkable({ timeout, signal }: SocketWait): WaitOptions {
  return signal === undefined ? { timeout } : { timeout, signal };
}
