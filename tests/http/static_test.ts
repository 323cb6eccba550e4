import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import * as http from "../../http/mod.ts";
import { type IoError, on_error } from "../../thread/mod.ts";
import { type Answer, ask, serve, unchunked } from "./raw.ts";

const LONG = Array.from({ length: 30_000 }, (_, n) => `line ${n}\n`).join("");

/** The moment of the last change of the files; before and after it. */
const CHANGED = new Date("2026-03-01T12:00:00Z");
const BEFORE = new Date(CHANGED.getTime() - 1_000).toUTCString();
const AFTER = new Date(CHANGED.getTime() + 1_000).toUTCString();

/** A folder to serve, beside one that nobody may see. */
async function withSite(
  options: http.StaticOptions,
  body: (get: (line: string, headers?: string[]) => Promise<Answer>, base: string) => unknown,
): Promise<void> {
  const base = await Deno.makeTempDir();
  try {
    const files: Record<string, string> = {
      "secret.txt": "secret",
      "site/index.html": "<p>home",
      "site/hello.txt": "hello, world",
      "site/empty.css": "",
      "site/long.txt": LONG,
      "site/no type": "?",
      "site/ü 100%.txt": "odd name",
      "site/.env": "secret",
      "site/.well-known/x.json": "{}",
      "site/sub/index.html": "<p>sub",
      "site/bare/page.html": "<p>page",
      "site/.hidden/x.txt": "secret",
      "site-two/x.txt": "secret",
    };
    for (const [name, text] of Object.entries(files)) {
      const path = `${base}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, text);
      await Deno.utime(path, CHANGED, CHANGED);
    }
    if (Deno.build.os !== "windows") {
      await Deno.symlink("../secret.txt", `${base}/site/out.txt`);
      await Deno.symlink("..", `${base}/site/up`);
      await Deno.symlink("/etc", `${base}/site/etc`);
      await Deno.symlink("hello.txt", `${base}/site/in.txt`);
      await Deno.symlink("round.txt", `${base}/site/round.txt`);
      await Deno.symlink("../site-two", `${base}/site/two`);
    }
    await using server = await serve(http.static(`${base}/site`, options));
    await body((line, headers) => ask(server.port, line, headers), base);
  } finally {
    await Deno.remove(base, { recursive: true });
  }
}

Deno.test("static() gives files with type, length, tag and date", async () => {
  await withSite({}, async (get) => {
    const { status, headers, body } = await get("GET /hello.txt?x=/../y");
    assertEquals([status, body], [200, "hello, world"]);
    assertEquals(headers.get("content-type"), "text/plain; charset=utf-8");
    assertEquals(headers.get("content-length"), "12");
    assertEquals(headers.get("last-modified"), CHANGED.toUTCString());
    assertEquals(headers.get("accept-ranges"), "bytes");
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertMatch(headers.get("etag")!, /^"[0-9a-f]+-c"$/);
    const long = await get("GET /long.txt");
    assertEquals([long.body === LONG, long.headers.get("content-length")], [
      true,
      `${LONG.length}`,
    ]);
    const empty = await get("GET /empty.css");
    assertEquals([empty.status, empty.body], [200, ""]);
    assertEquals(empty.headers.get("content-type"), "text/css; charset=utf-8");
    const odd = await get("GET /%C3%BC%20100%25.txt");
    assertEquals([odd.status, odd.body], [200, "odd name"]);
    const none = await get("GET /no%20type");
    assertEquals(none.headers.get("content-type"), "application/octet-stream");
    assertEquals((await get("GET /.well-known/x.json")).body, "{}");
  });
});

Deno.test("static() answers HEAD as GET, without the body", async () => {
  await withSite({}, async (get) => {
    for (const path of ["/hello.txt", "/long.txt", "/empty.css"]) {
      const whole = await get(`GET ${path}`);
      const head = await get(`HEAD ${path}`, ["Range: bytes=0-1"]);
      whole.headers.delete("date");
      head.headers.delete("date");
      assertEquals([head.status, head.body, head.headers], [200, "", whole.headers]);
    }
  });
});

Deno.test("static() gives a folder's index, and leads to it with a slash", async () => {
  await withSite({}, async (get) => {
    assertEquals((await get("GET /")).body, "<p>home");
    assertEquals((await get("GET /sub/")).body, "<p>sub");
    const moved = await get("GET /sub?a=b");
    assertEquals([moved.status, moved.headers.get("location")], [301, "/sub/?a=b"]);
    assertEquals((await get("GET /bare/")).status, 404);
    assertEquals((await get("GET /hello.txt/")).status, 404);
  });
  await withSite({ index: "page.html" }, async (get) => {
    assertEquals((await get("GET /bare/")).body, "<p>page");
  });
  await withSite({ index: null }, async (get) => {
    assertEquals([(await get("GET /")).status, (await get("GET /sub")).status], [404, 404]);
  });
});

/** Paths that lead out of the root, or are none; nothing of them may be a file's bytes. */
const bad: [path: string, status: number][] = [
  ["/../secret.txt", 404],
  ["/sub/../../secret.txt", 404],
  ["/sub/../hello.txt", 404],
  ["/./hello.txt", 404],
  ["/%2e%2e/secret.txt", 404],
  ["/%2E%2e/secret.txt", 404],
  ["/.%2e/secret.txt", 404],
  ["/..%2fsecret.txt", 404],
  ["/%2e%2e%2fsecret.txt", 404],
  ["/sub%2f..%2f..%2fsecret.txt", 404],
  ["/sub%2findex.html", 404],
  ["/..%5csecret.txt", 404],
  ["/..\\secret.txt", 404],
  ["/sub\\index.html", 404],
  ["/%252e%252e/secret.txt", 404],
  ["/..;/secret.txt", 404],
  ["/..%00/secret.txt", 400],
  ["/hello.txt%00.html", 400],
  ["/%c0%ae%c0%ae/secret.txt", 400],
  ["/%ff", 400],
  ["/%", 400],
  ["/%zz", 400],
  ["//etc/passwd", 404],
  ["//hello.txt", 404],
  ["/sub//index.html", 404],
  ["/etc/passwd", 404],
  ["/etc/", 404],
  ["/up/secret.txt", 404],
  ["/up", 404],
  ["/two/x.txt", 404],
  ["/out.txt", 404],
  ["/.env", 404],
  ["/.hidden/x.txt", 404],
  ["/nothing", 404],
  [`/${"a".repeat(300)}`, 404],
  [`/${"a/".repeat(3_000)}`, 404],
];

Deno.test({
  name: "static() refuses every path that leads elsewhere",
  ignore: Deno.build.os === "windows",
  async fn(t) {
    await withSite({}, async (get) => {
      for (const [path, status] of bad) {
        await t.step(path.slice(0, 40), async () => {
          const answer = await get(`GET ${path}`);
          assertEquals([answer.status, /secret|root:/.test(answer.body)], [status, false]);
        });
      }
      // The request line's other form, and links that stay within.
      assertEquals((await get("GET http://other/../secret.txt")).status, 404);
      assertEquals((await get("GET /in.txt")).body, "hello, world");
      assertEquals((await get("GET /up/site/in.txt")).body, "hello, world");
    });
  },
});

Deno.test({
  name: "static() serves no FIFO, and no link that leads round",
  ignore: Deno.build.os === "windows",
  async fn() {
    const reports: unknown[] = [];
    await withSite({}, async (get, base) => {
      const { success } = await new Deno.Command("mkfifo", { args: [`${base}/site/fifo`] })
        .output();
      assertEquals(success, true);
      assertEquals((await get("GET /fifo")).status, 404);
      const off = on_error((error) => reports.push(error));
      assertEquals((await get("GET /round.txt")).status, 404);
      off();
    });
    assertEquals(reports, []);
  },
});

Deno.test("static({ dotfiles, prefix, cache_control, types }) does as it says", async () => {
  const options = {
    dotfiles: true,
    prefix: "/assets/",
    cache_control: "max-age=60",
    types: { txt: "text/x-mine" },
  };
  await withSite(options, async (get) => {
    assertEquals((await get("GET /assets/.env")).body, "secret");
    assertEquals((await get("GET /hello.txt")).status, 404);
    assertEquals((await get("GET /assetshello.txt")).status, 404);
    assertEquals((await get("GET /assets/../hello.txt")).status, 404);
    assertEquals((await get("GET /assets/sub/../hello.txt")).status, 404);
    assertEquals((await get("GET /assets/./hello.txt")).status, 404);
    const { headers } = await get("GET /assets/hello.txt");
    assertEquals(headers.get("cache-control"), "max-age=60");
    assertEquals(headers.get("content-type"), "text/x-mine");
    assertEquals((await get("GET /assets/sub")).headers.get("location"), "/assets/sub/");
    assertEquals((await get("GET /assets")).headers.get("location"), "/assets/");
  });
});

for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
  Deno.test(`static() answers ${method} with 405 and says what it takes`, async () => {
    await withSite({}, async (get) => {
      const { status, headers } = await get(`${method} /hello.txt`, ["Content-Length: 0"]);
      assertEquals([status, headers.get("allow")], [405, "GET, HEAD"]);
    });
  });
}

/** Of `hello, world`. */
const ranges: [range: string, status: number, body: string, content: string | undefined][] = [
  ["bytes=0-4", 206, "hello", "bytes 0-4/12"],
  ["bytes=7-", 206, "world", "bytes 7-11/12"],
  ["bytes=-5", 206, "world", "bytes 7-11/12"],
  ["bytes=-50", 206, "hello, world", "bytes 0-11/12"],
  ["bytes=7-100", 206, "world", "bytes 7-11/12"],
  ["bytes=11-11", 206, "d", "bytes 11-11/12"],
  ["Bytes = 0 - 0", 206, "h", "bytes 0-0/12"],
  ["bytes=12-", 416, "Range Not Satisfiable\n", "bytes */12"],
  ["bytes=-0", 416, "Range Not Satisfiable\n", "bytes */12"],
  ["bytes=99999999999999999999-", 416, "Range Not Satisfiable\n", "bytes */12"],
  // What is no range, or several, is ignored.
  ["bytes=4-2", 200, "hello, world", undefined],
  ["bytes=-", 200, "hello, world", undefined],
  ["bytes=a-b", 200, "hello, world", undefined],
  ["bytes=0-1,3-4", 200, "hello, world", undefined],
  ["lines=0-1", 200, "hello, world", undefined],
];

Deno.test("static() gives the part of a file that is asked for", async (t) => {
  await withSite({}, async (get) => {
    for (const [range, status, body, content] of ranges) {
      await t.step(range, async () => {
        const answer = await get("GET /hello.txt", [`Range: ${range}`]);
        assertEquals([answer.status, answer.body], [status, body]);
        assertEquals(answer.headers.get("content-range"), content);
      });
    }
    const middle = await get("GET /long.txt", ["Range: bytes=1000-200999"]);
    assertEquals([middle.status, middle.body === LONG.slice(1_000, 201_000)], [206, true]);
    assertEquals(middle.headers.get("content-length"), "200000");
    assertEquals((await get("GET /empty.css", ["Range: bytes=0-"])).status, 416);
  });
});

Deno.test("static() holds to the conditions of a request, in their order", async (t) => {
  await withSite({}, async (get) => {
    const etag = (await get("GET /hello.txt")).headers.get("etag")!;
    const rows: [fields: string[], status: number][] = [
      [[`If-None-Match: ${etag}`], 304],
      [[`If-None-Match: W/${etag}`], 304],
      [[`If-None-Match: "x", ${etag}`], 304],
      [["If-None-Match: *"], 304],
      [['If-None-Match: "x"'], 200],
      [[`If-Modified-Since: ${CHANGED.toUTCString()}`], 304],
      [[`If-Modified-Since: ${AFTER}`], 304],
      [[`If-Modified-Since: ${BEFORE}`], 200],
      [["If-Modified-Since: no date"], 200],
      // The tag decides where both are there.
      [['If-None-Match: "x"', `If-Modified-Since: ${AFTER}`], 200],
      [[`If-Match: ${etag}`], 200],
      [["If-Match: *"], 200],
      [['If-Match: "x"'], 412],
      [[`If-Match: W/${etag}`], 412],
      [[`If-Unmodified-Since: ${BEFORE}`], 412],
      [[`If-Unmodified-Since: ${AFTER}`], 200],
      [[`If-Match: ${etag}`, `If-Unmodified-Since: ${BEFORE}`], 200],
      [["Range: bytes=0-0", `If-Range: ${etag}`], 206],
      [["Range: bytes=0-0", 'If-Range: "x"'], 200],
      [["Range: bytes=0-0", `If-Range: W/${etag}`], 200],
      [["Range: bytes=0-0", `If-Range: ${CHANGED.toUTCString()}`], 206],
      [["Range: bytes=0-0", `If-Range: ${AFTER}`], 200],
      [["Range: bytes=99-", `If-None-Match: ${etag}`], 304],
    ];
    for (const [fields, status] of rows) {
      await t.step(`${fields.join(", ").replaceAll(etag, "its tag")}: ${status}`, async () => {
        const answer = await get("GET /hello.txt", fields);
        assertEquals(answer.status, status);
        if (status !== 304) return;
        assertEquals([answer.body, answer.headers.get("etag")], ["", etag]);
        assertEquals(answer.headers.has("content-type"), false);
      });
    }
  });
});

Deno.test("HttpResponse.sendfile() sends a path, a part of it, or an open file", async () => {
  const path = await Deno.makeTempFile({ suffix: ".css" });
  try {
    await Deno.writeTextFile(path, LONG);
    const results: unknown[] = [];
    await using server = await serve(async (req, res) => {
      if (req.path === "/whole") results.push(await res.sendfile(path));
      if (req.path === "/part") results.push(await res.sendfile(path, 10, 20));
      if (req.path === "/after") {
        res.add("before ");
        results.push(await res.sendfile(path, 0, 4));
        res.add(" after");
      }
      if (req.path === "/none") results.push((await res.sendfile(`${path}.none`))[1]?.code);
      if (req.path === "/own") {
        const [, err] = await res.sendfile(`${path}.none`);
        res.add(`own words: ${err?.code}`);
      }
      if (req.path === "/short") results.push((await res.sendfile(path, 0, 1_000_000))[1]?.code);
    });
    const whole = await ask(server.port, "GET /whole");
    assertEquals([whole.body === LONG, whole.headers.get("content-length")], [
      true,
      `${LONG.length}`,
    ]);
    assertEquals(whole.headers.get("content-type"), "text/css; charset=utf-8");
    assertEquals((await ask(server.port, "GET /part")).body, LONG.slice(10, 30));
    const after = (await ask(server.port, "GET /after")).body;
    assertEquals(unchunked(after), "before line after");
    assertEquals((await ask(server.port, "GET /none")).status, 404);
    assertEquals((await ask(server.port, "GET /own")).body, "own words: not_found");
    const short = await ask(server.port, "GET /short");
    // Its length was promised: the end comes too early for anybody to take it for the whole.
    assertEquals(short.headers.get("content-length"), "1000000");
    assertEquals(short.body.length < 1_000_000, true);
    const counts = [LONG.length, 20, 4].map((count) => [count, null]);
    assertEquals(results, [...counts, "not_found", "eof"]);
  } finally {
    await Deno.remove(path);
  }
});

/** What the system says when a file that was found is opened, or read, and what becomes of it. */
const FAILING: [what: string, error: () => Error, status: number, reported: string[]][] = [
  ["opening: it is not ours", () => new Deno.errors.PermissionDenied("os error 13"), 403, []],
  ["opening: it was removed", () => new Deno.errors.NotFound("os error 2"), 404, []],
  ["reading: a bad disk", () => Object.assign(new Error("os error 5"), { code: "EIO" }), 500, [
    "io",
  ]],
];

for (const [what, error, status, codes] of FAILING) {
  Deno.test(`static() answers ${status} where a file fails in ${what}`, async () => {
    const reported: unknown[] = [];
    const off = on_error((error) => reported.push((error as IoError).code));
    const { open } = Deno;
    const read = Deno.FsFile.prototype.read;
    const fail = () => Promise.reject(error());
    try {
      await withSite({}, async (get) => {
        if (what.startsWith("opening")) Deno.open = fail;
        else Deno.FsFile.prototype.read = fail;
        const answer = await get("GET /hello.txt");
        assertEquals([answer.status, answer.body.includes("hello")], [status, false]);
      });
    } finally {
      Deno.open = open;
      Deno.FsFile.prototype.read = read;
      off();
    }
    assertEquals(reported, codes);
  });
}

Deno.test("static() throws TypeError for a root or a prefix that is none", () => {
  assertThrows(() => http.static(""), TypeError, 'got ""');
  assertThrows(() => http.static(5 as unknown as string), TypeError, "got number");
  assertThrows(() => http.static("a", { prefix: "b" }), TypeError, "must begin with a slash");
});
