import { root, runIn } from "../core/mod.ts";
import { newthread } from "../thread/mod.ts";

/**
 * Runs a callback in a thread that belongs to nobody's scope: the event that it is
 * called for has no caller. What it throws goes to `thread.on_error`.
 */
export function inRoot(name: string, fn: () => unknown): void {
  runIn(root, () => {
    const thread = newthread(fn);
    thread.name = name;
  }, []);
}
