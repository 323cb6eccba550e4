import { setImmediate } from "node:timers";
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  ALERT,
  close_log,
  DEBUG,
  ERR,
  flush_log,
  INFO,
  IoError,
  LOG,
  log_stats,
  NOTICE,
  open_log,
  unwrap,
  WARN,
} from "../../log/mod.ts";
import { linesOf, run, tempFolder, textsOf } from "./children.ts";

/** What `write` logs, line by line. */
async function logged(write: () => unknown, rest = ",DEBUG"): Promise<string[]> {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  unwrap(open_log(path + rest));
  await write();
  unwrap(close_log());
  return await linesOf(path);
}

const texts = async (write: () => void) => textsOf(await logged(write));

Deno.test("LOG() writes local time, process, caller's file and line, level and text", async () => {
  const before = Math.floor(Date.now() / 1000) * 1000;
  const [line = ""] = await logged(() => LOG(INFO, "hello", 7));
  const parts = /^(\w{3}), (\d\d \w{3} \d{4} \d\d:\d\d:\d\d) \[(\d+)-(.+?):(\d+)\] (\w+) (.*)$/
    .exec(line);
  const [, day, date = "", pid, file, , level, text] = parts ?? [];
  // Without a zone, Date takes it for local time.
  const time = new Date(date);
  assertEquals(time.getTime() >= before && time.getTime() <= Date.now(), true, line);
  assertEquals(day, time.toString().slice(0, 3));
  assertEquals([pid, file, level, text], [String(Deno.pid), "line_test.ts", "INFO", "hello\t7"]);
});

/** The line of this file in which it is called, by another road than the log's. */
function here(): number {
  return Number(/line_test\.ts:(\d+)/.exec(new Error().stack!.split("\n")[2]!)![1]);
}

Deno.test("LOG() names the line of its call, also in async functions and callbacks", async () => {
  const wanted: number[] = [];
  const lines = await logged(() => {
    wanted.push(here()), LOG("plain");
    const later = async () => {
      wanted.push(here()), LOG("in an async function");
      await 0;
    };
    later();
    // deno-fmt-ignore -- both must stand in one line
    [1].forEach(() => { wanted.push(here()); LOG("in a callback"); });
  });
  assertEquals(lines.map((line) => Number(/line_test\.ts:(\d+)\]/.exec(line)![1])), wanted);
});

Deno.test("LOG() shows '?' where no code of the program called it", async () => {
  const [line = ""] = await logged(async () => {
    queueMicrotask(LOG);
    await null;
  });
  assertMatch(line, /\[\d+-\?\] WARN $/);
});

Deno.test("LOG() given as a callback of a promise names who awaits it", async () => {
  const [line = ""] = await logged(() => Promise.resolve("done").then(LOG));
  assertMatch(line, /\[\d+-line_test\.ts:\d+\] WARN done$/);
});

Deno.test("LOG() leaves Error as it was", async () => {
  const { stackTraceLimit } = Error;
  const { prepareStackTrace } = Error as { prepareStackTrace?: unknown };
  await logged(() => LOG(ERR, "now"));
  assertEquals(Error.stackTraceLimit, stackTraceLimit);
  assertEquals((Error as { prepareStackTrace?: unknown }).prepareStackTrace, prepareStackTrace);
});

Deno.test("LOG() writes each level by its name, and a line without one as WARN", async () => {
  const lines = await logged(() => {
    for (const level of [DEBUG, INFO, NOTICE, WARN, ALERT, ERR]) LOG(level, "x");
    LOG("x");
  });
  const names = lines.map((line) => /\] (\w+) x$/.exec(line)?.[1]);
  assertEquals(names, ["DEBUG", "INFO", "NOTICE", "WARN", "ALERT", "ERR", "WARN"]);
});

const ARGUMENTS: [title: string, args: unknown[], text: string][] = [
  [
    "joins by TAB, without one at the end",
    ["a", 1, true, null, undefined],
    "a\t1\ttrue\tnull\tundefined",
  ],
  ["takes a lone number for text", [3], "3"],
  ["takes a number that is no level for text", [9, "lives"], "9\tlives"],
  ["takes a fraction for text", [1.5, "s"], "1.5\ts"],
  ["joins a list by nothing, nested ones too", [["a", 1, ["b", [true]]]], "a1btrue"],
  ["joins a list behind a level", [ERR, ["a", "b"], "c"], "ab\tc"],
  ["shows a list that is not first", ["a", [1, 2]], "a\t[ 1, 2 ]"],
  ["shows objects in one line", ["a", { b: { c: 1n } }], "a\t{ b: { c: 1n } }"],
  [
    "shows an IoError by code and words",
    [new IoError("timeout", "Cannot wait")],
    "IoError timeout: Cannot wait",
  ],
  ["writes an empty line for nothing", [], ""],
  ["escapes line ends", ["a\nb\r\nc"], "a\\nb\\r\\nc"],
  [
    "escapes what commands a terminal",
    ["\x1b[2J\x07\x9b1m\x7f\0"],
    "\\x1b[2J\\x07\\x9b1m\\x7f\\x00",
  ],
  [
    "escapes Unicode's line ends and turns",
    ["\u2028\u2029\u202e\u2066"],
    "\\u2028\\u2029\\u202e\\u2066",
  ],
  ["keeps TABs and other scripts", ["a\tb", "größe 日本 🦕"], "a\tb\tgröße 日本 🦕"],
  ["escapes inside objects", [{ a: "x\ny" }], '{ a: "x\\ny" }'],
];

