import type { Result } from "../core/mod.ts";
import { ask } from "./_ask.ts";

/** One address of a network interface. */
export interface NetworkInterface {
  /** The interface: `eth0`. One that has several addresses is listed once for each. */
  name: string;
  /** Which kind of address it is. */
  family: "IPv4" | "IPv6";
  /** The address: `192.0.2.7`. */
  address: string;
  /** The mask of its network: `255.255.255.0`. */
  netmask: string;
  /** The address with the length of the mask: `192.0.2.7/24`. */
  cidr: string;
  /** The hardware address: `02:00:5e:10:00:00`; all zeros where there is none. */
  mac: string;
  /** The zone of an IPv6 address; `null` for IPv4. */
  scope_id: number | null;
  /** Reaches only this machine. */
  internal: boolean;
}

/**
 * The addresses of this machine's network interfaces.
 *
 * Errors: `no_permission`. Needs `--allow-sys=networkInterfaces`.
 *
 * @example The addresses that others can reach
 * ```ts
 * import { network_interfaces } from "@alilua/coevent/system";
 *
 * const [all, err] = network_interfaces();
 * if (err) console.log(err.message);
 * else for (const one of all) if (!one.internal) console.log(one.name, one.cidr);
 * ```
 */
export function network_interfaces(): Result<NetworkInterface[]> {
  return ask("the network interfaces", () => {
    return Deno.networkInterfaces().map(({ scopeid, ...one }) => ({
      ...one,
      scope_id: scopeid,
      internal: one.family === "IPv4" ? one.address.startsWith("127.") : one.address === "::1",
    }));
  });
}
