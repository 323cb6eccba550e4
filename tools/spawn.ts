/** Deno, run by a tool. */

/** What a run of Deno was like. */
export interface Run {
  success: boolean;
  code: number;
  /** What it wrote to stdout, without colours; empty unless it was kept. */
  output: string;
}

/** Runs Deno with what the caller sees of it. Its standard input is the caller's or none. */
export async function deno(args: string[], stdin: "inherit" | "null" = "null"): Promise<Run> {
  const { success, code } = await new Deno.Command(Deno.execPath(), { args, stdin }).spawn().status;
  return { success, code, output: "" };
}

// deno-lint-ignore no-control-regex -- colours begin with the control character ESC
const COLOURS = /\x1b\[[0-9;]*m/g;

/** Runs Deno, shows what it writes to stdout, and keeps it. */
export async function denoKept(args: string[], env: Record<string, string> = {}): Promise<Run> {
  const coloured = Deno.stdout.isTerminal() && !Deno.noColor;
  const child = new Deno.Command(Deno.execPath(), {
    args,
    env: { ...(coloured ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" }), ...env },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const decoder = new TextDecoder();
  let output = "";
  for await (const piece of child.stdout) {
    output += decoder.decode(piece, { stream: true });
    for (let at = 0; at < piece.length;) at += await Deno.stdout.write(piece.subarray(at));
  }
  const { success, code } = await child.status;
  return { success, code, output: output.replaceAll(COLOURS, "") };
}

/** Runs Deno and gives its stdout as JSON; throws with what it said if it failed. */
export async function denoJson(args: string[]): Promise<unknown> {
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "null" });
  const { success, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`deno ${args.join(" ")} failed:\n${decoder.decode(stderr)}`);
  return JSON.parse(decoder.decode(stdout));
}
