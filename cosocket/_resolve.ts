import { IoError, park, type Result, type WaitOptions } from "../core/mod.ts";
import { isIP } from "node:net";
import { dial, type NodeOptions, type Target } from "./_dial.ts";
import type { Transport } from "./_transport.ts";
import type { Resolver } from "./types.ts";

/**
 * Connects to what a resolver gives for the name, one address after the other. `gone` is
 * called as {@linkcode dial} does, once for all attempts.
 */
export async function dialResolved(
  target: Target,
  resolver: Resolver | undefined,
  node: NodeOptions,
  left: () => WaitOptions,
  gone: () => void,
): Promise<Result<Transport>> {
  if (resolver === undefined || target.family === "unix" || isIP(target.host) !== 0) {
    return await dial(target, node, left(), gone);
  }
  let over = false;
  // The attempt that failed last has given back what it had.
  let free = true;
  const finish = () => {
    over = true;
    if (free) gone();
  };
  try {
    const [addresses, err] = await looked(resolver, target.host, left());
    if (err !== null) return [null, err];
    const none = new IoError("dns", `Cannot connect to ${target.name}: it has no address`);
    let last: Result<Transport> = [null, none];
    for (const host of addresses) {
      free = false;
      last = await dial({ ...target, host }, node, left(), () => {
        free = true;
        if (over) gone();
      });
      const code = last[1]?.code;
      if (code === undefined || code === "timeout" || code === "cancelled") break;
    }
    // Who got a connection keeps its place.
    if (last[1] === null) free = false;
    return last;
  } finally {
    finish();
  }
}

/** What the resolver says, or that it did not say it in time. */
function looked(resolver: Resolver, host: string, wait: WaitOptions): Promise<Result<string[]>> {
  return park<Result<string[]>>(() => `look up ${host}`, wait, (wake) => {
    asked(resolver, host, wait).then(wake);
    return () => {};
  });
}

/** What it says, or that it threw, at once or later. */
async function asked(
  resolver: Resolver,
  host: string,
  wait: WaitOptions,
): Promise<Result<string[]>> {
  try {
    return await resolver.lookup(host, wait);
  } catch (cause) {
    return [null, new IoError("failed", `Cannot look up ${host}: the resolver threw`, { cause })];
  }
}
