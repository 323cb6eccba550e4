import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { children, fork, type ForkOptions, kill, unwrap } from "../../process/mod.ts";
import { Backoff } from "../../process/_forever.ts";
import { refusal } from "../../process/fork.ts";
import { FakeClock, on_error } from "../../thread/mod.ts";
import { runDeno } from "./programs.ts";

/** A Deno program that stands in its own address. */
const program = (code: string) => new URL(`data:text/typescript,${encodeURIComponent(code)}`);

/** Hears each end of a forked child. */
function ends() {
  const all: [number, string, number, string | null][] = [];
  let wake = Promise.withResolvers<void>();
  const onexit = (...end: [number, string, number, string | null]) => {
    all.push(end);
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  return {
    all,
    onexit,
    async until(count: number) {
      while (all.length < count) await wake.promise;
    },
  };
}

Deno.test("fork() runs a file with its arguments, under the flags given and no others", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(
    file,
    `const ask = (name) => Deno.permissions.querySync({ name }).state;
     console.log(Deno.args.join(" "), ask("env"), ask("net"), ask("run"));`,
  );
  for (const [flags, granted] of [[[], "prompt"], [["--allow-env"], "granted"]] as const) {
    await using child = unwrap(fork({ file, args: ["-x", "y z"], flags, stdout: "piped" }));
    assertEquals(await child.stdout.receive(), [`-x y z ${granted} prompt prompt`, null]);
    assertEquals((await unwrap(child.wait())).code, 0);
  }
  await Deno.remove(file);
});

Deno.test("fork() calls onexit with id, file, status and signal, and reports what it throws", async () => {
  const file = program("Deno.exit(Number(Deno.args[0]))");
  const heard = ends();
  const child = unwrap(fork({ file, args: ["6"], onexit: heard.onexit }));
  const { pid } = child;
  assertEquals((await unwrap(child.wait())).code, 6);
  await heard.until(1);
  const sleeper = unwrap(
    fork({ file: program("setTimeout(() => {}, 60_000)"), onexit: heard.onexit }),
  );
  sleeper.kill("SIGKILL");
  await heard.until(2);
  assertEquals(heard.all[0], [pid, String(file), 6, null]);
  assertEquals(heard.all[1]!.slice(2), [137, "SIGKILL"]);
  const reported = Promise.withResolvers<[unknown, string]>();
  const off = on_error((error, about) => reported.resolve([error, about]));
  const thrown = new Error("from onexit");
  await unwrap(fork({
    file,
    args: ["0"],
    onexit: () => {
      throw thrown;
    },
  })).wait();
  const [error, about] = await reported.promise;
  off();
  assertEquals(error, thrown);
  assertStringIncludes(about, "onexit of deno run data:");
});

Deno.test("fork() of a file that is not there ends with status 1", async () => {
  const child = unwrap(fork({ file: "/no/such/file.ts", stderr: "piped" }));
  await using _child = child;
  assertStringIncludes((await child.stderr.receive("*a", { encoding: "utf-8" }))[0]!, "not found");
  assertEquals((await unwrap(child.wait())).code, 1);
});

Deno.test("fork() forever starts anew after pauses that grow to a cap, until stop()", async () => {
  const clock = new FakeClock();
  const heard = ends();
  const file = program("Deno.exit(1)");
  const forever = { delay: 100, max_delay: 350 };
  const child = unwrap(fork({ file, forever, onexit: heard.onexit }));
  try {
    let starts = 1;
    for (const pause of [100, 200, 350, 350]) {
      await heard.until(starts);
      assertEquals([child.restarts, child.status], [starts - 1, null]);
      await clock.tick(pause - 1);
      assertEquals(child.restarts, starts - 1, `before ${pause} ms`);
      await clock.tick(1);
      assertEquals(child.restarts, starts, `after ${pause} ms`);
      starts += 1;
    }
    await heard.until(starts);
    assertEquals(new Set(heard.all.map(([pid]) => pid)).size, 5);
    assertEquals(heard.all.every(([, , status]) => status === 1), true);
    // Between two starts there is nobody to signal, and stop() is for good.
    assertEquals(child.kill()[1]?.code, "gone");
    const waiting = child.wait();
    const pid = child.pid;
    assertEquals((await unwrap(child.stop())).code, 1);
    assertEquals((await unwrap(waiting)).pid, pid);
    assertEquals(child.status?.code, 1);
    await clock.tick(10_000);
    assertEquals(child.restarts, 4);
  } finally {
    await child.stop();
    clock[Symbol.dispose]();
  }
});

Deno.test("fork() forever starts anew after a kill, and stop() ends the one that runs", async () => {
  using clock = new FakeClock();
  const heard = ends();
  const file = program("setInterval(() => {}, 1_000)");
  await using child = unwrap(fork({ file, forever: true, onexit: heard.onexit }));
  const first = child.pid;
  assertEquals(kill(child, "SIGKILL"), [true, null]);
  await heard.until(1);
  await clock.tick(100);
  assertEquals([child.restarts, child.status, child.pid === first], [1, null, false]);
  assertEquals((await unwrap(child.stop())).signal, "SIGTERM");
  await clock.tick(60_000);
  assertEquals(child.restarts, 1);
  assertEquals(children().length, 0);
});

