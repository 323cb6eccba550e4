/** What the first module of a worker thread imports and calls. */
import { Brood, own } from "../core/mod.ts";
import { Link } from "./_link.ts";
import { Member } from "./_member.ts";
import type { Batch } from "./_packet.ts";

/** Where this module is. Whoever asks has it in its graph, and so in a compiled program. */
export const START: string = import.meta.url;

/** Runs the contexts of this thread, whose number is `place`; the memory is shared with the main one. */
export function start(port: MessagePort, place: number, memory: SharedArrayBuffer[]): void {
  const [brood, handled] = memory as [SharedArrayBuffer, SharedArrayBuffer];
  own.brood = new Brood(brood);
  own.handled = new Int32Array(handled);
  const link = new Link(false, (batch, moved) => port.postMessage(batch, moved));
  const member = new Member(place, link, async (url) => (await import(url)).default);
  port.onmessage = (event: MessageEvent<Batch>) => member.take(event.data);
  // The heartbeat counts from here: what came before was Deno's own work on the modules.
  link.post({ k: "pong" });
}
