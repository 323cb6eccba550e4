/**
 * The pool through a proxy that brings every third connection down: no reply reaches another
 * than who asked, the cap holds, and nothing is left behind.
 */
import { assert, assertEquals } from "@std/assert";
import { pool_close, pool_stats, tcp } from "../../cosocket/mod.ts";
import { kill, newthread, wait } from "../../thread/mod.ts";
import { echo, established, serve, turn } from "../cosocket/servers.ts";
import { sizes } from "../sizes.ts";
import { random } from "../stream/promise.ts";
import { chaos } from "./proxy.ts";
import { each, seeded, seeds } from "./seeds.ts";

const LINUX = Deno.build.os === "linux";
const CALLERS = 8;
const REQUESTS = 10;
const SIZE = 3;

/** How each request ended. */
type Tally = Record<string, number>;

/** One request with a tag of its own; the answer must be its own, or none. */
async function request(port: number, tag: string, fate: number, tally: Tally): Promise<void> {
  const count = (what: string) => tally[what] = (tally[what] ?? 0) + 1;
  const sock = tcp();
  const [, failed] = await sock.connect("127.0.0.1", port, { pool_size: SIZE, timeout: 5_000 });
  if (failed !== null) return void count(`connect: ${failed.code}`);
  await using _ = sock;
  if (sock.getreusedtimes() > 0) count("reused");
  const [, unsent] = await sock.send(`${tag}\n`);
  if (unsent !== null) return void count(`send: ${unsent.code}`);
  const [line, err] = await sock.receive("*l", { timeout: 100 });
  if (line !== null) {
    assertEquals(line, tag);
    count("answered");
    if (fate < 0.8) {
      const [put, refused] = sock.setkeepalive(SIZE);
      // The end may have come along with the answer.
      assert(put === true || ["closed", "dirty"].includes(refused!.code), String(refused));
    }
    return;
  }
  count(err === null ? "the end" : err.code);
  // However it failed, the pool must not take it.
  const [taken, refused] = sock.setkeepalive(SIZE);
  assert(taken === null && ["closed", "dirty"].includes(refused.code), `after ${err}: ${refused}`);
}

Deno.test("through chaos the pool crosses no reply, keeps its cap and leaves nothing", async () => {
  const tally: Tally = {};
  const ends: Tally = {};
  const runs = seeds(sizes.chaosSeeds);
  await using server = serve(echo);
  await each(runs, 20, (seed) =>
    seeded(seed, "pool_test.ts", async () => {
      await using proxy = await chaos(server.port, seed, { deadly: 0.35, within: 400 });
      const next = random(seed);
      let most = 0;
      const callers = Array.from({ length: CALLERS }, (_, caller) =>
        newthread(async () => {
          for (let n = 0; n < REQUESTS; n++) {
            await request(proxy.port, `${seed}-${caller}-${n}`, next(), tally);
            // The kernel's table is long where much is going on.
            if (LINUX && n % 4 === 3) most = Math.max(most, established(proxy.port));
          }
        }));
      // Two of them die, wherever they are, and take nothing with them.
      for (let turns = Math.floor(next() * 200); turns > 0; turns--) await turn();
      for (const caller of callers.slice(0, 2)) kill(caller);
      for (const [, err] of await wait(callers)) {
        if (err?.code !== "killed") assertEquals(err?.cause ?? err, null);
      }
      assert(most <= SIZE, `the kernel showed ${most} sockets of ${SIZE}`);
      const key = `127.0.0.1:${proxy.port}`;
      await pool_close(key);
      while (pool_stats().some((stats) => stats.key === key)) await turn();
      for (const { end } of proxy.ends.values()) ends[end] = (ends[end] ?? 0) + 1;
    }));
  if (runs.length === 1) return console.log({ ...tally, ...ends });
  for (const what of ["answered", "reused"]) assert((tally[what] ?? 0) > runs.length, what);
  assert(Object.keys(ends).length >= 3, `only ${Object.keys(ends)} struck`);
});
