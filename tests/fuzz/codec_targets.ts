/** The codecs and escapes of util. */
import { assert, assertEquals } from "@std/assert";
import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import {
  base64_decode,
  base64_decode_url,
  base64_encode,
  base64_encode_url,
  buffer,
  crc32,
  escape,
  escape_uri,
  hex_decode,
  hex_encode,
  hmac_sha1,
  hmac_sha256,
  isip,
  md5,
  pack,
  packsize,
  sha1bin,
  sha256,
  to_bytes,
  to_text,
  unescape_uri,
  unpack,
} from "../../util/mod.ts";
import { bytes, type Target, target, texts } from "./target.ts";

/** What MySQL reads of the inside of a quoted string; null where the string would end in it. */
function readQuoted(text: string): string | null {
  const LETTERS: Record<string, string> = {
    0: "\0",
    b: "\b",
    t: "\t",
    n: "\n",
    r: "\r",
    Z: "\x1a",
  };
  let plain = "";
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "'" || text[at] === '"') return null;
    if (text[at] !== "\\") {
      plain += text[at];
      continue;
    }
    const next = text[++at];
    if (next === undefined) return null;
    plain += LETTERS[next] ?? next;
  }
  return plain;
}

/** Numbers that a buffer writes and reads, by the ends of their methods' names. */
const NUMBERS = ["uint8", "int8", "uint16_le", "uint16_be", "int16_le", "int16_be"].concat(
  ["uint32_le", "uint32_be", "int32_le", "int32_be"],
) as ("uint8" | "int16_be")[];

type Step =
  | { do: "append"; bytes: number[] }
  | { do: "write"; as: number; value: number }
  | { do: "read"; count: number }
  | { do: "number"; as: number }
  | { do: "discard"; count: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("append" as const), bytes: bytes(40) }),
    fc.record({
      do: fc.constant("write" as const),
      as: fc.nat(NUMBERS.length - 1),
      value: fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }),
    }),
    fc.record({ do: fc.constant("read" as const), count: fc.nat(20) }),
    fc.record({ do: fc.constant("number" as const), as: fc.nat(NUMBERS.length - 1) }),
    fc.record({ do: fc.constant("discard" as const), count: fc.nat(20) }),
  ),
  { maxLength: 30 },
);

/** Size, sign and order of a number of {@linkcode NUMBERS}. */
function shapeOf(name: string): { size: number; signed: boolean; little: boolean } {
  const [, u, bits] = /^(u?)int(\d+)/.exec(name)!;
  return { size: Number(bits) / 8, signed: u === "", little: name.endsWith("_le") };
}

/** The bytes of a whole number, or `null` where they cannot hold it. */
function numberAsBytes(name: string, value: number): number[] | null {
  const { size, signed, little } = shapeOf(name);
  const least = signed ? -(2 ** (size * 8 - 1)) : 0;
  if (value < least || value >= least + 2 ** (size * 8)) return null;
  const plain = value < 0 ? value + 2 ** (size * 8) : value;
  const list = Array.from({ length: size }, (_, n) => Math.floor(plain / 256 ** n) % 256);
  return little ? list : list.reverse();
}

const formats = fc.array(
  fc.constantFrom(
    ..."<>=!bBhHlLjJTfdnzsxicXI 1248",
    "s1",
    "s2",
    "i3",
    "I16",
    "!4",
    "c5",
    "Xd",
    "99",
  ),
  { maxLength: 10 },
).map((parts) => parts.join(""));

const INTEGERS: Record<string, [least: bigint, most: bigint]> = {
  b: [-128n, 127n],
  B: [0n, 255n],
  ">h": [-32_768n, 32_767n],
  "<H": [0n, 65_535n],
  "<i3": [-(2n ** 23n), 2n ** 23n - 1n],
  ">I5": [0n, 2n ** 40n - 1n],
  ">l": [-(2n ** 63n), 2n ** 63n - 1n],
  "<I16": [0n, 2n ** 128n - 1n],
};

/** One option of a format, with a value for it; bytes as a list, a bigint as its digits. */
interface Packed {
  as: string;
  value: string | number | number[] | null;
}

const integers = fc.constantFrom(...Object.keys(INTEGERS)).chain((option) => {
  const [min, max] = INTEGERS[option]!;
  return fc.bigInt({ min, max }).map((value): Packed => ({ as: option, value: String(value) }));
});

