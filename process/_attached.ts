/**
 * What happens to children when their program ends before them.
 *
 * How it works. A child leads a group of its own, so the terminal's Ctrl-C does not
 * reach it; without us it would be left behind. While a child runs that is not
 * detached, we listen:
 * - to `unload`, which `Deno.exit()` and a natural end bring, and to errors that nobody
 *   catches: SIGTERM to all groups, a moment, SIGKILL, without leaving the turn;
 * - to SIGINT, SIGTERM and SIGHUP: the signal is passed on to all groups, and the
 *   program ends by it when they have ended, or have been killed after a grace, or the
 *   signal comes a second time.
 * A SIGKILL to the program or an `abort` of it cannot be heard. A worker thread hears no
 * `unload` when the program ends: the main thread, which sees its children, tells it then.
 */
import process from "node:process";
import { countListener, own } from "../core/mod.ts";
import { Ending, type Mortal } from "./_ending.ts";
import { handled } from "./_handlers.ts";

/** The signals that end a program, and that terminals and supervisors send. */
const FATAL: Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Milliseconds that children have when a signal ends the program. */
const SIGNAL_GRACE = 5_000;

/** Milliseconds that children have when the program ends in this very turn. */
const LAST_GRACE = 100;

/** So many milliseconds it may take until a signal that nobody listens to has ended us. */
export const SIGNAL_TAKES = 1_000;

/** Milliseconds between two looks meanwhile. */
const LAST_LOOK = 5;

const attached = new Set<Mortal>();
let listening = false;
let ending: Deno.Signal | null = null;

/** A signal is ending the program: nothing must be started anew. */
export function programEnds(): boolean {
  return ending !== null;
}

/**
 * A child is about to be started that is to end with the program: what ends the program
 * must find us listening from its first moment on. False where the program has ended but for
 * this thread, and none must be started.
 */
export function expectChild(): boolean {
  if (own.brood?.expect() === false) return false;
  if (!listening) listen();
  return true;
}

/** The child that was expected could not be started. */
export function expectNoChild(): void {
  own.brood?.fail();
  unlistenForNone();
}

function unlistenForNone(): void {
  if (attached.size === 0 && ending === null) unlisten();
}

/** A child, which was expected, is to end with the program. */
export function attach(child: Mortal): void {
  attached.add(child);
  own.brood?.enter(child.group.pid);
  // Last in the row, to see whether another listener has taken care of the error.
  for (const type of ["error", "unhandledrejection"]) {
    removeEventListener(type, uncaught);
    addEventListener(type, uncaught);
  }
}

/** A child has ended. */
export function release(child: Mortal): void {
  attached.delete(child);
  own.brood?.leave(child.group.pid);
  unlistenForNone();
}

function listen(): void {
  setListening(true);
  addEventListener("unload", endAttached);
  for (const signal of fatal()) Deno.addSignalListener(signal, listeners[signal]!);
}

function unlisten(): void {
  if (!listening) return;
  setListening(false);
  removeEventListener("unload", endAttached);
  removeEventListener("error", uncaught);
  removeEventListener("unhandledrejection", uncaught);
  for (const signal of fatal()) Deno.removeSignalListener(signal, listeners[signal]!);
}

function setListening(listens: boolean): void {
  listening = listens;
  countListener(listens);
  if (own.brood !== null) own.brood.listens = listens;
}

/** On Windows the console ends all of its processes itself. */
function fatal(): Deno.Signal[] {
  return Deno.build.os === "windows" ? [] : FATAL;
}

const listeners: Partial<Record<Deno.Signal, () => void>> = Object.fromEntries(
  FATAL.map((signal) => [signal, () => signalled(signal)]),
);

/** Ends all groups within this turn, since there will be no other. */
export function endAttached(): void {
  if (attached.size === 0) return;
  const groups = [...attached].map((child) => child.group);
  attached.clear();
  own.brood?.begin();
  for (const group of groups) group.signal("SIGTERM");
  const until = performance.now() + LAST_GRACE;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (performance.now() < until && groups.some((group) => group.lives() !== false)) {
    Atomics.wait(pause, 0, 0, LAST_LOOK);
  }
  for (const group of groups) group.signal("SIGKILL");
  unlisten();
  // The main thread may be waiting for this, to end the program by a signal.
  for (const group of groups) own.brood?.leave(group.pid);
}

function uncaught(event: Event): void {
  if (!event.defaultPrevented) endAttached();
}

/** Whoever listens to a signal decides what it means; else it ends children and program. */
async function signalled(signal: Deno.Signal): Promise<void> {
  if (handled(signal) || process.listenerCount(signal) > 0) return;
  if (ending === null) {
    ending = signal;
    await Promise.all([...attached].map((child) => new Ending(child, signal, SIGNAL_GRACE).done));
    unlisten();
    // Another thread still ends its children, and then the program; if it does not, we do.
    if (Atomics.load(own.handled, 0) > 0) await elapse(SIGNAL_GRACE + SIGNAL_TAKES);
  }
  // What we sent ourselves comes here too if a child has begun meanwhile: it ends as well.
  endBy(ending);
  // The program must not come to an end of its own before.
  await elapse(SIGNAL_TAKES);
  // Still here: the program listens to the signal past `signal.register`, and lives on.
  ending = null;
}

function elapse(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Ends the program by a signal: where one listened to it, another thread does so, later. */
export function endBy(signal: Deno.Signal): void {
  endAttached();
  unlisten();
  Deno.kill(Deno.pid, signal);
}