for (const [title, args, text] of ARGUMENTS) {
  Deno.test(`LOG() ${title}`, async () => {
    assertEquals(await texts(() => LOG(...args)), [text]);
  });
}

Deno.test("LOG() cannot be made to forge a line, by any of its arguments", async () => {
  const forged = "x\nSat, 21 Nov 2026 00:23:52 [1-root.ts:1] ERR all is lost";
  class Sly {
    [Symbol.for("Deno.customInspect")]() {
      return forged;
    }
  }
  const error = new Error(forged);
  const lines = await logged(() => {
    LOG(forged);
    LOG(INFO, [forged]);
    LOG("a", { [forged]: forged });
    LOG(new Sly());
    LOG("failed", error);
  });
  assertEquals(lines.length, 5);
  for (const line of lines) assertMatch(line, /^\w{3}, .* \[\d+-line_test\.ts:\d+\] (WARN|INFO) /);
});

Deno.test("LOG() survives values that throw when they are shown, and lists without end", async () => {
  const endless: unknown[] = ["a"];
  endless.push(endless);
  const shown = await texts(() => {
    LOG("x", {
      [Symbol.for("Deno.customInspect")]() {
        throw new RangeError("no");
      },
    });
    LOG(endless);
    LOG(Symbol("s"), 5n);
  });
  assertEquals(shown[0], "x\t(a value that cannot be shown: RangeError)");
  assertMatch(shown[1]!, /Circular/);
  assertEquals(shown[2], "Symbol(s)\t5");
});

Deno.test("LOG() cuts a text above 64 Ki characters, and says so", async () => {
  const [text = ""] = await texts(() => LOG("x".repeat(70_000)));
  assertEquals(text, `${"x".repeat(65_536)}... (4464 more characters)`);
});

for (
  const [level, through] of [
    ["DEBUG", 6],
    ["1", 6],
    ["NOTICE", 4],
    ["", 4],
    ["warn", 3],
    ["6", 1],
    ["ERR", 1],
    ["NO", 0],
    ["7", 0],
  ] as const
) {
  Deno.test(`open_log() with level '${level}' lets ${through} of the 6 levels through`, async () => {
    const lines = await logged(() => {
      for (const each of [DEBUG, INFO, NOTICE, WARN, ALERT, ERR]) LOG(each, "x");
    }, `,${level}`);
    assertEquals(lines.length, through);
  });
}

Deno.test("LOG() queues lines for the next turn, in order, and writes ERR at once", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  unwrap(open_log(path));
  LOG("first");
  LOG("second");
  assertEquals([log_stats().queued, Deno.statSync(path).size], [2, 0]);
  // Asked for after the log's own turn, so it comes after it.
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals([log_stats().queued, textsOf(await linesOf(path)).join()], [0, "first,second"]);
  LOG("third");
  LOG(ERR, "fourth");
  assertEquals(textsOf(Deno.readTextFileSync(path).trimEnd().split("\n")), [
    "first",
    "second",
    "third",
    "fourth",
  ]);
  unwrap(close_log());
});

Deno.test("LOG() writes in the call what goes beyond 1 MiB", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  unwrap(open_log(path));
  const text = "x".repeat(60_000);
  for (let i = 0; i < 17; i++) LOG(text);
  assertEquals(Deno.statSync(path).size, 0);
  LOG(text);
  assertEquals([log_stats().queued, log_stats().written], [0, 18]);
  unwrap(close_log());
});

Deno.test("flush_log() writes what waits", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  unwrap(open_log(path));
  LOG("waits");
  assertEquals(Deno.statSync(path).size, 0);
  unwrap(flush_log());
  assertEquals(textsOf(await linesOf(path)), ["waits"]);
  unwrap(close_log());
});

Deno.test("LOG() without open_log() writes from NOTICE on to stderr", async () => {
  const { stdout, stderr } = await run([], "default");
  assertEquals(stdout, "");
  assertMatch(stderr, /^\w{3}, [^\n]* \[\d+-child\.ts:\d+\] WARN a warning\n$/);
});

const WRONG: [given: unknown, type: typeof TypeError | typeof RangeError, words: string][] = [
  [
    undefined,
    TypeError,
    'open_log wants "path[,level][,rotate]" or an object with a path: got undefined',
  ],
  [7, TypeError, "got number"],
  [null, TypeError, "got null"],
  [{ level: 3 }, TypeError, "got object"],
  ["", RangeError, "open_log: the path is empty"],
  ["a.log,LOUD,d7", RangeError, "level must be 1 to 7"],
  ["a.log,8", RangeError, "got '8'"],
  ["a.log,0", RangeError, "got '0'"],
  ["a.log,INFO,y", RangeError, "rotation must be h, d, w, m or a size"],
  ["a.log,x5", RangeError, "got 'x5'"],
  ["a.log,INFO,0Kx3", RangeError, "a file of size 0 holds nothing"],
  ["a,b,c,d", RangeError, "a path with a comma in it goes into { path }"],
  [{ path: "a", format: "xml" }, RangeError, `format must be "text" or "json": got 'xml'`],
];

for (const [given, type, words] of WRONG) {
  Deno.test(`open_log() throws ${type.name} for ${JSON.stringify(given)}`, () => {
    assertThrows(() => open_log(given as string), type, words);
  });
}
