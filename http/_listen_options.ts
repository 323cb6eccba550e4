import { checkTimeout } from "../core/mod.ts";
import { kindOf } from "./_check.ts";
import type { ListenOptions, RequestLimits } from "./types.ts";

/** The largest mode that a file can have. */
const MOST_MODE = 0o7777;

/** The limits of requests, each with a value. */
export interface Limits {
  maxBody: number;
  bodyTimeout: number;
  timeout: number;
  maxRequests: number;
}

/** Where to listen. */
export interface Place {
  host: string;
  port: number;
  /** For messages. */
  name: string;
}

/** Throws where a limit is none; fills up with the defaults. */
export function checkLimits(options: RequestLimits, caller: string): Limits {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${caller}: options must be an object: got ${kindOf(options)}`);
  }
  return {
    maxBody: count(options.max_body ?? 1024 * 1024, `${caller}: max_body`, 0),
    bodyTimeout: checkTimeout(options.body_timeout ?? 30_000, `${caller}: body_timeout`),
    timeout: checkTimeout(options.timeout ?? 60_000, `${caller}: timeout`),
    maxRequests: count(options.max_requests ?? 10_000, `${caller}: max_requests`, 1),
  };
}

/** Throws where the place or the rest of the options is none. */
export function checkPlace(host: unknown, port: unknown, options: ListenOptions): Place {
  if (typeof host !== "string" || host === "") {
    const got = host === "" ? "an empty string" : kindOf(host);
    throw new TypeError(`http.listen wants "*", a host's name or address, or a path: got ${got}`);
  }
  if (typeof port !== "number") {
    throw new TypeError(`http.listen wants a port, a number: got ${kindOf(port)}`);
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`http.listen wants a port from 0 to 65535: got ${port}`);
  }
  const { ssl, backlog, mode, compress } = options;
  if (ssl !== undefined && (typeof ssl?.cert !== "string" || typeof ssl.key !== "string")) {
    throw new TypeError("http.listen: ssl wants { cert, key } as PEM text");
  }
  if (backlog !== undefined) count(backlog, "http.listen: backlog", 1);
  if (mode !== undefined && count(mode, "http.listen: mode", 0) > MOST_MODE) {
    throw new RangeError(`http.listen: mode wants 0o7777 at most: got 0o${mode.toString(8)}`);
  }
  if (compress !== undefined && typeof compress !== "boolean") {
    throw new TypeError(`http.listen: compress wants a boolean: got ${kindOf(compress)}`);
  }
  return { host, port, name: nameOf(host, port) };
}

/** How a place is called in messages. */
export function nameOf(host: string, port: number): string {
  if (host.startsWith("/")) return `unix:${host}`;
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}

function count(value: number, name: string, least: number): number {
  if (typeof value !== "number") {
    throw new TypeError(`${name} wants a number: got ${kindOf(value)}`);
  }
  if (value !== Infinity && !(Number.isInteger(value) && value >= least)) {
    throw new RangeError(`${name} wants a whole number from ${least}: got ${value}`);
  }
  return value;
}
