/**
 * 64 MiB written and read in pieces of 64 KiB, and lines of a file, beside plain `Deno.open`.
 *
 *     deno task bench eio
 */
import { open, unwrap } from "../eio/mod.ts";
import { compare, rate } from "./compare.ts";

const PIECE = 64 * 1024;
const SIZE = 64 * 1024 * 1024;
const folder = await Deno.makeTempDir();
const path = `${folder}/f`;
const piece = new Uint8Array(PIECE).fill(120);
for (let at = 63; at < PIECE; at += 64) piece[at] = 10;

await compare({
  name: "file write",
  unit: "bytes/s",
  contenders: {
    "Deno.FsFile.write": () =>
      rate(SIZE, async () => {
        using file = await Deno.open(path, { write: true, create: true, truncate: true });
        for (let at = 0; at < SIZE; at += PIECE) await file.write(piece);
      }),
    "write()": () =>
      rate(SIZE, async () => {
        await using file = await unwrap(open(path, "w"));
        for (let at = 0; at < SIZE; at += PIECE) await unwrap(file.write(piece));
      }),
  },
});

await compare({
  name: "file read",
  unit: "bytes/s",
  contenders: {
    "Deno.FsFile.read": () =>
      rate(SIZE, async () => {
        using file = await Deno.open(path);
        const into = new Uint8Array(PIECE);
        while (await file.read(into) !== null);
      }),
    "read()": () =>
      rate(SIZE, async () => {
        await using file = await unwrap(open(path));
        while ((await file.read(PIECE))[0] !== null);
      }),
    "read_into()": () =>
      rate(SIZE, async () => {
        await using file = await unwrap(open(path));
        const into = new Uint8Array(PIECE);
        while ((await file.read_into(into))[0] !== null);
      }),
  },
});

await compare({
  name: "file lines",
  unit: "lines of 64 B/s",
  contenders: {
    "Deno: TextDecoderStream, split": () =>
      rate(SIZE / 64, async () => {
        const file = await Deno.open(path);
        let rest = "";
        for await (const text of file.readable.pipeThrough(new TextDecoderStream())) {
          const lines = (rest + text).split("\n");
          rest = lines.pop()!;
        }
      }),
    "lines()": () =>
      rate(SIZE / 64, async () => {
        await using file = await unwrap(open(path));
        for await (const _ of file.lines());
      }),
    "lines({ batch: true })": () =>
      rate(SIZE / 64, async () => {
        await using file = await unwrap(open(path));
        for await (const _ of file.lines({ batch: true }));
      }),
  },
});
await Deno.remove(folder, { recursive: true });
