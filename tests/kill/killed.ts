/** One call of the table, killed. */
import { setImmediate } from "node:timers";
import { IoError, kill, newthread, ThreadKilled, wait } from "../../thread/mod.ts";
import { CALLS, type Stage } from "./calls.ts";

/** A turn of the event loop. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Kills the call after so many turns and undoes what it made; gives how its thread ended. */
export function killed(name: string, turns: number): Promise<string> {
  return staged(name, async (call) => {
    const thread = newthread(call);
    for (let n = 0; n < turns; n++) await turn();
    kill(thread);
    const [, err] = await wait(thread);
    return err === null ? "returned" : err.code;
  });
}

/** Makes the call in a thread that was killed before; gives what the call has come to. */
export function late(name: string): Promise<string> {
  return staged(name, inKilled);
}

/** What a call comes to in a thread that is killed just before: `killed` where it throws that. */
export async function inKilled(
  call: () => Promise<unknown>,
  prepare: () => Promise<unknown> = turn,
): Promise<string> {
  const over = Promise.withResolvers<string>();
  const thread = newthread(async () => {
    await prepare();
    kill(thread);
    // What a kill brings about a microtask later, it has brought about.
    await Promise.resolve();
    await Promise.resolve();
    try {
      const given = await call();
      const err: unknown = Array.isArray(given) ? given[1] : null;
      over.resolve(err instanceof IoError ? `the error ${err.code}` : "returned");
    } catch (error) {
      over.resolve(error instanceof ThreadKilled ? "killed" : String(error));
    }
  });
  await wait(thread);
  return await over.promise;
}

/** Makes everything ready for a call, and undoes it afterwards. */
async function staged(
  name: string,
  use: (call: () => Promise<unknown>) => Promise<string>,
): Promise<string> {
  const path = await Deno.makeTempDir();
  const undos: (() => unknown)[] = [];
  let over = false;
  // A killed thread runs on to its next wait, and may have something to undo only then.
  const stage: Stage = { path, undo: (how) => void (over ? how() : undos.push(how)) };
  try {
    return await use(await CALLS[name]!(stage));
  } finally {
    over = true;
    for (const undo of undos.reverse()) await undo();
    await removed(path);
  }
}

/**
 * Removes a folder. What the runtime does with a file goes on when it is given up, so a new
 * one may appear meanwhile.
 */
async function removed(path: string): Promise<void> {
  const end = performance.now() + 10_000;
  for (;;) {
    try {
      return await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (performance.now() > end) throw error;
      await turn();
    }
  }
}
