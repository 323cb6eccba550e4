/** What programs write in options, what files of the system are called, and what travels. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { copy, NOT_QUICK, quickCopy } from "../../context/_copy.ts";
import { type Batch, unpack } from "../../context/_packet.ts";
import { addressOf, partsOfAddress } from "../../context/_share_words.ts";
import { statIn } from "../../core/group.ts";
import { fromOs } from "../../core/mod.ts";
import { accessOf, type OpenMode } from "../../eio/_mode.ts";
import { permOf } from "../../eio/_perm.ts";
import { jsonLine, textLine } from "../../log/_line.ts";
import { oldPath, periodStart, removeOld } from "../../log/_rotate.ts";
import { specOf } from "../../log/_spec.ts";
import { programOf } from "../../process/_spawn.ts";
import { type Target, target, texts } from "./target.ts";

/** What it gives, or `null` where it throws what misuse throws; all else is a failure. */
function unlessMisused<T>(fn: () => T): T | null {
  try {
    return fn();
  } catch (error) {
    assert(error instanceof TypeError || error instanceof RangeError, String(error));
    return null;
  }
}

/** Every mode of a file, without C's `b`. */
const MODES = ["r", "r+", "w", "w+", "a", "a+", "x", "x+", "wx", "wx+", "w+x", "ax", "ax+", "a+x"]
  .concat("xw", "xw+", "xa", "xa+");

const LOOKALIKES = [600, 640, 644, 660, 664, 666, 700, 711, 744, 750, 755, 770, 775, 777];

const LEVELS = ["DEBUG", "INFO", "NOTICE", "WARN", "ALERT", "ERR", "NO"];

/** A moment since 1970, in milliseconds: before it clocks went by the sun in places. */
const moments = fc.integer({ min: 0, max: 6_000_000_000_000 });

/** Names in a folder of logs; most of them old files of `app.log`. */
const oldNames = fc.uniqueArray(
  fc.oneof(
    fc.tuple(fc.constantFrom("2026-11-21-00", "2026-11-21-09", "1999-01-01-23"), fc.nat(12))
      .map(([stamp, n]) => `app.log-${stamp}${n === 0 ? "" : `.${n}`}`),
    fc.constantFrom("app.log", "app.log-", "app.log-2026-11-21-00.gz", "app.log-2026-11-21", "b"),
    texts("app.log-2026", 4).map((text) => text.replace(/[/\0]/g, "")).filter((text) =>
      text !== ""
    ),
  ),
  { maxLength: 10 },
);

/** Runs `fn` with a folder that holds these files alone; gives those that it removed. */
function inFolderOf(names: string[], fn: () => void): string[] {
  const { readDirSync, removeSync } = Deno;
  const removed: string[] = [];
  Deno.readDirSync = () =>
    names.map((name) => ({ name, isFile: true, isDirectory: false, isSymlink: false })).values();
  Deno.removeSync = (path) => void removed.push(String(path).replace(/^.*\//, ""));
  try {
    fn();
  } finally {
    Object.assign(Deno, { readDirSync, removeSync });
  }
  return removed;
}

/** A message between contexts, as the batch has it: mail, or a packet of another kind. */
const mails = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.nat(4),
      to: fc.nat(9),
      from: fc.nat(9),
      via: fc.nat(9),
      session: fc.nat(99),
      value: fc.jsonValue({ maxDepth: 2 }),
      moved: fc.nat(2),
    }),
    fc.record({ k: fc.constantFrom("ping", "pong", "leave") }),
  ),
  { maxLength: 8 },
);

