import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { children, run_process, type RunOptions, unwrap } from "../../process/mod.ts";
import { FakeClock, kill, newthread, wait } from "../../thread/mod.ts";
import { isGone, killQuietly, runDeno, untilGone } from "./programs.ts";

/** The process ids of the children that run. */
const running = () => children().map(({ pid }) => pid);

/** Waits until the children that came since, and what they have started, are gone. */
async function untilAllGone(before: number[]): Promise<void> {
  while (running().some((pid) => !before.includes(pid))) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

Deno.test("run_process() gives the status and both outputs, whatever the status", async () => {
  const [result, err] = await run_process("echo out; echo err >&2; exit 3");
  assertEquals(err, null);
  const { code, signal, success, stdout, stderr } = result!;
  assertEquals([code, signal, success], [3, null, false]);
  const text: string = stdout;
  assertEquals([text, stderr], ["out\n", "err\n"]);
  const killed = await unwrap(run_process("kill -9 $$"));
  assertEquals([killed.code, killed.signal, killed.stdout], [137, "SIGKILL", ""]);
});

Deno.test("run_process() takes a list, input, env and cwd", async () => {
  const sorted = await unwrap(run_process(["sort"], { input: "b\na\n" }));
  assertEquals(sorted.stdout, "a\nb\n");
  const bytes = new Uint8Array([0xff, 0]);
  const copied = await unwrap(run_process(["cat"], { input: bytes, encoding: "bytes" }));
  assertEquals(copied.stdout, bytes);
  const asked = await unwrap(run_process('echo "$A"; pwd', { env: { A: "1" }, cwd: "/" }));
  assertEquals(asked.stdout, "1\n/\n");
});

Deno.test("run_process() holds large outputs of both pipes, and large input", async () => {
  const input = "x".repeat(300_000);
  const result = await unwrap(run_process("tee /dev/stderr", { input }));
  assertEquals([result.stdout.length, result.stderr.length], [300_000, 300_000]);
  const deaf = await unwrap(run_process("exit 1", { input: "y".repeat(1_000_000) }));
  assertEquals(deaf.code, 1);
});

Deno.test("run_process() gives the output as text, byte string or bytes", async () => {
  const command = ["printf", "\\351"];
  assertEquals((await run_process(command))[1]?.code, "bad_text");
  assertEquals((await unwrap(run_process(command, { encoding: "latin1" }))).stdout, "\xe9");
  const raw = await unwrap(run_process(command, { encoding: "bytes" }));
  const bytes: Uint8Array = raw.stdout;
  assertEquals(bytes, new Uint8Array([0xe9]));
});

Deno.test("run_process() leaves out what is not piped", async () => {
  const options = { stdout: "null", stderr: "null" } as const;
  const result = await unwrap(run_process("echo a; echo b >&2", options));
  assertEquals([result.code, result.stdout, result.stderr], [0, "", ""]);
});

Deno.test("run_process() does not wait for what the command leaves running", async () => {
  const begun = performance.now();
  const { code, stdout } = await unwrap(run_process("sleep 60 & echo $!; exit 5"));
  assert(performance.now() - begun < 30_000);
  assertEquals(code, 5);
  const orphan = Number(stdout);
  assertEquals(isGone(orphan), false);
  killQuietly(orphan);
});

/** Ways to give a command up, once it runs; each gives the code of the error. */
const GIVE_UPS: Record<string, (command: string, runs: Promise<void>) => Promise<unknown>> = {
  async timeout(command, runs) {
    using clock = new FakeClock();
    const running = run_process(command, { timeout: 1_000 });
    await runs;
    await clock.tick(1_000);
    return (await running)[1]?.code;
  },
  async cancelled(command, runs) {
    const aborter = new AbortController();
    const running = run_process(command, { signal: aborter.signal });
    await runs;
    aborter.abort();
    return (await running)[1]?.code;
  },
  async killed(command, runs) {
    const thread = newthread(() => run_process(command));
    await runs;
    assert(thread.state.startsWith("run sleep ..."), thread.state);
    kill(thread);
    return (await wait(thread))[1]?.code;
  },
};

for (const [code, giveUp] of Object.entries(GIVE_UPS)) {
  Deno.test(`run_process() that is given up with ${code} ends the whole group`, async () => {
    const folder = await Deno.makeTempDir();
    const fifo = `${folder}/fifo`;
    await unwrap(run_process(["mkfifo", fifo]));
    const before = running();
    // Opening the pipe waits until the command does so too.
    const pids = Deno.readTextFile(fifo).then((text) => text.trim().split(" ").map(Number));
    const command = `sleep 60 & echo $$ $! > '${fifo}'; wait`;
    assertEquals(await giveUp(command, pids.then(() => {})), code);
    await untilAllGone(before);
    await Promise.all((await pids).map(untilGone));
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("run_process() starts nothing for a signal that is aborted already", async () => {
  const before = running();
  const [, err] = await run_process("sleep 60", { signal: AbortSignal.abort() });
  assertEquals([err?.code, running()], ["cancelled", before]);
});

/** A program whose runtime has these faults. */
const FAULTY = `const { spawn } = Deno.Command.prototype;
  let fault = {};
  Deno.Command.prototype.spawn = function () {
    const child = spawn.call(this);
    for (const [name, value] of Object.entries(fault)) {
      Object.defineProperty(child, name, { value: value(child) });
    }
    return child;
  };
  const failing = () => new ReadableStream({ pull: () => Promise.reject(new Error("no read")) });
  const full = () => new WritableStream({ write: () => Promise.reject(new Error("no write")) });
  const lost = (child) => child.status.then(() => Promise.reject(new Error("no status")));
  const status = Object.getOwnPropertyDescriptor(Deno.ChildProcess.prototype, "status");`;

Deno.test("run_process() tells once what the pipes fail by, and ends the command", async () => {
  const { lines, errors } = await runDeno(
    `${FAULTY}
    const until = async () => { while (p.children().length > 0) await thread.sleep(1); };
    for (const pipes of [{ stdout: failing, stderr: failing }, { stdin: full }]) {
      fault = pipes;
      const [, err] = await p.run_process("sleep 60", { input: "something" });
      console.log(err.code, err.message);
      await until();
    }`,
  );
  assertEquals(lines, [
    "io Cannot read what sleep ... writes: no read",
    "io Cannot write what sleep ... is to read: no write",
  ], errors);
});

Deno.test("a child whose end the runtime cannot tell is an error for all who wait", async () => {
  const { lines, errors } = await runDeno(
    `${FAULTY}
    fault = { status: lost };
    const told = ([status, err]) => console.log(status, err.message);
    told(await p.run_process(["true"]));
    const child = p.unwrap(p.exec(["true"]));
    told(await child.wait());
    told(await p.waitpid(child.pid));
    const file = new URL("data:text/javascript,0");
    const forked = p.unwrap(p.fork({ file, onexit: () => console.log("not this") }));
    told(await forked.wait());`,
  );
  const words = (name: string) => `null Cannot learn how ${name} ended: no status`;
  const all = ["true", "true", "true", "deno run data:text/javascript,0"].map(words);
  assertEquals(lines, all, errors);
});

Deno.test("run_process() ends a command that writes more than max", async () => {
  const before = running();
  const [, err] = await run_process(["yes"], { max: 100_000 });
  assertEquals(err?.code, "too_long");
  assertStringIncludes(err!.message, "more than 100000 bytes on stdout need a larger max");
  await untilAllGone(before);
  assertEquals((await unwrap(run_process("printf 12345", { max: 5 }))).stdout, "12345");
});

Deno.test("run_process() says what cannot be started, and throws for misuse", async () => {
  assertEquals((await run_process(["no-such-program-here"]))[1]?.code, "not_found");
  const wrong: [RunOptions, string][] = [
    [{ encoding: "gbk" as "utf-8" }, 'encoding must be "utf-8", "latin1" or "bytes"'],
    [{ input: 5 as unknown as string }, "input must be text or bytes: got number"],
    [{ max: -1 }, "max must be 0 bytes or more: got -1"],
    [{ grace: -1 }, "grace must be 0"],
    [{ timeout: -1 }, "timeout must be 0"],
  ];
  for (const [options, words] of wrong) {
    assertThrows(() => run_process("true", options), Error, words);
  }
});
