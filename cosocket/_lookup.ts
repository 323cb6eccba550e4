import { lookup } from "node:dns/promises";
import { fromOs, IoError, park, type Result, type WaitOptions } from "../core/mod.ts";

/** The runtime refuses some calls without a word of why: so it is asked before. */
export function unpermitted(action: string, host: string): IoError | null {
  let state: Deno.PermissionState;
  try {
    state = Deno.permissions.requestSync({ name: "net", host }).state;
  } catch (cause) {
    return new IoError("dns", `${action}: that can be no host`, { cause });
  }
  if (state === "granted") return null;
  return new IoError("no_permission", `${action}: it needs --allow-net=${host}`);
}

/** The addresses that the system knows for a host, its hosts file included. */
export async function systemLookup(
  what: string,
  host: string,
  family: 0 | 4 | 6,
  wait: WaitOptions,
): Promise<Result<string[]>> {
  return await park<Result<string[]>>(() => what, wait, (wake) => {
    askSystem(what, host, family).then(wake);
    return () => {};
  });
}

/** The same; it cannot be taken back. */
export async function askSystem(
  what: string,
  host: string,
  family: 0 | 4 | 6,
): Promise<Result<string[]>> {
  const refused = unpermitted(`Cannot ${what}`, host);
  if (refused !== null) return [null, refused];
  try {
    const found = await lookup(host, { all: true, family });
    return [found.map(({ address }) => address), null];
  } catch (error) {
    return [null, fromOs(error, `Cannot ${what}`)];
  }
}
