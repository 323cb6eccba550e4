import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { exec, type SpawnOptions, unwrap } from "../../process/mod.ts";
import { peerTest } from "../peers.ts";
import { runDeno } from "./programs.ts";

/** What a command writes to stdout. */
async function outputOf(
  command: string | string[],
  options: SpawnOptions = {},
): Promise<string> {
  await using child = unwrap(exec(command, { ...options, stdout: "piped" }));
  return await unwrap(child.stdout.receive("*a", { encoding: "utf-8" }));
}

Deno.test("exec() runs text through the shell, and a list without it", async () => {
  assertEquals(await outputOf("echo $((6 * 7)) | tr 2 3"), "43\n");
  assertEquals(await outputOf(["echo", "$((6 * 7))", "|", "x; y"]), "$((6 * 7)) | x; y\n");
});

Deno.test("exec() gives a child that tells how it ended, by code or by signal", async () => {
  for (const code of [0, 1, 7, 127, 255]) {
    const child = unwrap(exec(`exit ${code}`));
    assertEquals(child.status, null);
    const { pid } = child;
    const status = { pid, code, signal: null, success: code === 0 };
    assertEquals(await child.wait(), [status, null]);
    assertEquals(child.status, status);
    assertEquals(child.restarts, 0);
  }
  for (const [signal, number] of [["SIGTERM", 15], ["SIGKILL", 9], ["SIGUSR1", 10]] as const) {
    const child = unwrap(exec(["sleep", "60"]));
    const { pid } = child;
    assertEquals(child.kill(signal), [true, null]);
    assertEquals(await child.wait(), [{ pid, code: 128 + number, signal, success: false }, null]);
  }
});

Deno.test("exec() gives streams for what is piped, and a TypeError for the rest", async () => {
  await using child = unwrap(exec('read word; echo "got $word"; echo bad >&2', {
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }));
  await child.stdin.send("this\n");
  assertEquals(await child.stdout.receive(), ["got this", null]);
  assertEquals(await child.stderr.receive(), ["bad", null]);
  assertEquals(await child.stdout.receive(), [null, null]);
  assertEquals((await unwrap(child.wait())).code, 0);
  const bare = unwrap(exec("exit 0"));
  assertThrows(
    () => bare.stdout,
    TypeError,
    'stdout of exit ... is no pipe: start it with stdout: "piped"',
  );
  await bare.wait();
});

Deno.test("exec() gives what was written before the end also after it", async () => {
  await using child = unwrap(exec("echo early", { stdout: "piped" }));
  assertEquals((await unwrap(child.wait())).success, true);
  assertEquals(await child.stdout.receive(), ["early", null]);
});

Deno.test("exec() carries its encoding into the streams, also in types", async () => {
  await using child = unwrap(exec(["printf", "\\351\\n"], { stdout: "piped", encoding: "latin1" }));
  const [line] = await child.stdout.receive();
  const text: string | null = line;
  assertEquals(text, "\xe9");
});

