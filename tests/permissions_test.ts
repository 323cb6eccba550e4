/**
 * Every example runs under exactly the flags that its head names, and with one of them
 * removed it ends in a clear error that names the flag.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { faultsOf, flagsOf } from "../tools/head.ts";
import { SETTINGS } from "./examples.ts";
import { peerTest } from "./peers.ts";

const names: string[] = [];
for await (const entry of Deno.readDir("examples")) {
  if (entry.name.endsWith(".ts")) names.push(entry.name.slice(0, -3));
}
names.sort();

/** Runs Deno and gives all it wrote. */
async function run(args: string[]): Promise<{ success: boolean; output: string }> {
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "null", env: { NO_COLOR: "1" } });
  const { success, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

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
    const { success, output } = await run(["task", "-q", "example", name, ...stage.args]);
    assertStringIncludes(output, stage.prints);
    assert(success, output);
  });

  for (const removed of flags) {
    const left = flags.filter((flag) => flag !== removed);
    peerTest(`${file} without ${removed} names the flag`, setting.needs ?? [], async () => {
      await using stage = await setting.stage();
      const { success, output } = await run(["run", "--no-prompt", ...left, file, ...stage.args]);
      assert(!success, `it should have failed: ${output}`);
      assertStringIncludes(output, removed.replace(/=.*/, ""));
      assert(!output.includes(stage.prints), output);
    });
  }
}
