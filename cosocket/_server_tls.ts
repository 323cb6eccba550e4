import type { IoError } from "../core/mod.ts";
import * as tls from "node:tls";
import { tlsError } from "./_tls.ts";
import type { SslServerOptions } from "./types.ts";

/** Why a server cannot show these certificates; `null` if it can. */
export function checkServerSsl(ssl: SslServerOptions, action: string): IoError | null {
  const { cert, key, ca, passphrase } = ssl;
  try {
    tls.createSecureContext({
      cert,
      key,
      ...(ca === undefined ? {} : { ca }),
      ...(passphrase === undefined ? {} : { passphrase }),
    });
    return null;
  } catch (error) {
    return tlsError(error, action);
  }
}
