import { type ChildProcess, spawn } from "node:child_process";
import { setImmediate } from "node:timers";
import { Worker } from "node:worker_threads";
import { Link } from "./_link.ts";
import type { Batch } from "./_packet.ts";
import type { Ending } from "./types.ts";

/** A worker thread or a process, seen from the main thread. */
export interface Place {
  /** Counts up from 1; the main thread is 0. */
  readonly number: number;
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
export function startThread(
  number: number,
  onBatch: (place: Place, batch: Batch) => void,
): Place {
  const { port1, port2 } = new MessageChannel();
  const start = new URL("./_thread_start.ts", import.meta.url).href;
  // The worker's own URL must be file: or data:, while this package may come from anywhere.
  const code = encodeURIComponent(`import(${JSON.stringify(start)})`);
  const worker = new Worker(new URL(`data:text/javascript,${code}`), {
    workerData: { port: port2, place: number },
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
  const link = new Link(false, (batch, moved) => port1.postMessage(batch, moved));
  const place = makePlace(number, false, link, gone, () => void worker.terminate());
  port1.onmessage = (event: MessageEvent<Batch>) => onBatch(place, event.data);
  gone.then(() => port1.close());
  return place;
}

/** Starts a process for one context; throws what the system has against it. */
export function startProcess(
  number: number,
  url: string,
  permissions: string[],
  onBatch: (place: Place, batch: Batch) => void,
): Place {
  const start = JSON.stringify(new URL("./_process_start.ts", import.meta.url).href);
  // Static imports of a program on stdin need no permission to read, an import() would.
  const code = `import { start } from ${start};\nimport * as it from ${JSON.stringify(url)};\n` +
    `start(${number}, () => Promise.resolve(it));\n`;
  const child = spawn(Deno.execPath(), ["run", "--no-prompt", ...narrow(permissions), "-"], {
    stdio: ["pipe", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  });
  child.stdin?.end(code);
  const gone = Promise.all([exitOf(child), drained(child)]).then(([ending]) => ending);
  const link = new Link(true, (batch) => void (child.connected && child.send(batch as never)));
  const place = makePlace(number, true, link, gone, () => void child.kill("SIGKILL"));
  child.on("message", (batch: unknown) => onBatch(place, batch as Batch));
  return place;
}

/** Resolves when the process has ended, or could not be started. */
function exitOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.on("exit", (code, signal) => {
      if (signal === null) resolve({ reason: "exited", message: `exit code ${code}` });
      else resolve({ reason: "killed", message: `killed by ${signal}` });
    });
    child.on("error", ({ message }) => {
      if (child.pid === undefined) resolve({ reason: "exited", message });
    });
  });
}

/** Resolves when all that it had posted is here: its last words come before its end. */
function drained(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.on("disconnect", resolve);
    // A message that was cut off, by a process that ended while it wrote.
    child.on("error", () => resolve());
  });
}

/**
 * Without any permission flag node:child_process gives a child of Deno `-A`, all there is:
 * so there is always one, for a name that is set to nothing of worth.
 */
function narrow(permissions: string[]): string[] {
  const all = permissions.some((flag) => flag === "-A" || flag === "--allow-all");
  return all ? permissions : ["--allow-env=NODE_CHANNEL_FD", ...permissions];
}

function makePlace(
  number: number,
  isolated: boolean,
  link: Link,
  gone: Promise<Ending>,
  kill: () => void,
): Place {
  return {
    number,
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
