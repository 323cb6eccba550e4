import { setImmediate } from "node:timers";
import { afterTurn, fail, fromOs, IoError, park, type Result } from "../core/mod.ts";
import type { Home } from "./_home.ts";
import { checkForProcess, copy } from "./_copy.ts";
import type { Context, CreateOptions } from "./types.ts";
import { fileURLToPath } from "node:url";

/** With less than this the runtime itself does not start. */
const LEAST_MEMORY = 16 * 2 ** 20;

/** Why a context is destroyed that was made too late. */
export const NOBODY = "nobody waits for it any more";

/** `create`, for the context whose id is `parent`. */
export function createFor<In, Out>(
  home: Home,
  parent: number,
  url: URL | string,
  options: CreateOptions,
): Promise<Result<Context<In, Out>>> {
  const href = absolute(url);
  const called = nameOf(href);
  const { name, args = [], isolated = false, permissions, memory } = options;
  if (!Array.isArray(args)) throw new TypeError(`args must be an array: got ${typeof args}`);
  if (permissions !== undefined && !isolated) {
    throw new TypeError("permissions need isolated: true, a thread shares the program's");
  }
  if (memory !== undefined && !isolated) {
    throw new TypeError("memory needs isolated: true, a thread shares its heap with others");
  }
  if (memory !== undefined && !(Number.isInteger(memory) && memory >= LEAST_MEMORY)) {
    throw new RangeError(`memory must be ${LEAST_MEMORY} or more bytes: got ${memory}`);
  }
  for (const flag of permissions ?? []) {
    if (!/^(--(allow|deny)-|-A$)/.test(flag)) {
      throw new TypeError(`permissions must be flags such as "--allow-net": got ${flag}`);
    }
  }
  const [copied] = copy(args);
  if (isolated) checkForProcess(copied);
  if (isolated && Deno.build.standalone) {
    const words = `Cannot create context ${called}: a compiled program has no runtime to start`;
    return afterTurn(fail(new IoError("unsupported", words)));
  }
  const asked = { name, args: copied as unknown[], isolated, permissions, memory };
  return park<Result<Context<In, Out>>>(() => `create context ${called}`, options, (wake) => {
    let over = false;
    const calledOff = home.create(href, asked, parent, (id, fault) => {
      // Some are refused at once, and a loop that tries for ever would spin in microtasks.
      if (fault !== null) setImmediate(() => wake(fail(refusal(href, fault))));
      else if (over) home.office.handle(id, parent).destroy(NOBODY);
      else wake([home.office.handle(id, parent) as Context<In, Out>, null]);
    });
    return () => {
      over = true;
      calledOff();
    };
  });
}

/** Where this package lies on disk, if it does. */
function packageFolder(): string | null {
  const root = new URL("..", import.meta.url);
  return root.protocol === "file:" ? fileURLToPath(root) : null;
}

/** Deno says in words alone what a worker or a child may not. */
function refusal(href: string, fault: string): IoError {
  const called = nameOf(href);
  const action = `Cannot create context ${called}`;
  if (/too many open files/i.test(fault)) {
    return new IoError("exhausted", `${action}: too many open files`);
  }
  const refused = /Requires \w+ access.*/.exec(fault)?.[0];
  if (refused === undefined) {
    return new IoError("failed", `${action}: ${fault.replaceAll(href, called)}`);
  }
  const ours = packageFolder();
  // Module after module of this package would be asked for: its folder holds them all.
  const cause = new Error(
    ours === null || !refused.startsWith(`Requires read access to "${ours}`)
      ? refused
      : `Requires read access to "${ours.slice(0, -1)}"`,
  );
  cause.name = "NotCapable";
  return fromOs(cause, action);
}

/** How a module is called in messages: one that is code itself by its kind alone. */
function nameOf(href: string): string {
  return /^data:[^,]*/.exec(href)?.[0] ?? href;
}

function absolute(url: URL | string): string {
  if (url instanceof URL) return url.href;
  if (typeof url === "string" && URL.canParse(url)) return url;
  throw new TypeError(
    `url must be absolute, as new URL("./w.ts", import.meta.url): got ${JSON.stringify(url)}`,
  );
}
