import { codecOf, IoError, park, peek, type Result, type WaitOptions } from "../core/mod.ts";
import type { Channel } from "../stream/mod.ts";
import { readHello } from "./_client_hello.ts";
import type { SslServerOptions } from "./types.ts";

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