const doubles = fc.double({ noNaN: true, noDefaultInfinity: true });

const items = fc.array(
  fc.oneof(
    integers,
    fc.constantFrom("d", "n", ">d", "<d").chain((as) => doubles.map((value) => ({ as, value }))),
    // What a float cannot tell from its neighbours would not come back.
    fc.constantFrom("f", ">f").chain((as) =>
      fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => ({ as, value }))
    ),
    fc.constantFrom("s1", ">s2", "s", "z", "c7").chain((as) =>
      bytes(7).map((list) => ({ as, value: as === "z" ? list.map((byte) => byte || 1) : list }))
    ),
    fc.constantFrom("x", " ", "<", ">", "=").map((as) => ({ as, value: null })),
  ),
  { maxLength: 8 },
);

/** The value that pack() takes. */
function valueOf(value: string | number | number[]): unknown {
  if (typeof value === "string") return BigInt(value);
  return typeof value === "number" ? value : Uint8Array.from(value);
}

/** Addresses, and what looks much like them. */
const ips = fc.oneof(
  texts("0123456789abcdef:.%[] "),
  fc.array(fc.oneof(fc.nat(300).map(String), fc.constantFrom("", "00", "1e1")), {
    minLength: 3,
    maxLength: 5,
  }).map((parts) => parts.join(".")),
  fc.tuple(
    fc.array(fc.constantFrom("", "0", "1", "ffff", "Ab", "12345", "1.2.3.4", "1.2.3"), {
      minLength: 2,
      maxLength: 9,
    }).map((parts) => parts.join(":")),
    fc.constantFrom("", "", "%eth0", "%", "%a b"),
  ).map((parts) => parts.join("")),
);

