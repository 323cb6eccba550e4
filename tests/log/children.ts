/** Runs `child.ts`. */
const CHILD = new URL("./child.ts", import.meta.url).pathname;

/** What a child did. */
export interface Ended {
  code: number;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** The command of a child in one of its modes, under these flags. */
export function command(flags: string[], args: string[], stdin: "null" | "piped" = "null") {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...flags, CHILD, ...args],
    env: { NO_COLOR: "1" },
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs a child to its end. */
export async function run(flags: string[], ...args: string[]): Promise<Ended> {
  return endedAs(await command(flags, args).output());
}

/** The output as text. */
export function endedAs(output: Deno.CommandOutput): Ended {
  const decoder = new TextDecoder();
  const { code, signal } = output;
  return {
    code,
    signal,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}

/** A folder that is gone with its scope. */
export async function tempFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** The lines of a file, without the empty piece behind the last line feed. */
export async function linesOf(path: string): Promise<string[]> {
  const text = await Deno.readTextFile(path);
  if (text !== "" && !text.endsWith("\n")) throw new Error(`'${path}' ends in a torn line`);
  return text.split("\n").slice(0, -1);
}

/** The names in a folder, in order. */
export function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
}

/** What follows the level in each line. */
export function textsOf(lines: string[]): string[] {
  return lines.map((line) => line.replace(/^.*?\] [A-Z]+ /, ""));
}
