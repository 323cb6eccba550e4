/** What workers print, on its way to our own output. */
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { print } from "../../http/_printing.ts";
import type { ReadResult } from "../../core/mod.ts";

const MARK = "ready 1\n";

/** Prints these pieces; gives what was on the paper after each, and how many marks there were. */
async function printed(pieces: string[], most = Infinity): Promise<[string[], number]> {
  let paper = "";
  let marks = 0;
  const seen: string[] = [];
  let at = 0;
  const read = (): Promise<ReadResult<string>> => {
    if (at > 0) seen.push(paper);
    const piece = pieces[at++];
    return Promise.resolve(piece === undefined ? [null, null] : [piece, null]);
  };
  const write = (bytes: Uint8Array) => {
    const part = bytes.subarray(0, Math.min(bytes.length, most));
    paper += Buffer.from(part).toString("latin1");
    return Promise.resolve(part.length);
  };
  await print(read, { write }, MARK, () => marks++);
  return [[...seen, paper], marks];
}

Deno.test("a mark is taken out wherever its pieces are cut", async () => {
  for (let cut = 0; cut <= MARK.length; cut++) {
    const pieces = [`one\n${MARK.slice(0, cut)}`, `${MARK.slice(cut)}two\n`];
    const [seen, marks] = await printed(pieces);
    assertEquals([seen.at(-1), marks], ["one\ntwo\n", 1]);
  }
});

Deno.test("what may be the beginning of a mark is printed when it is none", async () => {
  const pieces = ["rea", "dy or not\n", "ready 2\nrea"];
  assertEquals(await printed(pieces), [
    ["", "ready or not\n", "ready or not\nready 2\n", "ready or not\nready 2\nrea"],
    0,
  ]);
});

Deno.test("bytes are printed as they are, all of them, however few are taken at a time", async () => {
  const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, n) => n));
  assertEquals((await printed([bytes], 7))[0].at(-1), bytes);
});

Deno.test("a child goes on though nobody reads what we print", async () => {
  const pieces = ["one\n", MARK, "two\n", MARK];
  let marks = 0;
  const read = (): Promise<ReadResult<string>> =>
    Promise.resolve(pieces.length > 0 ? [pieces.shift()!, null] : [null, null]);
  const write = () => Promise.reject(new Deno.errors.BrokenPipe("nobody reads"));
  await print(read, { write }, MARK, () => marks++);
  assertEquals(marks, 2);
});
