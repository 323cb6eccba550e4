import { Deadline, fromOs, IoError, now, park, type Result } from "../core/mod.ts";
import type { WaitOptions } from "../core/mod.ts";
import { Channel, DEFAULT_TIMEOUT } from "../stream/mod.ts";
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import * as tls from "node:tls";
import { dieIfKilled } from "./_dial.ts";
import { ChannelDuplex, DuplexSource } from "./_duplex.ts";
import type { SocketOption, Transport } from "./_transport.ts";
import { checkSsl } from "./_certificates.ts";
import { chooseIdentity } from "./_server_tls.ts";
import type { Address, PeerCert, SslOptions, SslServerOptions } from "./types.ts";

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
  let socket: tls.TLSSocket | null = null;
  let above: TlsTransport | null = null;
  const drop = () => {
    socket?.destroy();
    duplex.destroy();
    below.close_immediately();
  };
  const { timeout = 0 } = wait;
  const until = timeout === 0 ? Infinity : now() + timeout;
  const left = (): WaitOptions => {
    // A deadline that has just passed must not become "no limit".
    return until === Infinity ? wait : { ...wait, timeout: Math.max(until - now(), 0.01) };
  };
  try {
    dieIfKilled();
    const [side, choiceError] = await sideOf(role, below, what, left);
    if (choiceError !== null) {
      drop();
      return [null, inWhole(choiceError, what, timeout)];
    }
    const unusable = checkSsl(side.options, `Cannot ${what()}`);
    if (unusable !== null) {
      drop();
      return [null, unusable];
    }
    const [, err] = await park<Result<true>>(what, left(), (wake) => {
      const fail = (error: unknown) => wake([null, tlsError(error, `Cannot ${what()}`)]);
      const done = (shaken: tls.TLSSocket) => {
        // At once: what comes along with the end of the handshake must find its reader.
        above = new TlsTransport(shaken, duplex, below, transport);
        wake([true, null]);
      };
      duplex.once("end", () => fail(gone(`Cannot ${what()}`)));
      duplex.once("error", (error) => fail(duplex.failure ?? error));
      try {
        if (side.as === "client") socket = begin(duplex, side, done, fail);
        else serve(duplex, side, timeout, done, fail);
      } catch (error) {
        fail(error);
      }
      return drop;
    });
    if (err === null) {
      return [{ channel: new Channel(above!, below.name), transport: above! }, null];
    }
    // The peer is told nothing: over a Duplex the runtime keeps the alert to itself.
    drop();
    return [null, inWhole(err, what, timeout)];
  } catch (killed) {
    drop();
    throw killed;
  }
}

/** The role, with what the server's callback has chosen. */
async function sideOf(
  role: Role,
  below: Channel,
  what: () => string,
  left: () => WaitOptions,
): Promise<Result<Role>> {
  if (role.as === "client" || role.options.sni === undefined) return [role, null];
  const [options, err] = await chooseIdentity(below, role.options, what, left);
  return err === null ? [{ as: "server", options }, null] : [null, err];
}

/** A timeout is told as the caller knows it: the whole, not what was left of it. */
function inWhole(err: IoError, what: () => string, timeout: number): IoError {
  if (err.code !== "timeout") return err;
  const words = `Cannot ${what()}: not within ${Math.ceil(timeout)} ms`;
  return new IoError("timeout", words, { cause: err });
}

function gone(action: string): IoError {
  return new IoError("reset", `${action}: the peer ended before it was done`);
}

/** Begins a handshake as client. */
function begin(
  duplex: ChannelDuplex,
  { host, options }: Role & { as: "client" },
  done: (socket: tls.TLSSocket) => void,
  fail: (error: unknown) => void,
): tls.TLSSocket {
  const { servername = host, verify = true } = options;
  const socket = tls.connect({
    ...common(options),
    socket: duplex,
    host: servername,
    // An address is no name to ask for; it is verified all the same, as the host.
    ...(isIP(servername) === 0 ? { servername } : {}),
    rejectUnauthorized: verify,
  });
  socket.once("secureConnect", () => done(socket));
  socket.on("error", fail);
  return socket;
}

