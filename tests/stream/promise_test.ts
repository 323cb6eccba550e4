import { assert } from "@std/assert";
import { pair } from "../../stream/mod.ts";
import { FakeClock, newthread, sleep, wait } from "../../thread/mod.ts";
import { sizes } from "../sizes.ts";
import { random, receiveAll, source } from "./promise.ts";

const KIB_64 = 64 * 1024;

/** One run: a sender that chops and dawdles, a receiver that gives up at random. */
async function run(seed: number): Promise<{ steps: number; givenUp: number }> {
  const next = random(seed);
  using clock = new FakeClock();
  const [ours, theirs] = pair({ capacity: 1 + Math.floor(next() * 10_000) });
  const bytes = source(next, KIB_64);
  const sender = newthread(async () => {
    const chop = random(seed + 1);
    for (let at = 0; at < bytes.length;) {
      const size = chop() < 0.3 ? 1 + Math.floor(chop() * 5) : 1 + Math.floor(chop() * 4_000);
      await theirs.send(bytes.subarray(at, at + size), { timeout: 0 });
      at += size;
      if (chop() < 0.5) await sleep(1 + Math.floor(chop() * 15));
    }
    await theirs.shutdown("send");
  });
  try {
    const counts = await receiveAll(ours, bytes, next, () => clock.tick(3));
    await wait(sender);
    return counts;
  } finally {
    ours.close_immediately();
    theirs.close_immediately();
  }
}

const only = Deno.env.get("COEVENT_SEED");

Deno.test("receive() loses nothing and gives nothing twice, whatever gives up in between", async () => {
  const first = only === undefined ? 1 : Number(only);
  const runs = only === undefined ? sizes.pairRuns : 1;
  let steps = 0;
  let givenUp = 0;
  for (let seed = first; seed < first + runs; seed++) {
    try {
      const counts = await run(seed);
      steps += counts.steps;
      givenUp += counts.givenUp;
    } catch (cause) {
      const replay = `COEVENT_SEED=${seed} deno task test tests/stream/promise_test.ts`;
      throw new Error(`seed ${seed} failed; replay it with: ${replay}`, { cause });
    }
  }
  assert(givenUp > steps / 20, `only ${givenUp} of ${steps} receives gave up: that proves little`);
});
