import { assert, assertEquals, assertMatch } from "@std/assert";
import { periodStart } from "../../log/_rotate.ts";
import type { Period } from "../../log/_spec.ts";
import { close_log, ERR, LOG, NOTICE, open_log, unwrap } from "../../log/mod.ts";
import { on_error } from "../../thread/mod.ts";
import { linesOf, namesIn, tempFolder, textsOf } from "./children.ts";

/** Sets the wall clock until the end of the scope. */
function wallClock(local: string): Disposable & { set(local: string): void } {
  const real = Date.now;
  const set = (text: string) => {
    const time = new Date(text).getTime();
    Date.now = () => time;
  };
  set(local);
  return { set, [Symbol.dispose]: () => void (Date.now = real) };
}

/** Says that the file was last written at a local time. */
function written(path: string, local: string): void {
  Deno.utimeSync(path, new Date(local), new Date(local));
}

Deno.test("LOG() begins a new file by day, named as in aLiLua", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  using clock = wallClock("2026-11-20T23:59:59");
  unwrap(open_log(`${path},d`));
  LOG(ERR, "friday");
  written(path, "2026-11-20T23:59:59");
  clock.set("2026-11-21T00:00:01");
  LOG(ERR, "saturday");
  LOG(ERR, "still saturday");
  unwrap(close_log());
  assertEquals(namesIn(folder.path), ["app.log", "app.log-2026-11-20-00"]);
  assertEquals(textsOf(await linesOf(`${path}-2026-11-20-00`)), ["friday"]);
  assertEquals(textsOf(await linesOf(path)), ["saturday", "still saturday"]);
});

Deno.test("open_log() rotates at its first line a file of an earlier day", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  await Deno.writeTextFile(path, "of a run before\n");
  written(path, "2026-11-18T15:00:00");
  using _clock = wallClock("2026-11-21T09:00:00");
  unwrap(open_log(`${path},d7`));
  LOG(ERR, "today");
  unwrap(close_log());
  assertEquals(namesIn(folder.path), ["app.log", "app.log-2026-11-18-00"]);
  assertEquals(textsOf(await linesOf(path)), ["today"]);
});

Deno.test("LOG() takes the first line of an empty file for its day", async () => {
  await using folder = await tempFolder();
  using clock = wallClock("2026-11-20T12:00:00");
  unwrap(open_log(`${folder.path}/app.log,d`));
  clock.set("2026-11-21T12:00:00");
  LOG(ERR, "one");
  LOG(ERR, "two");
  unwrap(close_log());
  assertEquals(namesIn(folder.path), ["app.log"]);
});

Deno.test("LOG() does not rotate when the clock goes back", async () => {
  await using folder = await tempFolder();
  using clock = wallClock("2026-11-21T00:00:01");
  unwrap(open_log(`${folder.path}/app.log,d`));
  LOG(ERR, "one");
  clock.set("2026-11-20T23:59:59");
  LOG(ERR, "two");
  unwrap(close_log());
  assertEquals(namesIn(folder.path), ["app.log"]);
});

const STARTS: [period: Period, time: string, start: string][] = [
  ["h", "2026-11-21T00:23:52.5", "2026-11-21T00:00:00"],
  ["d", "2026-11-21T23:59:59.999", "2026-11-21T00:00:00"],
  ["w", "2026-11-21T12:00:00", "2026-11-16T00:00:00"],
  ["w", "2026-11-16T00:00:00", "2026-11-16T00:00:00"],
  ["w", "2026-11-15T23:00:00", "2026-11-09T00:00:00"],
  ["w", "2026-12-02T10:00:00", "2026-11-30T00:00:00"],
  ["m", "2026-11-30T23:59:59", "2026-11-01T00:00:00"],
];

for (const [period, time, start] of STARTS) {
  Deno.test(`periodStart('${period}') of ${time} is ${start}, local time`, () => {
    const began = periodStart(period, new Date(time).getTime());
    assertEquals(new Date(began), new Date(start));
  });
}

Deno.test("LOG() keeps so many old files as was said, and touches no other", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  const others = [
    "app.log-2026-01-01",
    "app.log.1",
    "app.log-2026-01-01-00.gz",
    "other.log-2026-01-01-00",
  ];
  for (const name of others) Deno.writeTextFileSync(`${folder.path}/${name}`, "");
  using clock = wallClock("2026-11-10T12:00:00");
  unwrap(open_log(`${path},d2`));
  for (let day = 10; day < 16; day++) {
    clock.set(`2026-11-${day}T12:00:00`);
    LOG(ERR, day);
  }
  unwrap(close_log());
  const wanted = [...others, "app.log", "app.log-2026-11-13-00", "app.log-2026-11-14-00"];
  assertEquals(namesIn(folder.path), wanted.sort());
});

