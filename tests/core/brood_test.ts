import { assertEquals } from "@std/assert";
import { Brood } from "../../core/mod.ts";

const pidsOf = (brood: Brood) => brood.groups().map(({ pid }) => pid).sort((a, b) => a - b);

Deno.test("Brood shows another thread the children of its own, however many", () => {
  const seen = new Brood();
  const brood = new Brood(seen.memory);
  assertEquals([seen.empty, seen.begun], [true, false]);
  const pids = Array.from({ length: 300 }, (_, n) => 100_000 + n);
  for (const pid of pids) brood.enter(pid);
  assertEquals(pidsOf(seen), pids);
  for (const pid of pids.filter((pid) => pid % 3 > 0)) brood.leave(pid);
  brood.leave(7);
  assertEquals(pidsOf(seen), pids.filter((pid) => pid % 3 === 0));
  const size = seen.memory.byteLength;
  for (const pid of pids.filter((pid) => pid % 3 > 0)) brood.enter(pid);
  assertEquals([pidsOf(seen), seen.memory.byteLength], [pids, size]);
  for (const pid of pids) brood.leave(pid);
  brood.begin();
  assertEquals([seen.empty, seen.begun], [true, true]);
});
