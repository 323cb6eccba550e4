/** The receiving half by itself: what comes at the very last moment. */
import { assertEquals } from "@std/assert";
import { Deadline, now } from "../../core/mod.ts";
import { Incoming } from "../../websocket/_incoming.ts";
import { FakeClock } from "./threads.ts";

Deno.test("a message that comes between the end of the time and the last look is received", async () => {
  using clock = new FakeClock();
  const incoming = new Incoming("there", 9, 9);
  const receive = (timeout: number) =>
    incoming.receive({ timeout, signal: undefined, owner: incoming });
  const last = receive(10);
  let next = last;
  // Both are due at the same time; whichever comes first, this is before the last look.
  const comes = new Deadline(() => {
    incoming.arrive("just so");
    next = receive(0);
  }, false);
  comes.set(now() + 10);
  await clock.tick(10);
  assertEquals(await last, ["just so", null]);
  // The last look of the one has not given up the other.
  incoming.arrive("next");
  assertEquals([incoming.pending, await next], [0, ["next", null]]);
});
