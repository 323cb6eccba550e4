import { assert, assertEquals, assertThrows } from "@std/assert";
import { equals, random_string } from "../../util/mod.ts";

Deno.test("random_string() has the length asked for, of letters and digits, all as often", () => {
  for (const length of [0, 1, 31, 32, 100_000]) {
    const text = random_string(length);
    assertEquals(text.length, length);
    assert(/^[A-Za-z0-9]*$/.test(text));
  }
  assertEquals(random_string().length, 32);
  const counts = new Map<string, number>();
  for (const one of random_string(620_000)) counts.set(one, (counts.get(one) ?? 0) + 1);
  assertEquals(counts.size, 62);
  // 10,000 of each, with a deviation of 100: a bias of the kind "% 62" would make 12,000.
  for (const [one, count] of counts) assert(count > 9_300 && count < 10_700, `${one}: ${count}`);
});

Deno.test("random_string() does not repeat, and refuses what is no length", () => {
  const all = new Set(Array.from({ length: 1_000 }, () => random_string(16)));
  assertEquals(all.size, 1_000);
  for (const wrong of [-1, 1.5, NaN]) {
    assertThrows(() => random_string(wrong), RangeError, "random_string: length must be");
  }
});

Deno.test("equals() compares text and bytes by value", () => {
  assertEquals(equals("secret", "secret"), true);
  assertEquals(equals("secret", new TextEncoder().encode("secret")), true);
  assertEquals(equals("secret", "secreT"), false);
  assertEquals(equals("secret", "secret "), false);
  assertEquals(equals("", ""), true);
  // Half characters are all written as U+FFFD, and differ all the same.
  assertEquals(equals("\ud800", "\ud800"), true);
  assertEquals(equals("\ud800", "\ud801"), false);
  assertEquals(equals("\ud800", "\ufffd"), false);
  assertEquals(equals("\ud800", new TextEncoder().encode("\ufffd")), false);
  assertThrows(() => equals("a", 1 as unknown as string), TypeError, "equals: b");
});
