/** What a format of Lua's `string.pack` means for TypeScript. */
import type { Input } from "./types.ts";

/** A value that can be packed. */
export type PackValue = number | bigint | Input;

/** A digit of a size in a format. */
export type FormatDigit = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";

/** A format without the digits it begins with. */
export type AfterDigits<F extends string> = F extends `${FormatDigit}${infer Rest}`
  ? AfterDigits<Rest>
  : F;

/** The digits a format begins with, and the rest. */
export type Digits<F extends string, Before extends string = ""> = F extends
  `${infer D extends FormatDigit}${infer Rest}` ? Digits<Rest, `${Before}${D}`> : [Before, F];

/** Whether whole numbers of a size, in digits, are always exact as a number. */
export type SizeKind<Size extends string> = Size extends "" | "1" | "2" | "3" | "4" | "5" | "6"
  ? "small"
  : Size extends "7" | "8" | "9" | `1${"0" | "1" | "2" | "3" | "4" | "5" | "6"}` ? "large"
  : "any";

/** The kind of each value in a format, in order; a list of any length if the format is not known. */
export type FormatKinds<F extends string, Before extends FormatKind[] = []> = string extends F
  ? FormatKind[]
  : F extends "" ? Before
  : F extends `${infer Option}${infer Rest}`
    ? Option extends "b" | "B" | "h" | "H" ? FormatKinds<Rest, [...Before, "small"]>
    : Option extends "l" | "L" | "j" | "J" | "T" ? FormatKinds<Rest, [...Before, "large"]>
    : Option extends "f" | "d" | "n" ? FormatKinds<Rest, [...Before, "float"]>
    : Option extends "i" | "I"
      ? Digits<Rest> extends [infer Size extends string, infer Left extends string]
        ? FormatKinds<Left, [...Before, SizeKind<Size>]>
      : never
    : Option extends "s" | "c" ? FormatKinds<AfterDigits<Rest>, [...Before, "text"]>
    : Option extends "z" ? FormatKinds<Rest, [...Before, "text"]>
    : Option extends "x" | " " | "<" | ">" | "=" ? FormatKinds<Rest, Before>
    : Option extends "!" ? FormatKinds<AfterDigits<Rest>, Before>
    : Option extends "X"
      ? Rest extends `${infer _Next}${infer Left}` ? FormatKinds<AfterDigits<Left>, Before>
      : FormatKind[]
    : FormatKind[]
  : never;

/** What a value of a format is: a whole number of at most 6 bytes, of more, of either; a float; a string. */
export type FormatKind = "small" | "large" | "any" | "float" | "text";

/** What is packed for each of some kinds. */
export type PackedAs<Kinds extends FormatKind[]> = {
  [I in keyof Kinds]: Kinds[I] extends "text" ? Input
    : Kinds[I] extends "float" ? number
    : Kinds[I] extends "small" | "large" | "any" ? number | bigint
    : PackValue;
};

/** What each of some kinds is unpacked to. */
export type UnpackedAs<Kinds extends FormatKind[], Text> = {
  [I in keyof Kinds]: Kinds[I] extends "text" ? Text
    : Kinds[I] extends "large" ? bigint
    : Kinds[I] extends "any" ? number | bigint
    : Kinds[I] extends "small" | "float" ? number
    : number | bigint | Text;
};

/** The values that a format wants. */
export type PackArguments<F extends string> = PackedAs<FormatKinds<F>>;

/** The values that a format gives, and the position behind them. */
export type Unpacked<F extends string, Text> = [
  ...values: UnpackedAs<FormatKinds<F>, Text>,
  next: number,
];
