import { assertEquals, assertThrows } from "@std/assert";
import { escape_uri, unescape_uri } from "../../util/mod.ts";
import { HOSTILE_TEXTS, someBytes } from "./bytes.ts";

Deno.test("escape_uri() keeps letters, digits, - . _ and nothing else", () => {
  const every = String.fromCharCode(...Array.from({ length: 128 }, (_, code) => code));
  const kept = [...every].filter((character) => escape_uri(character) === character).join("");
  assertEquals(kept, "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");
  assertEquals(escape_uri("a b/ü~*"), "a+b%2F%C3%BC%7E%2A");
  assertEquals(escape_uri("a b+", true), "a%20b%2B");
  assertEquals(escape_uri(Uint8Array.of(0xff, 0x20)), "%FF+");
});

Deno.test("escape_uri() writes RFC 3986's escapes, in upper case", () => {
  for (let byte = 0; byte < 256; byte++) {
    const escaped = escape_uri(Uint8Array.of(byte), true);
    const plain = /[A-Za-z0-9\-._]/.test(String.fromCharCode(byte)) && byte < 128;
    const hex = byte.toString(16).toUpperCase().padStart(2, "0");
    assertEquals(escaped, plain ? String.fromCharCode(byte) : `%${hex}`);
  }
});

Deno.test("unescape_uri() gives back what escape_uri() was given", () => {
  for (const raw of [false, true]) {
    for (const text of HOSTILE_TEXTS) {
      assertEquals(unescape_uri(escape_uri(text, raw), raw), text);
      assertEquals(decodeURIComponent(escape_uri(text, true)), text);
    }
    for (const bytes of someBytes(200)) {
      assertEquals(unescape_uri(escape_uri(bytes, raw), raw, "bytes"), bytes);
    }
  }
});

const MALFORMED: [text: string, plain: string][] = [
  ["%", "%"],
  ["100%", "100%"],
  ["%4", "%4"],
  ["%zz", "%zz"],
  ["%4g%41", "%4gA"],
  ["%%41", "%A"],
  ["%2", "%2"],
  ["a%2+b", "a%2 b"],
];

Deno.test("unescape_uri() leaves a % that starts no escape as it is", () => {
  for (const [text, plain] of MALFORMED) assertEquals(unescape_uri(text), plain, text);
  assertEquals(unescape_uri("a+b", true), "a+b");
  assertEquals(unescape_uri("%ff"), null);
  assertEquals(unescape_uri("%ff", false, "latin1"), "\xff");
  assertEquals(unescape_uri("%ff", false, "bytes"), Uint8Array.of(0xff));
});

Deno.test("the URI escapes throw for misuse and name the argument", () => {
  assertThrows(() => escape_uri(5 as unknown as string), TypeError, "escape_uri: value");
  assertThrows(() => escape_uri("", 1 as unknown as boolean), TypeError, "escape_uri: raw");
  assertThrows(() => unescape_uri(null as unknown as string), TypeError, "unescape_uri: text");
  assertThrows(() => unescape_uri("", false, "x" as "bytes"), RangeError, 'got "x"');
});
