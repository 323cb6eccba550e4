/** The first module of a worker thread. */
import { workerData } from "node:worker_threads";
import { Link } from "./_link.ts";
import { Member } from "./_member.ts";
import type { Packet } from "./_packet.ts";

function start(port: MessagePort): void {
  const link = new Link((batch, moved) => port.postMessage(batch, moved));
  const member = new Member(link, async (url) => (await import(url)).default);
  port.onmessage = (event: MessageEvent<Packet[]>) => member.take(event.data);
  // The heartbeat counts from here: what came before was Deno's own work on the modules.
  link.post({ k: "pong" });
}

// Whoever only looks at this module, such as a tool, starts nothing.
if (workerData?.port instanceof MessagePort) start(workerData.port);
