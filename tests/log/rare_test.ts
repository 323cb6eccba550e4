/** What happens to a log seldom: a race with another program, a system that says no. */
import { assertEquals, assertMatch } from "@std/assert";
import { colourLine } from "../../log/_line.ts";
import { removeOld } from "../../log/_rotate.ts";
import {
  close_log,
  ERR,
  type IoError,
  LOG,
  log_stats,
  open_log,
  open_logger,
  unwrap,
} from "../../log/mod.ts";
import { on_error } from "../../thread/mod.ts";
import { endedAs, linesOf, namesIn, run, tempFolder, textsOf } from "./children.ts";

type Sync = "statSync" | "removeSync" | "renameSync" | "openSync";

/** Puts `stand` in the place of the next call of one of the runtime's, which gives it back. */
function once<K extends Sync>(name: K, stand: (real: typeof Deno[K]) => void): void {
  const real = Deno[name];
  Object.assign(Deno, {
    [name]: () => {
      Object.assign(Deno, { [name]: real });
      stand(real);
    },
  });
}

Deno.test("LOG() goes on in its own file when that was away for a moment", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  unwrap(open_log(path));
  LOG(ERR, "before");
  once("statSync", () => {
    throw new Deno.errors.NotFound("for a moment");
  });
  LOG(ERR, "meanwhile");
  LOG(ERR, "after");
  unwrap(close_log());
  assertEquals(textsOf(await linesOf(path)), ["before", "meanwhile", "after"]);
});

Deno.test("LOG() counts as lost what comes while its file can be neither rotated nor opened", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  const told: unknown[] = [];
  const off = on_error((error) => told.push((error as IoError).code));
  unwrap(open_log(`${path},1K`));
  LOG(ERR, "x".repeat(900));
  once("renameSync", () => {
    throw new Deno.errors.PermissionDenied("on purpose");
  });
  once("openSync", () => {
    throw new Deno.errors.NotFound("on purpose");
  });
  LOG(ERR, "y".repeat(900));
  LOG(ERR, "z".repeat(900));
  const { written, lost } = log_stats();
  unwrap(close_log());
  off();
  assertEquals([written, lost, told], [2, 1, ["denied", "not_found"]]);
  const [first, notice, last, ...more] = textsOf(await linesOf(path));
  assertEquals([first?.[0], last?.[0], more], ["x", "z", []]);
  assertMatch(notice!, /^1 line was lost: /);
});

Deno.test("LOG() tells once of each line that a full disk lost, and tears none", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  const off = on_error(() => {});
  unwrap(open_log(path));
  const original = Deno.FsFile.prototype.writeSync;
  let room = 0;
  Deno.FsFile.prototype.writeSync = function (bytes) {
    const count = Math.min(bytes.length, room);
    room -= count;
    if (count > 0) return original.call(this, bytes.subarray(0, count));
    throw Object.assign(new Error("No space left on device"), { code: "ENOSPC" });
  };
  try {
    for (const text of ["one", "two"]) LOG(ERR, text);
    // Enough for the log's own word, and a part of the line behind it.
    room = 180;
    LOG(ERR, "x".repeat(500));
    room = Infinity;
    LOG(ERR, "at last");
  } finally {
    Deno.FsFile.prototype.writeSync = original;
  }
  const { written, lost } = log_stats();
  unwrap(close_log());
  off();
  assertEquals([written, lost], [1, 3]);
  const [told, torn, again, last, ...more] = await linesOf(path);
  assertMatch(told!, /WARN 2 lines were lost: .*no space left/i);
  assertEquals(told!.length + torn!.length + 1, 180);
  assertMatch(again!, /WARN 1 line was lost: .*no space left/i);
  assertMatch(last!, /ERR at last$/);
  assertEquals(more, []);
});

Deno.test("a rotation finds an old file gone, and tells of one that cannot be removed", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  for (const day of [1, 2]) await Deno.writeTextFile(`${path}-2026-11-0${day}-00`, "");
  once("removeSync", (real) => {
    // Another process is faster.
    real(`${path}-2026-11-01-00`);
    throw new Deno.errors.NotFound("gone");
  });
  removeOld(path, 1);
  assertEquals(namesIn(folder.path), ["app.log-2026-11-02-00"]);
  once("removeSync", () => {
    throw new Deno.errors.PermissionDenied("on purpose");
  });
  let told: unknown = null;
  try {
    removeOld(path, 0);
  } catch (error) {
    told = error;
  }
  assertEquals(told instanceof Deno.errors.PermissionDenied, true);
});

Deno.test("open_logger() gives not_dir for a path below a file", async () => {
  await using folder = await tempFolder();
  await Deno.writeTextFile(`${folder.path}/file`, "");
  const [, err] = open_logger(`${folder.path}/file/app.log`);
  assertEquals(err?.code, "not_dir");
});

Deno.test("a line for a terminal has its level in colour", () => {
  const time = new Date(2026, 10, 21, 0, 23, 52).getTime();
  const line = colourLine({ time, level: ERR, body: "text", site: null });
  assertEquals(line, `Sat, 21 Nov 2026 00:23:52 [${Deno.pid}-?] \x1b[31mERR\x1b[0m text\n`);
});

Deno.test("LOG() writes '?' for its place in a program that froze Error", async () => {
  for (const when of ["before", "after"]) {
    const { code, stderr } = await run(["--allow-all"], "frozen", "-", when);
    assertEquals(code, 0);
    assertMatch(stderr, /^\w{3}, [^\n]* \[\d+-\?\] WARN text\n$/);
  }
});

Deno.test("LOG() writes on to its file while the program has no descriptor left", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  const child = new URL("./child.ts", import.meta.url).pathname;
  // Without leave to read, the file is opened for each write.
  const flags = ["run", "--quiet", "--no-prompt", `--allow-write=${path},/dev/null`];
  const { code, stdout, stderr } = endedAs(
    await new Deno.Command("bash", {
      args: [
        ...["-c", `ulimit -n 512; exec "$0" "$@"`],
        ...[Deno.execPath(), ...flags, child, "exhausted", path],
      ],
      env: { NO_COLOR: "1" },
    }).output(),
  );
  assertEquals([code, stdout, stderr], [0, "exhausted\n", ""]);
  assertEquals(textsOf(await linesOf(path)), ["first", "without any left"]);
});
