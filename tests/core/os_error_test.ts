/** What the system and the runtime really say, and which word `fromOs` makes of it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromOs } from "../../core/mod.ts";

/** Runs code without any permission, or with the ones given; gives what it prints. */
async function underPermissions(body: string, ...flags: string[]): Promise<string> {
  const core = new URL("../../core/mod.ts", import.meta.url).href;
  const code = `
    import { fromOs } from "${core}";
    import nodeFs from "node:fs/promises";
    try {
      ${body};
      console.log("it was allowed");
    } catch (error) {
      const err = fromOs(error, "Cannot do it");
      console.log(err.code + "|" + err.message);
    }`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--ext=ts", ...flags, "-"],
    stdin: "piped",
    env: { NO_COLOR: "1" },
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(code));
  await writer.close();
  return new TextDecoder().decode((await child.output()).stdout).trim();
}

const DENIED: [body: string, flag: string, flags?: string[]][] = [
  ['await Deno.connect({ hostname: "example.test", port: 80 })', "--allow-net=example.test:80"],
  ['await Deno.connect({ hostname: "::1", port: 80 })', "--allow-net=[::1]:80"],
  ['Deno.listen({ hostname: "127.0.0.1", port: 0 })', "--allow-net=127.0.0.1:0"],
  ['await Deno.connect({ transport: "unix", path: "/a/socket" })', "--allow-read=/a/socket"],
  ['await Deno.readFile("/a/file")', "--allow-read=/a/file"],
  ['await Deno.readFile("/a/with space, and \\u00e9")', "--allow-read=/a/with space, and \u00e9"],
  ['await Deno.writeTextFile("/a/file", "x")', "--allow-write=/a/file"],
  ['Deno.env.get("SOME_NAME")', "--allow-env=SOME_NAME"],
  ["Deno.env.toObject()", "--allow-env"],
  ["Deno.loadavg()", "--allow-sys=loadavg"],
  ["Deno.uid()", "--allow-sys=uid"],
  ["Deno.hostname()", "--allow-sys=hostname"],
  ['await new Deno.Command("true").output()', "--allow-run=true"],
  ['Deno.kill(1, "SIGCONT")', "--allow-run"],
  ['Deno.realPathSync(".")', "--allow-read=."],
  ['Deno.dlopen("/a/library", {})', "--allow-ffi=/a/library"],
  ['Deno.symlinkSync("/a", "/b")', "--allow-read and --allow-write"],
  ['Deno.chdir("/a")', "--allow-read=/a"],
  ['await nodeFs.readFile("/a/file")', "--allow-read=/a/file"],
  ['await Deno.readTextFile("/proc/1/environ")', "--allow-all", ["--allow-read"]],
];

for (const [body, flag, flags = []] of DENIED) {
  const title = `fromOs() names ${flag} for ${body.replace(/^await /, "")}`;
  Deno.test({ name: title, ignore: Deno.build.os !== "linux" }, async () => {
    const said = await underPermissions(body, ...flags);
    assertEquals(said, `no_permission|Cannot do it: it needs ${flag}`);
  });
}

async function failure(fn: () => unknown): Promise<unknown> {
  try {
    await fn();
  } catch (error) {
    return error;
  }
  throw new Error("nothing failed");
}

Deno.test("fromOs() has a word for what the file system says", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/file`;
    await Deno.writeTextFile(file, "x");
    await Deno.mkdir(`${folder}/sub/sub`, { recursive: true });
    const cases: [fn: () => unknown, code: string][] = [
      [() => Deno.readFile(`${folder}/missing`), "not_found"],
      [() => Deno.mkdir(`${folder}/sub`), "exists"],
      [() => Deno.open(file, { write: true, createNew: true }), "exists"],
      [() => Deno.readFile(folder), "is_dir"],
      [() => Array.fromAsync(Deno.readDir(file)), "not_dir"],
      [() => Deno.stat(`${file}/below`), "not_dir"],
      [() => Deno.remove(`${folder}/sub`), "not_empty"],
      [() => Deno.stat(`${folder}/${"x".repeat(300)}`), "too_long"],
      [() => Deno.stat(`${folder}/nul\0`), "io"],
    ];
    for (const [fn, code] of cases) {
      const error = await failure(fn);
      const err = fromOs(error, "Cannot");
      assertEquals(err.code, code, String(error));
      assertEquals(err.cause, error);
      assert(!err.message.includes("os error"), err.message);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("fromOs() has a word for what the network says", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const inUse = fromOs(await failure(() => Deno.listen({ hostname: "127.0.0.1", port })), "Cannot");
  assertEquals(inUse.code, "in_use");

  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closedPort = gone.addr.port;
  gone.close();
  const refused = await failure(() => Deno.connect({ hostname: "127.0.0.1", port: closedPort }));
  assertEquals(fromOs(refused, "Cannot").code, "refused");
  const missing = await failure(() => Deno.connect({ transport: "unix", path: "/missing/socket" }));
  assertEquals(fromOs(missing, "Cannot").code, "not_found");

  const [client, served] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port }),
    listener.accept(),
  ]);
  const interrupted = failure(() => client.read(new Uint8Array(1)));
  client.close();
  assertEquals(fromOs(await interrupted, "Cannot").code, "closed");
  assertEquals(
    fromOs(await failure(() => client.read(new Uint8Array(1))), "Cannot").code,
    "closed",
  );
  served.close();
});

Deno.test("fromOs() keeps the platform's words in one line, in the middle of a sentence", () => {
  const error = new Deno.errors.NotFound("No such file\n or   directory (os error 2): open 'x'");
  const { message } = fromOs(error, "Cannot open 'x'");
  assertEquals(message, "Cannot open 'x': no such file or directory: open 'x'");
  assertStringIncludes(fromOs(new Error(""), "Cannot").message, "Cannot: Error");
});