export const NAME_TARGETS: Target[] = [
  target(
    "how a file is opened",
    fc.oneof(
      fc.tuple(fc.constantFrom(...MODES), fc.nat(3)).map(([mode, at]) =>
        `${mode.slice(0, at)}b${mode.slice(at)}`
      ),
      fc.array(fc.constantFrom(..."rwax+b "), { maxLength: 5 }).map((parts) => parts.join("")),
    ),
    (mode) => {
      const access = unlessMisused(() => accessOf(mode as OpenMode));
      const plain = mode.replace("b", "");
      assertEquals(access !== null, MODES.includes(plain), mode);
      if (access === null) return;
      const { read, write, append, truncate, create, fresh } = access;
      assertEquals(read, /[r+]/.test(mode), "read");
      assertEquals(write, /[wax+]/.test(mode), "write");
      assertEquals([append, fresh, create], [/a/, /x/, /[wax]/].map((one) => one.test(mode)));
      // Only a plain `w` may empty a file that is there.
      assertEquals(truncate, /^w\+?$/.test(plain), "truncate");
    },
  ),
  target(
    "the rights of a file",
    fc.oneof(
      fc.integer({ min: -1, max: 0o10010 }),
      fc.constantFrom(...LOOKALIKES, 0.5, 420.5),
      fc.tuple(fc.integer({ min: 0, max: 0o10010 }), fc.nat(6))
        .map(([n, digits]) => n.toString(8).padStart(digits, "0")),
      texts("01234567890o ", 4),
    ),
    (perm) => {
      const got = unlessMisused(() => permOf(perm, "mode"));
      const digits = typeof perm === "number" ? "" : perm;
      const right = typeof perm === "number"
        ? Number.isInteger(perm) && perm >= 0 && perm <= 0o7777 && !LOOKALIKES.includes(perm)
        : /^0*[0-7]{1,4}$/.test(digits) && digits.length <= 5;
      const meant = typeof perm === "number" ? perm : parseInt(digits, 8);
      assertEquals(got, right && meant <= 0o7777 ? meant : null, JSON.stringify(perm));
    },
  ),
  target(
    "a log's path, level and rotation",
    fc.tuple(
      fc.constantFrom("app.log", " app.log ", "/a b/c", ""),
      fc.oneof(
        fc.constantFrom(...LEVELS, "info", "Err", "1", "7", "8", "0", "", "toString"),
        texts("INFO17", 2),
      ),
      fc.oneof(
        fc.tuple(fc.constantFrom("h", "d", "w", "m"), fc.constantFrom("", "0", "7", "30"))
          .map((parts) => parts.join("")),
        fc.tuple(fc.nat(20), fc.constantFrom("K", "M", "G", ""), fc.constantFrom("", "x5", "x"))
          .map((parts) => parts.join("")),
        texts("dhwmKMGx0123", 3),
      ),
      fc.boolean(),
    ),
    ([path, level, rotate, both]) => {
      const text = both ? `${path},${level},${rotate}` : `${path},${rotate}`;
      const spec = unlessMisused(() => specOf("open_log", text));
      const word = both ? level.trim() : "";
      const turn = rotate.trim();
      const time = /^([hdwm])(\d*)$/.exec(turn);
      const size = /^(\d+)([KMG])(?:x(\d+))?$/.exec(turn);
      const levels = LEVELS.indexOf(word.toUpperCase()) + 1 || (/^\d+$/.test(word) ? +word : 0);
      const wrong = path.trim() === "" || text.split(",").length !== (both ? 3 : 2) ||
        (word !== "" && !(levels >= 1 && levels <= 7)) ||
        (turn !== "" && time === null && !(Number(size?.[1] ?? 0) > 0));
      // Where it stands alone, what can be a level is one.
      if (!both && rotate.includes(",")) return;
      if (!both && (LEVELS.includes(turn.toUpperCase()) || /^\d+$/.test(turn))) return;
      assertEquals(spec === null, wrong, text);
      if (spec === null) return;
      assertEquals([spec.path, spec.level, spec.format], [path.trim(), levels || 3, "text"]);
      if (turn === "") return assertEquals(spec.rotation, null);
      const keep = time?.[2] || size?.[3];
      const unit = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[size?.[2] as "K"];
      assertEquals(spec.rotation, {
        period: (time?.[1] ?? null) as "h" | null,
        size: size === null ? Infinity : Number(size[1]) * unit,
        keep: keep === undefined ? Infinity : Number(keep),
      });
    },
  ),
  target(
    "names of rotated logs",
    fc.tuple(oldNames, fc.nat(6)),
    ([names, keep]) => {
      const own = names.filter((name) => /^app\.log-\d{4}-\d\d-\d\d-\d\d(\.\d+)?$/.test(name));
      let next = "";
      const time = new Date(2026, 10, 21, 9, 30).getTime();
      inFolderOf(names, () => next = oldPath("logs/app.log", time));
      const name = next.replace(/^.*\//, "");
      assert(/^app\.log-2026-11-21-09(\.\d+)?$/.test(name), name);
      assert(!names.includes(name), `${name} is there already`);
      // The newest: by the stamp, then by the number behind it.
      const order = (one: string) =>
        one.replace(/(\.\d+)?$/, (dot) => dot.slice(1).padStart(4, "0"));
      const newest = own.toSorted((a, b) => order(a) < order(b) ? 1 : -1);
      for (const one of own) if (one.includes("-09")) assert(order(one) < order(name), one);
      const removed = inFolderOf(names, () => removeOld("logs/app.log", keep));
      assertEquals(removed.toSorted(), newest.slice(keep).toSorted());
    },
  ),
  target("the time of a log line", moments, (time) => {
    const entry = { time, level: 3 as const, body: '"msg":"x"', site: null };
    const [, day, rest] = /^(\w{3}), (\d\d \w{3} \d{4} \d\d:\d\d:\d\d) \[/.exec(textLine(entry))!;
    const back = new Date(rest!);
    // An hour that comes twice, when summer ends, is written alike both times.
    const apart = Math.abs(back.getTime() - Math.floor(time / 1_000) * 1_000);
    assert(apart <= 3_600_000, `${apart} ms apart`);
    if (new Date(time).getTimezoneOffset() === back.getTimezoneOffset()) assertEquals(apart, 0);
    assertEquals(day, ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][back.getDay()]);
    assertEquals(Date.parse(JSON.parse(jsonLine(entry)).time), time);
  }),
  target(
    "when a log's period began",
    fc.tuple(fc.constantFrom<"h" | "d" | "w" | "m">("h", "d", "w", "m"), moments),
    ([period, time]) => {
      const start = periodStart(period, time);
      const hours = { h: 2, d: 25, w: 7 * 24 + 1, m: 31 * 24 + 1 }[period];
      assert(start <= time && time - start < hours * 3_600_000, `${start} for ${time}`);
      const date = new Date(start);
      // Clocks were set, in between or just then, at midnight and by half an hour in places.
      const offsets = [start - 3_600_000, start, start + 3_600_000, time]
        .map((moment) => new Date(moment).getTimezoneOffset());
      if (new Set(offsets).size > 1) return;
      assertEquals(periodStart(period, start), start);
      assertEquals([date.getMinutes(), date.getSeconds(), date.getMilliseconds()], [0, 0, 0]);
      if (period !== "h") assertEquals(date.getHours(), 0);
      if (period === "w") assertEquals(date.getDay(), 1);
      if (period === "m") assertEquals(date.getDate(), 1);
    },
  ),
  target(
    "what a shell's text is called",
    fc.tuple(
      fc.constantFrom("", " ", "A=", "PASSWORD=", "/usr/bin/", "x".repeat(80)),
      texts(" \t\n;|&<>()`$'\"\\=ab", 10),
    ).map((parts) => parts.join("")),
    (text) => {
      const program = unlessMisused(() => programOf(text, "popen"));
      if (program === null) return assert(text === "" || text.includes("\0"), text);
      const { name } = program;
      assert(name.length <= 64 && !/[\r\n\t]/.test(name), name);
      const shown = name.replace(/(\.\.\.)?( ?\.\.\.)?$/, "");
      // A beginning, and nothing of what follows the program, or the variable's name.
      assert(text.trim().replace(/\s+/g, " ").startsWith(shown), `${name} of ${text}`);
      assert(!/[\s;|&<>()`$'"\\]/.test(shown), name);
      if (/^\w+=/.test(text.trim())) assert(shown.endsWith("=") || name.length > 50, name);
    },
  ),
  target(
    "a process in /proc",
    fc.record({
      pid: fc.nat(4_000_000),
      name: texts(") (\nZ 1", 8),
      state: fc.constantFrom(..."RSDZTtXI"),
      parent: fc.nat(4_000_000),
      group: fc.nat(4_000_000),
      rest: fc.array(fc.nat(), { maxLength: 5 }),
    }),
    ({ pid, name, state, parent, group, rest }) => {
      const text = `${pid} (${name}) ${[state, parent, group, ...rest].join(" ")}\n`;
      assertEquals(statIn(text), { state, group });
    },
  ),
  target("anything for a process in /proc", texts(") (Z 12\n", 20), (text) => {
    const { state, group } = statIn(text);
    assert(typeof state === "string" && typeof group === "number");
  }),
  target(
    "the address of a shared stream",
    fc.tuple(fc.nat(), fc.nat(), fc.stringMatching(/^[0-9a-f]{32}$/), texts("shared:0a", 8)),
    ([owner, line, token, junk]) => {
      const parts = { owner, line, token };
      assertEquals(partsOfAddress(addressOf(parts), "open"), parts);
      const got = unlessMisused(() => partsOfAddress(addressOf(parts) + junk, "open"));
      assertEquals(got, junk === "" ? parts : null);
      assertEquals(unlessMisused(() => partsOfAddress(junk, "open")), null);
    },
  ),
  target("mail in a batch", mails, (list) => {
    const batch: Batch = [];
    const wanted: unknown[] = [];
    for (const one of list) {
      if ("k" in one) {
        batch.push(one);
        wanted.push(one);
        continue;
      }
      const { moved, ...mail } = one;
      const along = Array.from({ length: moved }, () => new ArrayBuffer(1));
      if (moved > 0) batch.push({ k: "moving", moved: along });
      batch.push(mail.kind, mail.to, mail.from, mail.via, mail.session, mail.value);
      wanted.push([mail, along]);
    }
    const got: unknown[] = [];
    unpack(batch, (packet) => got.push(packet), (mail, moved) => got.push([mail, moved]));
    assertEquals(got, wanted);
  }),
  target(
    "a message that is copied",
    fc.tuple(
      fc.jsonValue({ maxDepth: 4 }),
      fc.constantFrom("plain", "twice", "round", "bytes", "holes", "function", "map"),
    ),
    ([json, shape]) => {
      const round: Record<string, unknown> = { json };
      if (shape === "round") round.self = round;
      const value: unknown = {
        plain: json,
        twice: [json, json],
        round,
        bytes: { json, bytes: new Uint8Array([1, 2, 3]).subarray(1) },
        holes: [, json],
        function: { json, fn: () => {} },
        map: { json, map: new Map([[1, json]]) },
      }[shape];
      if (shape === "function") return assertEquals(unlessMisused(() => copy(value)), null);
      const [copied] = copy(value);
      assertEquals(copied, structuredClone(value));
      const shared = (one: unknown, other: unknown): boolean =>
        typeof one === "object" && one !== null && one === other;
      assert(!shared(value, copied), "it is the thing itself");
      if (shape === "twice") {
        const [first, second] = copied as unknown[];
        assertStrictEquals(shared(first, second), shared(json, json));
        assert(!shared(first, json));
      }
      const quick = quickCopy(value);
      if (quick !== NOT_QUICK) assertEquals(quick, structuredClone(value));
    },
  ),
  target(
    "a permission that is missing",
    fc.oneof(
      fc.tuple(
        fc.constantFrom("read", "write", "net", "env", "run", "sys", "ffi", "import"),
        fc.option(fc.oneof(
          fc.constantFrom("/a b/c", "127.0.0.1:80", "[::1]:80", "a.test:443", "HOME", "/,"),
          texts("/a: ,.", 6).map((text) => text.replace(/["\n<]/g, "")),
        )),
      ),
      texts('Requires -allow"<>net', 12),
    ),
    (given) => {
      const words = typeof given === "string"
        ? given
        : `Requires ${given[0]} access${given[1] === null ? "" : ` to "${given[1]}"`}, run again ` +
          `with the --allow-${given[0]} flag`;
      const cause = new Error(words);
      cause.name = "NotCapable";
      const err = fromOs(cause, "Cannot do it");
      assertEquals([err.code, err.cause], ["no_permission", cause]);
      assert(err.message.startsWith("Cannot do it: it needs "), err.message);
      if (typeof given === "string") return;
      const [kind, to] = given;
      const flag = `--allow-${kind}${to === null ? "" : `=${to}`}`;
      assertEquals(err.message, `Cannot do it: it needs ${flag}`);
    },
  ),
];