Deno.test("exec() starts in cwd, a relative one too, with env beside ours or instead", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/inside`);
  const real = await Deno.realPath(folder);
  assertEquals(await outputOf("pwd -P", { cwd: folder }), `${real}\n`);
  // Relative to a directory that is the whole process's, so in a program of its own.
  const module = new URL("../../process/mod.ts", import.meta.url).href;
  const { lines, errors } = await runDeno(
    `import { run_process } from "${module}";
      const [{ stdout }] = await run_process("pwd -P", { cwd: "inside" });
      console.log(stdout.trim());`,
    ["-A"],
    { cwd: folder },
  );
  assertEquals([lines, errors], [[`${real}/inside`], ""]);
  await Deno.remove(folder, { recursive: true });
  Deno.env.set("COEVENT_OURS", "ours");
  const both = 'echo "$COEVENT_OURS-$COEVENT_ITS"';
  assertEquals(await outputOf(both, { env: { COEVENT_ITS: "its" } }), "ours-its\n");
  assertEquals(await outputOf(both, { env: { COEVENT_ITS: "its" }, clear_env: true }), "-its\n");
  Deno.env.delete("COEVENT_OURS");
});

Deno.test("exec() says what cannot be started, and why", () => {
  const codeOf = (command: string[], options: SpawnOptions = {}) => {
    const [, err] = exec(command, options);
    return [err?.code, err?.message];
  };
  const [missing, words] = codeOf(["no-such-program-here"]);
  assertEquals(missing, "not_found");
  assertStringIncludes(words!, "Cannot start no-such-program-here");
  assertEquals(codeOf(["/etc/passwd"])[0], "denied");
  assertEquals(codeOf(["/etc"])[0], "denied");
  const [place, where] = codeOf(["true"], { cwd: "/no/such/place" });
  assertEquals(place, "not_found");
  assertStringIncludes(where!, "/no/such/place");
});

Deno.test("exec() throws for misuse and names the argument", () => {
  const wrong: [() => unknown, typeof TypeError | typeof RangeError, string][] = [
    [() => exec(""), RangeError, "exec wants a command: got an empty text"],
    [() => exec([]), RangeError, "exec wants a program: got an empty list or name"],
    [
      () => exec(5 as unknown as string),
      TypeError,
      "exec wants text or a list of texts: got number",
    ],
    [
      () => exec(["a", 1 as unknown as string]),
      TypeError,
      "exec: command[1] must be text: got number",
    ],
    [() => exec(["a", "b\0c"]), TypeError, "exec: command[1] must not hold a NUL"],
    [() => exec("a", { uid: -1 }), RangeError, "uid must be a whole number from 0: got -1"],
    [
      () => exec("a", { gid: "0" as unknown as number }),
      TypeError,
      "gid must be a number: got string",
    ],
    [() => exec("a", { cpu: "0" as never }), TypeError, "cpu must be a number or a list"],
    [() => exec("a", { cpu: [] }), RangeError, "cpu must name at least one processor"],
    [() => exec("a", { cpu: 1.5 }), RangeError, "cpu must be a whole number from 0: got 1.5"],
    [
      () => exec("a", { stdout: "pipe" as "piped" }),
      TypeError,
      'stdout must be "piped", "inherit" or "null"',
    ],
    [() => exec("a", { env: { "A=B": "c" } }), TypeError, "no = and no NUL: got 'A...'"],
  ];
  for (const [call, type, message] of wrong) assertThrows(call, type, message);
});

peerTest("exec() binds a child to processors, through taskset", ["taskset"], async () => {
  assertEquals(await outputOf(["nproc"], { cpu: 0 }), "1\n");
  assertEquals(await outputOf("nproc", { cpu: [0] }), "1\n");
  const child = unwrap(exec(["sh", "-c", "kill -9 $$"], { cpu: 0 }));
  assertEquals((await unwrap(child.wait())).signal, "SIGKILL");
});

Deno.test("exec() gives unsupported for cpu where taskset is not installed", async () => {
  const code = `Deno.env.set("PATH", "/no/such/place");
    const [, err] = p.exec(["true"], { cpu: 0 });
    console.log(err?.code, err?.message);
    console.log(p.exec(["true"], { cpu: 0, cwd: "/no/such/cwd" })[1]?.code);`;
  const { lines } = await runDeno(code);
  assertStringIncludes(lines[0]!, "unsupported Cannot start true: cpu needs taskset");
});

Deno.test({
  name: "exec() runs a child as another user, without our groups",
  ignore: Deno.uid() !== 0,
  async fn() {
    const who = await outputOf("id -u; id -g; id -G", { uid: 65534, gid: 65534, cwd: "/" });
    assertEquals(who, "65534\n65534\n65534\n");
  },
});

/** Whether a child that is nobody could load our modules. */
function nobodyReads(): boolean {
  const file = new URL("../../process/mod.ts", import.meta.url).pathname;
  const options = { args: ["-r", file], uid: 65534, gid: 65534 };
  return Deno.uid() === 0 && new Deno.Command("test", options).outputSync().success;
}

Deno.test({
  name: "exec() says denied to who may not be another user",
  ignore: !nobodyReads(),
  async fn() {
    const cache = await Deno.makeTempDir();
    await Deno.chmod(cache, 0o777);
    try {
      const code = `console.log(p.exec(["true"], { uid: 0 })[1]?.code)`;
      const { lines, errors } = await runDeno(code, ["-A"], {
        uid: 65534,
        gid: 65534,
        env: { DENO_DIR: cache },
      });
      assertEquals(lines, ["denied"], errors);
    } finally {
      await Deno.remove(cache, { recursive: true });
    }
  },
});

Deno.test("exec() names the flag that it needs, for the shell and for a program", async () => {
  const code = `for (const command of ["true", ["true"]]) {
      const [child, err] = p.exec(command);
      console.log(err ? err.code + " " + err.message : (await child.wait())[0].code);
    }`;
  const none = await runDeno(code, []);
  assertStringIncludes(none.lines[0]!, "no_permission Cannot start true: it needs --allow-run=sh");
  assertStringIncludes(
    none.lines[1]!,
    "no_permission Cannot start true: it needs --allow-run=true",
  );
  const shell = await runDeno(code, ["--allow-run=sh"]);
  assertEquals(shell.lines[0], "0");
  assertStringIncludes(shell.lines[1]!, "--allow-run=true");
  assertEquals((await runDeno(code, ["--allow-run=sh,true"])).lines, ["0", "0"]);
});