export const CODEC_TARGETS: Target[] = [
  target("escape_uri and back", fc.tuple(texts("%+ &=?/\u00fc~"), fc.boolean()), ([text, raw]) => {
    const escaped = escape_uri(text, raw);
    assert(/^[A-Za-z0-9\-._%+]*$/.test(escaped), escaped);
    assertEquals(unescape_uri(escaped, raw), text.toWellFormed());
  }),
  target("escape_uri of bytes and back", fc.tuple(bytes(60), fc.boolean()), ([list, raw]) => {
    const escaped = escape_uri(Uint8Array.from(list), raw);
    assertEquals([...unescape_uri(escaped, raw, "bytes")], list);
  }),
  target("unescape_uri of anything", texts("%%%0123456789abcdefABCDEF+\u00e9"), (text) => {
    const plain = unescape_uri(text, true, "bytes");
    // What is no escape stays: nothing grows, and nothing but escapes shrinks.
    const escapes = text.match(/%[0-9a-fA-F]{2}/g)?.length ?? 0;
    assertEquals(plain.length, new TextEncoder().encode(text).length - 2 * escapes);
    assertEquals(unescape_uri(text, true), to_text(plain));
    assertEquals(unescape_uri(text, true, "latin1"), to_text(plain, "latin1"));
  }),
  target("escape for SQL", texts("'\"\\\0\b\t\n\r\x1a%_`;-"), (text) => {
    assertEquals(readQuoted(escape(text)), text);
    const wellFormed = text.toWellFormed();
    const asBytes = escape(new TextEncoder().encode(wellFormed));
    assertEquals(new TextDecoder("utf-8", { ignoreBOM: true }).decode(asBytes), escape(wellFormed));
  }),
  target("base64 and hex, there and back", bytes(80), (list) => {
    const data = Uint8Array.from(list);
    for (
      const [encode, decode] of [
        [base64_encode, base64_decode],
        [base64_encode_url, base64_decode_url],
        [hex_encode, hex_decode],
      ] as const
    ) assertEquals([...decode(encode(data))!], list);
  }),
  target("base64_decode and hex_decode of anything", texts("AQ+/=-_ \nabcdef0189"), (text) => {
    const four = base64_decode(text);
    if (four !== null) {
      const clean = text.replace(/=+$/, "");
      assert(/^[A-Za-z0-9+/]*$/.test(clean), `'${text}' was taken`);
      assertEquals(four.length, Math.floor(clean.length * 6 / 8));
    }
    const url = base64_decode_url(text);
    if (url !== null) assert(/^[A-Za-z0-9_-]*=*$/.test(text), `'${text}' was taken`);
    const two = hex_decode(text);
    if (two !== null) assertEquals(hex_encode(two), text.toLowerCase());
  }),
  target("to_text and to_bytes", bytes(40), (list) => {
    const data = Uint8Array.from(list);
    assertEquals([...to_bytes(to_text(data, "latin1"), "latin1")], list);
    const text = to_text(data);
    if (text !== null) assertEquals([...to_bytes(text)], list);
  }),
  target(
    "pack and unpack whole numbers",
    fc.constantFrom(...Object.keys(INTEGERS)).chain((format) => {
      const [min, max] = INTEGERS[format]!;
      return fc.tuple(fc.constant(format), fc.bigInt({ min, max }).map(String));
    }),
    ([format, digits]) => {
      const packed = pack(format as string, BigInt(digits) as never);
      assertEquals(packed.length, packsize(format));
      // The digits to the base of 256, the last one first where it is little-endian.
      const bits = BigInt.asUintN(8 * packed.length, BigInt(digits));
      const places = [...packed].map((byte) => BigInt(byte));
      if (format.startsWith("<")) places.reverse();
      assertEquals(places.reduce((sum, byte) => sum * 256n + byte, 0n), bits);
      const [value, next] = unpack(format as string, packed)! as [number | bigint, number];
      assertEquals([String(value), next], [digits, packed.length + 1]);
    },
  ),
  target(
    "pack and unpack strings",
    fc.tuple(fc.constantFrom("<s1", ">s2", "s", "z", ">!4 b s4"), bytes(60)),
    ([format, list]) => {
      const data = Uint8Array.from(format === "z" ? list.map((byte) => byte || 1) : list);
      const values = format.includes("b") ? [7, data] : [data];
      const packed = pack(format as string, ...values as never[]);
      const got = unpack(format as string, packed)! as unknown[];
      assertEquals([...got.at(-2) as Uint8Array], [...data]);
      assertEquals(got.at(-1), packed.length + 1);
      // Cut off anywhere, it is not there, or what precedes it is unharmed.
      for (let end = 0; end < packed.length; end++) {
        assertEquals(unpack(format as string, packed.subarray(0, end)), null);
      }
    },
  ),
  target(
    "unpack of anything by any format",
    fc.tuple(formats, bytes(40)),
    ([format, list]) => {
      let got: unknown[] | null;
      try {
        got = unpack(format as string, Uint8Array.from(list)) as unknown[] | null;
      } catch (error) {
        assert(error instanceof RangeError && error.message.startsWith("unpack"), String(error));
        return;
      }
      if (got === null) return;
      const next = got.at(-1) as number;
      assert(next >= 1 && next <= list.length + 1, `${format} ends at ${next} of ${list.length}`);
    },
  ),
  target("buffer against a list", steps, (list) => {
    const b = buffer(undefined, { capacity: 1, max: 64 });
    let model: number[] = [];
    for (const step of list) {
      if (step.do === "append") {
        const fits = model.length + step.bytes.length <= 64;
        assertEquals(b.append(Uint8Array.from(step.bytes)), fits);
        if (fits) model.push(...step.bytes);
      } else if (step.do === "write") {
        const name = NUMBERS[step.as]!;
        const wanted = numberAsBytes(name, step.value);
        const write = () => b[`write_${name}`](step.value);
        if (wanted === null) {
          let refused: unknown;
          try {
            write();
          } catch (error) {
            refused = error;
          }
          assert(refused instanceof RangeError, `${name} took ${step.value}`);
        } else {
          const fits = model.length + wanted.length <= 64;
          assertEquals(write(), fits);
          if (fits) model.push(...wanted);
        }
      } else if (step.do === "read") {
        const got = b.read(step.count);
        if (step.count > model.length) assertEquals(got, null);
        else assertEquals([...got!], model.splice(0, step.count));
      } else if (step.do === "number") {
        const name = NUMBERS[step.as]!;
        const { size } = shapeOf(name);
        const got = b[`read_${name}`]();
        if (size > model.length) assertEquals(got, null);
        else assertEquals(numberAsBytes(name, got!), model.splice(0, size));
      } else {
        const gone = Math.min(step.count, model.length);
        assertEquals(b.discard(step.count), gone);
        model = model.slice(gone);
      }
      assertEquals([...b.bytes()], model);
    }
  }),
  target("pack and unpack by any format", items, (list) => {
    const format = list.map(({ as }) => as).join("");
    const values = list.flatMap(({ value }) => value === null ? [] : [valueOf(value)]);
    const packed = pack(format, ...values as never[]);
    const got = unpack(format, packed)! as unknown[];
    assertEquals(got.pop(), packed.length + 1);
    const plain = (one: unknown) => one instanceof Uint8Array ? [...one] : String(one);
    const wanted = list.flatMap(({ as, value }) => {
      if (value === null) return [];
      // A size that is fixed is filled up with zeros.
      if (as === "c7") return [[...value as number[], ...new Array(7).fill(0)].slice(0, 7)];
      return [typeof value === "object" ? value : String(value)];
    });
    assertEquals(got.map(plain), wanted);
    if (!/[sz]/.test(format)) assertEquals(packsize(format), packed.length);
    // Behind something else, it is read from where it begins.
    const later = Uint8Array.from([9, 9, 9, ...packed]);
    if (!format.includes("!")) assertEquals(unpack(format, later, 4)?.at(-1), later.length + 1);
    for (let end = 0; end < packed.length; end++) {
      assertEquals(unpack(format, packed.subarray(0, end)), null);
    }
  }),
  target(
    "a buffer's floats and long numbers",
    fc.tuple(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(String),
    ),
    ([double, digits]) => {
      const b = buffer();
      const view = new DataView(new ArrayBuffer(8));
      const seen = (count: number) => [...new Uint8Array(view.buffer, 0, count)];
      for (const little of [true, false]) {
        const end = little ? "le" : "be";
        view.setFloat64(0, double, little);
        b[`write_double_${end}`](double);
        assertEquals([...b.bytes()], seen(8));
        assertEquals(b[`read_double_${end}`](), double);
        view.setFloat32(0, double, little);
        b[`write_float_${end}`](double);
        assertEquals([...b.bytes()], seen(4));
        assertEquals(b[`read_float_${end}`](), Math.fround(double));
        const long = BigInt(digits);
        for (const sign of ["int64", "uint64"] as const) {
          const fits = BigInt[sign === "int64" ? "asIntN" : "asUintN"](64, long) === long;
          let taken = false;
          try {
            taken = b[`write_${sign}_${end}`](long);
          } catch (error) {
            assert(error instanceof RangeError, String(error));
          }
          assertEquals(taken, fits, `${sign} of ${digits}`);
          if (!fits) continue;
          view.setBigUint64(0, BigInt.asUintN(64, long), little);
          assertEquals([...b.bytes()], seen(8));
          assertEquals(b[`read_${sign}_${end}`](), long);
        }
      }
      assertEquals(b.length, 0);
    },
  ),
  target(
    "hashes",
    fc.tuple(bytes(150), bytes(150)),
    ([list, key]) => {
      const [data, secret] = [Uint8Array.from(list), Uint8Array.from(key)];
      const plain = (name: string) => createHash(name).update(data).digest("hex");
      assertEquals([md5(data), sha256(data)], [plain("md5"), plain("sha256")]);
      assertEquals(hex_encode(sha1bin(data)), plain("sha1"));
      const keyed = (name: string) => createHmac(name, secret).update(data).digest("hex");
      assertEquals(hmac_sha1(data, secret), keyed("sha1"));
      assertEquals(hmac_sha256(data, secret), keyed("sha256"));
      assertEquals(hex_encode(hmac_sha256(data, secret, true)), keyed("sha256"));
      // Bit by bit, by the polynomial of IEEE 802.3.
      let crc = 0xffffffff;
      for (const byte of list) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0xedb88320 : crc >>> 1;
      }
      assertEquals(crc32(data), ~crc >>> 0);
    },
  ),
  target("isip", ips, (text) => {
    const version = isip(text);
    assert(version === 0 || version === 4 || version === 6);
    const parts = text.split(".");
    const four = parts.length === 4 &&
      parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
    assertEquals(version === 4, four, text);
    const [, address = ""] = /^([0-9a-fA-F:.]+)(%[0-9a-zA-Z.:-]+)?$/.exec(text) ?? [];
    assertEquals(
      version === 6,
      address.includes(":") && URL.canParse(`http://[${address}]/`),
      text,
    );
  }),
];
