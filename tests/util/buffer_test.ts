import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { buffer, ByteBuffer } from "../../util/mod.ts";
import { random } from "../stream/promise.ts";
import { utf8 } from "./bytes.ts";

Deno.test("buffer() is appended to at the end, and split and read from the front", () => {
  const b = buffer("hello ");
  assertEquals([b.append("wörld"), b.append(42), b.append(Uint8Array.of(0))], [true, true, true]);
  assertEquals([b.length, b.tostring()], [15, "hello wörld42\0"]);
  const front = b.split(6);
  assertEquals([front.tostring(), b.tostring()], ["hello ", "wörld42\0"]);
  front.append("x");
  assertEquals(b.tostring(), "wörld42\0");
  assertEquals(b.read(3, "latin1"), "w\xc3\xb6");
  assertEquals(b.read(100), null);
  assertEquals(b.read(), utf8("rld42\0"));
  assertEquals([b.length, b.split().length], [0, 0]);
});

Deno.test("buffer() copies what it is made of, and what is split off", () => {
  const bytes = utf8("abc");
  const b = buffer(bytes);
  const copy = buffer(b);
  bytes[0] = 0;
  b.append(b);
  assertEquals([b.tostring(), copy.tostring()], ["abcabc", "abc"]);
  assertEquals(buffer(8, "x").capacity, 8);
});

Deno.test("remove() counts from 1, or from the end, and says how many went", () => {
  const made = () => buffer("abcdef");
  const cases: [args: [pos?: number, count?: number], gone: number, left: string][] = [
    [[], 6, ""],
    [[1, 2], 2, "cdef"],
    [[3], 4, "ab"],
    [[3, 2], 2, "abef"],
    [[-2], 2, "abcd"],
    [[-3, 1], 1, "abcef"],
    [[7], 0, "abcdef"],
    [[100, 5], 0, "abcdef"],
    [[-100, 1], 1, "bcdef"],
    [[2, 0], 0, "abcdef"],
  ];
  for (const [args, gone, left] of cases) {
    const b = made();
    assertEquals([b.remove(...args), b.tostring()], [gone, left], String(args));
  }
  assertThrows(() => made().remove(0), RangeError, "pos counts from 1");
});

Deno.test("find() gives the position or null, goes past a zero byte, and finds an empty text", () => {
  const b = buffer("ab\0cab");
  assertEquals([b.find("ab"), b.find("ab", 2), b.find("c"), b.find("x")], [1, 5, 4, null]);
  assertEquals([b.find(), b.find("", 7), b.find("", 8), b.find("ab", -2)], [1, 7, null, 5]);
  assertThrows(() => b.find("a", 0), RangeError, "find: pos");
});

/** The reads and writes of one number, and how Buffer writes it. */
const NUMBERS: [name: string, low: number | bigint, high: number | bigint, node: string][] = [
  ["uint8", 0, 0xff, "UInt8"],
  ["int8", -0x80, 0x7f, "Int8"],
  ...(["le", "be"] as const).flatMap(
    (order): [string, number | bigint, number | bigint, string][] => {
      const end = order.toUpperCase();
      return [
        [`uint16_${order}`, 0, 0xffff, `UInt16${end}`],
        [`int16_${order}`, -0x8000, 0x7fff, `Int16${end}`],
        [`uint32_${order}`, 0, 0xffffffff, `UInt32${end}`],
        [`int32_${order}`, -0x80000000, 0x7fffffff, `Int32${end}`],
        [`uint64_${order}`, 0n, (1n << 64n) - 1n, `BigUInt64${end}`],
        [`int64_${order}`, -(1n << 63n), (1n << 63n) - 1n, `BigInt64${end}`],
      ];
    },
  ),
];

type Typed = Record<string, (value?: number | bigint) => unknown>;

