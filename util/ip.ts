import { isIP } from "node:net";
import { wantString } from "./_check.ts";

/**
 * Whether a text is an IP address: `4` or `6`, the version; else `0`.
 *
 * IPv4 in four decimal parts, IPv6 in every form of RFC 4291, with a zone too
 * (`fe80::1%eth0`). No port, no brackets, no spaces. Throws `TypeError` for anything but
 * a string. Needs no permission. From LuaIO (`tcp.isIP`).
 *
 * @example Usage
 * ```ts
 * import { isip } from "@alilua/coevent/util";
 *
 * console.log(isip("127.0.0.1"), isip("::1"), isip("example.com")); // 4 6 0
 * ```
 */
export function isip(text: string): 4 | 6 | 0 {
  wantString("isip", "text", text);
  const version = isIP(text);
  return version === 4 || version === 6 ? version : 0;
}
