/** What a sharded server and its workers say to each other. */
import type { Encoding } from "../core/mod.ts";
import type { Address, ListenOptions } from "../cosocket/mod.ts";
import type { PackedError } from "./_share_wire.ts";

/** The line that a worker hears its orders on. */
export const LINE = 0;

/** Where a worker listens, and how. */
export interface Place {
  host: string;
  port: number;
  index: number;
  /** Whether others may have the port already. */
  joins: boolean;
  options: ListenOptions<Encoding>;
  /** The line that hears its words. */
  reply: number;
}

/** What a worker is asked; each question has an answer. */
export type Question =
  | { what: "counts" }
  | { what: "close" }
  | { what: "shutdown"; grace: number };

/** How many connections are open, were accepted, and ended with an error of the handler. */
export interface Counts {
  connections: number;
  accepted: number;
  failed: number;
}

/** What an answer holds: the counts, `true` for a close, how many were cut for a shutdown. */
export type Answer = Counts | true | number;

/** To a worker. */
export type Order = { k: "begin"; place: Place } | { k: "ask"; n: number; question: Question };

/** From a worker. */
export type Word =
  | { k: "listening"; address: Address }
  | { k: "refused"; err: PackedError }
  | { k: "misuse"; range: boolean; message: string }
  | { k: "lost"; err: PackedError }
  | { k: "answer"; n: number; value: Answer };
