import type { Bytes } from "../core/mod.ts";
import type { Source } from "../stream/mod.ts";
import type { Address } from "./types.ts";

/** A source that is a socket: it has addresses, and options of the kernel. */
export interface Transport extends Source {
  readonly local: Address;
  readonly remote: Address;
  ref(alive: boolean): void;
  /** Sets an option of the kernel; `false` where this kind of socket has no way to. */
  set(name: SocketOption, value: boolean | number): boolean;
}

/** The options that some kind of socket can set. */
export type SocketOption = "nodelay" | "keepalive" | "keepidle";

/** A `Deno.Conn`: the fastest road, and the usual one. */
export class ConnTransport implements Transport {
  readonly keeps_alive = true;
  readonly lingers = true;
  readonly #conn: Deno.TcpConn | Deno.UnixConn;
  #lastRead: Promise<unknown> | null = null;
  #lastWrite: Promise<unknown> | null = null;

  constructor(conn: Deno.TcpConn | Deno.UnixConn) {
    this.#conn = conn;
  }

  /** Made when it is asked for, which it mostly is not: it took 1.3 µs. */
  get local(): Address {
    return addressOf(this.#conn.localAddr);
  }

  get remote(): Address {
    return addressOf(this.#conn.remoteAddr);
  }

  read(into: Bytes): Promise<number | null> {
    return this.#lastRead = this.#conn.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#lastWrite = this.#conn.write(bytes);
  }

  end(): Promise<void> {
    return this.#conn.closeWrite();
  }

  /** Closes it; the system keeps it until what is under way has heard of that. */
  close(_at_once: boolean, under_way = true): Promise<void> | undefined {
    try {
      this.#conn.close();
    } catch {
      // Closed already, behind our back: from_conn's caller has it too.
    }
    // Nobody waits for what has come back already, and that is the usual case.
    if (!under_way) return undefined;
    const read = this.#lastRead ?? Promise.resolve();
    const both = () => this.#lastWrite?.then(nothing, nothing);
    return read.then(both, both);
  }

  ref(alive: boolean): void {
    if (alive) this.#conn.ref();
    else this.#conn.unref();
  }

  set(name: SocketOption, value: boolean | number): boolean {
    if (!("setNoDelay" in this.#conn)) return false;
    if (name === "nodelay") this.#conn.setNoDelay(Boolean(value));
    else if (name === "keepalive") this.#conn.setKeepAlive(Boolean(value));
    else return false;
    return true;
  }
}

/** Who began it was told what came of it. */
function nothing(): void {}

/** An address of the runtime's in our form. */
export function addressOf(address: Deno.Addr): Address {
  if (address.transport === "tcp" || address.transport === "udp") {
    return { family: "tcp", ip: plainIp(address.hostname), port: address.port };
  }
  return { family: "unix", path: "path" in address ? address.path ?? "" : "" };
}

/** A socket for both families shows an IPv4 peer as `::ffff:127.0.0.1`. */
export function plainIp(ip: string): string {
  if (!ip.startsWith("::")) return ip;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1] ?? ip;
}
