import { assert, assertEquals } from "@std/assert";
import * as eio from "../../eio/mod.ts";
import { unwrap } from "../../eio/mod.ts";
import { kill, newthread, wait } from "../../thread/mod.ts";
import { sizes } from "../sizes.ts";
import { scratch } from "./scratch.ts";

/** Some turns of the event loop. */
async function turns(): Promise<void> {
  for (let n = 0; n < 20; n++) await new Promise((go) => setTimeout(go, 0));
}

const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test("readfile() gives all of it, as bytes or text, and no more than max", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/f`;
  assertEquals(await eio.writefile(path, ["a", 1, ["ü"], utf8("\n")]), [5, null]);
  assertEquals(await eio.readfile(path), [utf8("a1ü\n"), null]);
  assertEquals(await eio.readfile(path, { encoding: "utf-8" }), ["a1ü\n", null]);
  assertEquals(await eio.readfile(path, { encoding: "latin1" }), ["a1\xc3\xbc\n", null]);
  assertEquals((await eio.readfile(path, { max: 4 }))[1]?.code, "too_long");
  assertEquals((await eio.readfile(path, { max: 5 }))[0]?.length, 5);
  assertEquals(await eio.appendfile(path, "more"), [4, null]);
  assertEquals((await eio.readfile(path, { encoding: "utf-8" }))[0], "a1ü\nmore");
  assertEquals(await eio.writefile(path, ""), [0, null]);
  assertEquals(await eio.readfile(path), [new Uint8Array(0), null]);
  await eio.writefile(path, Uint8Array.of(0xff));
  assertEquals((await eio.readfile(path, { encoding: "utf-8" }))[1]?.code, "bad_text");
});

Deno.test("readfile() reads what has no size to speak of", async () => {
  const [text, err] = await eio.readfile("/proc/self/status", { encoding: "utf-8" });
  assertEquals(err, null);
  assert(text!.includes("VmRSS"));
  assertEquals((await eio.readfile("/proc/self/status", { max: 10 }))[1]?.code, "too_long");
});

Deno.test("readfile() whose signal is aborted between its steps is cancelled, unless it has its answer", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/f`;
  await eio.writefile(path, "x".repeat(100));
  const original = Deno.open;
  const codes = new Set<string | undefined>();
  for (let microtasks = 1; microtasks < 30; microtasks++) {
    const controller = new AbortController();
    const { signal } = controller;
    Deno.open = async (...args) => {
      const file = await original(...args);
      const abort = (left: number): void =>
        left > 0 ? queueMicrotask(() => abort(left - 1)) : controller.abort();
      abort(microtasks);
      return file;
    };
    try {
      // Too much for the short way, which opens nothing.
      codes.add((await eio.readfile(path, { max: 10, signal }))[1]?.code);
    } finally {
      Deno.open = original;
    }
  }
  codes.delete("too_long");
  assertEquals([...codes], ["cancelled"]);
});

Deno.test("writefile() makes a new file with its rights, and truncates nothing for bad data", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/f`;
  await eio.writefile(path, "old", { perm: "600" });
  assertEquals((await unwrap(eio.stat(path))).mode! & 0o777, 0o600);
  let thrown = "";
  try {
    await eio.writefile(path, { no: "data" } as unknown as string);
  } catch (error) {
    thrown = (error as Error).name;
  }
  assertEquals([thrown, await Deno.readTextFile(path)], ["TypeError", "old"]);
  assertEquals((await eio.writefile(`${folder.path}/none/f`, ""))[1]?.code, "not_found");
  assertEquals((await eio.writefile("/dev/full", "x"))[1]?.code, "no_space");
});

Deno.test("copy() copies bytes and rights, and never a file over itself", async () => {
  await using folder = await scratch();
  const [from, to] = [`${folder.path}/from`, `${folder.path}/to`];
  const data = Uint8Array.from({ length: 3_000_001 }, (_, at) => at % 253);
  await eio.writefile(from, data, { perm: 0o640 });
  assertEquals(await eio.copy(from, to), [data.length, null]);
  assertEquals(await eio.readfile(to), [data, null]);
  assertEquals((await unwrap(eio.stat(to))).mode! & 0o777, 0o640);
  await eio.link(from, `${folder.path}/same`);
  assertEquals((await eio.copy(from, `${folder.path}/same`))[1]?.code, "exists");
  assertEquals((await unwrap(eio.stat(from))).size, data.length);
  const [, err] = await eio.copy(from, "/dev/full");
  assertEquals([err?.code, err?.sent], ["no_space", 0]);
});

Deno.test("write_atomic() replaces a file whole, keeps its rights, and leaves nothing beside", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/f`;
  assertEquals(await eio.write_atomic(path, "first", { perm: 0o604 }), [5, null]);
  await eio.symlink("f", `${folder.path}/link`);
  const old = await unwrap(eio.open(path));
  assertEquals(await eio.write_atomic(`${folder.path}/link`, "second"), [6, null]);
  assertEquals(await eio.readfile(path, { encoding: "utf-8" }), ["second", null]);
  assertEquals((await unwrap(eio.stat(path))).mode! & 0o777, 0o604);
  assertEquals((await unwrap(eio.lstat(`${folder.path}/link`))).type, "link");
  // Who had it open goes on reading the old one.
  assertEquals(await old.read(10), [utf8("first"), null]);
  await old.close();
  assertEquals((await unwrap(eio.readdir(folder.path))).toSorted(), ["f", "link"]);
});

