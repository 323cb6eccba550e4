/** Programs and processes that the tests of this module look at. */
import { exec, type ExitStatus, type SpawnOptions, unwrap } from "../../process/mod.ts";

const MODULES = new URL("../../", import.meta.url);

/** What a Deno program of ours wrote, and how it ended. */
export interface Ran {
  status: ExitStatus;
  /** Everything on stdout, in lines. */
  lines: string[];
  /** Everything on stderr. */
  errors: string;
}

/** A Deno program that has been started, with what it writes. */
export interface Started extends AsyncDisposable {
  pid: number;
  /** Waits for its next line. */
  line(): Promise<string | null>;
  /** Sends itself a signal, from outside. */
  kill(signal: Deno.Signal): void;
  /** Waits for its end. */
  status: Promise<Deno.CommandStatus>;
}

/**
 * The text of a program: everything of the module is there by its name, and no permission
 * is needed to load it.
 */
function text(code: string): string {
  return `import * as p from "${new URL("process/mod.ts", MODULES)}";\n` +
    `import * as thread from "${new URL("thread/mod.ts", MODULES)}";\n${code}\n`;
}

/** Runs a Deno program to its end, under these flags. */
export async function runDeno(
  code: string,
  flags: string[] = ["-A"],
  options: SpawnOptions = {},
): Promise<Ran> {
  const args = ["run", "-q", "--no-prompt", ...flags, "-"];
  await using child = unwrap(exec([Deno.execPath(), ...args], {
    ...options,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    encoding: "utf-8",
    env: { NO_COLOR: "1", ...options.env },
  }));
  await unwrap(child.stdin.send(text(code)));
  await unwrap(child.stdin.shutdown("send"));
  const [out, errors] = await Promise.all([
    unwrap(child.stdout.receive("*a")),
    unwrap(child.stderr.receive("*a")),
  ]);
  const lines = out.split("\n").filter((line) => line !== "");
  return { status: await unwrap(child.wait()), lines, errors };
}

/** Starts a Deno program with nothing of this module, so that nothing of it is trusted. */
export async function startDeno(code: string, flags: string[] = ["-A"]): Promise<Started> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "--no-prompt", ...flags, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text(code)));
  await writer.close();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  return {
    pid: child.pid,
    status: child.status,
    kill: (signal) => child.kill(signal),
    async line() {
      for (;;) {
        const at = held.indexOf("\n");
        if (at >= 0) {
          const line = held.slice(0, at);
          held = held.slice(at + 1);
          return line;
        }
        const { value } = await reader.read();
        if (value === undefined) return null;
        held += value;
      }
    },
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended, as it should.
      }
      await reader.cancel();
      await child.status;
    },
  };
}

/** Whether a process has ended; one that only waits to be reaped by its parent has. */
export function isGone(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return "ZX".includes(stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3));
  } catch {
    return true;
  }
}

/** Waits until a process has ended: an orphan's end is told to nobody. */
export async function untilGone(pid: number): Promise<void> {
  while (!isGone(pid)) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** How many descriptors this process has open. */
export function descriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** Ends a process that a test has left on purpose. */
export function killQuietly(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has ended, as it should.
  }
}
