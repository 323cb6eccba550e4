import { assertEquals } from "@std/assert";
import { aboutNow, type Clock, useWheel, Wheel } from "../../core/mod.ts";

/** A clock that counts how often it is looked at. */
class Counting implements Clock {
  looks = 0;
  constructor(readonly exact: boolean) {}
  now(): number {
    return ++this.looks;
  }
  arm(): void {}
  disarm(): void {}
  keep(): void {}
  soon(): void {}
  poll(): void {}
}

for (const [exact, looks] of [[false, [1, 1, 2]], [true, [1, 2, 3]]] as const) {
  const which = exact ? "an exact clock each time" : "other clocks once a run of microtasks";
  Deno.test(`aboutNow() looks at ${which}`, async () => {
    // What other tests have asked for must be forgotten.
    await null;
    await null;
    const before = useWheel(new Wheel(new Counting(exact)));
    try {
      const seen = [aboutNow(), aboutNow()];
      await null;
      seen.push(aboutNow());
      assertEquals(seen, [...looks]);
    } finally {
      useWheel(before);
      await null;
    }
  });
}
