import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { Brood, poll } from "../core/mod.ts";
import { endBrood } from "./_broods.ts";
import { Link } from "./_link.ts";
import type { Asked, Batch } from "./_packet.ts";
import { makePlace, type Place } from "./_place.ts";
import type { Ending } from "./types.ts";

/** Names that the runtime in the child may need: where its cache is, how it writes. */
const RUNTIME_NAMES = ["DENO_DIR", "HOME", "XDG_CACHE_HOME", "USERPROFILE", "LOCALAPPDATA"];

/** Starts a process for one context; throws what the system has against it. */
export function startProcess(
  number: number,
  url: string,
  { permissions = [], memory }: Asked,
  onBatch: (place: Place, batch: Batch) => void,
): Place {
  const start = new URL("./_process_start.ts", import.meta.url).href;
  // An import() of a literal needs no permission to read, as the static ones; others do.
  const code = `import { start } from ${JSON.stringify(start)};
    start(${number}, () => import(${JSON.stringify(url)}));`;
  const limit = memory === undefined ? [] : [heapFlag(memory)];
  const args = ["run", "--no-prompt", ...limit, ...narrow(permissions), "-"];
  const env = environment(permissions);
  const child = spawn(runtime(), args, {
    stdio: ["pipe", "inherit", "inherit", "ipc"],
    serialization: "advanced",
    ...(env === null ? {} : { env }),
  });
  child.stdin?.end(code);
  const brood = new Brood();
  const gone = Promise.all([exitOf(child), drained(child)]).then(([exit]) => endOf(exit, brood));
  const post = (batch: Batch, socket?: Socket) => {
    if (child.connected) child.send(batch as never, socket as never);
    else socket?.destroy();
  };
  const link = new Link(true, (batch) => post(batch));
  const kill = (signal: "SIGTERM" | "SIGKILL" = "SIGKILL") => {
    // Or the runtime would send no second signal.
    Object.assign(child, { killed: false }).kill(signal);
  };
  const place = makePlace(number, true, link, brood, gone, kill);
  place.pid = child.pid ?? 0;
  place.hand = ({ kind, to, from, via, session, value }, socket) => {
    link.flush();
    post([kind, to, from, via, session, value], socket);
  };
  child.on("message", (batch: unknown) => onBatch(place, batch as Batch));
  return place;
}

/** The Deno that runs, by its path, or by its name where only that is allowed. */
function runtime(): string {
  const path = Deno.execPath();
  const { state } = Deno.permissions.querySync({ name: "run", command: path });
  return state === "granted" ? path : "deno";
}

function heapFlag(bytes: number): string {
  return `--v8-flags=--max-old-space-size=${Math.ceil(bytes / 2 ** 20)}`;
}

/**
 * What the child's environment is; null for all of ours, which is copied where it may be
 * read. Else it is what may be read of what the runtime needs and the child is allowed.
 */
function environment(permissions: string[]): Record<string, string> | null {
  if (Deno.permissions.querySync({ name: "env" }).state === "granted") return null;
  const named = permissions.flatMap((flag) => {
    const [, names = ""] = /^--allow-env=(.*)/.exec(flag) ?? [];
    return names.split(",");
  });
  const env: Record<string, string> = {};
  for (const variable of [...RUNTIME_NAMES, ...named]) {
    const { state } = Deno.permissions.querySync({ name: "env", variable });
    const value = state === "granted" ? Deno.env.get(variable) : undefined;
    if (value !== undefined) env[variable] = value;
  }
  return env;
}

/** How a process has ended, and by which signal. */
interface Exit {
  ending: Ending;
  signal: string | null;
}

/** Resolves when the process has ended, or could not be started. */
function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.on("exit", (code, signal) => {
      resolve({
        ending: signal === null
          ? { reason: "exited", message: `exit code ${code}` }
          : { reason: "killed", message: `killed by ${signal}` },
        signal,
      });
    });
    child.on("error", ({ message }) => {
      if (child.pid === undefined) resolve({ ending: { reason: "exited", message }, signal: null });
    });
  });
}

/** It ends its children at an exit, and at these signals. */
const HEARD = ["SIGINT", "SIGTERM", "SIGHUP"];

/** The end of a process, and of the children that it could not end itself. */
function endOf({ ending, signal }: Exit, brood: Brood): Ending | Promise<Ending> {
  if (signal === null || HEARD.includes(signal)) return ending;
  return new Promise((resolve) => endBrood(brood, () => resolve(ending)));
}

/** So many milliseconds after its end, what it had said has reached us. */
export const LAST_WORDS = 50;

/** Resolves when all that it had posted is here: its last words come before its end. */
export function drained(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    let late: ReturnType<typeof setTimeout> | undefined;
    const end = () => {
      if (child.connected) child.disconnect();
    };
    const hearOut = () => {
      // All that time may go by in one turn of ours, in which nothing is read.
      if (child.connected) late ??= setTimeout(() => poll(end), LAST_WORDS);
    };
    child.on("disconnect", () => {
      clearTimeout(late);
      resolve();
    });
    // The runtime overlooks the end of a pipe that a message to it has broken.
    child.on("exit", hearOut);
    child.on("error", () => {
      // A message to or from one that has ended: what it had said before may be on its way.
      if (child.pid !== undefined) hearOut();
      else resolve();
    });
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
