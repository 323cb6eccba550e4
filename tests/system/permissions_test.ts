import { assertEquals, assertStringIncludes } from "@std/assert";

/** Prints what an expression over this module gives, under these flags. */
async function printed(code: string, ...flags: string[]): Promise<string> {
  const module = new URL("../../system/mod.ts", import.meta.url).href;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...flags, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const program = `import * as system from "${module}"; console.log(await ${code});`;
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return decoder.decode(stdout).trim() + decoder.decode(stderr);
}

const FLAGS: [call: string, flag: string][] = [
  ["cpuinfo()", "--allow-sys=cpus"],
  ["cpuusage(20)", "--allow-sys=cpus"],
  ["meminfo()", "--allow-sys=systemMemoryInfo"],
  ["loadavg()", "--allow-sys=loadavg"],
  ["uptime()", "--allow-sys=osUptime"],
  ["network_interfaces()", "--allow-sys=networkInterfaces"],
  ["hostname()", "--allow-sys=hostname"],
  ["release()", "--allow-sys=osRelease"],
  ["limits()", "--allow-all"],
];

const ALL = FLAGS.map(([, flag]) => flag).filter((flag) => flag !== "--allow-all");

for (const [call, flag] of FLAGS) {
  const show = `system.${call}.then?.(show) ?? show(system.${call})`;
  const code =
    `(() => { const show = ([value, err]) => err ? err.code + " " + err.message : "fine"; return ${show}; })()`;

  Deno.test(`${call} needs no more than ${flag}`, async () => {
    assertEquals(await printed(code, flag), "fine");
  });

  Deno.test(`${call} without ${flag} gives no_permission, which names it`, async () => {
    const others = ALL.filter((other) => other !== flag);
    const output = await printed(code, ...others, "--allow-read");
    assertStringIncludes(output, "no_permission Cannot read the ");
    assertEquals(output.endsWith(`: it needs ${flag}`), true, output);
  });
}

Deno.test("limits() names --allow-all also where Deno would first ask for less", async () => {
  assertEquals(
    await printed("system.limits()[1].message"),
    "Cannot read the control group's limits: it needs --allow-all",
  );
});

Deno.test("hrtime(), parallelism(), type and endian need no permission", async () => {
  const code =
    "[typeof system.hrtime(), system.parallelism() > 0, system.type, system.endian].length";
  assertEquals(await printed(code), "4");
});