/** So many milliseconds after ours the runtime's time for a handshake is over. */
const LATER = 1_000;

/** Begins a handshake as server. */
function serve(
  duplex: ChannelDuplex,
  { options }: Role & { as: "server" },
  timeout: number,
  done: (socket: tls.TLSSocket) => void,
  fail: (error: unknown) => void,
): void {
  const request = options.request_cert === true;
  // A server that listens nowhere: it alone verifies the certificate of a client.
  const server = tls.createServer({
    ...common(options),
    requestCert: request,
    // Judged here, where there are words for it.
    rejectUnauthorized: false,
    // The runtime holds the socket of a client that has gone until its own time is over, two
    // minutes unless it is told. Ours is over before.
    ...(timeout > 0 && { handshakeTimeout: timeout + LATER }),
  });
  server.once("secureConnection", (socket) => {
    socket.on("error", fail);
    if (!request || socket.authorized) return done(socket);
    const words = socket.getPeerCertificate()?.subject === undefined
      ? "the client showed no certificate"
      : `the client's certificate was refused: ${socket.authorizationError}`;
    fail(new Error(words));
  });
  server.on("tlsClientError", fail);
  server.emit("connection", duplex);
}

/** What both roles can say, without what was left out. */
function common({ alpn, ca, cert, key, passphrase }: SslOptions): object {
  const options = { ALPNProtocols: alpn, ca, cert, key, passphrase, allowHalfOpen: true };
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
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
      if (chunk === null && !raw.ended && raw.failure === null) this.#farewell = true;
      push(chunk, encoding);
      // Told to stop, the runtime's TLS layer forgets an end that comes meanwhile.
      // What is held back is held back below it.
      return true;
    };
    raw.flow(false);
  }

  protected override get failure(): Error | null {
    return this.#raw.failure ?? super.failure;
  }

  protected override flow(open: boolean): void {
    this.#raw.flow(open);
  }

  get local(): Address {
    return this.#transport.local;
  }

  get remote(): Address {
    return this.#transport.remote;
  }

  /** The certificate that the peer has shown, if any. */
  get peerCert(): PeerCert | null {
    const cert = this.#socket.getPeerCertificate();
    if (cert?.subject === undefined) return null;
    return {
      subject: { ...cert.subject } as PeerCert["subject"],
      issuer: { ...cert.issuer } as PeerCert["issuer"],
      subjectaltname: cert.subjectaltname ?? "",
      serial: cert.serialNumber,
      fingerprint256: cert.fingerprint256,
      valid_from: new Date(cert.valid_from),
      valid_to: new Date(cert.valid_to),
      raw: Uint8Array.from(cert.raw),
    };
  }

  /** The name that the client asked for (SNI), if any. */
  get serverName(): string | null {
    const { servername } = this.#socket as { servername?: string | false | null };
    return servername || null;
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

  override async close(atOnce: boolean): Promise<void> {
    if (!atOnce && !this.#socket.destroyed) return await this.#bye();
    this.#drop();
    this.#below.close_immediately();
    await this.#below.close();
  }

  /** Says farewell and closes what lies below, all of it for as long as a send may take. */
  async #bye(): Promise<void> {
    let giveUp = () => {};
    const limit = new Deadline(() => giveUp(), true);
    limit.set(now() + DEFAULT_TIMEOUT);
    await new Promise<void>((resolve) => {
      giveUp = () => {
        this.#below.close_immediately();
        resolve();
      };
      this.#socket.once("close", resolve);
      if (this.#socket.writableFinished) resolve();
      else this.#socket.end(resolve);
    });
    // What is said is not sent yet.
    await this.#below.close();
    limit.remove();
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
