import { now, wheel } from "./wheel.ts";

let moment = NaN;

const settled = Promise.resolve();

function forget(): void {
  moment = NaN;
}

/**
 * About the time: as it was when this was first asked for in the run of microtasks that is
 * under way. For what is shown to people, such as a thread's age. It must bound nothing,
 * for it may be past. A look at the clock takes 90 ns, which is a lot where a thread is
 * started in 400.
 */
export function aboutNow(): number {
  // A fake clock is cheap, and may be moved on at any moment.
  if (wheel.clock.exact) return now();
  if (Number.isNaN(moment)) {
    moment = now();
    settled.then(forget);
  }
  return moment;
}
