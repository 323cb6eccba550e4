/** Where datagrams go: what may be an address, what it is called, and what a name means. */
import { isIP } from "node:net";
import type { Result, WaitOptions } from "../core/mod.ts";
import { systemLookup } from "./_lookup.ts";

/** Throws for what is no host, or no port from `least` on. */
export function checkAddress(caller: string, host: string, port: number, least: 0 | 1): void {
  if (typeof host !== "string" || host === "") {
    throw new TypeError(`${caller}: host must be a name or an address: got ${typeof host}`);
  }
  if (typeof port !== "number") {
    throw new TypeError(`${caller}: port must be a number: got ${typeof port}`);
  }
  if (!Number.isInteger(port) || port < least || port > 65_535) {
    throw new RangeError(`${caller}: port must be from ${least} to 65535: got ${port}`);
  }
}

/** Throws for what is no IP address. */
export function checkIp(name: string, ip: unknown): asserts ip is string {
  if (typeof ip !== "string" || isIP(ip) === 0) {
    throw new TypeError(`${name} must be an IP address: got ${JSON.stringify(ip)}`);
  }
}

/** `127.0.0.1:53`, `[::1]:53`. */
export function nameOf(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An IP address stays what it is; a name is looked up. */
export async function addressOf(
  what: string,
  host: string,
  family: 4 | 6 | null,
  wait: WaitOptions,
): Promise<Result<string>> {
  if (isIP(host) !== 0) return [host, null];
  // Where nothing is bound yet, IPv4 is what a name means.
  const [found, err] = await systemLookup(what, host, family === 6 ? 0 : 4, wait);
  return err === null ? [found[0]!, null] : [null, err];
}
