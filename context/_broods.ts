import { setTimeout } from "node:timers";
import type { Brood } from "../core/mod.ts";

/** Milliseconds from SIGTERM to SIGKILL, as `process` grants them where a program ends. */
const GRACE = 100;

/** Milliseconds between two looks meanwhile. */
const LOOK = 5;

/** Ends what a thread has left that has gone or does nothing any more; calls `then` after that. */
export function endBrood(brood: Brood, then: () => void): void {
  brood.closed = true;
  if (brood.empty) return then();
  for (const group of brood.groups()) group.signal("SIGTERM");
  const until = performance.now() + GRACE;
  const look = () => {
    const groups = brood.groups();
    const left = brood.expects || groups.some((group) => group.lives() !== false);
    if (left && performance.now() < until) {
      setTimeout(look, LOOK);
      return;
    }
    for (const group of groups) {
      group.signal("SIGKILL");
      brood.leave(group.pid);
    }
    then();
  };
  look();
}
