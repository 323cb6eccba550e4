import { assertEquals, assertThrows } from "@std/assert";
import { createHash, createHmac } from "node:crypto";
import * as util from "../../util/mod.ts";
import { HOSTILE_TEXTS, someBytes, utf8 } from "./bytes.ts";

/** RFC 1321, A.5. */
const MD5: [text: string, digest: string][] = [
  ["", "d41d8cd98f00b204e9800998ecf8427e"],
  ["a", "0cc175b9c0f1b6a831c399e269772661"],
  ["abc", "900150983cd24fb0d6963f7d28e17f72"],
  ["message digest", "f96b697d7cb7938d525a2f31aaf161d0"],
  ["abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"],
  [
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "d174ab98d277d9f5a5611c2c9f419d9f",
  ],
  ["1234567890".repeat(8), "57edf4a22be3c955ac49da2e2107b67a"],
];

/** RFC 3174, 7.3. */
const SHA1: [text: string, digest: string][] = [
  ["abc", "a9993e364706816aba3e25717850c26c9cd0d89d"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
  ],
  ["a".repeat(1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"],
  ["01234567".repeat(80), "dea356a2cddd90c7a7ecedc5ebb563934f460452"],
];

const byte = (value: number, count: number) => new Uint8Array(count).fill(value);

/** RFC 2202, 3: key, message, digest. */
const HMAC_SHA1: [key: string | Uint8Array, message: string | Uint8Array, digest: string][] = [
  [byte(0x0b, 20), "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"],
  ["Jefe", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"],
  [
    Uint8Array.from({ length: 25 }, (_, at) => at + 1),
    byte(0xcd, 50),
    "4c9007f4026250c6bc8414f9bf50c86c2d7235da",
  ],
  [
    byte(0xaa, 80),
    "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
    "e8e99d0f45237d786d6bbaa7965c7808bbff1a91",
  ],
  [byte(0xaa, 20), byte(0xdd, 50), "125d7342b9ac11cd91a39af48aa17b4f63f175d3"],
  [byte(0x0c, 20), "Test With Truncation", "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"],
  [
    byte(0xaa, 80),
    "Test Using Larger Than Block-Size Key - Hash Key First",
    "aa4ae5e15272d00e95705637ce8a3b55ed402112",
  ],
];

Deno.test("md5() and sha1bin() give the published digests", () => {
  for (const [text, digest] of MD5) assertEquals(util.md5(text), digest);
  for (const [text, digest] of SHA1) assertEquals(util.hex_encode(util.sha1bin(text)), digest);
});

Deno.test("hmac_sha1() takes the message first, and gives the published digests", () => {
  for (const [key, message, digest] of HMAC_SHA1) {
    assertEquals(util.hmac_sha1(message, key), digest);
    const raw: Uint8Array = util.hmac_sha1(message, key, true);
    assertEquals(util.hex_encode(raw), digest);
  }
});

Deno.test("sha256() and hmac_sha256() give the published digests", () => {
  assertEquals(
    util.sha256("abc"),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  // RFC 4231, 4.3.
  assertEquals(
    util.hmac_sha256("what do ya want for nothing?", "Jefe"),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
});

Deno.test("the digests are those of node:crypto, for bytes of every length and text as UTF-8", () => {
  const inputs = [...someBytes(200), ...HOSTILE_TEXTS];
  for (const data of inputs) {
    const digest = (algorithm: string) => createHash(algorithm).update(data).digest("hex");
    assertEquals(util.md5(data), digest("md5"));
    assertEquals(util.hex_encode(util.sha1bin(data)), digest("sha1"));
    assertEquals(util.sha256(data), digest("sha256"));
    assertEquals(util.hex_encode(util.sha256bin(data)), digest("sha256"));
    for (const key of ["", "key", byte(7, 64), byte(7, 65), byte(7, 100), "é".repeat(40)]) {
      const hmac = (algorithm: string) => createHmac(algorithm, key).update(data).digest("hex");
      assertEquals(util.hmac_sha1(data, key), hmac("sha1"));
      assertEquals(util.hmac_sha256(data, key), hmac("sha256"));
    }
  }
  assertEquals(util.md5("é"), util.md5(utf8("é")));
});

Deno.test("digests come as bytes, or as the text that is asked for", () => {
  const bytes: Uint8Array = util.sha1bin("abc");
  const latin1: string = util.sha1bin("abc", "latin1");
  assertEquals([latin1.length, latin1.charCodeAt(0)], [20, bytes[0]]);
  assertEquals(util.sha256bin("abc", "utf-8"), null);
  assertEquals(util.hmac_sha1("m", "k", true, "latin1").length, 20);
});

Deno.test("crc32() gives the check value, in one piece and in several", () => {
  assertEquals(util.crc32("123456789"), 0xcbf43926);
  assertEquals(util.crc32("56789", util.crc32("1234")), 0xcbf43926);
  assertEquals(util.crc32(""), 0);
});

Deno.test("the hashes throw for what is neither text nor bytes, and name it", () => {
  for (const wrong of [undefined, null, 5, [1], {}] as unknown as string[]) {
    assertThrows(() => util.md5(wrong), TypeError, "md5: data must be a string or a Uint8Array");
    assertThrows(() => util.sha1bin(wrong), TypeError, "sha1bin: data");
    assertThrows(() => util.hmac_sha1("m", wrong), TypeError, "hmac_sha1: key");
    assertThrows(() => util.crc32(wrong), TypeError, "crc32: data");
  }
  assertThrows(() => util.crc32("a", -1), RangeError, "crc32: previous must be a whole number");
  assertThrows(() => util.sha1bin("a", "gbk" as "latin1"), RangeError, '"utf-8" or "latin1"');
});
