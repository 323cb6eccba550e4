/**
 * The stream contract, through a proxy that splits, delays and stalls as a seed says, but
 * loses nothing: whatever the network does to its timing, a stream keeps its promises.
 */
import { assert, assertEquals } from "@std/assert";
import { connect, from_conn, unwrap } from "../../cosocket/mod.ts";
import { checkStream, type Ends } from "../contract/check_stream.ts";
import { sizes } from "../sizes.ts";
import { chaos } from "./proxy.ts";
import { each, seeded, seeds } from "./seeds.ts";

/** What the proxies have done to all of them. */
const deeds = { singles: 0, pauses: 0, stalls: 0 };

/** Two sockets of ours with a proxy of their own between them, so that the seed is all. */
async function open(seed: number): Promise<Ends & AsyncDisposable> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const proxy = await chaos(listener.addr.port, seed, { deadly: 0 });
  const [client, conn] = await Promise.all([
    unwrap(connect("127.0.0.1", proxy.port)),
    listener.accept(),
  ]);
  const served = from_conn(conn);
  const ends = seed % 2 === 0 ? { a: client, b: served } : { a: served, b: client };
  return {
    ...ends,
    [Symbol.asyncDispose]() {
      for (const deed of ["singles", "pauses", "stalls"] as const) deeds[deed] += proxy.deeds[deed];
      return proxy[Symbol.asyncDispose]();
    },
  };
}

type Case = [name: string, fn: () => Promise<void>];

/** Every case of the contract, each with a seed of its own that follows from this one. */
function casesOf(seed: number): Case[] {
  const cases: Case[] = [];
  let current = 0;
  const register = (name: string, fn: () => Promise<void>) => {
    const own = seed * 1_000 + cases.length;
    cases.push([name, () => (current = own, fn())]);
  };
  // A case opens its ends before anything else, so that `current` is its own.
  // What moves tens of megabytes, for every tenth seed.
  const heavy = seed % 10 === 1;
  checkStream("through chaos", () => open(current), { whole: false, heavy, register });
  return cases;
}

const all = seeds(sizes.chaosSeeds);

Deno.test(`through chaos of ${all.length} seeds a socket keeps the contract of streams`, async () => {
  await each(all, 4, (seed) =>
    seeded(seed, "contract_test.ts", async () => {
      const cases = casesOf(seed);
      assert(cases.length > 50, `only ${cases.length} cases`);
      const failures: string[] = [];
      await each(cases.map((_, n) => n), 16, async (n) => {
        const [name, fn] = cases[n]!;
        await fn().catch((error) => failures.push(`${name}: ${error.stack}`));
      });
      assertEquals(failures, []);
    }));
  if (all.length === 1) return;
  for (const [deed, times] of Object.entries(deeds)) assert(times > 0, `no ${deed}`);
});
