import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { afterTurn, fromOs, IoError, park, type Result, type WaitOptions } from "../core/mod.ts";

/**
 * The runtime refuses some calls without a word of why: so it is asked before. It keeps an
 * answer for each question for ever: so first what is the same for all addresses is asked,
 * then what is for all ports, or a server of datagrams would grow with its clients.
 */
export function unpermitted(action: string, host: string): IoError | null {
  let state: Deno.PermissionState;
  try {
    if (granted({ name: "net" })) return null;
    const all = host.replace(/:\d+$/, "");
    if (isIP(all) !== 0 && granted({ name: "net", host: all })) return null;
    state = Deno.permissions.requestSync({ name: "net", host }).state;
  } catch (cause) {
    return new IoError("dns", `${action}: that can be no host`, { cause });
  }
  if (state === "granted") return null;
  return new IoError("no_permission", `${action}: it needs --allow-net=${host}`);
}

function granted(what: Deno.NetPermissionDescriptor): boolean {
  return Deno.permissions.querySync(what).state === "granted";
}

/** The addresses that the system knows for a host, its hosts file included. */
export async function systemLookup(
  what: string,
  host: string,
  family: 0 | 4 | 6,
  wait: WaitOptions,
): Promise<Result<string[]>> {
  const found = await park<Result<string[]>>(() => what, wait, (wake) => {
    askSystem(what, host, family).then(wake);
    return () => {};
  });
  return found[1] === null ? found : await afterTurn(found);
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
