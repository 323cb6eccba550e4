/** What lives on in other threads and processes when the program ends in this very turn. */
import type { Brood } from "../core/mod.ts";
import type { Place } from "./_place.ts";

/** Milliseconds that they have altogether. */
const GRACE = 400;

/**
 * After so many of them processes are told that there is no more time for what is deaf to
 * SIGTERM, and threads that have not begun to leave are taken for busy.
 */
const HURRY = 100;

/** One that has started nothing ends within so many, where it cannot be seen that it has. */
const UNSEEN = 50;

/** Milliseconds between two looks meanwhile. */
const LOOK = 5;

/**
 * Ends processes, and the children of threads, in this turn, since there will be no other.
 * By SIGTERM processes end what they have started in turn; one that is stuck would not notice
 * that it is alone. Threads with children are told to leave; for one that is busy it is done here.
 * None starts another meanwhile, which would be left.
 */
export function endInThisTurn(places: Place[]): void {
  const processes = places.filter((place) => place.isolated);
  closeBroods(places.filter(({ isolated, over }) => !isolated && !over));
  const threads = places.filter(({ isolated, brood }) => !isolated && !brood.empty);
  if (processes.length === 0 && threads.length === 0) return;
  for (const { link } of threads) {
    link.post({ k: "leave" });
    link.flush();
  }
  const begun = performance.now();
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const live = (place: Place) =>
    runs(place.pid) ?? (performance.now() < begun + UNSEEN || hasChildren(place));
  const wait = (until: number) => {
    while (
      performance.now() < begun + until && (processes.some(live) || threads.some(hasChildren))
    ) Atomics.wait(pause, 0, 0, LOOK);
  };
  for (const place of processes) place.kill("SIGTERM");
  wait(HURRY);
  // At the second signal the module `process` gives children no longer than it does at an exit.
  for (const place of processes) place.kill("SIGTERM");
  for (const { brood } of threads) if (!brood.begun) signal(brood, "SIGTERM");
  wait(GRACE);
  for (const place of processes) {
    // It is stuck, or else it has ended its children, and another may have one's id by now.
    const stuck = runs(place.pid) === true;
    place.kill();
    if (stuck) signal(place.brood, "SIGKILL");
  }
  for (const { brood } of threads) signal(brood, "SIGKILL");
}

/** There is another turn if somebody behind us in the row has taken care of an error. */
function closeBroods(threads: Place[]): void {
  if (threads.length === 0) return;
  const close = (closed: boolean) => {
    for (const { brood } of threads) brood.closed = closed;
  };
  close(true);
  setTimeout(close, 0, false);
}

function signal(brood: Brood, name: Deno.Signal): void {
  for (const group of brood.groups()) group.signal(name);
}

function hasChildren({ brood }: Place): boolean {
  return brood.expects || brood.groups().some((group) => group.lives() !== false);
}

/** Whether a child of ours runs, which is not reaped in this turn; null where that is not seen. */
function runs(pid: number): boolean | null {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    // Only with all permissions may that be seen, and not on every system.
    return pid === 0 ? false : null;
  }
}