Deno.test("every typed write is what Buffer writes, and every read gives it back", () => {
  for (const [name, low, high, node] of NUMBERS) {
    for (const value of [low, high, typeof low === "bigint" ? 1n : 1]) {
      const b = buffer();
      const typed = b as unknown as Typed;
      assertEquals(typed[`write_${name}`]!(value), true);
      const other = Buffer.alloc(b.length);
      (other as unknown as Typed)[`write${node}`]!(value);
      assertEquals(b.bytes(), new Uint8Array(other), name);
      const size = b.length;
      assertEquals(typed[`read_${name}`]!(), value, name);
      // One byte too few: nothing is taken.
      b.append(new Uint8Array(size - 1));
      assertEquals([typed[`read_${name}`]!(), b.length], [null, size - 1], name);
    }
    const over = typeof high === "bigint" ? high + 1n : high + 1;
    const typed = buffer() as unknown as Typed;
    assertThrows(() => typed[`write_${name}`]!(over), RangeError, `write_${name}: value`);
    assertThrows(
      () => typed[`write_${name}`]!("1" as unknown as number),
      TypeError,
      `write_${name}`,
    );
  }
});

Deno.test("floats go through their 4 and 8 bytes, both ways round", () => {
  for (const order of ["le", "be"]) {
    const b = buffer() as unknown as Typed;
    for (const value of [0, -1.5, Infinity, 1e300]) {
      assertEquals(b[`write_double_${order}`]!(value), true);
      assertEquals(b[`read_double_${order}`]!(), value);
    }
    b[`write_float_${order}`]!(1.5);
    assertEquals(b[`read_float_${order}`]!(), 1.5);
  }
});

Deno.test("a buffer with a max takes nothing of what would be more", () => {
  const b = buffer(undefined, { max: 5 });
  assertEquals([b.append("abc"), b.append("def"), b.length], [true, false, 3]);
  assertEquals([b.write_uint32_be(1), b.write_uint16_be(1), b.length], [false, true, 5]);
  assertEquals([b.pack("b", 1), b.tostring("latin1")], [false, "abc\0\x01"]);
  b.discard(2);
  assertEquals(b.append("xy"), true);
  assertThrows(() => buffer("toolong", { max: 3 }), RangeError, "longer than max");
});

Deno.test("pack() appends, unpack() looks and takes nothing", () => {
  const b = buffer();
  assertEquals(b.pack(">I2 s1", 5, "x"), true);
  assertEquals(b.unpack(">I2 s1", 1, "utf-8"), [5, "x", 5]);
  assertEquals([b.length, b.unpack(">I4 I4")], [4, null]);
});

Deno.test("read() as text takes nothing where the bytes are none", () => {
  const b = buffer(Uint8Array.of(0xc3, 0x28));
  assertEquals([b.read(2, "utf-8"), b.length], [null, 2]);
  assertEquals([b.read(2, "latin1"), b.length], ["\xc3(", 0]);
});

Deno.test("append() takes a look at its own bytes as they were, also where they must move", () => {
  const b = buffer(32, "xxxxxx0123456789abcd");
  b.discard(6);
  // There is room, but not behind: what is held moves to the front first, over itself.
  assertEquals([b.append(b.view()), b.tostring()], [true, "0123456789abcd".repeat(2)]);
  assertEquals(b.capacity, 32);
});

Deno.test("a buffer holds what a plain list of bytes does, whatever is done to it", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const next = random(seed);
    const whole = (most: number) => Math.floor(next() * most);
    const b = new ByteBuffer({ capacity: whole(10) });
    let list: number[] = [];
    for (let step = 0; step < 300; step++) {
      const bytes = Array.from({ length: whole(50) }, () => whole(256));
      const count = whole(40);
      const done = [
        () => {
          b.append(Uint8Array.from(bytes));
          list.push(...bytes);
        },
        () => {
          const got = b.read(count);
          if (count <= list.length) assertEquals([...got!], list.splice(0, count));
          else assertEquals(got, null);
        },
        () => assertEquals(b.discard(count), list.splice(0, count).length),
        () => assertEquals([...b.split(count).bytes()], list.splice(0, count)),
        () => {
          const pos = 1 + whole(60);
          assertEquals(b.remove(pos, count), list.splice(pos - 1, count).length);
        },
        () => {
          b.truncate(count);
          list = list.slice(0, count);
        },
        () => {
          const sought = Uint8Array.from(bytes.slice(0, 2));
          const at = Buffer.from(list).indexOf(sought);
          assertEquals(b.find(sought), sought.length === 0 ? 1 : at < 0 ? null : at + 1);
        },
      ];
      done[whole(done.length)]!();
      assert(b.length === list.length, `seed ${seed}, step ${step}`);
    }
    assertEquals([...b.bytes()], list);
  }
});
