/** What is read from files of the system, and what is written into logs. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { idOf } from "../../eio/_owner.ts";
import { fieldsAsJson, fieldsAsText, oneLine, textOf } from "../../log/_text.ts";
import { limitsFrom } from "../../system/_cgroup.ts";
import { type Target, target, texts } from "./target.ts";

// deno-lint-ignore no-control-regex -- what must not stand in a line
const UNSAFE = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

const SPECIAL = '\n\r\t\0\x1b\x7f\u2028\u202e"\\= {}:';

/** A number as these files have it, or something else. */
const numbers = fc.oneof(
  fc.nat().map(String),
  fc.constantFrom("max", "-1", "", "0", "9223372036854771712", "1e9", "0x10", "12 34"),
  texts("0123456789 max\n", 6),
);

const groupFiles = fc.record({
  cgroup: fc.array(
    fc.oneof(
      fc.constantFrom("0::/", "0::/a/b", "4:memory:/a", "3:cpu,cpuacct:/a/../..", "0::/../x"),
      texts(":/,0123 abcpumemory", 10),
    ),
    { maxLength: 4 },
  ),
  mounts: fc.array(
    fc.oneof(
      fc.constantFrom(
        "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
        "32 23 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
        "33 23 0:30 /a /cg\\040v1 rw shared:1 - cgroup cgroup rw,cpu,cpuacct",
      ),
      texts(" -/0123456789\\cgroup2", 12),
    ),
    { maxLength: 4 },
  ),
  /** What every file holds, by its name. */
  values: fc.dictionary(
    fc.constantFrom(
      "cpu.max",
      "memory.max",
      "memory.current",
      "memory.swap.max",
      "cpu.cfs_quota_us",
      "cpu.cfs_period_us",
      "memory.limit_in_bytes",
      "memory.usage_in_bytes",
      "memory.memsw.limit_in_bytes",
    ),
    fc.tuple(numbers, numbers).map(([a, b]) => `${a} ${b}`.trim() + "\n"),
  ),
});

const accounts = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom("root", "www", "a", ""), fc.nat(70_000)).map(([name, id]) =>
      `${name}:x:${id}:${id}::/:/bin/sh`
    ),
    texts(":x#\nroot01+-", 8),
  ),
  { maxLength: 8 },
).map((lines) => lines.join("\n"));

export const FILE_TARGETS: Target[] = [
  target("a log line of anything", fc.array(fc.anything(), { maxLength: 4 }), (args) => {
    const text = oneLine(textOf(args));
    assert(!UNSAFE.test(text), JSON.stringify(text));
  }),
  target("a log line of texts", fc.array(texts(SPECIAL), { maxLength: 3 }), (args) => {
    const text = oneLine(textOf(args));
    assert(!UNSAFE.test(text), JSON.stringify(text));
    if (!args.some((arg) => UNSAFE.test(arg))) assertEquals(text, args.join("\t"));
  }),
  target(
    "fields of a log line as JSON",
    fc.tuple(texts(SPECIAL), fc.dictionary(texts("abc=\n time", 6), fc.jsonValue())),
    ([message, fields]) => {
      const line = `{${fieldsAsJson(message, fields as Record<string, unknown>)}}`;
      assert(!UNSAFE.test(line), line);
      const back = JSON.parse(line);
      assertEquals(back.msg, message);
      for (const [name, value] of Object.entries(fields)) {
        const taken = ["time", "level", "pid", "at", "msg"].includes(name);
        const got = back[taken ? `field_${name}` : name];
        assertEquals(JSON.stringify(got), JSON.stringify(value), name);
      }
    },
  ),
  target(
    "fields of a log line as text",
    fc.dictionary(texts('abc=\n "', 6), fc.anything()),
    (fields) => {
      const text = oneLine(fieldsAsText(fields as Record<string, unknown>));
      assert(!UNSAFE.test(text), JSON.stringify(text));
    },
  ),
  target("cgroup files", groupFiles, ({ cgroup, mounts, values }) => {
    const limits = limitsFrom((path) => {
      if (path === "/proc/self/cgroup") return cgroup.join("\n");
      if (path === "/proc/self/mountinfo") return mounts.join("\n");
      const text = values[path.slice(path.lastIndexOf("/") + 1)];
      if (text === undefined) throw new Deno.errors.NotFound(path);
      return text;
    });
    for (const [name, value] of Object.entries(limits)) {
      assert(value === null || (Number.isFinite(value) && value >= 0), `${name} is ${value}`);
    }
  }),
  target(
    "passwd and group files",
    fc.tuple(accounts, fc.constantFrom("root", "www", "a", "x", "0", "nobody")),
    async ([text, name]) => {
      const read = Deno.readTextFile;
      Deno.readTextFile = () => Promise.resolve(text);
      try {
        const wanted = text.split("\n").map((line) => line.split(":"))
          .find((fields) => fields[0] === name && /^\d+$/.test(fields[2] ?? ""));
        const got = await idOf(name, "/etc/passwd").catch((error) => error.code);
        assertEquals(got, wanted === undefined ? "not_found" : Number(wanted[2]));
      } finally {
        Deno.readTextFile = read;
      }
    },
  ),
];
