import { Buffer } from "node:buffer";
import type { ReadResult } from "../core/mod.ts";

/** What is printed on. */
export interface Paper {
  write(bytes: Uint8Array): Promise<number>;
}

/** Copies what a child prints, as Latin-1, but for marks: it calls `onMark` for each. */
export async function print(
  read: () => Promise<ReadResult<string>>,
  paper: Paper,
  mark: string,
  onMark: () => void,
): Promise<void> {
  let held = "";
  for (;;) {
    const [piece] = await read();
    const [first = "", ...rest] = (held + (piece ?? "")).split(mark);
    for (const _ of rest) onMark();
    const text = first + rest.join("");
    held = piece === null ? "" : beginOf(mark, text);
    const bytes = Buffer.from(text.slice(0, text.length - held.length), "latin1");
    try {
      for (let at = 0; at < bytes.length;) at += await paper.write(bytes.subarray(at));
    } catch {
      // Nobody reads what we print: no reason for the child to stand still.
    }
    if (piece === null) return;
  }
}

/** The end of a text that may be the beginning of a mark. */
function beginOf(mark: string, text: string): string {
  for (let n = Math.min(mark.length - 1, text.length); n > 0; n--) {
    if (text.endsWith(mark.slice(0, n))) return mark.slice(0, n);
  }
  return "";
}
