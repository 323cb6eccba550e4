import { Resolver } from "node:dns/promises";
import { fromOs, IoError, type Result } from "../core/mod.ts";

/** What is known of a name, and for how many milliseconds, where that is told. */
export interface Answer {
  result: Result<unknown[]>;
  life?: number;
}

/** Whom to ask. */
export type Server = { ipAddr: string; port: number } | undefined;

/** One overload a type; which it is does not matter here. */
type Ask = (
  name: string,
  type: string,
  options: Deno.ResolveDnsOptions,
) => Promise<unknown[]>;

/** Asks a name server, once. */
export async function askServer(
  action: string,
  name: string,
  type: string,
  server: Server,
  signal: AbortSignal,
): Promise<Answer> {
  if (type === "A" || type === "AAAA") {
    const answer = await askWithLife(action, name, type, server, signal);
    if (answer !== null) return answer;
  }
  try {
    const options = server === undefined ? { signal } : { signal, nameServer: server };
    return { result: [await (Deno.resolveDns as Ask)(name, type, options), null] };
  } catch (error) {
    const err = fromOs(error, action);
    const unknown = err.code === "io";
    return { result: [null, unknown ? new IoError("dns", err.message, { cause: error }) : err] };
  }
}

/**
 * Addresses with their TTL, which the runtime tells here and nowhere else; `null` where it
 * does not even say why it could not ask.
 */
async function askWithLife(
  action: string,
  name: string,
  type: "A" | "AAAA",
  server: Server,
  signal: AbortSignal,
): Promise<Answer | null> {
  const resolver = new Resolver();
  if (server !== undefined) {
    // Another name server can be set only by who may see the interfaces.
    const { state } = Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" });
    if (state !== "granted") return null;
    const { ipAddr, port } = server;
    resolver.setServers([ipAddr.includes(":") ? `[${ipAddr}]:${port}` : `${ipAddr}:${port}`]);
  }
  const cancel = () => resolver.cancel();
  signal.addEventListener("abort", cancel);
  try {
    const found = type === "A"
      ? await resolver.resolve4(name, { ttl: true })
      : await resolver.resolve6(name, { ttl: true });
    return {
      result: [found.map(({ address }) => address), null],
      life: Math.min(...found.map(({ ttl }) => ttl)) * 1_000,
    };
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    if (code === "ENOTFOUND") {
      const words = `${action}: the name server has no such record`;
      return { result: [null, new IoError("not_found", words, { cause })] };
    }
    if (code === "ETIMEOUT" || code === "ECANCELLED") {
      const words = `${action}: the name server did not answer`;
      return { result: [null, new IoError("timeout", words, { cause })] };
    }
    return null;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
