import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import * as util from "../../util/mod.ts";
import { HOSTILE_TEXTS, someBytes } from "./bytes.ts";

/** RFC 4648, 10. */
const VECTORS: [text: string, base64: string, hex: string][] = [
  ["", "", ""],
  ["f", "Zg==", "66"],
  ["fo", "Zm8=", "666f"],
  ["foo", "Zm9v", "666f6f"],
  ["foob", "Zm9vYg==", "666f6f62"],
  ["fooba", "Zm9vYmE=", "666f6f6261"],
  ["foobar", "Zm9vYmFy", "666f6f626172"],
];

Deno.test("base64 and hex give the published vectors, both ways", () => {
  for (const [text, base64, hex] of VECTORS) {
    assertEquals(util.base64_encode(text), base64);
    assertEquals(util.base64_decode(base64, "utf-8"), text);
    assertEquals(util.base64_encode_url(text), base64.replaceAll("=", ""));
    assertEquals(util.base64_decode_url(base64, "utf-8"), text);
    assertEquals(util.hex_encode(text), hex);
    assertEquals(util.hex_decode(hex.toUpperCase(), "utf-8"), text);
  }
});

Deno.test("decoding what was encoded gives it back, and Buffer agrees", () => {
  for (const data of [...someBytes(300), ...HOSTILE_TEXTS]) {
    const buffer = Buffer.from(data as string);
    const bytes = new Uint8Array(buffer);
    const plain = util.base64_encode(data);
    const url = util.base64_encode_url(data);
    assertEquals(plain, buffer.toString("base64"));
    assertEquals(url, buffer.toString("base64url"));
    assertEquals(util.base64_decode(plain), bytes);
    assertEquals(util.base64_decode_url(url), bytes);
    assertEquals(util.base64_decode(new TextEncoder().encode(plain)), bytes);
    assertEquals(util.base64_decode(plain, "latin1"), buffer.toString("latin1"));
    assertEquals(util.hex_decode(util.hex_encode(data)), bytes);
    assertEquals(util.hex_encode(data), buffer.toString("hex"));
  }
});

Deno.test("base64_decode() takes what has no padding, or not all of it", () => {
  for (const text of ["YQ==", "YQ=", "YQ"]) assertEquals(util.base64_decode(text, "utf-8"), "a");
  assertEquals(util.base64_decode("YWI", "utf-8"), "ab");
});

const BROKEN = [
  "=",
  "==",
  "a",
  "abcde",
  "YQ===",
  "YW=I",
  "Y Q==",
  "YQ\n",
  "YQ==YQ==",
  "é",
  "Y*Q=",
  "=",
];

Deno.test("decoders give null for what cannot be decoded, of every length and in every form", () => {
  for (const text of BROKEN) {
    for (const encoding of [undefined, "utf-8", "latin1"] as const) {
      const asked = encoding as "utf-8";
      assertEquals(util.base64_decode(text, asked), null, `${text} as ${encoding}`);
      assertEquals(util.base64_decode_url(text, asked), null, `${text} as ${encoding}`);
    }
    const long = "YWJj".repeat(500) + text;
    assertEquals(util.base64_decode(long), null, `long and ${text}`);
  }
  assertEquals(util.base64_decode("-_-_"), null);
  assertEquals(util.base64_decode_url("+/+/"), null);
  for (const text of ["0", "0g", "zz", "0 1 ", "é0"]) assertEquals(util.hex_decode(text), null);
  // Bytes that are no UTF-8, asked for as text.
  assertEquals(util.base64_decode("/w==", "utf-8"), null);
  assertEquals(util.base64_decode("/w==", "latin1"), "\xff");
  assertEquals(util.hex_decode("ff", "utf-8"), null);
});

Deno.test("a decoder never answers with other bytes than were encoded, whatever is changed", () => {
  for (const data of someBytes(40, 3).slice(1)) {
    const text = util.base64_encode(data);
    for (let at = 0; at < text.length; at++) {
      const changed = text.slice(0, at) + "!" + text.slice(at + 1);
      assertEquals(util.base64_decode(changed), null);
    }
  }
});

Deno.test("base64 and hex throw for what is neither text nor bytes", () => {
  for (const wrong of [undefined, null, 5] as unknown as string[]) {
    assertThrows(() => util.base64_encode(wrong), TypeError, "base64_encode: data");
    assertThrows(() => util.base64_encode_url(wrong), TypeError, "base64_encode_url: data");
    assertThrows(() => util.base64_decode(wrong), TypeError, "base64_decode: text");
    assertThrows(() => util.base64_decode_url(wrong), TypeError, "base64_decode_url: text");
    assertThrows(() => util.hex_encode(wrong), TypeError, "hex_encode: data");
    assertThrows(() => util.hex_decode(wrong), TypeError, "hex_decode: text");
  }
});
