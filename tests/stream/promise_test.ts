import { assert } from "@std/assert";
import { type NamedEncoding, pair } from "../../stream/mod.ts";
import { FakeClock, newthread, sleep, wait } from "../../thread/mod.ts";
import { sizes } from "../sizes.ts";
import { type Counts, random, receiveAll, source } from "./promise.ts";

const KIB_64 = 64 * 1024;
const ENCODINGS: NamedEncoding[] = ["lines", "utf-8", "latin1", "bytes"];

/** One run: a sender that chops and dawdles, a receiver that gives up at random. */
async function run(seed: number): Promise<Counts> {
  const next = random(seed);
  using clock = new FakeClock();
  const encoding = ENCODINGS[Math.floor(next() * ENCODINGS.length)]!;
  const [ours, theirs] = pair({ capacity: 1 + Math.floor(next() * 10_000), encoding });
  const bytes = source(next, KIB_64);
  const sender = newthread(async () => {
    const chop = random(seed + 1);
    for (let at = 0; at < bytes.length;) {
      const size = chop() < 0.3 ? 1 + Math.floor(chop() * 5) : 1 + Math.floor(chop() * 2_000);
      await theirs.send(bytes.subarray(at, at + size), { timeout: 0 });
      at += size;
      if (chop() < 0.5) await sleep(1 + Math.floor(chop() * 15));
    }
    await theirs.shutdown("send");
  });
  try {
    const counts = await receiveAll(ours, bytes, next, () => clock.tick(3), encoding);
    await wait(sender);
    return counts;
  } finally {
    ours.close_immediately();
    theirs.close_immediately();
  }
}

const only = Deno.env.get("COEVENT_SEED");

/** What must have happened often enough for the runs to prove anything. */
const WANTED = [
  ...["timeout", "cancelled", "killed", "eof", "bad_text", "waits"],
  ...[
    "*l",
    "*a",
    "bytes",
    "any",
    "peek",
    "until",
    "until, in pieces",
    "lines()",
    "lines({ batch })",
  ],
];

Deno.test("receive() loses nothing and gives nothing twice, whatever gives up in between", async () => {
  const first = only === undefined ? 1 : Number(only);
  const runs = only === undefined ? sizes.pairRuns : 1;
  const total: Counts = {};
  for (let seed = first; seed < first + runs; seed++) {
    try {
      const counts = await run(seed);
      for (const [what, n] of Object.entries(counts)) total[what] = (total[what] ?? 0) + n;
    } catch (cause) {
      const replay = `COEVENT_SEED=${seed} deno task test tests/stream/promise_test.ts`;
      throw new Error(`seed ${seed} failed; replay it with: ${replay}`, { cause });
    }
  }
  if (only !== undefined) return console.log(total);
  for (const what of WANTED) {
    assert(
      (total[what] ?? 0) >= runs / 5,
      `'${what}' came up ${total[what]} times in ${runs} runs`,
    );
  }
  assert(total["steps"]! > 200 * runs, `only ${total["steps"]} receives in ${runs} runs`);
});
