/**
 * Real programs to talk to. A test that needs one is skipped by name where it is
 * missing, and fails where `COEVENT_TEST_PEERS=required` says that all must be there.
 */

const WINDOWS = Deno.build.os === "windows";

/** Debian keeps servers where only root's PATH leads. */
const FOLDERS = [
  ...(Deno.env.get("PATH") ?? "").split(WINDOWS ? ";" : ":"),
  ...(WINDOWS ? [] : ["/usr/sbin", "/usr/local/sbin"]),
];

/** What no package brings: its tests may be skipped even where all peers must be there. */
const NOT_INSTALLABLE = new Set(["denort"]);

/** The path of a program, or `null`. */
export function find(program: string): string | null {
  for (const folder of FOLDERS) {
    const path = `${folder}/${program}${WINDOWS ? ".exe" : ""}`;
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch {
      // Not here; the next folder may have it.
    }
  }
  return null;
}

/** Registers a test that needs some programs; `fn` gets their paths by name. */
export function peerTest<N extends string>(
  name: string,
  programs: readonly N[],
  fn: (paths: Record<N, string>) => Promise<void>,
): void {
  const paths = programs.map((program) => [program, find(program)] as const);
  const missing = paths.filter(([, path]) => path === null).map(([program]) => program);
  if (missing.length === 0) {
    Deno.test(name, () => fn(Object.fromEntries(paths) as Record<N, string>));
    return;
  }
  const needs = `${name} [needs ${missing.join(", ")}]`;
  const excused = missing.every((program) => NOT_INSTALLABLE.has(program));
  if (Deno.env.get("COEVENT_TEST_PEERS") === "required" && !excused) {
    Deno.test(needs, () => {
      throw new Error(`not on the PATH: ${missing.join(", ")}`);
    });
  } else {
    Deno.test({ name: needs, ignore: true, fn: () => {} });
  }
}

/**
 * A port that was free a moment ago, for a program that cannot choose one itself. It lies
 * below those that systems hand out by themselves, so that no test that runs at the same
 * time gets it in between.
 */
export function freePort(): number {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 18_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** Waits until something listens on a port of this machine, or throws. */
export async function listening(port: number, limit = 10_000): Promise<void> {
  const until = performance.now() + limit;
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** A program that runs until it is disposed, and what it wrote. */
export class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #drained: Promise<unknown>;
  output = "";

  constructor(command: string, args: string[], options: Deno.CommandOptions = {}) {
    this.#child = new Deno.Command(command, {
      ...options,
      args,
      stdin: options.stdin ?? "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const drain = async (stream: ReadableStream<Uint8Array>) => {
      const decoder = new TextDecoder();
      for await (const piece of stream) this.output += decoder.decode(piece, { stream: true });
    };
    this.#drained = Promise.all([drain(this.#child.stdout), drain(this.#child.stderr)]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get stdin(): WritableStream<Uint8Array<ArrayBuffer>> {
    return this.#child.stdin;
  }

  /** Waits for its end. */
  get status(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    await this.#child.status;
    await this.#drained;
  }
}
