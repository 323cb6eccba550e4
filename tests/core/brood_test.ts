import { assertEquals } from "@std/assert";
import { Brood } from "../../core/mod.ts";

const pidsOf = (brood: Brood) => brood.groups().map(({ pid }) => pid).sort((a, b) => a - b);

function begin(brood: Brood, pid: number): void {
  assertEquals([brood.expect(), brood.expects], [true, true]);
  brood.enter(pid);
  assertEquals(brood.expects, false);
}

Deno.test("Brood shows another thread the children of its own, however many", () => {
  const seen = new Brood();
  const brood = new Brood(seen.memory);
  assertEquals([seen.empty, seen.begun], [true, false]);
  const pids = Array.from({ length: 300 }, (_, n) => 100_000 + n);
  for (const pid of pids) begin(brood, pid);
  assertEquals(pidsOf(seen), pids);
  for (const pid of pids.filter((pid) => pid % 3 > 0)) brood.leave(pid);
  brood.leave(7);
  assertEquals(pidsOf(seen), pids.filter((pid) => pid % 3 === 0));
  const size = seen.memory.byteLength;
  for (const pid of pids.filter((pid) => pid % 3 > 0)) begin(brood, pid);
  assertEquals([pidsOf(seen), seen.memory.byteLength], [pids, size]);
  for (const pid of pids) brood.leave(pid);
  brood.begin();
  assertEquals([seen.empty, seen.begun], [true, true]);
});

Deno.test("Brood lets no child begin that the thread which closes it would not see", () => {
  const seen = new Brood();
  const brood = new Brood(seen.memory);
  assertEquals(brood.expect(), true);
  seen.closed = true;
  assertEquals([seen.expects, seen.empty, brood.expect()], [true, false, false]);
  brood.enter(100_000);
  assertEquals([seen.expects, pidsOf(seen)], [false, [100_000]]);
  brood.leave(100_000);
  seen.closed = false;
  assertEquals(brood.expect(), true);
  brood.fail();
  assertEquals([seen.empty, brood.expects], [true, false]);
});
