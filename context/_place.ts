import { spawn } from "node:child_process";
import { setImmediate } from "node:timers";
import { Worker } from "node:worker_threads";
import { Link } from "./_link.ts";
import type { Packet } from "./_packet.ts";
import type { Ending } from "./types.ts";

/** A worker thread or a process, seen from the main thread. */
export interface Place {
  readonly isolated: boolean;
  readonly link: Link;
  readonly ids: Set<number>;
  /** Whether anything came since the last heartbeat, and how many beats nothing did. */
  heard: boolean;
  silent: number;
  /** Its first word has come. */
  started: boolean;
  /** Set when it is on its way out: no new context goes there. */
  over: boolean;
  kill(): void;
  readonly gone: Promise<Ending>;
}

/** Megabytes of heap that the contexts of one thread may use together. */
const HEAP_MB = 512;

/** Starts a worker thread. */
export function startThread(onBatch: (place: Place, batch: Packet[]) => void): Place {
  const { port1, port2 } = new MessageChannel();
  const start = new URL("./_thread_start.ts", import.meta.url).href;
  // The worker's own URL must be file: or data:, while this package may come from anywhere.
  const code = encodeURIComponent(`import(${JSON.stringify(start)})`);
  const worker = new Worker(new URL(`data:text/javascript,${code}`), {
    workerData: { port: port2 },
    transferList: [port2 as never],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
  let ending: Ending = { reason: "exited", message: "its thread exited" };
  worker.on("error", (error: Error & { code?: string }) => {
    const reason = error.code === "ERR_WORKER_OUT_OF_MEMORY" ? "killed" : "threw";
    ending = { reason, message: String(error) };
  });
  const gone = new Promise<Ending>((resolve) => {
    worker.on("exit", () => afterDrain(() => resolve(ending)));
  });
  const link = new Link((batch, moved) => port1.postMessage(batch, moved));
  const place = makePlace(false, link, gone, () => void worker.terminate());
  port1.onmessage = (event: MessageEvent<Packet[]>) => onBatch(place, event.data);
  gone.then(() => port1.close());
  return place;
}

/** Starts a process for one context; throws what the system has against it. */
export function startProcess(
  url: string,
  permissions: string[],
  onBatch: (place: Place, batch: Packet[]) => void,
): Place {
  const start = JSON.stringify(new URL("./_process_start.ts", import.meta.url).href);
  // Static imports of a program on stdin need no permission to read, an import() would.
  const code = `import { start } from ${start};\nimport * as it from ${JSON.stringify(url)};\n` +
    "start(() => Promise.resolve(it));\n";
  const child = spawn(Deno.execPath(), ["run", "--no-prompt", ...narrow(permissions), "-"], {
    stdio: ["pipe", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  });
  child.stdin?.end(code);
  let failed: Error | null = null;
  const gone = new Promise<Ending>((resolve) => {
    const end = (code: number | null, signal: string | null) => {
      const killed = signal !== null;
      const message = failed?.message ?? (killed ? `killed by ${signal}` : `exit code ${code}`);
      afterDrain(() => resolve({ reason: killed ? "killed" : "exited", message }));
    };
    child.on("exit", end);
    child.on("error", (error: Error) => {
      failed = error;
      end(null, null);
    });
  });
  const link = new Link((batch) => void (child.connected && child.send(batch as never)));
  const place = makePlace(true, link, gone, () => void child.kill("SIGKILL"));
  child.on("message", (batch: unknown) => onBatch(place, batch as Packet[]));
  return place;
}

/**
 * Without any permission flag node:child_process gives a child of Deno `-A`, all there is:
 * so there is always one, for a name that is set to nothing of worth.
 */
function narrow(permissions: string[]): string[] {
  const all = permissions.some((flag) => flag === "-A" || flag === "--allow-all");
  return all ? permissions : ["--allow-env=NODE_CHANNEL_FD", ...permissions];
}

function makePlace(isolated: boolean, link: Link, gone: Promise<Ending>, kill: () => void): Place {
  return {
    isolated,
    link,
    ids: new Set(),
    heard: true,
    silent: 0,
    started: false,
    over: false,
    kill,
    gone,
  };
}

/** What it had posted before its end is on its way still; it is heard first. */
function afterDrain(then: () => void): void {
  setImmediate(() => setImmediate(then));
}