Deno.test("fork() forever reports a later start that fails, and tries again", async () => {
  const folder = await Deno.makeTempDir();
  const reported = Promise.withResolvers<string>();
  const off = on_error((error, about) => reported.resolve(`${about}: ${(error as Error).message}`));
  const heard = ends();
  const options = {
    file: program("Deno.exit(0)"),
    forever: { delay: 1, max_delay: 5 },
    cwd: folder,
    stderr: "null" as const,
  };
  const child = unwrap(fork({ ...options, onexit: heard.onexit }));
  await Deno.remove(folder);
  assertStringIncludes(await reported.promise, folder);
  off();
  const quiet = on_error(() => {});
  await Deno.mkdir(folder);
  const before = heard.all.length;
  await heard.until(before + 1);
  await child.stop();
  quiet();
  await Deno.remove(folder);
});

Deno.test("the pause before a new start grows, has a cap, and begins anew after a good run", () => {
  const backoff = new Backoff({});
  const pauses = Array.from({ length: 11 }, () => backoff.pause(50));
  assertEquals(pauses.slice(0, 5), [100, 200, 400, 800, 1_600]);
  assertEquals(pauses.slice(-2), [30_000, 30_000]);
  assertEquals([backoff.pause(9_999), backoff.pause(10_000), backoff.pause(0)], [30_000, 100, 200]);
});

Deno.test("fork() gives unsupported in a compiled program", () => {
  assertEquals(refusal(false, "a.ts"), null);
  const err = refusal(true, "a.ts");
  assertEquals(err?.code, "unsupported");
  assertStringIncludes(err!.message, "Cannot start a.ts: a compiled program has no Deno");
  const build = Object.getOwnPropertyDescriptor(Deno, "build")!;
  Object.defineProperty(Deno, "build", { ...build, value: { ...Deno.build, standalone: true } });
  try {
    assertEquals(fork({ file: "a.ts" })[1]?.code, "unsupported");
  } finally {
    Object.defineProperty(Deno, "build", build);
  }
});

Deno.test("fork() needs --allow-run=deno, or the path of the Deno that runs", async () => {
  const code = `const file = new URL("data:text/typescript,Deno.exit(7)");
    const [child, err] = p.fork({ file });
    console.log(err ? err.message : (await child.wait())[0].code);`;
  assertEquals((await runDeno(code, [`--allow-run=${Deno.execPath()}`])).lines, ["7"]);
  // By its name, if it is on the PATH, under whatever path.
  const folder = await Deno.makeTempDir();
  await Deno.symlink(Deno.execPath(), `${folder}/deno`);
  const env = { PATH: `${folder}:${Deno.env.get("PATH")}` };
  assertEquals((await runDeno(code, ["--allow-run=deno"], { env })).lines, ["7"]);
  const named = await runDeno(code, [], { env });
  assertStringIncludes(named.lines[0]!, "it needs --allow-run=deno");
  const nowhere = await runDeno(code, [], { env: { PATH: "/no/such/place" } });
  assertStringIncludes(nowhere.lines[0]!, `it needs --allow-run=${Deno.execPath()}`);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("fork() throws for misuse and names the argument", () => {
  const file = program("");
  const wrong: [unknown, string][] = [
    [undefined, "fork wants options with a file: got undefined"],
    [{}, "fork: file must be a path or a URL: got undefined"],
    [{ file: "" }, "fork: file is empty"],
    [{ file, args: "a" }, "fork: args must be a list of texts: got string"],
    [{ file, flags: [1] }, "fork: flags[0] must be text: got number"],
    [{ file, onexit: 1 }, "fork: onexit must be a function: got number"],
    [{ file, forever: true, stdout: "piped" }, "fork: stdout cannot be piped with forever"],
    [{ file, forever: { delay: 0 } }, "forever: delay must be 1 ms or more: got 0"],
  ];
  for (const [options, words] of wrong) {
    assertThrows(() => fork(options as ForkOptions), Error, words);
  }
});

Deno.test("fork() forever passes signals on to the child that runs now, and has no pipes", async () => {
  using clock = new FakeClock();
  const heard = ends();
  const file = program("setInterval(() => {}, 1_000)");
  const child = unwrap(fork({ file, forever: { delay: 100 }, onexit: heard.onexit }));
  for (const name of ["stdin", "stdout", "stderr"] as const) {
    assertThrows(() => child[name], TypeError, `${name} of `);
  }
  child.unref();
  child.ref();
  const first = child.pid;
  assertEquals(child.kill("SIGKILL"), [true, null]);
  await heard.until(1);
  await clock.tick(100);
  assertEquals([child.restarts, child.pid === first, heard.all[0]?.[3]], [1, false, "SIGKILL"]);
  // Nobody starts it anew.
  assertEquals((await unwrap(child.stop({ grace: 0, timeout: 0 }))).success, false);
  assertEquals((await unwrap(child.wait())).signal, "SIGKILL");
  await heard.until(2);
  assertEquals([heard.all.map(([pid]) => pid === first), child.restarts], [[true, false], 1]);
});
