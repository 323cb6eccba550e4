import { assert, assertEquals } from "@std/assert";
import { longtime, time } from "../../util/mod.ts";

Deno.test("time() counts whole seconds, longtime() microseconds, of the same clock", () => {
  const before = Date.now();
  const seconds = time();
  const micros = longtime();
  const after = Date.now();
  assertEquals(Number.isInteger(seconds) && Number.isSafeInteger(micros), true);
  assert(seconds >= Math.floor(before / 1000) && seconds <= after / 1000);
  assert(micros >= before * 1000 && micros < (after + 1) * 1000, `${before} ${micros} ${after}`);
});

Deno.test("longtime() never runs backwards, and has more than milliseconds", () => {
  let last = 0;
  let fine = 0;
  for (let n = 0; n < 50_000; n++) {
    const now = longtime();
    assert(now >= last, `${now} after ${last}`);
    if (now % 1000 !== 0) fine++;
    last = now;
  }
  assert(fine > 0);
});
