import { assertEquals, assertThrows } from "@std/assert";
import { channel, FakeClock, kill, newthread, wait } from "../../thread/mod.ts";

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));

Deno.test("Channel.send() waits until its receiver has the value", async () => {
  const words = channel<string>();
  let sent = false;
  const sender = newthread(async () => {
    await words.send("one");
    sent = true;
  });
  await turn();
  assertEquals([sent, words.pending], [false, 0]);
  assertEquals(await words.receive(), ["one", null]);
  await wait(sender);
  assertEquals(sent, true);
});

Deno.test("Channel.send() into a channel with room does not wait", async () => {
  const words = channel<string>(2);
  for (const word of ["a", "b"]) assertEquals(await words.send(word), [true, null]);
  assertEquals((await words.send("c", { timeout: 1 }))[1]?.code, "timeout");
  assertEquals(words.pending, 2);
  assertEquals(words.try_send("c")[1]?.code, "exhausted");
});

Deno.test("Channel.close() lets what was sent be received, then gives the end to all", async () => {
  const words = channel<string>(1);
  await words.send("kept");
  const sending = words.send("too late");
  words.close();
  words.close();
  const [, err] = await sending;
  assertEquals([err?.code, words.closed()], ["closed", true]);
  assertEquals((await words.send("later"))[1]?.code, "closed");
  assertEquals(words.try_send("later")[1]?.code, "closed");
  assertEquals(await words.receive(), ["kept", null]);
  for (let n = 0; n < 2; n++) assertEquals(await words.receive(), [null, null]);
  assertEquals(words.try_receive(), [null, null]);
});

Deno.test("Channel.close() wakes who waits in receive() with the end", async () => {
  const words = channel<string>();
  const threads = [1, 2].map(() => newthread(() => words.receive()));
  words.close();
  assertEquals(await wait(threads), [[null, null], [null, null]]);
});

Deno.test("Channel ends a for await when it is closed, and takes nothing after a break", async () => {
  const numbers = channel<number | undefined>(5);
  for (const number of [1, undefined, 3, 4]) await numbers.send(number);
  for await (const number of numbers) if (number === 1) break;
  numbers.close();
  const rest = [];
  for await (const number of numbers) rest.push(number);
  assertEquals(rest, [undefined, 3, 4]);
});

Deno.test("Channel loses no value when a receiver is killed before it runs", async () => {
  const words = channel<string>();
  const receiver = newthread(() => words.receive());
  assertEquals(await words.send("kept"), [true, null]);
  // It had the value for one turn; this one has it for none.
  assertEquals(await wait(receiver), ["kept", null]);
  const killed = newthread(() => words.receive());
  const sending = words.send("kept too");
  kill(killed);
  assertEquals(await sending, [true, null]);
  assertEquals(words.pending, 1);
  assertEquals(await words.receive(), ["kept too", null]);
  assertEquals(words.try_receive()[1]?.code, "idle");
});

Deno.test("Channel.send() that times out or is killed sends nothing", async () => {
  using clock = new FakeClock();
  const words = channel<string>();
  const sending = words.send("late", { timeout: 10 });
  const killed = newthread(() => words.send("never"));
  const third = words.send("third");
  await clock.tick(10);
  assertEquals((await sending)[1]?.code, "timeout");
  kill(killed);
  assertEquals(words.try_receive(), ["third", null]);
  assertEquals(await third, [true, null]);
  assertEquals(words.try_receive()[1]?.code, "idle");
});

Deno.test("channel() refuses null, for it is the end, and a capacity that is no number of values", async () => {
  const values = channel<string>();
  const nothing = null as unknown as string;
  assertThrows(() => values.send(nothing), TypeError, "null cannot be sent");
  assertThrows(() => values.try_send(nothing), TypeError, "null cannot be sent");
  assertThrows(() => channel(-1), RangeError, "channel: capacity must be a whole number from 0 on");
  const abort = new AbortController();
  abort.abort();
  assertEquals((await values.receive({ signal: abort.signal }))[1]?.code, "cancelled");
});

Deno.test("Channel gives a killed thread no value in its for await", async () => {
  const values = channel<number>(3);
  for (const value of [1, 2, 3]) await values.send(value);
  const seen: number[] = [];
  const thread = newthread(async () => {
    for await (const value of values) {
      seen.push(value);
      if (value === 2) kill(thread);
    }
  });
  while (thread.state !== "ended") await turn();
  assertEquals(seen, [1, 2]);
  assertEquals(values.try_receive(), [3, null]);
});
