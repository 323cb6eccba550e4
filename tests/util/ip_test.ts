import { assertEquals, assertThrows } from "@std/assert";
import { isip } from "../../util/mod.ts";

const ADDRESSES: [text: string, version: 4 | 6 | 0][] = [
  ["127.0.0.1", 4],
  ["255.255.255.255", 4],
  ["::1", 6],
  ["::ffff:1.2.3.4", 6],
  ["fe80::1%eth0", 6],
  ["256.0.0.1", 0],
  ["1.2.3", 0],
  ["01.2.3.4", 0],
  [":::", 0],
  ["localhost", 0],
  ["", 0],
  ["1.2.3.4 ", 0],
];

Deno.test("isip() tells 4, 6 or 0", () => {
  for (const [text, version] of ADDRESSES) assertEquals(isip(text), version, text);
  assertThrows(() => isip(4 as unknown as string), TypeError, "isip: text must be a string");
});
