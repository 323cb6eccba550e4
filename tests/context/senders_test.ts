/** What a thread remembers of the contexts that it has to do with. */
import { assertEquals } from "@std/assert";
import { Senders } from "../../context/_senders.ts";

Deno.test("a thread remembers 10,000 ends, and asks about older ones anew", async () => {
  const asked: number[] = [];
  const senders = new Senders(1, {
    post() {},
    postOurs() {},
    hurry() {},
    watch: (id) => void asked.push(id),
    isolated: () => false,
  });
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
