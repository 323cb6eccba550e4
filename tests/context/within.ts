/**
 * Waits for what must happen, and throws when it has not within ten seconds: a watchdog,
 * never the thing that is waited for.
 */
export async function within<T>(event: Promise<T>, what: string, seconds = 10): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([event, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A program that waits for many things, and is one of several, has so many seconds. */
const SECONDS = 60;

/** Runs a program of this folder to its end; kills one that comes to none. */
export async function program(name: string, args: string[] = []): Promise<string> {
  const file = new URL(name, import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", file, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const output = child.output();
  try {
    const { code, signal, stdout } = await within(output, `${name} ${args.join(" ")}`, SECONDS);
    return new TextDecoder().decode(stdout) + (code === 0 ? "" : `exit code ${code} ${signal}`);
  } catch (error) {
    child.kill("SIGKILL");
    await output;
    throw error;
  }
}
