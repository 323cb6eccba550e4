import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  ALERT,
  close_log,
  DEBUG,
  ERR,
  INFO,
  IoError,
  type Level,
  LOG,
  type Logger,
  logger,
  NOTICE,
  open_log,
  open_logger,
  unwrap,
  WARN,
} from "../../log/mod.ts";
import { linesOf, tempFolder, textsOf } from "./children.ts";

/** What `write` logs to a file of its own. */
async function logged(
  format: "text" | "json",
  write: (log: Logger) => void,
  fields = {},
): Promise<string[]> {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  const log = unwrap(open_logger({ path, level: DEBUG, format }, fields));
  write(log);
  unwrap(log.close());
  return await linesOf(path);
}

Deno.test("Logger writes each level by its method, with the caller's place", async () => {
  const lines = await logged("text", (log) => {
    log.debug("x");
    log.info("x");
    log.notice("x");
    log.warn("x");
    log.alert("x");
    log.err("x");
    log.log(INFO, "x");
  });
  const shown = lines.map((line) => /logger_test\.ts:\d+\] (\w+) x$/.exec(line)?.[1]);
  assertEquals(shown, ["DEBUG", "INFO", "NOTICE", "WARN", "ALERT", "ERR", "INFO"]);
  const places = lines.map((line) => Number(/:(\d+)\] /.exec(line)![1]));
  assertEquals(places, places.map((_, i) => places[0]! + i));
});

Deno.test("Logger writes fields behind the text, in quotes where needed", async () => {
  const [text] = textsOf(
    await logged(
      "text",
      (log) => log.with({ request: 4711 }).info("done", { path: "/a b", empty: "" }),
      {
        service: "api",
      },
    ),
  );
  assertEquals(text, 'done service=api request=4711 path="/a b" empty=""');
});

Deno.test("Logger writes one JSON object a line, with all of the text to be had back", async () => {
  const text = 'quote " back \\ line\nend \x1b[0m \u2028 \x9b \u202e';
  const lines = await logged("json", (log) => {
    log.warn(text, { user: 7, path: [1, { deep: true }], [text]: text });
  });
  assertEquals(lines.length, 1);
  // deno-lint-ignore no-control-regex -- they are what must not be there
  assertEquals(lines[0]!.search(/[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/), -1);
  const { time, level, pid, at, msg, ...rest } = JSON.parse(lines[0]!);
  assertEquals([level, pid, msg], ["WARN", Deno.pid, text]);
  assertMatch(at, /^logger_test\.ts:\d+$/);
  assertEquals(new Date(time).toISOString(), time);
  assertEquals(rest, { user: 7, path: [1, { deep: true }], [text]: text });
});

Deno.test("Logger keeps JSON valid for whatever value a field has", async () => {
  const circular: Record<string, unknown> = { a: 1 };
  circular.self = circular;
  const [line = ""] = await logged("json", (log) => {
    log.info("x", {
      big: 10n ** 30n,
      deep: { big: 1n },
      none: undefined,
      call: () => 1,
      err: new IoError("timeout", "Cannot wait"),
      fault: new TypeError("wrong"),
      circular,
      sly: {
        toJSON() {
          throw new Error("no");
        },
      },
      time: "taken",
      msg: "taken",
    });
  });
  const { big, deep, err, fault, circular: shown, sly, msg, field_time, field_msg, ...rest } = JSON
    .parse(
      line,
    );
  assertEquals(deep, { big: "1" });
  assertEquals([big, msg, field_time, field_msg], [`1${"0".repeat(30)}`, "x", "taken", "taken"]);
  assertEquals(err, { code: "timeout", message: "Cannot wait" });
  assertEquals([fault.name, fault.message], ["TypeError", "wrong"]);
  assertMatch(shown, /Circular/);
  assertEquals(typeof sly, "string");
  assertEquals("none" in rest || "call" in rest, false);
});

Deno.test("LOG() into a JSON log gives its text as msg", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  unwrap(open_log({ path, format: "json" }));
  LOG(NOTICE, "a", 1);
  logger({ service: "api" }).warn("b", { service: "other" });
  unwrap(close_log());
  const [first, second] = (await linesOf(path)).map((line) => JSON.parse(line));
  assertEquals([first.level, first.msg], ["NOTICE", "a\t1"]);
  assertEquals([second.msg, second.service], ["b", "other"]);
});

Deno.test("logger() follows the program's log to another file", async () => {
  await using folder = await tempFolder();
  const [first, second] = [`${folder.path}/1`, `${folder.path}/2`];
  const log = logger();
  unwrap(open_log(first));
  log.warn("one");
  unwrap(open_log(`${second},ERR`));
  log.warn("not let through");
  log.err("two");
  assertEquals([log.enabled(ALERT), log.enabled(ERR)], [false, true]);
  unwrap(log.close());
  log.err("still open");
  unwrap(close_log());
  assertEquals(textsOf(await linesOf(first)), ["one"]);
  assertEquals(textsOf(await linesOf(second)), ["two", "still open"]);
});

Deno.test("Logger closes its file when its scope ends", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/app.log`;
  {
    using log = unwrap(open_logger(path));
    log.warn("in");
  }
  assertEquals(textsOf(await linesOf(path)), ["in"]);
});

Deno.test("Logger.log() throws RangeError for a level that is none", () => {
  assertThrows(() => logger().log(7 as Level, "x"), RangeError, "level must be 1 to 6: got '7'");
  assertEquals(logger().enabled(WARN), true);
});

Deno.test("Logger refuses what has no names as fields, also of a level that is not written", () => {
  const log = logger();
  const err = new IoError("eof", "x");
  assertThrows(() => log.debug("x", "y" as never), TypeError, "{ err }: got string");
  assertThrows(() => log.debug("x", ["y"] as never), TypeError, "{ err }: got a list");
  assertThrows(() => log.debug("x", err as never), TypeError, "{ err }: got an error");
  assertThrows(() => log.with(err as never), TypeError, "{ err }: got an error");
  assertThrows(() => logger("y" as never), TypeError, "{ err }: got string");
});
