/** One call of the table, killed. */
import { setImmediate } from "node:timers";
import { kill, newthread, wait } from "../../thread/mod.ts";
import { CALLS, type Stage } from "./calls.ts";

/** A turn of the event loop. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Kills the call after so many turns and undoes what it made; gives how its thread ended. */
export async function killed(name: string, turns: number): Promise<string> {
  const path = await Deno.makeTempDir();
  const undos: (() => unknown)[] = [];
  let over = false;
  // A killed thread runs on to its next wait, and may have something to undo only then.
  const stage: Stage = { path, undo: (how) => void (over ? how() : undos.push(how)) };
  try {
    const call = await CALLS[name]!(stage);
    const thread = newthread(call);
    for (let n = 0; n < turns; n++) await turn();
    kill(thread);
    const [, err] = await wait(thread);
    return err === null ? "returned" : err.code;
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
