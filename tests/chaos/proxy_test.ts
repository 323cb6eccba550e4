/** The bad proxy, seen to be as bad as it says, and the same for the same seed. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { echo, serve } from "../cosocket/servers.ts";
import { type End, ENDS, fateOf, type Piece, piecesOf } from "./course.ts";
import { chaos } from "./proxy.ts";
import { seeded } from "./seeds.ts";

const CALM = { deadly: 0 };

function first(count: number, seed: number, connection = 0, direction: "up" | "down" = "up") {
  const pieces = piecesOf(seed, connection, direction, CALM);
  return Array.from({ length: count }, () => pieces.next().value as Piece);
}

Deno.test("a seed makes the same course each time, another one for each connection and direction", () => {
  assertEquals(first(500, 7), first(500, 7));
  const others = [first(500, 8), first(500, 7, 1), first(500, 7, 0, "down")];
  for (const other of others) assertNotEquals(other, first(500, 7));
  const weather = { deadly: 0.5 };
  const fates = (seed: number) => Array.from({ length: 100 }, (_, n) => fateOf(seed, n, weather));
  assertEquals(fates(7), fates(7));
  assertNotEquals(fates(7), fates(8));
});

Deno.test("over many seeds come single bytes, large pieces, delays, stalls and every end", () => {
  const pieces = Array.from({ length: 200 }, (_, seed) => first(100, seed)).flat()
    .filter(({ bytes }) => bytes < Infinity);
  const share = (good: (piece: Piece) => boolean) => pieces.filter(good).length / pieces.length;
  assert(share(({ bytes }) => bytes === 1) > 0.2);
  assert(share(({ bytes }) => bytes > 30_000) > 0.02);
  assert(share(({ pause }) => pause > 0 && pause < 30) > 0.01);
  assert(share(({ pause }) => pause === 30) > 0.0005);
  const fates = Array.from({ length: 400 }, (_, seed) => fateOf(seed, 0, { deadly: 0.5 }));
  const died = fates.filter((fate) => fate !== null);
  assert(died.length > 150 && died.length < 250, `${died.length} of 400`);
  for (const end of ENDS) assert(died.some((fate) => fate.end === end), end);
  for (const way of ["up", "down"]) assert(died.some(({ direction }) => direction === way), way);
  assert(died.some(({ at }) => at === 0) && died.some(({ at }) => at > 1_000));
});

Deno.test("what passes a proxy of calm weather is whole, both ways, half-close too", async () => {
  await using server = serve(async (conn) => {
    await echo(conn);
    await conn.closeWrite();
  });
  for (const seed of [1, 2, 3]) {
    await using proxy = await chaos(server.port, seed, CALM);
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
    const sent = new Uint8Array(200_000).map((_, n) => n * 7);
    const sending = (async () => {
      for (let at = 0; at < sent.length;) at += await conn.write(sent.subarray(at));
      await conn.closeWrite();
    })();
    const got = new Uint8Array(sent.length + 1);
    let length = 0;
    for (let count: number | null; (count = await conn.read(got.subarray(length))) !== null;) {
      length += count;
    }
    await sending;
    assertEquals(length, sent.length);
    assertEquals(got.subarray(0, length), sent);
    assert(proxy.deeds.singles > 20 && proxy.deeds.pauses > 0, JSON.stringify(proxy.deeds));
    assertEquals([proxy.accepted, proxy.ends.size], [1, 0]);
  }
});

/** What a client sees of each end when the answer is brought down. */
const SEEN: Record<Exclude<End, "blackhole">, string> = {
  "truncate": "the end",
  "half-close": "the end",
  "reset": "ConnectionReset",
};

for (const [end, seen] of Object.entries(SEEN) as [keyof typeof SEEN, string][]) {
  Deno.test(`a proxy brings a connection down by ${end}, behind as many bytes as the seed says`, async () => {
    await using server = serve(echo);
    const weather = { deadly: 1, ends: [end], within: 200 };
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const fate = fateOf(seed, 0, weather)!;
      if (fate.direction === "up") continue;
      await using proxy = await chaos(server.port, seed, weather);
      // A reset within the first bytes may come before the client knows that it is connected.
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port })
        .catch((error) => (assertEquals([error.name, end], ["ConnectionReset", "reset"]), null));
      if (conn === null) continue;
      using _ = conn;
      let length = 0;
      let saw = "";
      const writing = conn.write(new Uint8Array(500)).catch(() => {});
      while (saw === "") {
        try {
          const count = await conn.read(new Uint8Array(1_000));
          if (count === null) saw = "the end";
          else length += count;
        } catch (error) {
          saw = (error as Error).name;
        }
      }
      await writing;
      assertEquals(saw, seen);
      // A reset may overtake what was sent before it.
      if (end === "reset") assert(length <= fate.at);
      else assertEquals(length, fate.at);
      assertEquals(proxy.ends.get(0), fate);
    }
  });
}

Deno.test("a proxy swallows by blackhole: nothing comes any more, and no end", async () => {
  await using server = serve(echo);
  const weather = { deadly: 1, ends: ["blackhole"] as const, within: 100 };
  await using proxy = await chaos(server.port, 3, weather);
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  await conn.write(new Uint8Array(200));
  const { at, direction } = fateOf(3, 0, weather)!;
  let length = 0;
  while (length < at) length += (await conn.read(new Uint8Array(1_000)))!;
  assertEquals(length, at, direction);
  const more = conn.read(new Uint8Array(10)).then(() => "more", () => "closed by us");
  while (!proxy.ends.has(0)) await new Promise((resolve) => setTimeout(resolve, 0));
  const late = new Promise((resolve) => setTimeout(resolve, 20, "nothing"));
  assertEquals(await Promise.race([more, late]), "nothing");
  conn.close();
  assertEquals(await more, "closed by us");
});

Deno.test("a reset on one side of the proxy is a reset on the other", async () => {
  await using server = serve(async (conn) => {
    while (await conn.read(new Uint8Array(100)) !== null);
  });
  // Somewhere within the first hundred bytes up: `seed` is one whose fate is so.
  const weather = { deadly: 1, ends: ["reset"] as const, within: 100 };
  let seed = 1;
  for (; fateOf(seed, 0, weather)!.direction !== "up" || fateOf(seed, 0, weather)!.at < 2;) seed++;
  await using resetting = await chaos(server.port, seed, weather);
  await using calm = await chaos(resetting.port, 1, CALM);
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: calm.port });
  await conn.write(new Uint8Array(100));
  await assertRejects(() => conn.read(new Uint8Array(10)), Deno.errors.ConnectionReset);
  conn.close();
});

Deno.test("seeded() names the one command that replays what failed", async () => {
  const failing = () => seeded(17, "pool_test.ts", () => Promise.reject(new Error("a reason")));
  const { message } = await assertRejects(failing, Error);
  assert(
    /COEVENT_SEED=17 deno task test(:full)? tests\/chaos\/pool_test.ts/.test(message),
    message,
  );
  assert(message.includes("a reason"), message);
  assertEquals(await seeded(1, "pool_test.ts", () => Promise.resolve("good")), "good");
});
