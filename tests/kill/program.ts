/**
 * Run by kill_test.ts in a process of its own, for it counts descriptors: makes each call
 * of the table in a thread, kills that at several moments, and prints a line for each
 * call that left something behind or was not over. It must end by itself.
 */
import { children } from "../../process/mod.ts";
import { pool_stats } from "../../cosocket/mod.ts";
import { list } from "../../thread/mod.ts";
import { CALLS } from "./calls.ts";
import { killed, turn } from "./killed.ts";

const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;

/** What is left of a call, beside the descriptors that the program has anyway. */
function remains(usual: number): string {
  const pooled = pool_stats().reduce((sum, { open, waiting }) => sum + open + waiting, 0);
  const counts = {
    descriptors: Math.max(0, descriptors() - usual),
    children: children().length,
    "sockets of pools": pooled,
    threads: list().length,
  };
  return Object.entries(counts).filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`).join(", ");
}

/** Waits until nothing is left, for closing takes the runtime a while; gives what is. */
async function settled(usual: number): Promise<string> {
  const end = performance.now() + 10_000;
  for (;;) {
    const left = remains(usual);
    if (left === "" || performance.now() > end) return left;
    await turn();
  }
}

const names = Deno.args.length > 0 ? Deno.args : Object.keys(CALLS);

// What the first time alone opens, such as the resolver's sockets, is no leak.
for (const name of names) await killed(name, 20);
await settled(Infinity);
let usual = descriptors();
for (let quiet = 0; quiet < 100; quiet++) {
  await turn();
  if (descriptors() < usual) [usual, quiet] = [descriptors(), 0];
}

for (const name of names) {
  for (const turns of [0, 1, 2, 5, 20]) {
    const end = await killed(name, turns);
    const left = await settled(usual);
    if (left !== "") console.log(`${name}, killed after ${turns} turns (${end}), leaves ${left}`);
  }
}
console.log("all tried");
