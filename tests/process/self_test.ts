import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { argv, chdir, exit, pid, uptime } from "../../process/mod.ts";
import { runDeno, untilGone } from "./programs.ts";

const MODULE = new URL("../../process/mod.ts", import.meta.url).href;

Deno.test("cwd() and chdir() name and change the working directory", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  // In a program of its own: the directory is that of the whole process, other tests included.
  const { lines, errors } = await runDeno(`import { chdir, cwd } from "${MODULE}";
    const tell = ([value, err]) => console.log(err?.code ?? value);
    tell(chdir("${folder}"));
    tell(cwd());
    Deno.mkdirSync("inside");
    tell(chdir("inside"));
    tell(cwd());
    Deno.removeSync("${folder}", { recursive: true });
    tell(cwd());`);
  assertEquals(errors, "");
  assertEquals(lines, ["true", folder, "true", `${folder}/inside`, "not_found"]);
  assertEquals(chdir("/no/such/place")[1]?.code, "not_found");
  assertEquals(chdir("/etc/passwd")[1]?.code, "not_dir");
  assertThrows(() => chdir(1 as unknown as string), TypeError, "chdir wants a path: got number");
});

Deno.test("chdir() names the flag that it needs; the rest needs none", async () => {
  const { lines, status } = await runDeno(
    `console.log(p.chdir("/usr")[1].message);
     console.log(p.cwd()[1], p.pid === Deno.pid, p.argv.length, typeof p.uptime());`,
    [],
  );
  assertStringIncludes(lines[0]!, "Cannot change to /usr: it needs --allow-read=/usr");
  assertEquals([lines[1], status.code], ["null true 2 number", 0]);
});

Deno.test("pid, argv and uptime() tell about this program", () => {
  assertEquals(pid, Deno.pid);
  assertEquals(argv.slice(2), Deno.args);
  const first = uptime();
  assert(first > 0 && first < 100_000 && uptime() >= first);
});

Deno.test("exit() ends the program with a status, unload listeners first", async () => {
  for (const [call, code] of [["exit()", 0], ["exit(0)", 0], ["exit(255)", 255]] as const) {
    const ran = await runDeno(
      `addEventListener("unload", () => console.log("unload")); p.${call}; console.log("lives");`,
      [],
    );
    assertEquals([ran.status.code, ran.status.signal, ran.lines], [code, null, ["unload"]], call);
  }
});

Deno.test("exit() with a signal's name ends the program by that signal", async () => {
  for (const [name, signal] of [["SIGTERM", "SIGTERM"], ["int", "SIGINT"], ["KILL", "SIGKILL"]]) {
    const { status, lines } = await runDeno(`p.exit("${name}"); console.log("lives");`, []);
    assertEquals([status.signal, lines], [signal, []]);
  }
});

Deno.test("exit() with a signal ends a program that handles it, too", async () => {
  const ours = await runDeno(
    `p.signal.register("TERM", () => console.log("handler")); p.exit("TERM");`,
    [],
  );
  assertEquals([ours.status.signal, ours.lines], ["SIGTERM", []]);
  const past = await runDeno(
    `p.signal.register("TERM", () => console.log("handler"));
    Deno.addSignalListener("SIGTERM", () => console.log("listener"));
    p.exit("TERM");`,
    [],
  );
  assertEquals([past.status.code, past.lines], [143, []]);
});

Deno.test("exit() throws for what is no status and no signal that ends a program", () => {
  for (const status of [-1, 256, 1.5, NaN]) {
    assertThrows(() => exit(status), RangeError, "status must be a whole number from 0 to 255");
  }
  for (const name of ["SIGNONE", "CHLD", "SIGSTOP"]) {
    assertThrows(() => exit(name), RangeError, `'${name}' is no signal that ends a program`);
  }
  assertThrows(() => exit(null as unknown as number), TypeError, "signal must be a name");
});

Deno.test("abort() ends the program by SIGABRT, and its children", async () => {
  const { status, lines } = await runDeno(
    `const child = p.unwrap(p.exec(["sleep", "60"]));
     console.log(child.pid);
     p.abort();`,
  );
  assertEquals(status.signal, "SIGABRT");
  await untilGone(Number(lines[0]));
});

Deno.test("abort() ends the children before it tries to end the program", async () => {
  const { status, lines, errors } = await runDeno(
    `import process from "node:process";
     const child = p.unwrap(p.exec(["sleep", "60"]));
     process.abort = () => {
       console.log("abort");
       throw new Error("not this time");
     };
     console.log(p.abort()[1].code);
     console.log((await child.wait())[0].signal);`,
  );
  assertEquals([lines, status.code], [["abort", "unsupported", "SIGTERM"], 0], errors);
});

Deno.test("abort() in a worker gives unsupported, and leaves program and children alone", async () => {
  const { lines, status } = await runDeno(
    `const code = \`import * as p from "${new URL("../../process/mod.ts", import.meta.url)}";
       const child = p.unwrap(p.exec(["sleep", "60"]));
       const code = p.abort()[1].code;
       self.postMessage([code, child.status]);
       child.kill("KILL");
       await child.wait();
       self.close();\`;
     const worker = new Worker(URL.createObjectURL(new Blob([code])), { type: "module" });
     worker.onmessage = ({ data }) => {
       console.log(...data);
       worker.onmessage = null;
     };`,
  );
  assertEquals([lines, status.code], [["unsupported null"], 0]);
});
