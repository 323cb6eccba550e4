import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  close_log,
  ERR,
  flush_log,
  LOG,
  log_stats,
  NOTICE,
  open_log,
  open_logger,
  unwrap,
} from "../../log/mod.ts";
import { on_error } from "../../thread/mod.ts";
import { command, endedAs, linesOf, namesIn, run, tempFolder, textsOf } from "./children.ts";

const textsIn = async (path: string) => textsOf(await linesOf(path));

Deno.test("open_log() appends to a file that is there", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  await Deno.writeTextFile(path, "from before\n");
  unwrap(open_log(path));
  LOG("new");
  unwrap(close_log());
  assertEquals(await textsIn(path), ["from before", "new"]);
});

Deno.test("open_log() takes a path with a comma in it as an object", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/a,b.log`;
  unwrap(open_log({ path, level: "ERR" }));
  LOG("no");
  LOG(ERR, "yes");
  unwrap(close_log());
  assertEquals(await textsIn(path), ["yes"]);
});

Deno.test("open_log() writes out the log before, and closes it", async () => {
  await using folder = await tempFolder();
  const [first, second] = [`${folder.path}/1.log`, `${folder.path}/2.log`];
  unwrap(open_log(first));
  LOG("one");
  unwrap(open_log(second));
  LOG("two");
  unwrap(close_log());
  assertEquals([await textsIn(first), await textsIn(second)], [["one"], ["two"]]);
});

Deno.test("open_log() gives not_found for a missing folder, and keeps the log before", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  unwrap(open_log(path));
  const [, err] = open_log(`${folder.path}/none/app.log`);
  assertEquals(err?.code, "not_found");
  assertStringIncludes(err!.message, "Cannot open the log");
  const [, rotated] = open_log(`${folder.path}/none/app.log,d7`);
  assertEquals(rotated?.code, "not_found");
  LOG("still here");
  unwrap(close_log());
  assertEquals(await textsIn(path), ["still here"]);
});

Deno.test("open_log() gives is_dir for a folder", async () => {
  await using folder = await tempFolder();
  assertEquals(open_log(folder.path)[1]?.code, "is_dir");
});

Deno.test("LOG() goes on in a new file when the file was moved", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  unwrap(open_log(path));
  LOG(ERR, "before");
  Deno.renameSync(path, `${path}.1`);
  LOG(ERR, "after");
  LOG(ERR, "and after that");
  assertEquals(await textsIn(`${path}.1`), ["before"]);
  assertEquals(await textsIn(path), ["after", "and after that"]);
  unwrap(close_log());
});

Deno.test("LOG() goes on in a new file when the file was deleted", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  unwrap(open_log(path));
  LOG(ERR, "before");
  Deno.removeSync(path);
  LOG(ERR, "after");
  assertEquals(await textsIn(path), ["after"]);
  unwrap(close_log());
});

Deno.test("LOG() goes on in the file that another program put in place of its own", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  unwrap(open_log(path));
  LOG(ERR, "before");
  Deno.writeTextFileSync(`${folder.path}/new`, "made by logrotate\n");
  Deno.renameSync(`${folder.path}/new`, path);
  LOG(ERR, "after");
  assertEquals(await textsIn(path), ["made by logrotate", "after"]);
  unwrap(close_log());
});

for (const flags of [["--allow-write"], ["--allow-write", "--allow-read"]]) {
  Deno.test(`LOG() notices a moved file under ${flags.join(" ")}`, async () => {
    await using folder = await tempFolder();
    const path = `${folder.path}/app.log`;
    const child = command(flags, ["moved", path], "piped").spawn();
    const stdout = child.stdout.getReader();
    assertEquals(new TextDecoder().decode((await stdout.read()).value), "written\n");
    Deno.renameSync(path, `${path}.1`);
    await child.stdin.close();
    assertEquals(await new Response(child.stderr).text(), "");
    assertEquals((await stdout.read()).done, true);
    assertEquals((await child.status).code, 0);
    assertEquals([await textsIn(`${path}.1`), await textsIn(path)], [["before"], ["after"]]);
  });
}

Deno.test("LOG() writes on to a moved file while its folder is gone", async () => {
  await using folder = await tempFolder();
  const inner = `${folder.path}/logs`;
  Deno.mkdirSync(inner);
  unwrap(open_log(`${inner}/app.log`));
  LOG(ERR, "before");
  Deno.renameSync(inner, `${folder.path}/old`);
  LOG(ERR, "meanwhile");
  Deno.mkdirSync(inner);
  LOG(ERR, "after");
  assertEquals(await textsIn(`${folder.path}/old/app.log`), ["before", "meanwhile"]);
  assertEquals(await textsIn(`${inner}/app.log`), ["after"]);
  assertEquals(log_stats().lost, 0);
  unwrap(close_log());
});

Deno.test("LOG() reports a log that cannot be written once, counts, and says so in the log", async () => {
  await using folder = await tempFolder();
  const inner = `${folder.path}/logs`;
  Deno.mkdirSync(inner);
  unwrap(open_log(`${inner}/app.log`));
  const heard: string[] = [];
  using _handler = heardBy((about) => {
    heard.push(about);
    // A handler may log: this must neither recurse nor be reported again.
    LOG(ERR, "from the handler");
  });
  Deno.removeSync(inner, { recursive: true });
  LOG(NOTICE, "lost 1");
  LOG(NOTICE, "lost 2");
  assertEquals(flush_log()[1]?.code, "not_found");
  LOG(ERR, "lost 4, with what the handler said");
  assertEquals(heard, [`log '${inner}/app.log'`]);
  assertEquals(log_stats().lost, 4);
  Deno.mkdirSync(inner);
  LOG(ERR, "back");
  const [notice = "", ...rest] = await textsIn(`${inner}/app.log`);
  assertMatch(notice, /^4 lines were lost: Cannot write to the log .*: no such file/);
  assertEquals(rest, ["back"]);
  LOG(ERR, "and on");
  Deno.removeSync(inner, { recursive: true });
  LOG(ERR, "lost again");
  assertEquals(heard.length, 2);
  close_log();
});

/** Hears of what nobody waits for. */
function heardBy(handler: (about: string) => void): Disposable {
  const forget = on_error((_, about) => handler(about));
  return { [Symbol.dispose]: forget };
}

Deno.test("LOG() tells of a full disk once on stderr, and counts", async () => {
  const { code, stdout, stderr } = await run(["--allow-all"], "full", "/dev/full");
  assertEquals(code, 0);
  assertEquals(JSON.parse(stdout), { path: "/dev/full", written: 0, lost: 5, queued: 0 });
  assertEquals(stderr.match(/coevent: log '\/dev\/full': .*no space left on device/g)?.length, 1);
  assertEquals(stderr.match(/no space/g)?.length, 1, stderr);
});

Deno.test("flush_log() gives no_space for a full disk", () => {
  using _handler = heardBy(() => {});
  unwrap(open_log("/dev/full"));
  LOG("x");
  assertEquals(flush_log()[1]?.code, "no_space");
  close_log();
});

Deno.test("LOG() begins a new line after one that the disk took only half of", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  // A limit on the size of files stands for a disk that becomes full in the middle of a write.
  const [program, args] = [Deno.execPath(), ["run", "--quiet", "-A", "--no-code-cache"]];
  const script = `trap '' XFSZ; ulimit -f 1; exec "$0" "$@"`;
  const file = new URL("./child.ts", import.meta.url).pathname;
  const { stdout } = endedAs(
    await new Deno.Command("bash", {
      args: ["-c", script, program, ...args, file, "torn", path],
      stdout: "piped",
      stderr: "piped",
    }).output(),
  );
  const { written, lost } = JSON.parse(stdout);
  assertEquals(written + lost, 22);
  const lines = await linesOf(path);
  // 150 bytes were left of the first line; what comes then begins a line of its own.
  const [torn = "", notice = "", again = "", ...more] = lines;
  assertEquals([torn.length, more], [150, []]);
  assertMatch(
    notice,
    new RegExp(`^\\w{3}, [^x]*WARN ${lost} lines were lost: .*file too large`, "i"),
  );
  assertMatch(again, /^\w{3}, [^x]*ERR there is room again$/);
});

Deno.test("LOG() to a closed logger counts its lines as lost", async () => {
  await using folder = await tempFolder();
  const log = unwrap(open_logger(`${folder.path}/app.log`));
  log.warn("in");
  unwrap(log.close());
  log.warn("out");
  unwrap(log.close());
  const { written, lost } = log.stats();
  assertEquals([written, lost], [1, 1]);
});

const DENIED: [flags: string[], spec: string, words: string][] = [
  [
    [],
    "app.log",
    "no_permission: Cannot open the log 'FOLDER/app.log': it needs --allow-write=FOLDER/app.log",
  ],
  [["--allow-write"], "app.log,d7", "it needs --allow-read=FOLDER"],
  [["--allow-read"], "app.log,d7", "it needs --allow-write=FOLDER"],
  [["--allow-read", "--allow-write=FOLDER/app.log"], "app.log,d7", "it needs --allow-write=FOLDER"],
];

for (const [flags, spec, words] of DENIED) {
  Deno.test(`open_logger('${spec}') under '${flags.join(" ")}' names the flag it needs`, async () => {
    await using folder = await tempFolder();
    const path = (text: string) => text.replaceAll("FOLDER", folder.path);
    const { stdout } = await run(flags.map(path), "logger", `${folder.path}/${spec}`);
    assertStringIncludes(stdout, "no_permission");
    assertStringIncludes(stdout, path(words));
    assertEquals(namesIn(folder.path), []);
  });
}

for (
  const [spec, ...flags] of [
    ["app.log", "--allow-write=FOLDER/app.log"],
    ["app.log,d7", "--allow-read=FOLDER", "--allow-write=FOLDER"],
  ] as const
) {
  Deno.test(`open_logger('${spec}') needs no more than ${flags.join(" ")}`, async () => {
    await using folder = await tempFolder();
    const granted = flags.map((flag) => flag.replace("FOLDER", folder.path));
    const { stdout, stderr } = await run(granted, "logger", `${folder.path}/${spec}`);
    assertEquals([stdout, stderr], ["done\n", ""]);
    assertEquals(await textsIn(`${folder.path}/app.log`), ["written"]);
  });
}
