import { assertEquals, assertThrows } from "@std/assert";
import { pair } from "../../stream/mod.ts";
import { checkStream } from "../contract/check_stream.ts";

checkStream("pair", () => {
  const [a, b] = pair();
  return Promise.resolve({ a, b });
}, { overfull: 1024 * 1024 });

checkStream("pair of 256 bytes", () => {
  const [a, b] = pair({ capacity: 256 });
  return Promise.resolve({ a, b });
}, { overfull: 300_000 });

Deno.test("pair() refuses a capacity of nothing", () => {
  assertThrows(() => pair({ capacity: 0 }), RangeError, "capacity must be 1 byte or more: got 0");
});

Deno.test("pair() carries its encoding both ways, also in types", async () => {
  const [a, b] = pair({ encoding: "latin1" });
  await a.send("\xe9\n\xff");
  const [line] = await b.receive();
  const [byte] = await b.receive(1);
  const text: string = `${line}${byte}`;
  assertEquals(text, "\xe9\xff");
  await a.close();
  await b.close();
});

Deno.test("pair() gives reset to who sends to a closed end", async () => {
  const [a, b] = pair();
  await b.close();
  const [, err] = await a.send("nobody reads");
  assertEquals(err?.code, "reset");
  assertEquals((await a.send("nobody"))[1]?.code, "reset");
  assertEquals(await a.receive(), [null, null]);
  await a.close();
});

Deno.test("a send that waits for room is told when the other end closes", async () => {
  const [a, b] = pair({ capacity: 4 });
  const waiting = a.send("more than there is room for");
  // A turn, so that the write is under way.
  await new Promise((resolve) => setTimeout(resolve, 0));
  b.close_immediately();
  const [, err] = await waiting;
  assertEquals(err?.code, "reset");
  await a.close();
});
