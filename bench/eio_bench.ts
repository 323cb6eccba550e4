/**
 * Files written and read in pieces of 64 KiB, lines of a file, whole files and copies,
 * beside Deno's own calls.
 *
 *     deno task bench eio
 */
import { copy, open, readfile, unwrap, writefile } from "../eio/mod.ts";
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
  rounds: 15,
  contenders: {
    "Deno.FsFile.read": () =>
      rate(SIZE, async () => {
        using file = await Deno.open(path);
        const into = new Uint8Array(PIECE);
        while (await file.read(into) !== null);
      }),
    // What a call costs that can be timed out: a promise of its own, a clock, a timer.
    "the same, with what a limit takes": () =>
      rate(SIZE, async () => {
        using file = await Deno.open(path);
        const into = new Uint8Array(PIECE);
        const timer = setTimeout(() => {}, 30_000);
        const read = () =>
          new Promise<[number | null, number]>((resolve, reject) => {
            const since = performance.now();
            file.read(into).then((count) => resolve([count, since]), reject);
          });
        while ((await read())[0] !== null);
        clearTimeout(timer);
      }),
    "Deno.FsFile.read, new memory each": () =>
      rate(SIZE, async () => {
        using file = await Deno.open(path);
        while (await file.read(new Uint8Array(PIECE)) !== null);
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

const LARGE = 256 * 1024 * 1024;
await compare({
  name: "file write and read 256 MiB",
  unit: "bytes/s",
  contenders: {
    "Deno.FsFile": () =>
      rate(2 * LARGE, async () => {
        using file = await Deno.open(path, {
          write: true,
          read: true,
          create: true,
          truncate: true,
        });
        for (let at = 0; at < LARGE; at += PIECE) await file.write(piece);
        await file.seek(0, Deno.SeekMode.Start);
        const into = new Uint8Array(PIECE);
        while (await file.read(into) !== null);
      }),
    "write(), read_into()": () =>
      rate(2 * LARGE, async () => {
        await using file = await unwrap(open(path, "w+"));
        for (let at = 0; at < LARGE; at += PIECE) await unwrap(file.write(piece));
        await file.seek(0);
        const into = new Uint8Array(PIECE);
        while ((await file.read_into(into))[0] !== null);
      }),
  },
});

/** A file of so many bytes, and how often a round does something with all of it. */
for (const [size, times] of [[4 * 1024, 500], [16 * 1024 * 1024, 5]] as const) {
  const data = new Uint8Array(size).fill(120);
  await Deno.writeFile(path, data);
  const other = `${path}2`;
  const repeated = (fn: () => Promise<unknown>) => () =>
    rate(times, async () => {
      for (let n = 0; n < times; n++) await fn();
    });
  const label = size < 1024 * 1024 ? `${size / 1024} KiB` : `${size / 1024 / 1024} MiB`;
  await compare({
    name: `file whole, read ${label}`,
    unit: "files/s",
    contenders: {
      "Deno.readFile": repeated(() => Deno.readFile(path)),
      "readfile()": repeated(() => unwrap(readfile(path))),
    },
  });
  await compare({
    name: `file whole, write ${label}`,
    unit: "files/s",
    contenders: {
      "Deno.writeFile": repeated(() => Deno.writeFile(other, data)),
      "writefile()": repeated(() => unwrap(writefile(other, data))),
    },
  });
  await compare({
    name: `file copy ${label}`,
    unit: "files/s",
    contenders: {
      "Deno.FsFile.read, write": repeated(async () => {
        using from = await Deno.open(path);
        using to = await Deno.open(other, { write: true, create: true, truncate: true });
        const into = new Uint8Array(1024 * 1024);
        for (let count; (count = await from.read(into)) !== null;) {
          for (let at = 0; at < count;) at += await to.write(into.subarray(at, count));
        }
      }),
      "Deno.copyFile, in the kernel": repeated(() => Deno.copyFile(path, other)),
      "copy()": repeated(() => unwrap(copy(path, other))),
    },
  });
}
await Deno.remove(folder, { recursive: true });
