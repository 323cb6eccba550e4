/**
 * Shows a file's last lines and those to come, rotated or not, until Ctrl-C or so many of them.
 *
 *     deno run --allow-read examples/tail_f.ts app.log 10
 *     npx -y deno@2.9.6 task example tail_f app.log 10
 */
import { type FileHandle, open, stat } from "@alilua/coevent/eio";
import { sleep } from "@alilua/coevent/thread";

const [path = "app.log", last = "10", most = "Infinity"] = Deno.args;

/** Milliseconds between two looks: the system tells nobody that a file has grown. */
const LOOK = 100;

/** So much of a file is searched for its last lines. */
const TAIL = 64 * 1024;

/** What has come of a line whose end has not. */
let rest = "";

/** Takes a character that is cut, and what is none: a log may hold anything. */
let decoder = new TextDecoder();

/** Reads on to the end of the file, and gives the lines that have one. */
async function newLines(file: FileHandle<"bytes">): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const [bytes, err] = await file.read(TAIL);
    if (err) throw err;
    if (bytes === null) return lines;
    lines.push(...(rest + decoder.decode(bytes, { stream: true })).split("\n"));
    rest = lines.pop()!;
  }
}

/** What is left of a file that nothing more will come of: a line without an end, if any. */
function lastLine(): string[] {
  const line = rest + decoder.decode();
  rest = "";
  decoder = new TextDecoder();
  return line === "" ? [] : [line];
}

let shown = 0;

function show(lines: string[]): void {
  for (const line of lines) {
    console.log(line);
    shown += 1;
  }
}

/** Opens the file, or waits until there is one. */
async function opened(): Promise<FileHandle<"bytes">> {
  for (;;) {
    const [file, err] = await open(path, "r", { encoding: "bytes" });
    if (err === null) return file;
    if (err.code !== "not_found") throw err;
    await sleep(LOOK);
  }
}

let file = await opened();
const [size] = await file.size();
const from = Math.max(size! - TAIL, 0);
await file.seek(from);
// The first may have begun before.
const whole = (await newLines(file)).slice(from > 0 ? 1 : 0);
show(whole.slice(Math.max(whole.length - Number(last), 0)));

while (shown < Number(most)) {
  await sleep(LOOK);
  show(await newLines(file));
  const [[own], [there, err], [at]] = [
    await file.stat(),
    await stat(path),
    await file.seek(0, "cur"),
  ];
  if (err !== null && err.code !== "not_found") throw err;
  if (there === null || (there.ino === own!.ino && there.dev === own!.dev)) {
    if (own!.size < at!) {
      show(lastLine());
      await file.seek(0);
    }
    continue;
  }
  // Another file has its name now: the rest of the old one first.
  show([...await newLines(file), ...lastLine()]);
  await file.close();
  file = await opened();
}
await file.close();
