import { assertEquals } from "@std/assert";
import { command, endedAs, linesOf, namesIn, run, tempFolder } from "./children.ts";

const PROCESSES = 8;
const LINES = 1000;
const LINE =
  /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \[\d+-\w+\.ts:\d+\] NOTICE (\w+)\t(\d+)\tx{100}$/;

/** Every line is whole, and each writer's are all there, in order. */
function check(lines: string[], writers: number, count: number): void {
  const next = new Map<string, number>();
  for (const line of lines) {
    const [, name, number] = LINE.exec(line) ?? [];
    if (name === undefined) throw new Error(`a torn line: '${line}'`);
    assertEquals(Number(number), next.get(name) ?? 0);
    next.set(name, Number(number) + 1);
  }
  assertEquals([...next.values()], Array(writers).fill(count));
}

/** Runs the writers side by side and waits for all of them. */
async function writeMany(spec: string): Promise<void> {
  const children = Array.from({ length: PROCESSES }, (_, i) => {
    return command(["-A"], ["many", spec, `p${i}`, String(LINES)]).output();
  });
  for (const output of await Promise.all(children)) {
    const { code, stdout, stderr } = endedAs(output);
    assertEquals([code, stdout, stderr], [0, "", ""]);
  }
}

Deno.test(`LOG() of ${PROCESSES} processes, ${LINES} lines each, into one file tears no line`, async () => {
  await using folder = await tempFolder();
  await writeMany(`${folder.path}/app.log`);
  check(await linesOf(`${folder.path}/app.log`), PROCESSES, LINES);
});

Deno.test(`LOG() of ${PROCESSES} processes that rotate one file by size loses no line`, async () => {
  await using folder = await tempFolder();
  await writeMany(`${folder.path}/app.log,NOTICE,64K`);
  const names = namesIn(folder.path);
  const lines: string[] = [];
  for (const name of names) lines.push(...await linesOf(`${folder.path}/${name}`));
  assertEquals(names.length > 10, true, `${names.length} files`);
  // Rotated when the next line did not fit, and never twice for that.
  for (const name of names.filter((name) => name !== "app.log")) {
    const { size } = Deno.statSync(`${folder.path}/${name}`);
    assertEquals(size > 64 * 1024 - 256, true, `${name} has ${size} bytes`);
  }
  // Across files the order is by file, not by writer; what counts is that all are there.
  const seen = new Set(lines.map((line) => LINE.exec(line)?.slice(1).join() ?? `torn: ${line}`));
  assertEquals([seen.size, lines.length], [PROCESSES * LINES, PROCESSES * LINES]);
  assertEquals([...seen].filter((one) => one.startsWith("torn")), []);
});

Deno.test("LOG() of four workers into one file tears no line", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  const { code, stderr } = await run(["-A"], "workers", path, "4", String(LINES));
  assertEquals([code, stderr], [0, ""]);
  check(await linesOf(path), 4, LINES);
});
