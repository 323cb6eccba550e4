/**
 * Every example runs under exactly the flags that its head names, and with one of them
 * removed it ends in a clear error that names the flag.
 */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { configArgs } from "../tools/config.ts";
import { faultsOf, flagsOf } from "../tools/head.ts";
import { examples } from "../tools/project.ts";
import { SETTINGS } from "./examples.ts";
import { peerTest } from "./peers.ts";
import { assertNeeds, assertRuns } from "./permissions.ts";

const names = await examples();
const config = await configArgs();

Deno.test("every example has a row in tests/examples.ts, and every row an example", () => {
  assertEquals(Object.keys(SETTINGS).sort(), names);
});

for (const name of names) {
  const file = `examples/${name}.ts`;
  const source = await Deno.readTextFile(file);

  Deno.test(`${file}: its head has a sentence and both commands`, () => {
    assertEquals(faultsOf(source, name), []);
  });

  const setting = SETTINGS[name];
  if (setting === undefined) continue;
  const flags = flagsOf(source, name);

  peerTest(`${file} runs under ${flags.join(" ") || "no flag"}`, setting.needs ?? [], async () => {
    await using stage = await setting.stage();
    // The form that works without jsr.io: the task reads the flags from the head.
    await assertRuns(["task", "-q", "example", name], { file, flags, ...stage });
  });

  for (const removed of flags) {
    peerTest(`${file} without ${removed} names the flag`, setting.needs ?? [], async () => {
      await using stage = await setting.stage();
      await assertNeeds(removed, { file, flags, ...stage }, config);
    });
  }
}

// From here on, the checks themselves: on programs made for them.

async function withProgram(source: string, fn: (file: string) => Promise<void>): Promise<void> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, source);
    await fn(file);
  } finally {
    await Deno.remove(file);
  }
}

/** Joined at run time, so that an error that shows the source does not show it too. */
const modest = 'Deno.env.get("HOME"); Deno.loadavg(); console.log(["all", "done"].join(" "));';
const flags = ["--allow-env=HOME", "--allow-sys=loadavg"];

Deno.test("assertRuns() and assertNeeds() take a program that needs each of its flags", async () => {
  await withProgram(modest, async (file) => {
    const program = { file, flags, args: [], prints: "all done" };
    await assertRuns(["run", "--no-prompt", ...flags, file], program);
    for (const removed of flags) await assertNeeds(removed, program, []);
  });
});

Deno.test("assertRuns() refuses a program that lacks a flag, and one that prints something else", async () => {
  await withProgram(modest, async (file) => {
    const program = { file, flags, args: [], prints: "all done" };
    await assertRejects(() => assertRuns(["run", "--no-prompt", file], program));
    const other = { ...program, prints: "something else" };
    await assertRejects(() => assertRuns(["run", "--no-prompt", ...flags, file], other));
  });
});

Deno.test("assertNeeds() refuses a flag that is not needed, and an error that does not name it", async () => {
  await withProgram('console.log("all done");', async (file) => {
    const program = { file, flags, args: [], prints: "all done" };
    await assertRejects(() => assertNeeds("--allow-env=HOME", program, []), Error, "ends well");
  });
  await withProgram('throw new Error("not allowed");', async (file) => {
    const program = { file, flags, args: [], prints: "all done" };
    await assertRejects(() => assertNeeds("--allow-env=HOME", program, []), Error, "--allow-env");
  });
});

const head = (...lines: string[]) => `/**\n${lines.map((line) => ` * ${line}\n`).join("")} */\n`;
const sentence = "Echoes a line.";
const command = "    deno run --allow-net=127.0.0.1 --allow-env=A,B examples/echo.ts 80";
const task = "    npx -y deno@2.9.6 task example echo 80";

Deno.test("flagsOf() gives the flags of the head's command, none, or throws without one", () => {
  assertEquals(flagsOf(head(sentence, command, task), "echo"), [
    "--allow-net=127.0.0.1",
    "--allow-env=A,B",
  ]);
  assertEquals(flagsOf(head("    deno run examples/echo.ts"), "echo"), []);
  assertThrows(() => flagsOf(head(sentence, task), "echo"), Error, "examples/echo.ts");
  assertThrows(() => flagsOf(`// deno run examples/echo.ts\n`, "echo"), Error, "examples/echo.ts");
});

const heads: [fault: string | null, source: string][] = [
  [null, head(sentence, command, task)],
  ["no sentence", head(command, task)],
  ["no deno run command", head(sentence, task)],
  ["no npx command", head(sentence, command)],
  ["asks for every permission", head(sentence, "    deno run -A examples/echo.ts 80", task)],
];

for (const [fault, source] of heads) {
  Deno.test(`faultsOf() ${fault === null ? "takes a whole head" : `finds: ${fault}`}`, () => {
    assertEquals(faultsOf(source, "echo"), fault === null ? [] : [fault]);
  });
}
