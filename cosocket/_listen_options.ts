import { checkTimeout, codecOf, type Encoding } from "../core/mod.ts";
import { isIP } from "node:net";
import type { DoorOptions } from "./_door.ts";
import type { ListenOptions } from "./server_types.ts";
import type { TcpSocket } from "./tcp.ts";
import type { Address } from "./types.ts";

/** Puts what `listen` was called with in order; throws where it is the caller's fault. */
export function checkListen<E extends Encoding, S extends TcpSocket<E>>(
  host: unknown,
  port: unknown,
  options: ListenOptions<E, S>,
): DoorOptions {
  if (typeof host !== "string" || host === "") {
    const got = host === "" ? "an empty string" : host === null ? "null" : typeof host;
    throw new TypeError(`listen wants "*", a host's name or address, or a path: got ${got}`);
  }
  if (typeof port !== "number") {
    throw new TypeError(
      `listen wants a port, a number: got ${port === null ? "null" : typeof port}`,
    );
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`listen wants a port from 0 to 65535: got ${port}`);
  }
  const { backlog, maxconnections, keepidle, mode, family, ssl, onerror } = options;
  checkWhole(backlog, "backlog", 1);
  if (maxconnections !== Infinity) checkWhole(maxconnections, "maxconnections", 1);
  checkWhole(keepidle, "keepidle", 1);
  checkWhole(mode, "mode", 0);
  checkTimeout(options.timeout ?? 0);
  checkTimeout(options.handshake_timeout ?? 0, "listen: handshake_timeout");
  if (options.encoding !== undefined) codecOf(options.encoding);
  for (const name of ["nodelay", "keepalive", "reuseport"] as const) {
    checkType(options[name], name, "boolean");
  }
  checkType(onerror, "onerror", "function");
  checkType(options.class, "class", "function");
  checkWhole(options.max_line, "max_line", 1);
  checkWhole(options.max, "max", 1);
  if (family !== undefined && family !== 4 && family !== 6) {
    throw new RangeError(`listen: family wants 4 or 6: got ${family}`);
  }
  const version = isIP(host.replace(/^\[|\]$/g, ""));
  if (family !== undefined && version !== 0 && version !== family) {
    throw new RangeError(`listen: family ${family} does not go with the address ${host}`);
  }
  if (ssl !== undefined && (typeof ssl?.cert !== "string" || typeof ssl.key !== "string")) {
    throw new TypeError("listen: ssl wants { cert, key } as PEM text");
  }
  return {
    host,
    port,
    family,
    backlog,
    reuseport: options.reuseport ?? false,
    keepidle,
    mode,
    name: host.startsWith("/") ? `unix:${host}` : at(host, port),
  };
}

/** How a peer is called in messages; a Unix socket's has no address of its own. */
export function nameOf(peer: Address, server: string): string {
  return peer.family === "tcp" ? at(peer.ip, peer.port) : server;
}

/** A host and a port as they are shown. */
export function at(host: string, port: number): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}

function checkWhole(value: number | undefined, name: string, least: number): void {
  if (value === undefined) return;
  checkType(value, name, "number");
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`listen: ${name} wants a whole number from ${least}: got ${value}`);
  }
}

function checkType(value: unknown, name: string, type: string): void {
  if (value !== undefined && typeof value !== type) {
    throw new TypeError(
      `listen: ${name} wants a ${type}: got ${value === null ? "null" : typeof value}`,
    );
  }
}
