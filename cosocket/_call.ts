import { isIP } from "node:net";
import { type NodeOptions, type Target, targetOf, USUAL } from "./_dial.ts";
import type { ConnectOptions, ConnectTarget } from "./types.ts";

/** What `connect` was called with, put in order. */
export interface Call {
  target: Target;
  options: ConnectOptions;
}

/** Most say nothing, and need no object for that. */
export const NO_OPTIONS = {};

/** Puts the many forms of `connect` in order. */
export function callOf(
  host: string | ConnectTarget,
  second: number | ConnectOptions | undefined,
  third: number | string | ConnectOptions | undefined,
  fourth?: string,
): Call {
  if (typeof host === "object" && host !== null) {
    const { host: name, port, path, ...options } = host;
    return { target: path === undefined ? targetOf(name, port) : pathOf(path), options };
  }
  const isPath = typeof host === "string" && host.startsWith("/");
  const target = isPath ? pathOf(host) : targetOf(host, second);
  const size = isPath ? second : third;
  const key = isPath ? third : fourth;
  if (size === undefined && key === undefined) return { target, options: NO_OPTIONS };
  if (typeof size === "object" && size !== null) return { target, options: size };
  const options: ConnectOptions = {};
  if (size !== undefined) options.pool_size = size as number;
  if (key !== undefined) options.pool = key as string;
  return { target, options };
}

/** What a pool is called by default: sockets that differ in kind must not be mixed. */
export function nameOf(target: Target, node: NodeOptions): string {
  if (node === USUAL) return target.name;
  const { keepidle, local_address, local_port } = node;
  const from = [local_address, local_port].filter((part) => part !== undefined).join(":");
  return target.name + (from === "" ? "" : ` from ${from}`) +
    (keepidle === undefined ? "" : " keepidle");
}

function pathOf(path: string): Target {
  if (typeof path !== "string" || path === "") {
    throw new TypeError(`connect wants the path of a Unix socket: got ${typeof path}`);
  }
  return { family: "unix", path, name: `unix:${path}` };
}

/** Throws for options that cannot be. */
export function checkOptions(options: ConnectOptions): void {
  const { pool_size, pool, backlog, keepidle, local_address, local_port, resolver } = options;
  if (resolver !== undefined && typeof resolver?.lookup !== "function") {
    throw new TypeError("connect: resolver must have a function lookup");
  }
  if (pool_size !== undefined) checkWhole(pool_size, "connect: pool_size", 1);
  if (backlog !== undefined) checkWhole(backlog, "connect: backlog", 0);
  if (keepidle !== undefined) checkWhole(keepidle, "connect: keepidle", 1);
  if (local_port !== undefined) {
    checkWhole(local_port, "connect: local_port", 1);
    if (local_port > 65_535) {
      throw new RangeError(`connect: local_port must be 65535 at most: got ${local_port}`);
    }
  }
  if (local_address !== undefined && (typeof local_address !== "string" || !isIP(local_address))) {
    throw new TypeError(`connect: local_address must be an IP address: got ${local_address}`);
  }
  if (pool !== undefined && typeof pool !== "string") {
    throw new TypeError(`connect: the pool's key must be a string: got ${typeof pool}`);
  }
}

/** Throws unless `value` is a whole number from `least` on. */
export function checkWhole(value: number, name: string, least: number): void {
  if (typeof value !== "number") throw new TypeError(`${name} wants a number: got ${typeof value}`);
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`${name} wants a whole number from ${least}: got ${value}`);
  }
}
