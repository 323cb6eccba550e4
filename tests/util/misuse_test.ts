/** Arguments of the wrong kind, of what has no test of its own for them. */
import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { base64_decode, buffer, pack, unescape_uri, unpack } from "../../util/mod.ts";

/** What no caller that was type-checked hands over. */
const never = (value: unknown) => value as never;

const WRONG: [call: () => unknown, type: typeof TypeError | typeof RangeError, words: string][] = [
  [() => base64_decode("", never(5)), TypeError, "base64_decode: encoding must be a string"],
  [() => base64_decode("", never("gbk")), RangeError, 'encoding must be "utf-8" or "latin1"'],
  [() => unescape_uri("", false, never(5)), TypeError, "unescape_uri: encoding must be a string"],
  [() => buffer("", never("x")), TypeError, "buffer: options must be an object"],
  [() => buffer(never({})), TypeError, "buffer: data must be a string, a Uint8Array or a buffer"],
  [() => buffer("four", { max: 3 }), RangeError, "buffer: data is longer than max"],
  [() => buffer().append(never({})), TypeError, "append: data must be a string, a Uint8Array"],
  [() => buffer().write_double_le(never("1")), TypeError, "write_double_le: value must be a num"],
  [() => buffer().write_int64_be(never("1")), TypeError, "write_int64_be: value must be a bigint"],
  [() => buffer().write_int64_be(0.5), RangeError, "a number must be whole and exact"],
  [() => buffer().write_uint64_le(-1n), RangeError, "value must be 0 to 18446744073709551615"],
];

for (const [call, type, words] of WRONG) {
  Deno.test(`misuse throws ${type.name}: ${words}`, () => {
    const error = assertThrows(call, Error) as Error;
    assertInstanceOf(error, type);
    assertStringIncludes(error.message, words);
  });
}

Deno.test("clear() drops what a buffer holds, and truncate() all but its beginning", () => {
  const b = buffer("hello");
  const { capacity } = b;
  b.truncate(4);
  b.truncate(100);
  assertEquals(b.tostring(), "hell");
  assertEquals([b.clear(), b.length, b.capacity], [true, 0, capacity]);
  b.append("again");
  assertEquals(b.tostring(), "again");
});

Deno.test("unpack() gives null for a string that is not of its encoding", () => {
  const bytes = pack("s1", Uint8Array.of(0xff));
  assertEquals(unpack("s1", bytes, 1, "latin1")?.[0], "\xff");
  assertEquals(unpack("s1", bytes, 1, "utf-8"), null);
});

Deno.test("pack() has no limit to how many formats a program has", () => {
  for (let count = 1; count <= 1_000; count++) {
    assertEquals(pack(`${"x".repeat(count % 500)}s1`, "a").length, count % 500 + 2);
  }
});
