import type { Ending } from "./types.ts";

/** What goes between threads; a batch of them per turn. */
export type Packet =
  | { k: "create"; id: number; url: string; name: string; args: unknown[]; parent: number }
  | { k: "made"; id: number; fault: string | null }
  | { k: "ask"; token: number; url: string; options: Asked; parent: number }
  | { k: "asked"; token: number; id: number; fault: string | null }
  | { k: "msg"; to: number; from: number; session: number; value: unknown; moved: Transferable[] }
  | { k: "reply"; to: number; session: number; value: unknown; moved: Transferable[] }
  | { k: "read"; to: number; of: number; count: number }
  | { k: "end"; id: number; ending: Ending }
  | { k: "watch"; id: number }
  | { k: "destroy"; id: number; reason: string }
  | { k: "beside"; to: number; from: number; port: string; value: unknown; moved: Transferable[] }
  | { k: "ping" }
  | { k: "pong" };

/** The options of a `create` inside a context, as they travel to the main thread. */
export interface Asked {
  name?: string | undefined;
  args?: unknown[] | undefined;
  isolated?: boolean | undefined;
  permissions?: string[] | undefined;
}

/**
 * Copies at the time of the call, so that what the sender changes later in the same turn
 * does not travel, and what cannot be copied is told to the one who sent it.
 */
export function copy(value: unknown, moved: Transferable[] = []): [unknown, Transferable[]] {
  if (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol") {
    return [value, []];
  }
  try {
    const both = structuredClone({ value, moved }, { transfer: moved });
    return [both.value, both.moved];
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`value must be one that can be copied: ${words}`, { cause });
  }
}
