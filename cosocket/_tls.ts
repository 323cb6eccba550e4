import { Deadline, fromOs, IoError, now, park, type Result } from "../core/mod.ts";
import type { WaitOptions } from "../core/mod.ts";
import { Channel, DEFAULT_TIMEOUT } from "../stream/mod.ts";
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import * as tls from "node:tls";
import { ChannelDuplex, DuplexSource } from "./_duplex.ts";
import type { SocketOption, Transport } from "./_transport.ts";
import type { Address, SslOptions, SslServerOptions } from "./types.ts";

/** Which side of the handshake we are. */
export type Role =
  | { as: "client"; host: string; options: SslOptions }
  | { as: "server"; options: SslServerOptions };

/**
 * Does a TLS handshake over a channel and gives the channel above it.
 *
 * `node:tls` over the channel's own receive and send is the one road for both roles,
 * STARTTLS, client certificates and a server name of one's own: `Deno.startTls` has
 * none of the last three, and destroys the connection while a read is under way.
 * When it fails, the channel below is closed.
 */
export async function handshake(
  below: Channel,
  transport: Transport,
  role: Role,
  wait: WaitOptions,
): Promise<Result<{ channel: Channel; transport: TlsTransport }>> {
  const duplex = new ChannelDuplex(below);
  const what = () => `shake hands (TLS) with ${below.name}`;
  const fail = (error: unknown): [null, IoError] => [null, tlsError(error, `Cannot ${what()}`)];
  let socket: tls.TLSSocket;
  try {
    socket = open(duplex, role);
  } catch (error) {
    below.closeImmediately();
    return fail(error);
  }
  const drop = () => {
    socket.destroy();
    duplex.destroy();
    below.closeImmediately();
  };
  const above = new TlsTransport(socket, duplex, below, transport);
  const event = role.as === "client" ? "secureConnect" : "secure";
  const [, err] = await park<Result<true>>(what, wait, (wake) => {
    socket.once(event, () => wake(authorized(socket, role) ?? [true, null]));
    socket.once("error", (error: unknown) => wake(fail(error)));
    socket.once("close", () => wake(fail(new Error("the peer ended it"))));
    return drop;
  });
  if (err !== null) {
    drop();
    return [null, err];
  }
  return [{ channel: new Channel(above, below.name), transport: above }, null];
}

/** A server that asks for a certificate refuses one that nobody vouches for. */
function authorized(socket: tls.TLSSocket, role: Role): [null, IoError] | null {
  if (role.as === "client" || role.options.request_cert !== true || socket.authorized) return null;
  const words = `Cannot accept the client's certificate: ${
    socket.authorizationError ?? "none came"
  }`;
  return [null, new IoError("tls", words)];
}

function open(duplex: ChannelDuplex, role: Role): tls.TLSSocket {
  const { alpn, ca, cert, key, passphrase } = role.options;
  const common = { ALPNProtocols: alpn, ca, cert, key, passphrase, allowHalfOpen: true };
  const given = Object.fromEntries(
    Object.entries(common).filter(([, value]) => value !== undefined),
  );
  if (role.as === "server") {
    const request = role.options.request_cert === true;
    return new tls.TLSSocket(duplex, {
      ...given,
      isServer: true,
      requestCert: request,
      rejectUnauthorized: request,
    });
  }
  const { servername = role.host, verify = true } = role.options;
  return tls.connect({
    ...given,
    socket: duplex,
    host: servername,
    // An address is no name to ask for; it is verified all the same, as the host.
    ...(isIP(servername) === 0 ? { servername } : {}),
    rejectUnauthorized: verify,
  });
}

/** Whatever is not the network's failure is TLS's. */
function tlsError(error: unknown, action: string): IoError {
  if (error instanceof IoError) return error;
  const err = fromOs(error, action);
  if (err.code === "reset" || err.code === "no_permission") return err;
  return new IoError("tls", err.message, { cause: err.cause });
}

/** What TLS shows and asks for, in a few characters that tell pools apart; empty for plain. */
export function identity(ssl: boolean | SslOptions | undefined, host: string): string {
  if (ssl === undefined || ssl === false) return "";
  const options = ssl === true ? {} : ssl;
  const { servername = host, ca, alpn, cert, verify = true } = options;
  const shown = JSON.stringify([servername, ca ?? null, alpn ?? null, cert ?? null, verify]);
  return `tls:${createHash("sha256").update(shown).digest("hex").slice(0, 24)}`;
}

/** A socket under TLS. */
export class TlsTransport extends DuplexSource implements Transport {
  readonly #socket: tls.TLSSocket;
  readonly #raw: ChannelDuplex;
  readonly #below: Channel;
  readonly #transport: Transport;
  /** The peer said that it has ended; otherwise its silence may be an attack. */
  #farewell = false;

  constructor(socket: tls.TLSSocket, raw: ChannelDuplex, below: Channel, transport: Transport) {
    super(socket);
    this.#socket = socket;
    this.#raw = raw;
    this.#below = below;
    this.#transport = transport;
    const push = socket.push.bind(socket);
    socket.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null && !raw.ended) this.#farewell = true;
      return push(chunk, encoding);
    };
  }

  get local(): Address {
    return this.#transport.local;
  }

  get remote(): Address {
    return this.#transport.remote;
  }

  /** The protocol that both sides agreed on (ALPN), if any. */
  get alpn(): string | null {
    return this.#socket.alpnProtocol || null;
  }

  protected override atEnd(): null {
    if (this.#farewell) return null;
    const words = `Cannot receive from ${this.#below.name}: TLS was cut off without a farewell`;
    throw new IoError("eof", words);
  }

  override close(atOnce: boolean): void | Promise<void> {
    if (atOnce || this.#socket.destroyed) {
      this.#drop();
      this.#below.closeImmediately();
      return;
    }
    return this.#bye();
  }

  /** Says farewell, for as long as a send may take, and closes what lies below. */
  async #bye(): Promise<void> {
    const said = await new Promise<boolean>((resolve) => {
      const limit = new Deadline(() => resolve(false), true);
      limit.set(now() + DEFAULT_TIMEOUT);
      const done = () => {
        limit.remove();
        resolve(true);
      };
      this.#socket.once("close", done);
      if (this.#socket.writableFinished) done();
      else this.#socket.end(done);
    });
    if (said) await this.#below.close();
    else this.#below.closeImmediately();
    this.#drop();
  }

  #drop(): void {
    this.#socket.destroy();
    this.#raw.destroy();
  }

  ref(alive: boolean): void {
    this.#transport.ref(alive);
  }

  set(name: SocketOption, value: boolean | number): boolean {
    return this.#transport.set(name, value);
  }
}
