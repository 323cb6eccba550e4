/** The queue of a body: what is taken in ahead of time, and what giving up loses: nothing. */
import { assertEquals } from "@std/assert";
import { Body } from "../../http/_client_body.ts";
import { Gathered } from "../../http/_client_gather.ts";
import { Life } from "../../http/_client_life.ts";
import { FakeClock } from "../../thread/mod.ts";

/** A body whose pieces come when they are sent. */
function made(length: number | null = null) {
  let pulls = 0;
  let controller!: ReadableByteStreamController;
  const stream = new ReadableStream({
    type: "bytes",
    start(given) {
      controller = given;
    },
    pull() {
      pulls += 1;
    },
  });
  const life = new Life("GET http://a/", 0, undefined);
  return {
    life,
    body: new Body(life, stream, length),
    send: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
    end() {
      controller.close();
      controller.byobRequest?.respond(0);
    },
    pulls: () => pulls,
  };
}

const turn = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 0));
const text = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes);

Deno.test("Body.next() that was given up loses no piece that comes when nobody waits", async () => {
  const { body, send, life } = made();
  {
    using clock = new FakeClock();
    const waiting = body.next({ timeout: 10 });
    await clock.tick(10);
    assertEquals((await waiting)[1]?.code, "timeout");
  }
  send("late");
  await turn();
  assertEquals(text((await body.next({}))[0]), "late");
  life.over();
});

Deno.test("Body takes in 64 KiB and no more, and no more than 64 pieces of a byte", async () => {
  for (const [piece, most] of [["x".repeat(65_536), 2], ["x", 64]] as const) {
    const { body, send, pulls, life } = made();
    for (let n = 0; n < 200; n++) {
      const before = pulls();
      send(piece);
      await turn();
      // Nobody asks for more: the queue is full.
      if (pulls() === before) break;
    }
    let held = 0;
    while (!body.drained) {
      body.take();
      held += 1;
      if (held > most) break;
    }
    assertEquals(held <= most, true, `${held} pieces of ${piece.length} bytes`);
    life.over();
  }
});

Deno.test("a loop over a body that has ended lets timers through", async () => {
  const { body, end } = made();
  end();
  let fired = false;
  setTimeout(() => fired = true, 0);
  let steps = 0;
  while (!fired && steps < 100_000) {
    assertEquals(await body.next({}), [null, null]);
    steps += 1;
  }
  assertEquals(fired, true, "no timer came through");
});

Deno.test("Gathered gives what was added, in memory of its own size", () => {
  const gathered = new Gathered();
  assertEquals(gathered.take(), new Uint8Array(0));
  for (const size of [1, 2, 3, 5_000, 1]) gathered.add(new Uint8Array(size).fill(size % 251));
  assertEquals(gathered.size, 5_007);
  const whole = gathered.take();
  assertEquals([whole.length, whole.buffer.byteLength, gathered.size], [5_007, 5_007, 0]);
  assertEquals([...whole.subarray(0, 7)], [1, 2, 2, 3, 3, 3, 5_000 % 251]);
});
