import { setImmediate } from "node:timers";
import { Worker } from "node:worker_threads";
import { Brood, own } from "../core/mod.ts";
import { endBrood } from "./_broods.ts";
import { Link } from "./_link.ts";
import type { Batch } from "./_packet.ts";
import { makePlace, type Place } from "./_place.ts";
import { START } from "./_thread_start.ts";
import type { Ending } from "./types.ts";

/** Megabytes of heap that the contexts of one thread may use together. */
const HEAP_MB = 512;

/** Starts a worker thread. */
export function startThread(
  number: number,
  onBatch: (place: Place, batch: Batch) => void,
): Place {
  const { port1, port2 } = new MessageChannel();
  const brood = new Brood();
  // The worker's own URL must be file: or data:, while this package may come from anywhere.
  const code = `import { workerData } from "node:worker_threads";
    const { port, place, memory } = workerData;
    import(${JSON.stringify(START)}).then(({ start }) => start(port, place, memory), (error) =>
      port.postMessage([{ k: "failed", message: String(error) }]));`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    workerData: { port: port2, place: number, memory: [brood.memory, own.handled.buffer] },
    transferList: [port2 as never],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  let ending: Ending = { reason: "exited", message: "its thread exited" };
  worker.on("error", (error: Error & { code?: string }) => {
    const reason = error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "killed" : "threw";
    ending = { reason, message: String(error) };
  });
  let batches = 0;
  const gone = new Promise<Ending>((resolve) => {
    // What it has started is left by one that was ended from outside, or closed itself.
    worker.on("exit", () => drained(() => batches, () => endBrood(brood, () => resolve(ending))));
  });
  const link = new Link(false, (batch, moved) => port1.postMessage(batch, moved));
  const place = makePlace(number, false, link, brood, gone, () => void worker.terminate());
  port1.onmessage = (event: MessageEvent<Batch>) => {
    batches++;
    onBatch(place, event.data);
  };
  gone.then(() => port1.close());
  return place;
}

/** So many turns without a batch show that none is on its way any more. */
export const QUIET = 4;

/** Calls `then` when all is heard that it had posted before its end: that may be on its way still. */
export function drained(batches: () => number, then: () => void): void {
  let heard = batches();
  let quiet = 0;
  const look = () => {
    quiet = batches() === heard ? quiet + 1 : 0;
    heard = batches();
    if (quiet === QUIET) then();
    else setImmediate(look);
  };
  setImmediate(look);
}