Deno.test("LOG() begins a new file by size, and no file is above it", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  using _clock = wallClock("2026-11-21T10:20:30");
  unwrap(open_log(`${path},DEBUG,1K`));
  const texts = Array.from({ length: 50 }, (_, i) => `line ${i} ${"x".repeat(i)}`);
  // All in one turn, so one batch is spread over several files.
  for (const text of texts) LOG(NOTICE, text);
  unwrap(close_log());
  const names = namesIn(folder.path);
  const inOrder = names.slice(1).sort((a, b) => numberOf(a) - numberOf(b));
  assertMatch(inOrder[1]!, /^app\.log-2026-11-21-10\.1$/);
  const all: string[] = [];
  for (const name of [...inOrder, "app.log"]) {
    assert(Deno.statSync(`${folder.path}/${name}`).size <= 1024, name);
    all.push(...textsOf(await linesOf(`${folder.path}/${name}`)));
  }
  assertEquals(all, texts);
});

function numberOf(name: string): number {
  return Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);
}

Deno.test("LOG() numbers on where the oldest files of an hour were removed", async () => {
  await using folder = await tempFolder();
  using _clock = wallClock("2026-11-21T10:20:30");
  unwrap(open_log(`${folder.path}/app.log,DEBUG,1Kx2`));
  for (let i = 0; i < 6; i++) LOG(ERR, String(i).repeat(900));
  unwrap(close_log());
  const names = ["app.log", "app.log-2026-11-21-10.3", "app.log-2026-11-21-10.4"];
  assertEquals(namesIn(folder.path), names);
  assertMatch(Deno.readTextFileSync(`${folder.path}/${names[2]}`), /4444\n$/);
});

Deno.test("LOG() gives a line that is longer than a file may be a file of its own", async () => {
  await using folder = await tempFolder();
  using _clock = wallClock("2026-11-21T10:20:30");
  unwrap(open_log(`${folder.path}/app.log,DEBUG,1K`));
  LOG("short");
  LOG("x".repeat(3000));
  LOG("short");
  unwrap(close_log());
  const old = `${folder.path}/app.log-2026-11-21-10`;
  assertEquals((await linesOf(old)).length, 1);
  assertEquals((await linesOf(`${old}.1`)).map((line) => line.length > 3000), [true]);
  assertEquals(textsOf(await linesOf(`${folder.path}/app.log`)), ["short"]);
});

Deno.test("LOG() rotates the file behind a link, not the link", async () => {
  await using folder = await tempFolder();
  Deno.mkdirSync(`${folder.path}/real`);
  Deno.writeTextFileSync(`${folder.path}/real/app.log`, "x".repeat(1023) + "\n");
  Deno.symlinkSync(`${folder.path}/real/app.log`, `${folder.path}/link`);
  unwrap(open_log(`${folder.path}/link,DEBUG,1K`));
  LOG(ERR, "new");
  unwrap(close_log());
  assertEquals(namesIn(folder.path), ["link", "real"]);
  assertEquals(namesIn(`${folder.path}/real`).length, 2);
  assertEquals(textsOf(await linesOf(`${folder.path}/link`)), ["new"]);
});

Deno.test("LOG() writes on, and tells, when the file cannot be renamed", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  using _clock = wallClock("2026-11-21T10:20:30");
  // A folder stands where the file would have to go.
  Deno.mkdirSync(`${path}-2026-11-21-10`);
  Deno.writeTextFileSync(`${path}-2026-11-21-10/in it`, "");
  const heard: string[] = [];
  const forget = on_error((error, about) => {
    heard.push(`${about}: ${error}`);
    // In the middle of a write: this line must wait for its end.
    LOG(ERR, "from the handler");
  });
  unwrap(open_log(`${path},DEBUG,1K`));
  for (let i = 0; i < 30; i++) LOG(ERR, i, "x".repeat(100));
  unwrap(close_log());
  forget();
  const texts = textsOf(await linesOf(path)).map((text) => text.replace(/\t.*/, ""));
  assertEquals(
    texts.filter((text) => text !== "from the handler"),
    Array.from({ length: 30 }, (_, i) => `${i}`),
  );
  assertEquals(texts.length, 31);
  assertEquals(heard.length, 1);
  assertMatch(heard[0]!, /^log '.*app\.log': IoError \w+: Cannot rotate the log/);
});

Deno.test("LOG() does not rename the file of another process that rotated just before", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  unwrap(open_log(`${path},DEBUG,1K`));
  LOG(ERR, "x".repeat(990));
  // The other one is done between our look at the file and our lock on it.
  const real = Deno.FsFile.prototype.tryLockSync;
  Deno.FsFile.prototype.tryLockSync = function (exclusive) {
    Deno.renameSync(path, `${path}-theirs`);
    Deno.writeTextFileSync(path, "their new file\n");
    return real.call(this, exclusive);
  };
  LOG(ERR, "ours");
  Deno.FsFile.prototype.tryLockSync = real;
  unwrap(close_log());
  assertEquals(namesIn(folder.path), ["app.log", "app.log-theirs"]);
  assertEquals(textsOf(await linesOf(path)), ["their new file", "ours"]);
});
