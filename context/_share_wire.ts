import { IoError } from "../core/mod.ts";
import { inside } from "./create.ts";
import { current, type Home } from "./_home.ts";

/** Hears what another context has posted; `from` is the id of that context. */
export type Taker = (value: unknown, from: number) => void;

const takers = new Map<string, Taker>();

/** This thread's place among the others, ready to take what is posted beside the mailboxes. */
export function wiredHome(): Home {
  // The main thread's own is made by the first who asks for it.
  if (current.home === null) inside();
  const home = current.home!;
  home.office.beside = ({ to, from, port, value }) => takers.get(`${to} ${port}`)?.(value, from);
  return home;
}

/**
 * Takes what is posted to a port of a context of this thread: beside its mailbox, which is
 * the program's own. What nobody takes is dropped. Gives the way to take no more.
 */
export function takeFrom(id: number, port: string, taker: Taker): () => void {
  wiredHome();
  const key = `${id} ${port}`;
  takers.set(key, taker);
  return () => {
    if (takers.get(key) === taker) takers.delete(key);
  };
}

/** Posts to a port of a context anywhere; order is kept, and to one that has ended it is lost. */
export function postTo(
  to: number,
  port: string,
  from: number,
  value: unknown,
  moved: Transferable[] = [],
): void {
  wiredHome().office.route(to, { k: "beside", to, from, port, value, moved });
}

/** An error in a form that can be copied. */
export interface PackedError {
  code: IoError["code"];
  message: string;
  reason?: IoError["reason"];
  errno?: string | undefined;
}

/** Takes an error apart: a copy of one has neither its class nor its code. */
export function packError({ code, message, reason, errno }: IoError): PackedError {
  return { code, message, reason, errno };
}

/** Puts an error together again. */
export function unpackError({ code, message, reason, errno }: PackedError): IoError {
  return new IoError(code, message, {
    ...(reason === undefined ? {} : { reason }),
    ...(errno === undefined ? {} : { errno }),
  });
}
