/** A context that computes for each message gives a sign of life between them. */
import { assertEquals } from "@std/assert";
import { create } from "../../context/mod.ts";
import { unwrap } from "../../cosocket/mod.ts";

const COMPUTES = `data:text/javascript,export default async (inside) => {
  for (;;) {
    const [message, err] = await inside.recv();
    if (err) return;
    const end = performance.now() + 30;
    while (performance.now() < end);
    inside.reply(message, true);
  }
}`;

for (const isolated of [false, true]) {
  const where = isolated ? "process" : "thread";
  Deno.test(`a context in a ${where} that works its way through many messages is not stuck`, async () => {
    await using context = unwrap(await create(COMPUTES, { isolated }));
    // Together longer than the 2,000 ms without a sign of life that are too many.
    const asked = Array.from({ length: 90 }, () => context.query(null));
    assertEquals((await Promise.all(asked)).filter(([, err]) => err !== null), []);
  });
}
