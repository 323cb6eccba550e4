import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { fromOs, IoError } from "../core/mod.ts";
import type { SslOptions, SslServerOptions } from "./types.ts";

/** What has been found to be usable: a server shows the same to all of its clients. */
const usable = new WeakSet<object>();

/**
 * Why one end cannot show these certificates, or trust these authorities; `null` if it can.
 * The runtime takes anything, and some of it keeps a handshake from ever ending.
 */
export function checkSsl(ssl: SslOptions | SslServerOptions, action: string): IoError | null {
  if (usable.has(ssl)) return null;
  const { cert, key, passphrase, ca } = ssl;
  const steps: [what: string, try_it: () => unknown][] = [
    ["its certificate", () => cert === undefined || new X509Certificate(cert)],
    ["its key", () => key === undefined || keyOf(key, passphrase)],
    ["an authority", () => pemsOf(ca).map((pem) => new X509Certificate(pem))],
  ];
  for (const [what, step] of steps) {
    try {
      step();
    } catch (error) {
      const { message, cause } = fromOs(error, `${action}: ${what} cannot be read`);
      return new IoError("tls", message, { cause });
    }
  }
  if ((cert === undefined) !== (key === undefined)) {
    const lacks = key === undefined ? "certificate has no key" : "key has no certificate";
    return new IoError("tls", `${action}: its ${lacks}`);
  }
  if (
    cert !== undefined && !new X509Certificate(cert).checkPrivateKey(keyOf(key!, passphrase))
  ) return new IoError("tls", `${action}: its key does not belong to its certificate`);
  usable.add(ssl);
  return null;
}

function keyOf(key: string, passphrase: string | undefined): KeyObject {
  return createPrivateKey(passphrase === undefined ? key : { key, passphrase });
}

/** The certificates one by one; text that holds none stands for itself, and is refused. */
function pemsOf(ca: string | string[] | undefined): string[] {
  return [ca ?? []].flat().flatMap((text) => {
    return text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [text];
  });
}
