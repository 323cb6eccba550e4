/** The formats of Lua's `string.pack`, read into a list. */
import { endianness } from "node:os";

/** What an option stands for. */
export type Kind =
  | "int"
  | "uint"
  | "float"
  | "double"
  /** A string of a fixed size. */
  | "fixed"
  /** A string behind its length. */
  | "counted"
  /** A string before a zero. */
  | "zero"
  /** Filling only: a byte, or none but the alignment. */
  | "filling";

/** One option, with all that stood before it worked in. */
export interface Item {
  kind: Kind;
  /** In bytes; of the length, where one stands before. */
  size: number;
  /** It begins at a multiple of so many bytes. */
  align: number;
  little: boolean;
  /** As written, for messages. */
  text: string;
}

const NATIVE = endianness() === "LE";

/** The largest number that may stand in a format, but for `c`. */
const MOST_INTEGER = 16;
const MOST_FIXED = 2 ** 31 - 1;

/** Sizes of a 64-bit Lua 5.3. */
const PLAIN: Readonly<Record<string, readonly [Kind, size: number]>> = {
  b: ["int", 1],
  B: ["uint", 1],
  h: ["int", 2],
  H: ["uint", 2],
  l: ["int", 8],
  L: ["uint", 8],
  j: ["int", 8],
  J: ["uint", 8],
  T: ["uint", 8],
  f: ["float", 4],
  d: ["double", 8],
  n: ["double", 8],
  z: ["zero", 0],
  x: ["filling", 1],
};

/** Those with a number behind them, and the one that counts without. */
const SIZED: Readonly<Record<string, readonly [Kind, size: number]>> = {
  i: ["int", 4],
  I: ["uint", 4],
  s: ["counted", 8],
};

/** A program has few formats; one that makes them up as it goes must not fill the memory. */
const MOST_KEPT = 256;
const known = new Map<string, readonly Item[]>();

/** The options of a format; throws `RangeError` if it is none. */
export function itemsOf(caller: string, format: string): readonly Item[] {
  const kept = known.get(format);
  if (kept !== undefined) return kept;
  const items = read(caller, format);
  if (known.size >= MOST_KEPT) known.clear();
  known.set(format, items);
  return items;
}

/** How many bytes are missing at `at` to the next multiple of `align`. */
export function gapAt(at: number, align: number): number {
  return (align - at % align) % align;
}

function read(caller: string, format: string): Item[] {
  const items: Item[] = [];
  let at = 0;
  let little = NATIVE;
  let widest = 1;

  const wrong = (what: string) => new RangeError(`${caller}: format '${format}': ${what}`);
  const digits = (): string => {
    const begin = at;
    while (at < format.length && format[at]! >= "0" && format[at]! <= "9") at++;
    return format.slice(begin, at);
  };
  const sizeOf = (option: string, fallback: number): number => {
    const text = digits();
    const size = text === "" ? fallback : Number(text);
    if (size >= 1 && size <= MOST_INTEGER) return size;
    throw wrong(`the size of '${option}' must be 1 to ${MOST_INTEGER}: got ${text}`);
  };
  /** The next option, if it is one that stands for bytes. */
  const next = (): { kind: Kind; size: number } | null => {
    const option = format[at++]!;
    const plain = PLAIN[option];
    if (plain !== undefined) return { kind: plain[0], size: plain[1] };
    const sized = SIZED[option];
    if (sized !== undefined) return { kind: sized[0], size: sizeOf(option, sized[1]) };
    if (option === "c") {
      const text = digits();
      if (text === "" || Number(text) > MOST_FIXED) {
        throw wrong(`'c' must have a size up to ${MOST_FIXED}: got '${text}'`);
      }
      return { kind: "fixed", size: Number(text) };
    }
    if (option === "<") little = true;
    else if (option === ">") little = false;
    else if (option === "=") little = NATIVE;
    else if (option === "!") widest = sizeOf("!", 8);
    else if (option !== " ") throw wrong(`there is no option '${option}'`);
    return null;
  };

  while (at < format.length) {
    const begin = at;
    const bare = format[at] === "X";
    if (bare) at++;
    if (at === format.length) throw wrong("'X' must have an option behind it");
    const found = next();
    const size = found === null || found.kind === "fixed" ? 0 : found.size;
    if (bare && size === 0) throw wrong("'X' must stand before an option with an alignment");
    if (found === null) continue;
    const align = size <= 1 ? 1 : Math.min(size, widest);
    if ((align & (align - 1)) !== 0) throw wrong(`an alignment of ${align} is no power of 2`);
    const item = bare ? { kind: "filling" as const, size: 0 } : found;
    items.push({ ...item, align, little, text: format.slice(begin, at) });
  }
  return items;
}
