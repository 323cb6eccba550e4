/**
 * Loads that leave something behind on purpose, one for each thing that a soak looks at: a
 * soak that ends well with one of them looks at nothing. Only a test asks for them.
 */
import { popen, unwrap } from "../../process/mod.ts";
import { newthread, sleep } from "../../thread/mod.ts";
import type { Load } from "./loads.ts";

/** What is never let go. */
const kept: unknown[] = [];

/** More than a program at rest may hold more than before, of heap and of buffers. */
const MUCH = 24 * 1024 * 1024;

const LEAKS: Record<string, () => unknown> = {
  descriptors: () => Deno.openSync("/dev/null"),
  threads: () => newthread(sleep, 3_600_000),
  children: () => unwrap(popen(["cat"], "rw")),
  processes: () => new Deno.Command("cat", { stdin: "piped" }).spawn(),
  // Many, for the runtime lets some of its own go meanwhile.
  system_threads: () =>
    Array.from({ length: 12 }, () => {
      const source = "data:text/javascript,setInterval(() => {}, 1000)";
      return new Worker(source, { type: "module" });
    }),
  // A list of numbers that are none of the small ones takes eight bytes each.
  heap: () => Array.from({ length: MUCH / 8 }, (_, n) => n + 0.5),
  buffers: () => new Uint8Array(MUCH),
};

/** Loads by the name of what they leak; each does it once. */
export const LEAKY_LOADS: Record<string, Load> = Object.fromEntries(
  Object.entries(LEAKS).map(([what, leak]) => {
    let leaked = false;
    return [`leaks_${what}`, async () => {
      if (!leaked) kept.push(leak());
      leaked = true;
      await sleep(5);
    }];
  }),
);
