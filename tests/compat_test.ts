/** docs/compat.md: every name of ours in it is there, and every test. */
import { assert, assertEquals } from "@std/assert";
import * as root from "../mod.ts";
import { namesOf } from "../tools/names.ts";
import { entries } from "../tools/project.ts";

const page = await Deno.readTextFile("docs/compat.md");

/** The rows of all tables: theirs, ours, difference, test. */
const rows = page.split("\n")
  .filter((line) => line.startsWith("|") && !/^\|[\s|-]*$/.test(line))
  .map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()))
  .filter(([theirs]) => theirs !== "Theirs");

/** Whether `a.b.c` leads from the root to something. */
function leads(name: string): boolean {
  let at: unknown = root;
  for (const part of name.split(".")) {
    if (typeof at !== "object" && typeof at !== "function" || at === null) return false;
    if (!(part in at)) return false;
    at = (at as Record<string, unknown>)[part];
  }
  return true;
}

Deno.test("docs/compat.md has rows for all five ancestors, each with four cells", () => {
  assert(rows.length > 100, `only ${rows.length} rows`);
  assertEquals(rows.filter((row) => row.length !== 4), []);
  for (const name of ["aLiLua coevent", "LuaIO", "LEM", "node-lua", "The RPC on libev"]) {
    assert(page.includes(`\n## ${name}\n`), `no chapter ${name}`);
  }
});

Deno.test("docs/compat.md names nothing of ours that is not there", async () => {
  const names = (await namesOf(await entries())).map(({ name }) => name);
  const members = new Set(names.map((name) => name.split(".").at(-1)));
  const missing: string[] = [];
  for (const [, ours] of rows) {
    for (const [, name] of (ours ?? "").matchAll(/`([a-z_]\w*(?:\.\w+)*)(?:\(\))?`/gi)) {
      // `thread.list` stands at the root; `sock.close` is a method of some class, `max_line` an option.
      const member = name!.split(".").at(-1);
      if (leads(name!) || members.has(member) || name! in globalThis) continue;
      if (name !== "null" && name !== "server") missing.push(name!);
    }
  }
  assertEquals(missing, []);
});

Deno.test("docs/compat.md names only tests that are there", async () => {
  for (const [, path] of page.matchAll(/`(tests\/[\w/]+\.ts)`/g)) await Deno.stat(path!);
});

Deno.test("docs/compat.md gives a test for every row that has a name of ours", () => {
  const bare = rows.filter(([, ours, , test]) =>
    /`/.test(ours ?? "") && (test ?? "") === "" && ours !== "`null`"
  );
  assertEquals(bare.map(([theirs]) => theirs), []);
});

Deno.test("every name of aLiLua's README stands at the root", () => {
  const names = [
    ...["default", "startloop", "newthread", "wait", "coroutine_wait", "swop", "sleep"],
    ...["cosocket", "eio", "open_log", "LOG", "DEBUG", "INFO", "NOTICE", "WARN", "ALERT", "ERR"],
    ...["md5", "sha1bin", "hmac_sha1", "base64_encode", "base64_decode", "escape", "escape_uri"],
    ...["unescape_uri", "time", "longtime", "cosocket.tcp", "cosocket.popen", "eio.open"],
    ...["eio.mkdir", "eio.chmod", "eio.chown", "eio.stat", "eio.unlink", "eio.rmdir"],
    ...["eio.rename", "eio.readdir", "eio.isdir", "eio.isfile", "eio.exists"],
  ];
  assertEquals(names.filter((name) => !leads(name)), []);
});
