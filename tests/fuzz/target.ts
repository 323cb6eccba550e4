/** What is fuzzed: a parser or codec, inputs for it, and what must hold for each of them. */
import fc from "fast-check";

/** One target; its inputs are plain JSON values, so that a corpus can hold them. */
export interface Target<I = unknown> {
  name: string;
  /** Makes inputs. */
  inputs: fc.Arbitrary<I>;
  /** Throws if something that must hold does not. */
  holds(input: I): void | Promise<void>;
}

/** Keeps a target's own type of input while it is written. */
export function target<I>(
  name: string,
  inputs: fc.Arbitrary<I>,
  holds: Target<I>["holds"],
): Target {
  return { name, inputs, holds } as unknown as Target;
}

/** Bytes as a list of numbers, as JSON has it. */
export function bytes(maxLength: number): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: 0, max: 255 }), { maxLength });
}

/** Texts full of what is special somewhere, and of everything else. */
export function texts(special: string, maxLength = 40): fc.Arbitrary<string> {
  const words = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...special) },
    { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 6 }) },
    { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 4 }) },
    // Half a character, which JavaScript lets stand in a string.
    { weight: 1, arbitrary: fc.constantFrom("\ud800", "\udc00") },
  );
  return fc.array(words, { maxLength }).map((parts) => parts.join(""));
}