Deno.test("write_atomic() that fails or is killed leaves the old file and nothing beside", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/f`;
  await eio.writefile(path, "old");
  const aborted = AbortSignal.abort();
  assertEquals((await eio.write_atomic(path, "x", { signal: aborted }))[1]?.code, "cancelled");
  const thread = newthread(() => eio.write_atomic(path, new Uint8Array(20_000_000)));
  while (!/write '.*tmp'/.test(thread.state)) await new Promise((go) => setTimeout(go, 0));
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  while (thread.state !== "ended") await new Promise((go) => setTimeout(go, 0));
  assertEquals(await eio.readfile(path, { encoding: "utf-8" }), ["old", null]);
  assertEquals(await eio.readdir(folder.path), [["f"], null]);
  assertEquals((await eio.write_atomic(folder.path, "x"))[1]?.code, "is_dir");
});

Deno.test("write_atomic() that is given up while it opens or renames leaves nothing beside", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/f`;
  for (const call of ["open", "rename"] as const) {
    await eio.writefile(path, "old");
    const giveUp = new AbortController();
    let late: Promise<unknown> = Promise.resolve();
    const own = Deno[call] as (...args: unknown[]) => Promise<unknown>;
    // A slow system: it does so when the caller has long gone.
    const stand = (...args: unknown[]) => {
      const made = call === "rename" || (args[1] as Deno.OpenOptions).createNew === true;
      if (!made) return own(...args);
      giveUp.abort();
      return late = turns().then(() => own(...args));
    };
    Object.assign(Deno, { [call]: stand });
    try {
      const [, err] = await eio.write_atomic(path, "new", { signal: giveUp.signal });
      assertEquals(err?.code, "cancelled", call);
    } finally {
      Object.assign(Deno, { [call]: own });
    }
    await Promise.allSettled([late]);
    // Closing what was opened for nobody takes a turn as well.
    await turns();
    assertEquals(await eio.readdir(folder.path), [["f"], null], call);
    const text = await Deno.readTextFile(path);
    assert(text === "old" || (call === "rename" && text === "new"), `${call}: ${text}`);
  }
});

Deno.test("write_atomic() replaces no FIFO, and makes what a link leads to", async () => {
  await using folder = await scratch();
  await new Deno.Command("mkfifo", { args: [`${folder.path}/p`] }).output();
  assertEquals((await eio.write_atomic(`${folder.path}/p`, "x"))[1]?.code, "unsupported");
  assertEquals((await unwrap(eio.stat(`${folder.path}/p`))).type, "named pipe");
  await eio.symlink("target", `${folder.path}/link`);
  assertEquals(await eio.write_atomic(`${folder.path}/link`, "text"), [4, null]);
  assertEquals((await unwrap(eio.lstat(`${folder.path}/link`))).type, "link");
  assertEquals(await eio.readfile(`${folder.path}/target`, { encoding: "utf-8" }), ["text", null]);
});

Deno.test("a program that is killed in the middle of write_atomic() leaves the old file or the new", async () => {
  await using folder = await scratch();
  const path = `${folder.path}/state`;
  const module = new URL("../../eio/mod.ts", import.meta.url).href;
  const program = `${folder.path}/program.ts`;
  // Each version is one letter, a megabyte long; each is said before it is begun.
  await Deno.writeTextFile(
    program,
    `import { write_atomic } from "${module}";
    for (let n = 0;; n = (n + 1) % 26) {
      const letter = String.fromCharCode(97 + n);
      await Deno.stdout.write(new TextEncoder().encode(letter));
      const [, err] = await write_atomic("${path}", letter.repeat(1_000_000));
      if (err) throw err;
    }`,
  );
  await eio.writefile(path, "z".repeat(1_000_000));
  let seed = 1;
  for (let run = 0; run < sizes.atomicKills; run++) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-read", "--allow-write", program],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.getReader();
    // Some versions in, at a moment that is another one each time.
    let begun = 0;
    while (begun < 1 + run % 3) begun += (await reader.read()).value?.length ?? 1;
    seed = seed * 1_103_515_245 + 12_345 & 0x7fffffff;
    for (let turns = seed % 40; turns > 0; turns--) await new Promise((go) => setTimeout(go, 0));
    child.kill("SIGKILL");
    await reader.cancel();
    await child.status;
    const text = await unwrap(eio.readfile(path, { encoding: "latin1" }));
    assertEquals(text.length, 1_000_000, `run ${run}`);
    assertEquals(text.replaceAll(text[0]!, ""), "", `run ${run}: half of one, half of another`);
  }
});
