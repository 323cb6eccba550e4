/** The options of a UDP socket: what each takes, and how the runtime is told. */
import type * as dgram from "node:dgram";
import { checkIp } from "./_udp_address.ts";

/** What `UdpSocket.setoption` sets. */
export type UdpOption =
  | "broadcast"
  | "ttl"
  | "multicast_ttl"
  | "multicast_loopback"
  | "multicast_interface";

/** What an option is set to. */
export type UdpValue = boolean | number | string;

const SETTERS: Record<UdpOption, (socket: dgram.Socket, value: UdpValue) => void> = {
  broadcast: (socket, value) => socket.setBroadcast(flag("broadcast", value)),
  ttl: (socket, value) => void socket.setTTL(hops("ttl", value)),
  multicast_ttl: (socket, value) => void socket.setMulticastTTL(hops("multicast_ttl", value)),
  multicast_loopback: (socket, value) => {
    socket.setMulticastLoopback(flag("multicast_loopback", value));
  },
  multicast_interface: (socket, value) => {
    checkIp("setoption: multicast_interface", value);
    socket.setMulticastInterface(value);
  },
};

/** What sets an option; throws where there is none of that name. */
export function setterOf(name: UdpOption): (socket: dgram.Socket, value: UdpValue) => void {
  if (Object.hasOwn(SETTERS, name)) return SETTERS[name];
  throw new RangeError(`setoption knows ${Object.keys(SETTERS).join(", ")}: got '${name}'`);
}

function flag(name: string, value: UdpValue): boolean {
  if (typeof value === "boolean") return value;
  throw new TypeError(`setoption: ${name} must be true or false: got ${typeof value}`);
}

/** How far a datagram goes; throws for what is no such number. */
export function hops(name: string, value: UdpValue): number {
  if (typeof value !== "number") {
    throw new TypeError(`setoption: ${name} must be a number: got ${typeof value}`);
  }
  if (Number.isInteger(value) && value >= 1 && value <= 255) return value;
  throw new RangeError(`setoption: ${name} must be a whole number from 1 to 255: got ${value}`);
}
