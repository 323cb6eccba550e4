import { assert, assertEquals, assertThrows } from "@std/assert";
import { fromOs, IoError, type ReadResult, type Result, unwrap } from "../../core/mod.ts";

Deno.test("IoError carries its code, its text and what else is known", () => {
  const err = new IoError("gone", "It has ended", { reason: "threw", cause: "why", sent: 3 });
  assertEquals(String(err), "IoError gone: It has ended");
  assertEquals([err.code, err.reason, err.cause, err.sent], ["gone", "threw", "why", 3]);
  assert(err instanceof Error);
  assertEquals("sent" in new IoError("eof", "x"), false);
});

Deno.test("unwrap() gives the value or throws the error, at once or later", async () => {
  const good: Result<number> = [1, null];
  const bad: Result<number> = [null, new IoError("timeout", "late")];
  const end: ReadResult<string> = [null, null];
  const value: number = unwrap(good as Result<number>);
  assertEquals(value, 1);
  assertEquals(unwrap(end as ReadResult<string>), null);
  assertEquals(await unwrap(Promise.resolve(good as Result<number>)), 1);
  assertThrows(() => unwrap(bad as Result<number>), IoError, "late");
  const later = unwrap(Promise.resolve(bad as Result<number>));
  assertEquals(await later.catch((error) => error.code), "timeout");
});

Deno.test("unwrap() says what it wants when it gets no result", () => {
  for (const [wrong, got] of [[undefined, "undefined"], [null, "null"], ["x", "string"]] as const) {
    assertThrows(() => unwrap(wrong as never), TypeError, `[value, err]: got ${got}`);
  }
});

const FLAGS: [message: string, flag: string][] = [
  [
    'Requires net access to "a.example:80", run again with the --allow-net flag',
    "--allow-net=a.example:80",
  ],
  [
    'Requires read access to "/etc/x y", run again with the --allow-read flag',
    "--allow-read=/etc/x y",
  ],
  ["Requires write access to <CWD>, run again with the --allow-write flag", "--allow-write"],
  ['Requires sys access to "loadavg", run again with the --allow-sys flag', "--allow-sys=loadavg"],
  ['Requires run access to "sh", run again with the --allow-run flag', "--allow-run=sh"],
  ['Requires env access to "HOME", run again with the --allow-env flag', "--allow-env=HOME"],
  ["Requires env access, run again with the --allow-env flag", "--allow-env"],
  ['Requires all access to "/proc/stat", run again with the --allow-all flag', "--allow-all"],
  ["Something else; give --allow-ffi", "--allow-ffi"],
];

for (const [message, flag] of FLAGS) {
  Deno.test(`fromOs() names ${flag}`, () => {
    const err = fromOs(new Deno.errors.NotCapable(message), "Cannot do it");
    assertEquals([err.code, err.message], ["no_permission", `Cannot do it: it needs ${flag}`]);
  });
}

const CODES: [error: Error, code: string][] = [
  [new Deno.errors.ConnectionRefused("x"), "refused"],
  [new Deno.errors.ConnectionReset("x"), "reset"],
  [new Deno.errors.ConnectionAborted("x"), "reset"],
  [new Deno.errors.BrokenPipe("x"), "reset"],
  [new Deno.errors.AddrInUse("x"), "in_use"],
  [new Deno.errors.NetworkUnreachable("x"), "unreachable"],
  [new Deno.errors.NotFound("x"), "not_found"],
  [new Deno.errors.AlreadyExists("x"), "exists"],
  [new Deno.errors.IsADirectory("x"), "is_dir"],
  [new Deno.errors.NotADirectory("x"), "not_dir"],
  [new Deno.errors.PermissionDenied("x"), "denied"],
  [new Deno.errors.TimedOut("x"), "timeout"],
  [new Deno.errors.UnexpectedEof("x"), "eof"],
  [new Deno.errors.BadResource("x"), "closed"],
  [new Deno.errors.NotSupported("x"), "unsupported"],
  [Object.assign(new Error("x"), { code: "ENOSPC" }), "no_space"],
  [Object.assign(new Error("x"), { code: "ENOTEMPTY" }), "not_empty"],
  [Object.assign(new Error("x"), { code: "EMFILE" }), "exhausted"],
  [Object.assign(new Error("x"), { code: "EMSGSIZE" }), "too_long"],
  [Object.assign(new Error("x"), { code: "ENOTFOUND" }), "dns"],
  [new Error("failed to lookup address information: unknown"), "dns"],
  [new Error("quite unknown"), "io"],
];

for (const [error, code] of CODES) {
  Deno.test(`fromOs() makes ${code} of ${error.name} ${"code" in error ? error.code : ""}`, () => {
    const err = fromOs(error, "Cannot do it");
    assertEquals(err.code, code);
    assertEquals(err.cause, error);
    assert(err.message.startsWith("Cannot do it: "));
  });
}

Deno.test("fromOs() keeps an IoError, names an unknown errno, and takes what is no Error", () => {
  const err = new IoError("eof", "x");
  assert(fromOs(err, "Cannot") === err);
  const io = fromOs(Object.assign(new Error("bad"), { code: "EIO" }), "Cannot");
  assertEquals([io.code, io.errno], ["io", "EIO"]);
  assertEquals(fromOs("words", "Cannot do it").message, "Cannot do it: words");
});
