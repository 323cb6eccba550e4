import { assertEquals, assertThrows } from "@std/assert";
import * as util from "../../util/mod.ts";
import { HOSTILE_TEXTS, someBytes, utf8 } from "./bytes.ts";

Deno.test("to_text() gives back what to_bytes() was given, as UTF-8 and as latin1", () => {
  for (const text of HOSTILE_TEXTS) {
    assertEquals(util.to_bytes(text), utf8(text));
    assertEquals(util.to_text(util.to_bytes(text)), text);
  }
  for (const bytes of someBytes(200)) {
    assertEquals(util.to_bytes(util.to_text(bytes, "latin1"), "latin1"), bytes);
  }
});

Deno.test("to_text() gives null for what is no UTF-8, and keeps a byte order mark", () => {
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) {
    assertEquals(util.to_text(Uint8Array.from(bytes)), null);
  }
  assertEquals(util.to_text(utf8("\ufeffmark")), "\ufeffmark");
  assertEquals(util.base64_decode("77u/bWFyaw==", "utf-8"), "\ufeffmark");
});

Deno.test("to_bytes() refuses a character that is no byte, and says where", () => {
  assertThrows(() => util.to_bytes("ab€", "latin1"), TypeError, "U+20AC at 2 is no byte");
  assertThrows(() => util.to_bytes(5 as unknown as string), TypeError, "to_bytes: text must be");
  assertThrows(() => util.to_text("a" as unknown as Uint8Array), TypeError, "to_text: bytes");
  assertThrows(() => util.to_bytes("a", "gbk" as "latin1"), RangeError, '"utf-8" or "latin1"');
});

Deno.test("text of three bytes a character is encoded whole, whatever its length", () => {
  for (const length of [341, 342, 1023, 1024, 1025, 3000]) {
    const text = "€".repeat(length);
    assertEquals(util.hex_encode(text), "e282ac".repeat(length));
    assertEquals(util.base64_decode(util.base64_encode(text), "utf-8"), text);
    assertEquals(util.buffer(text).length, 3 * length);
  }
});
