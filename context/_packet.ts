import type { Ending } from "./types.ts";

export { copy } from "./_copy.ts";

/** What goes between threads beside mail. */
export type Packet =
  | { k: "create"; id: number; url: string; name: string; args: unknown[]; parent: number }
  | { k: "made"; id: number }
  | { k: "ask"; token: number; url: string; options: Asked; parent: number }
  | { k: "unask"; token: number }
  | { k: "asked"; token: number; id: number; fault: string | null }
  | Taken
  | Refused
  | { k: "end"; id: number; ending: Ending }
  | { k: "watch"; id: number }
  | { k: "destroy"; id: number; reason: string }
  | { k: "leave" }
  | { k: "leaving" }
  | { k: "moving"; moved: Transferable[] }
  | { k: "failed"; message: string }
  | { k: "child"; pid: number; runs: boolean }
  | { k: "ping" }
  | { k: "pong" };

/** A context took messages out of its mailbox: told to the thread that sent them. */
export interface Taken {
  k: "taken";
  /** The number of that thread. */
  to: number;
  of: number;
  count: number;
  /** How many of them were plain sends, which nobody waits for. */
  loose: number;
}

/** Mail that cannot go where it should: told to the thread that sent it. */
export interface Refused {
  k: "refused";
  to: number;
  of: number;
  kind: number;
  session: number;
  words: string;
}

/** What a piece of mail is. A query is answered, a confirmed send is when it was taken. */
export const SEND = 0, QUERY = 1, CONFIRM = 2, REPLY = 3, BESIDE = 4;

/** Whether somebody must be told when it cannot be delivered. */
export function isMessage(kind: number): boolean {
  return kind <= CONFIRM;
}

/** A message, or the reply to one. */
export interface Mail {
  kind: number;
  /** The context that it is for. */
  to: number;
  from: number;
  /** The number of the thread that it was sent from. */
  via: number;
  /** Which of the sender's questions it is; beside the mailboxes, the line it is for. */
  session: number;
  value: unknown;
}

/**
 * Packets and mail in order. Mail lies in it flat, its six entries one after the other:
 * that is written and read in half the time that an object takes.
 */
export type Batch = unknown[];

/** Takes a batch apart. `moved` is what was moved along with this piece of mail. */
export function unpack(
  batch: Batch,
  onPacket: (packet: Packet) => void,
  onMail: (mail: Mail, moved: Transferable[]) => void,
): void {
  let moved: Transferable[] = [];
  for (let at = 0; at < batch.length;) {
    const kind = batch[at];
    if (typeof kind !== "number") {
      const packet = kind as Packet;
      if (packet.k === "moving") moved = packet.moved;
      else onPacket(packet);
      at += 1;
      continue;
    }
    const [to, from, via, session] = batch.slice(at + 1, at + 5) as number[];
    onMail(
      { kind, to: to!, from: from!, via: via!, session: session!, value: batch[at + 5] },
      moved,
    );
    moved = [];
    at += 6;
  }
}

/** The options of a `create` inside a context, as they travel to the main thread. */
export interface Asked {
  name?: string | undefined;
  args?: unknown[] | undefined;
  isolated?: boolean | undefined;
  permissions?: string[] | undefined;
  memory?: number | undefined;
}
