/** What a thread remembers of the contexts that it has to do with. */
import { assertEquals } from "@std/assert";
import { Senders } from "../../context/_senders.ts";
import { on_error } from "../../thread/mod.ts";

/** The senders of a thread, whose mail goes nowhere, and whose ends they have asked for. */
function sendersOf(asked: number[]): Senders {
  return new Senders(1, {
    post() {},
    postOurs() {},
    hurry() {},
    watch: (id) => void asked.push(id),
    isolated: () => false,
  });
}

Deno.test("a thread remembers 10,000 ends, and asks about older ones anew", async () => {
  const asked: number[] = [];
  const senders = sendersOf(asked);
  const ending = (id: number) => ({ reason: "threw" as const, message: `the end of ${id}` });
  for (let id = 1; id <= 10_001; id++) senders.heard(id, ending(id));
  assertEquals(senders.endings.size, 10_000);
  assertEquals(await senders.wait(2), [ending(2), null]);
  assertEquals(asked, []);
  const oldest = senders.wait(1);
  assertEquals(asked, [1]);
  senders.heard(1, ending(1));
  assertEquals(await oldest, [ending(1), null]);
});

Deno.test("the first news of an end counts, and what comes after it changes nothing", async () => {
  const said: string[] = [];
  const quiet = on_error((error) => said.push((error as Error).message));
  const senders = sendersOf([]);
  await senders.send(7, 1, "unread");
  senders.heard(7, { reason: "threw", message: "first" });
  // A thread that was given up may still have its say.
  senders.taken(7, 1, 1);
  senders.heard(7, { reason: "returned", message: "second" });
  assertEquals(await senders.wait(7), [{ reason: "threw", message: "first", unread: 1 }, null]);
  assertEquals(said, ["Context 7 has ended (threw): first"]);
  quiet();
});
