/** The codecs and escapes of util. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  base64_decode,
  base64_decode_url,
  base64_encode,
  base64_encode_url,
  buffer,
  escape,
  escape_uri,
  hex_decode,
  hex_encode,
  isip,
  pack,
  packsize,
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
  target("isip", texts("0123456789abcdef:.%[] "), (text) => {
    const version = isip(text);
    assert(version === 0 || version === 4 || version === 6);
    if (version === 4) assert(/^\d+\.\d+\.\d+\.\d+$/.test(text), text);
    if (version === 6) assert(/^[0-9a-fA-F:.]+(%.+)?$/.test(text) && text.includes(":"), text);
  }),
];
