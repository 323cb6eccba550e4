/** Runs a program under the flags it names, and with each one removed. */
import { assert, assertStringIncludes } from "@std/assert";

/** A program, and how one sees that it did its work. */
export interface Program {
  file: string;
  flags: string[];
  args: string[];
  /** What is in its output when it did its work. */
  prints: string;
}

/** Runs Deno and gives all it wrote. */
export async function run(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ success: boolean; output: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    stdin: "null",
    env: { NO_COLOR: "1", ...env },
  }).output();
  const decoder = new TextDecoder();
  return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Throws unless this command ran the program to its good end. */
export async function assertRuns(command: string[], { args, prints }: Program): Promise<void> {
  const { success, output } = await run([...command, ...args]);
  assertStringIncludes(output, prints);
  assert(success, output);
}

/**
 * Throws unless the program, without one of its flags, ends with a failure and an error
 * that names the flag. Its own words count, and Deno's; `config` is for `deno run`.
 */
export async function assertNeeds(
  removed: string,
  { file, flags, args, prints }: Program,
  config: string[],
): Promise<void> {
  const left = flags.filter((flag) => flag !== removed);
  const { success, output } = await run(["run", ...config, "--no-prompt", ...left, file, ...args]);
  assert(!success, `it ends well without ${removed}: ${output}`);
  assertStringIncludes(output, removed.replace(/=.*/, ""));
  assert(!output.includes(prints), output);
}
