/** What the main thread sees of the children of another. */
import { assertEquals } from "@std/assert";
import { Brood, own } from "../../core/mod.ts";
import { exec, unwrap } from "../../process/mod.ts";

/** Makes this thread one whose children stand in a brood. */
function thread(): { brood: Brood } & Disposable {
  const brood = new Brood();
  own.brood = brood;
  return { brood, [Symbol.dispose]: () => own.brood = null };
}

const pidsOf = (brood: Brood) => brood.groups().map(({ pid }) => pid);

Deno.test("exec() in a thread enters the child in what the main one sees, until it ends", async () => {
  using here = thread();
  const child = unwrap(exec(["sleep", "60"]));
  const detached = unwrap(exec(["sleep", "60"], { detached: true }));
  assertEquals([here.brood.expects, pidsOf(here.brood)], [false, [child.pid]]);
  await child.stop();
  await detached.stop();
  assertEquals(here.brood.empty, true);
  assertEquals(exec(["/no/such/program"])[1]?.code, "not_found");
  assertEquals(exec(["/no/such/program"], { detached: true })[1]?.code, "not_found");
  assertEquals(here.brood.empty, true);
});

Deno.test("exec() in a thread starts no child any more when the program has ended", async () => {
  using here = thread();
  here.brood.closed = true;
  const [child, err] = exec(["sleep", "60"]);
  assertEquals([child, err?.code, err?.message], [
    null,
    "cancelled",
    "Cannot start sleep: the program ends",
  ]);
  const detached = unwrap(exec(["sleep", "60"], { detached: true }));
  await detached.stop();
  assertEquals(here.brood.empty, true);
});
