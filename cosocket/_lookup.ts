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
  const refused = unpermitted(`Cannot ${what}`, host);
  if (refused !== null) return [null, refused];
  return await park<Result<string[]>>(() => what, wait, (wake) => {
    lookup(host, { all: true, family }).then(
      (found) => wake([found.map(({ address }) => address), null]),
      (error) => wake([null, fromOs(error, `Cannot ${what}`)]),
    );
    return () => {};
  });
}
