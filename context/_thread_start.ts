/** The first module of a worker thread. */
import { workerData } from "node:worker_threads";
import { Link } from "./_link.ts";
import { Member } from "./_member.ts";
import type { Batch } from "./_packet.ts";

function start(port: MessagePort, place: number): void {
  const link = new Link(false, (batch, moved) => port.postMessage(batch, moved));
  const member = new Member(place, link, async (url) => (await import(url)).default);
  port.onmessage = (event: MessageEvent<Batch>) => member.take(event.data);
  // The heartbeat counts from here: what came before was Deno's own work on the modules.
  link.post({ k: "pong" });
}

// Whoever only looks at this module, such as a tool, starts nothing.
if (workerData?.port instanceof MessagePort) {
  start(workerData.port, workerData.place);
}
