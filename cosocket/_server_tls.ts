import {
  codecOf,
  fromOs,
  IoError,
  park,
  peek,
  type Result,
  type WaitOptions,
} from "../core/mod.ts";
import type { Channel } from "../stream/mod.ts";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readHello } from "./_client_hello.ts";
import type { SslIdentity, SslServerOptions } from "./types.ts";

/** Why a server cannot show these certificates; `null` if it can. The runtime takes anything. */
export function checkServerSsl(ssl: SslServerOptions, action: string): IoError | null {
  const steps: [what: string, try_it: () => unknown][] = [
    ["its certificate", () => new X509Certificate(ssl.cert)],
    ["its key", () => keyOf(ssl)],
    ["an authority", () => pemsOf(ssl.ca).map((pem) => new X509Certificate(pem))],
  ];
  for (const [what, step] of steps) {
    try {
      step();
    } catch (error) {
      const { message, cause } = fromOs(error, `${action}: ${what} cannot be read`);
      return new IoError("tls", message, { cause });
    }
  }
  if (new X509Certificate(ssl.cert).checkPrivateKey(keyOf(ssl))) return null;
  return new IoError("tls", `${action}: its key does not belong to its certificate`);
}

function keyOf({ key, passphrase }: SslIdentity) {
  return createPrivateKey(passphrase === undefined ? key : { key, passphrase });
}

/** The certificates one by one; text that holds none stands for itself, and is refused. */
function pemsOf(ca: string | string[] | undefined): string[] {
  return [ca ?? []].flat().flatMap((text) => {
    return text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [text];
  });
}

/**
 * Lets `sni` choose what to show, by the name in the client's first message, which stays
 * in the channel. Asked before the TLS layer begins: over a stream of ours the runtime
 * does not go on after a callback of its own that has waited.
 */
export async function chooseIdentity(
  below: Channel,
  options: SslServerOptions,
  what: () => string,
  left: () => WaitOptions,
): Promise<Result<SslServerOptions>> {
  const { sni } = options;
  if (sni === undefined) return [options, null];
  const [name, err] = await nameAsked(below, left);
  if (err !== null) return [null, err];
  if (name === null) return [options, null];
  return await park<Result<SslServerOptions>>(what, left(), (wake) => {
    Promise.resolve(name).then(sni).then(
      (identity) => wake([{ ...options, ...identity }, null]),
      (error) =>
        wake([null, new IoError("tls", `Cannot ${what()}: ${wordsOf(error)}`, { cause: error })]),
    );
    return () => {};
  });
}

async function nameAsked(below: Channel, left: () => WaitOptions): Promise<Result<string | null>> {
  for (let needs = 5;;) {
    const { timeout = 0, signal } = left();
    const wait = { timeout, signal, owner: below };
    const [bytes, err] = await below.incoming.receive(peek(codecOf("bytes"), needs), wait);
    if (err !== null && err.code !== "eof") return [null, err];
    // The TLS layer says what an end so early means.
    if (bytes === null) return [null, null];
    const hello = readHello(bytes as Uint8Array);
    if ("name" in hello) return [hello.name, null];
    needs = hello.needs;
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
