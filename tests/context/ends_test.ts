/** What happens around the end of contexts, and of the program. */
import { assertEquals } from "@std/assert";
import { availableParallelism } from "node:os";
import { type Context, create, type CreateOptions, inside, unwrap } from "../../context/mod.ts";
import { program } from "./within.ts";
import type { Order } from "./worker.ts";

const url = new URL("./worker.ts", import.meta.url);

const worker = (options: CreateOptions = {}) => unwrap(create<Order>(url, options));

async function destroyed(all: Context<Order>[]): Promise<void> {
  for (const ctx of all) ctx.destroy();
  for (const ctx of all) await ctx.wait();
}

Deno.test("what a thread has sent before Deno.exit() arrives, before its end", async () => {
  const ctx = await worker();
  const ended = ctx.wait();
  await unwrap(ctx.send({ do: "flood and exit" }));
  for (let n = 0; n < 300; n++) {
    const [message] = await inside<[number, string]>().recv();
    assertEquals([message?.value[0], message?.value[1].length], [n, 20_000]);
  }
  assertEquals((await ended)[0]?.reason, "exited");
});

Deno.test("code that outlives its context still gets its answers", async () => {
  const all = await Promise.all(Array.from({ length: availableParallelism() + 1 }, () => worker()));
  // It shares its thread with the first, which keeps that alive.
  const last = all.pop()!;
  await last.send({ do: "leave a timer", value: [all[0]!.id, all.at(-1)!.id] });
  assertEquals((await last.wait())[0]?.reason, "returned");
  assertEquals((await inside().recv())[0]?.value, ["in time", "in time"]);
  await destroyed(all);
});

for (const isolated of [false, true]) {
  const where = isolated ? "a process" : "a thread";
  Deno.test(`what is left uncaught in ${where} is reported, and ends nobody`, async () => {
    const ctx = await worker({ isolated });
    await ctx.send({ do: "leave uncaught" });
    let said: string[] = [];
    // The timer fires in a later turn than the promise.
    while (said.length < 3) said = await unwrap(ctx.query({ do: "counted" })) as string[];
    assertEquals(said, [
      "a promise in a context: of a promise",
      "a promise in a context: This thread was killed: of a kill",
      "a callback in a context: of a timer",
    ]);
    await destroyed([ctx]);
  });
}

Deno.test("a program ends when its main thread and all contexts have", async () => {
  const said = await program("./alive.ts");
  assertEquals(said.trim().split("\n").sort(), ["a process", "a thread", "the main thread"]);
});

Deno.test("a program that exits takes a stuck process along", async () => {
  // It has the same stdout: that is at its end only when both have ended.
  assertEquals(await program("./exits.ts"), "exits\n");
});
