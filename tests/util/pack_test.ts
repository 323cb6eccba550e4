import { assert, assertEquals, assertThrows } from "@std/assert";
import { hex_decode, hex_encode, pack, packsize, unpack } from "../../util/mod.ts";
import type { PackValue } from "../../util/mod.ts";
import { peerTest } from "../peers.ts";
import { random } from "../stream/promise.ts";

/** Formats, values, and the bytes that Lua 5.3 makes of them on a 64-bit machine. */
const CASES: [format: string, values: PackValue[]][] = [
  ["<b B h H", [-128, 255, -32768, 65535]],
  [">i4 I4 i3 I3", [-2, 4294967294, -8388608, 16777215]],
  ["<i I i1 i7 i16", [1, 2, -1, -72057594037927935n / 2n, -1]],
  ["<l L j J T", [-1, 1n << 63n, -(1n << 63n), (1n << 62n) + 1n, 7]],
  [">f d n", [1.5, -2.25, 1e300]],
  ["<s1 s2 s4 s", ["a", "bc", "", "long enough"]],
  [">s2 z c5", ["with\0zero", "zero ended", "fill"]],
  ["<!4 b i4 b i8", [1, 2, 3, 4]],
  ["!8 b d b", [1, 2.5, 3]],
  ["<! b Xi4 b", [1, 2]],
  ["x b x", [9]],
  [">I2 <I2 =I1", [1, 1, 1]],
  ["<!2 b i8", [1, 2]],
];

/** A value as Lua writes it. */
function luaOf(value: PackValue): string {
  if (typeof value === "string") {
    return `"${[...value].map((one) => `\\${one.charCodeAt(0)}`).join("")}"`;
  }
  if (typeof value === "bigint") return hexOf(BigInt.asIntN(64, value));
  return `(${value})`;
}

const hexOf = (value: bigint) => "0x" + BigInt.asUintN(64, value).toString(16);

peerTest("pack() makes the bytes that Lua 5.3 makes, and unpack() reads them", [
  "lua5.3",
], async (paths) => {
  const next = random(11);
  const some = Array.from({ length: 200 }, (): [string, PackValue[]] => {
    const bits = 1 + Math.floor(next() * 6);
    const value = Math.floor(next() * 2 ** (8 * bits - 1)) * (next() < 0.5 ? -1 : 1) + 0;
    const order = next() < 0.5 ? "<" : ">";
    const align = next() < 0.5 ? "" : `!${2 ** Math.floor(next() * 5)}`;
    const text = "x".repeat(Math.floor(next() * 20));
    // Alignments other than of a power of two are refused by both.
    const size = align === "" ? bits : [1, 2, 4][bits % 3]!;
    const small = value % 2 ** (8 * size - 1) + 0;
    return [`${order}${align}b i${size} s1 d`, [1, small, text, value / 3]];
  });
  const all = [...CASES, ...some];
  const lines = all.map(([format, values]) => {
    const call = [`"${format}"`, ...values.map(luaOf)].join(", ");
    return `print((string.pack(${call}):gsub(".", function(c) return string.format("%02x", c:byte()) end)))`;
  });
  const child = new Deno.Command(paths["lua5.3"], {
    args: ["-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(lines.join("\n")));
  await writer.close();
  const { stdout, stderr } = await output;
  assertEquals(new TextDecoder().decode(stderr), "");
  const made = new TextDecoder().decode(stdout).trim().split("\n");
  for (const [index, [format, values]] of all.entries()) {
    const bytes = pack(format, ...values);
    assertEquals(hex_encode(bytes), made[index], format);
    const back = unpack(format, hex_decode(made[index]!)!, 1, "latin1")!;
    assertEquals(back.at(-1), bytes.length + 1);
    for (const [at, value] of values.entries()) {
      const got = back[at];
      const wanted = typeof value === "string" && /c5/.test(format) && at === 2
        ? value.padEnd(5, "\0")
        : value;
      if (typeof wanted === "string" || !Number.isInteger(Number(wanted))) {
        assertEquals(got, wanted);
      } else assertEquals(BigInt(got as number), BigInt(wanted as number), `${format} ${at}`);
    }
  }
});

Deno.test("pack() and unpack() carry their types", () => {
  const bytes = pack("<I2 j s1", 1, 2n, "x");
  const got = unpack("<I2 j s1", bytes, 1, "utf-8");
  if (got === null) throw new Error("nothing");
  const [small, large, text, next]: [number, bigint, string, number] = got;
  assertEquals([small, large, text, next], [1, 2n, "x", 13]);
});

Deno.test("unpack() gives null for every input that ends too early", () => {
  for (const [format, values] of CASES) {
    const bytes = pack(format, ...values);
    const whole = unpack(format, bytes)!;
    assertEquals(whole.at(-1), bytes.length + 1);
    for (let length = 0; length < bytes.length; length++) {
      assertEquals(unpack(format, bytes.subarray(0, length)), null, `${format} cut at ${length}`);
    }
  }
  // A length that promises more than memory could hold.
  assertEquals(unpack("<s8", new Uint8Array(16).fill(0xff)), null);
  assertEquals(unpack("z", "no end"), null);
});

Deno.test("unpack() begins where it is told, from the front or the end", () => {
  const bytes = pack(">I1 I1 I2", 1, 2, 0x0304);
  assertEquals(unpack(">I1", bytes, 2), [2, 3]);
  assertEquals(unpack(">I2", bytes, -2), [0x0304, 5]);
  assertEquals(unpack(">I1", bytes, 5), null);
  assertThrows(() => unpack("b", bytes, 0), RangeError, "pos counts from 1");
  assertThrows(() => unpack("b", bytes, 6), RangeError, "unpack: pos");
});

Deno.test("packsize() tells the size of a fixed format, and refuses the others", () => {
  for (const [format, values] of CASES) {
    if (/[sz]/.test(format)) assertThrows(() => packsize(format), RangeError, "has no fixed size");
    else assertEquals(packsize(format), pack(format, ...values).length, format);
  }
});

const WRONG: [format: string, values: unknown[], words: string][] = [
  ["q", [1], "there is no option 'q'"],
  ["i17", [1], "the size of 'i' must be 1 to 16: got 17"],
  ["i0", [1], "the size of 'i' must be 1 to 16"],
  ["c", ["a"], "'c' must have a size"],
  ["X", [], "'X' must have an option behind it"],
  ["Xz", [], "'X' must stand before"],
  ["!4 i3", [1], "an alignment of 3 is no power of 2"],
  ["b", [128], "value 1 ('b') must fit a signed number of 1 bytes: got 128"],
  ["B", [-1], "must fit an unsigned number"],
  ["j", [1n << 63n], "must fit a signed number of 8 bytes"],
  ["i4", [1.5], "must be whole and exact"],
  ["i4", ["1"], "must be a number or a bigint: got string"],
  ["d", ["1"], "must be a number: got string"],
  ["s1", ["x".repeat(256)], "is too long for its size"],
  ["z", ["a\0b"], "must hold no zero byte"],
  ["c2", ["abc"], "must have at most 2 bytes"],
  ["b b", [1], "wants 2 values: got 1"],
  ["b", [1, 2], "wants 1 values: got 2"],
];

Deno.test("pack() says what is wrong with a format or a value", () => {
  for (const [format, values, words] of WRONG) {
    const error = assertThrows(() => pack(format, ...values as PackValue[]), Error);
    const message = (error as Error).message;
    assert(message.includes(words), `${format}: ${message}`);
  }
});
