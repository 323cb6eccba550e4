import type { Office } from "./_office.ts";
import type { Socket } from "node:net";
import type { Asked, Mail } from "./_packet.ts";

/** Posts mail and moves a socket along. */
export type Hand = (mail: Mail, socket: Socket) => void;

/** What this thread is: the main one, or one that runs contexts. */
export interface Home {
  readonly office: Office;
  /** Starts a context; `made` is called once. Gives the way to call it off before. */
  create(
    url: string,
    options: Asked,
    parent: number,
    made: (id: number, fault: string | null) => void,
  ): () => void;
  /** The way to post mail with a socket to a context; null where it is in no process of ours. */
  hand?(to: number): Hand | null;
}

/** Set by a worker's start; the main thread makes its own at the first use. */
export const current: {
  home: Home | null;
  /** The socket that came with the mail that is being taken; from process to process only. */
  handed: unknown;
} = { home: null, handed: undefined };
