/** One documented rule of OpenResty's, what becomes of it here, and the check of that. */
import type { TcpSocket } from "../../cosocket/mod.ts";
import { overTcp } from "../cosocket/ends.ts";

/** Part of a rule that every row has. */
interface Row {
  /** The function or object of OpenResty's that the rule is about. */
  of: string;
  /** What its documentation says, in our words. */
  rule: string;
  /** What happens here. */
  here: string;
  /** Throws unless `here` is so. */
  check: () => unknown;
}

/** A rule; one that is different by decision says why. */
export type Rule = Row & ({ verdict: "same" } | { verdict: "different"; why: string });

/** Two sockets that are connected, for the time of `fn`. */
export async function between(
  fn: (sock: TcpSocket, peer: TcpSocket) => Promise<void>,
): Promise<void> {
  await using ends = await overTcp();
  await fn(ends.client, ends.served);
}

/** The text of bytes. */
export function text(bytes: Uint8Array | string | null | undefined): string | null {
  if (typeof bytes === "string") return bytes;
  return bytes === null || bytes === undefined ? null : new TextDecoder("latin1").decode(bytes);
}
