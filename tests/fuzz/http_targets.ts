/** What http and websocket read that comes from outside, and what they write that others read. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { join, normalize } from "node:path/posix";
import { multipartOf } from "../../http/_client_multipart.ts";
import { redirected } from "../../http/_client_redirect.ts";
import { conditionOf, rangeOf } from "../../http/_conditional.ts";
import { eventOf } from "../../http/_event.ts";
import { safePath } from "../../http/_safe_path.ts";
import { cookieOf, cookiesIn } from "../../http/cookie.ts";
import { ResponseHeaders } from "../../http/headers.ts";
import { checkClose, meaningOf } from "../../websocket/_codes.ts";
import { upgrade } from "../../websocket/upgrade.ts";
import { bytes, type Target, target, texts } from "./target.ts";

/** What it gives, or `null` where it throws what misuse throws; all else is a failure. */
function unlessMisused<T>(fn: () => T): T | null {
  try {
    return fn();
  } catch (error) {
    assert(error instanceof TypeError || error instanceof RangeError, String(error));
    return null;
  }
}

/** What a header may hold, of a text. */
const ascii = (text: string) => text.replace(/[^\x20-\x7e]/g, "").trim();

/** Texts that a header may hold. */
const values = (special: string) => texts(special).map(ascii);

/** The events in a text, read by the rules of the HTML standard, 9.2.6; its last id and wait. */
function readEvents(text: string) {
  const events: { name: string; data: string }[] = [];
  let [name, data, id, retry] = ["", "", "", ""];
  for (const line of text.split(/\r\n|\r|\n/).slice(0, -1)) {
    if (line === "") {
      if (data !== "") events.push({ name: name || "message", data: data.slice(0, -1) });
      [name, data] = ["", ""];
      continue;
    }
    const at = line.indexOf(":");
    const field = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "data") data += `${value}\n`;
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "retry" && /^\d+$/.test(value)) retry = value;
  }
  return { events, id, retry };
}

/** A whole number in a `Range`, larger ones than numbers can tell among them. */
const count = fc.oneof(fc.nat(120).map(String), fc.constantFrom("", "00", "9".repeat(20)));

const ranges = fc.oneof(
  fc.tuple(count, count).map(([from, to]) => `bytes=${from}-${to}`),
  values("bytes=0123456789-,; "),
);

const STATE = { etag: '"a-1"', modified: 1_000_000 };

/** A tag or a list of them, for `If-Match` and its kind. */
const tags = fc.oneof(fc.constantFrom("*", '"a-1"', 'W/"a-1"', '"b", "a-1"'), values('"a-1W/,* '));

/** Places that a `Location` may name. */
const places = fc.oneof(
  texts("/\\.:@?#%a[]\t"),
  fc.tuple(
    fc.constantFrom("http:", "https:", "HTTP:", "file:", "javascript:", ""),
    fc.constantFrom("//", "/\\", "///", "/", ""),
    fc.constantFrom("", "user@", "a.test@", "u:p@", "a.test:80@"),
    fc.constantFrom("a.test", "A.TEST", "a.test.", "b.test", "a.test:80", "a.test:8080", "[::1]"),
    texts("/?#.@:", 6),
  ).map((parts) => parts.join("")),
);

const PRIVATE = ["authorization", "cookie", "proxy-authorization"];

/** How the platform, and everybody's browser, writes a name between quotes. */
const quoted = (name: string) =>
  name.toWellFormed().replace(/\r/g, "%0D").replace(/\n/g, "%0A").replace(/"/g, "%22");

export const HTTP_TARGETS: Target[] = [
  target(
    "a cookie that is set",
    fc.record({
      name: texts("ab=;, \r\n", 4),
      value: texts('ab=;,"\\ \r\n%', 8),
      path: texts("/a;, \r\n", 6),
      domain: fc.constantFrom("a.test", "a;b", "a\r\nb", ""),
    }),
    ({ name, value, path, domain }) => {
      const line = unlessMisused(() => cookieOf(name, value, { path, domain, httponly: true }));
      if (line === null) return;
      assert(!/[\r\n\0]/.test(line), line);
      assertEquals(line.split("; "), [
        `${name}=${value}`,
        `Domain=${domain}`,
        `Path=${path}`,
        "HttpOnly",
      ]);
      new Headers([["set-cookie", line]]);
      assertEquals([...cookiesIn(`x0=1; ${name}=${value}; x1=2`)][1], [name, value]);
    },
  ),
  target("the cookies of a request", texts('ab=;, "\t\r\n', 30), (header) => {
    for (const [name, value] of cookiesIn(header)) {
      assert(name !== "" && name === name.trim() && !/[=;]/.test(name), name);
      assert(!value.includes(";"), value);
      const pairs = header.split(";").filter((one) => one.includes("="));
      const pair = pairs.find((one) => one.split("=")[0]!.trim() === name)!;
      assert(pair.slice(pair.indexOf("=") + 1).includes(value), pair);
    }
  }),
  target(
    "the range that is asked for",
    fc.tuple(ranges, fc.nat(100), fc.option(tags)),
    ([text, size, only]) => {
      const headers = new Headers({ range: text, ...(only !== null && { "if-range": only }) });
      const range = rangeOf(headers, size, STATE);
      if (range !== null && range !== false) {
        const { first, last } = range;
        assert(0 <= first && first <= last && last < size, `${first} to ${last} of ${size}`);
      }
      if (only !== null && only !== STATE.etag) {
        // Only what is strongly the same may be put together.
        if (only === "*" || /^(W\/)?"/.test(only)) assertEquals(range, null);
        return;
      }
      const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(text) ?? [];
      const all = Array.from({ length: size }, (_, at) => at);
      if (from + to === "" || (from !== "" && to !== "" && Number(from) > Number(to))) {
        return assert(range === null || !text.startsWith("bytes="), text);
      }
      const wanted = from === ""
        ? all.slice(Math.max(size - Number(to), 0))
        : all.filter((at) => at >= Number(from) && (to === "" || at <= Number(to)));
      assertEquals(range, wanted.length > 0 && { first: wanted[0]!, last: wanted.at(-1)! });
    },
  ),
  target(
    "the conditions of a request",
    fc.record({
      "if-match": tags,
      "if-none-match": tags,
      "if-modified-since": fc.oneof(fc.date({ noInvalidDate: true }).map(String), values("0aG:, ")),
    }, { requiredKeys: [] }),
    (fields) => {
      const status = conditionOf(new Headers(fields as Record<string, string>), STATE);
      const { "if-match": match, "if-none-match": none } = fields;
      if (match !== undefined && !match.includes(STATE.etag) && match !== "*") {
        assertEquals(status, 412);
      }
      if (match === undefined) assert(status !== 412);
      if (match === undefined && none !== undefined && !none.includes(STATE.etag) && none !== "*") {
        assertEquals(status, 200);
      }
      if (match === undefined && (none === "*" || none === STATE.etag)) assertEquals(status, 304);
    },
  ),
  target(
    "a path below a root",
    fc.tuple(
      fc.array(
        fc.oneof(
          fc.constantFrom("/", "..", ".", "%2e", "%2E%2e", "%2f", "%5c", "\\", "%00", "%", "a"),
          fc.constantFrom("%25", "%252e", "%c0%ae", "?", "#", ";", "/p", ".well-known", ":", "~"),
          texts("/.%\\", 3),
        ),
        { maxLength: 12 },
      ).map((parts) => parts.join("")),
      fc.constantFrom("", "/p"),
      fc.boolean(),
    ),
    ([uri, prefix, dotfiles]) => {
      const path = safePath(uri, prefix, dotfiles);
      if (typeof path === "number") return assert(path === 400 || path === 404);
      const { segments } = path;
      const place = join("/the/root", ...segments);
      assert(`${place}/`.startsWith("/the/root/"), place);
      assertEquals(normalize(place), ["/the/root", ...segments].join("/"));
      for (const name of segments) {
        assert(!/[/\\\0]/.test(name) && name !== "" && name !== ".." && name !== ".", name);
        if (!dotfiles) assert(!name.startsWith(".") || name === ".well-known", name);
      }
      assert(uri.startsWith(prefix), uri);
    },
  ),
  target(
    "an event and back",
    fc.record({
      data: texts("\r\n: a", 20),
      event: texts("\r\n: a", 4),
      id: texts("\r\n\0: 1", 4),
      retry: fc.nat(100_000),
    }),
    ({ data, event, id, retry }) => {
      const text = unlessMisused(() => eventOf(data, { event, id, retry }));
      if (text === null) return assert(/[\r\n\0]/.test(event + id), event + id);
      const read = readEvents(text);
      const lines = data.replace(/\r\n|\r/g, "\n");
      assertEquals(read.events, [{ name: event || "message", data: lines }]);
      assertEquals([read.id, read.retry], [id, String(retry)]);
    },
  ),
  target(
    "where a redirect leads",
    fc.tuple(
      places,
      fc.constantFrom("http://u:p@a.test/x#f", "https://u:p@a.test/x"),
      fc.constantFrom(301, 302, 303, 307, 308),
      fc.boolean(),
    ),
    ([location, from, status, insecure]) => {
      const headers = new Headers(PRIVATE.map((name) => [name, "secret"]));
      headers.set("accept", "text/plain");
      const url = new URL(from);
      const hop = redirected(
        { method: "POST", url, headers, carries: true },
        status,
        location,
        insecure,
      );
      const [next, err] = hop!;
      if (err !== null) return assert(err.code === "protocol" || err.code === "tls", err.code);
      assert(/^https?:$/.test(next.url.protocol), next.url.protocol);
      if (url.protocol === "https:" && !insecure) assertEquals(next.url.protocol, "https:");
      const home = next.url.origin === url.origin;
      for (const name of PRIVATE) assertEquals(next.headers!.has(name), home, name);
      assertEquals(next.headers!.get("accept"), "text/plain");
      // Of a name and password only what the place itself says goes elsewhere.
      const { username, password } = URL.parse(location, url)!;
      const own = home && username === "" && password === "" ? ["u", "p"] : [username, password];
      assertEquals([next.url.username, next.url.password], own);
      assertEquals([next.method, next.carries], status < 307 ? ["GET", false] : ["POST", true]);
      // What was asked before stays as it was.
      assertEquals([url.href, headers.get("cookie")], [new URL(from).href, "secret"]);
    },
  ),
  target(
    "a form with files and back",
    fc.array(
      fc.record({ // The platform drops a part without a name.
        name: texts('"\r\n;=a%\\', 5).map((name) => `n${name}`),
        file: texts('"\r\n;=a/\\', 5),
        bytes: bytes(30),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    async (fields) => {
      const making = multipartOf(fields.map(({ name, file, bytes }) => [
        name,
        { file: Uint8Array.from(bytes), name: file, type: "text/x-a" },
      ]));
      if (fields.some(({ name, file }) => /\0/.test(name + file))) {
        return void await assertRejects(() => making, TypeError);
      }
      const [form, err] = await making;
      if (err !== null) throw err;
      const parts = form.stretches.map((one) => "bytes" in one ? one.bytes.slice() : "");
      assertEquals(form.stretches.map(({ size }) => size), parts.map(({ length }) => length));
      const boundary = form.type.split("boundary=")[1]!;
      const text = await new Blob(parts).text();
      const heads = text.split(`--${boundary}\r\n`).slice(1).map((part) =>
        part.split("\r\n\r\n")[0]
      );
      assertEquals(
        heads,
        fields.map(({ name, file }) =>
          `Content-Disposition: form-data; name="${quoted(name)}"; filename="${quoted(file)}"` +
          "\r\nContent-Type: text/x-a"
        ),
      );
      const whole = new Response(new Blob(parts), { headers: { "content-type": form.type } });
      const back = [...(await whole.formData()).values()] as (File | string)[];
      assertEquals(back.length, fields.length);
      for (const [at, value] of back.entries()) {
        const content = typeof value === "string" ? value : [...await value.bytes()];
        if (typeof value !== "string") assertEquals(content, fields[at]!.bytes);
      }
    },
  ),
  target(
    "a header that leaves",
    fc.tuple(
      fc.oneof(fc.constantFrom("X-a", "host"), texts("a-: \r\n\0", 3)),
      texts("a \t\r\n\0:\u00fc\u0100", 8),
    ),
    ([name, value]) => {
      const headers = new ResponseHeaders();
      const set = unlessMisused(() => (headers.set(name, value), true));
      if (set === null) return assertEquals([...headers], []);
      const [[key, text] = ["", ""]] = [...headers];
      assert(/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(key) && key === name.toLowerCase(), key);
      assert(!/[\r\n\0]/.test(text), text);
      assertEquals(new Headers([[key, text]]).get(key), text);
    },
  ),
  target(
    "how a WebSocket is closed",
    fc.tuple(
      fc.oneof(fc.constantFrom(1000, 3000, 4999), fc.integer({ min: 0, max: 70_000 })),
      fc.oneof(
        texts("a\u00fc\u20ac", 60),
        // On both sides of the limit, to the byte.
        fc.tuple(fc.constantFrom("a", "\u00fc", "\u20ac"), fc.integer({ min: 118, max: 128 }))
          .map(([last, bytes]) => "a".repeat(bytes - new TextEncoder().encode(last).length) + last),
      ),
    ),
    ([code, reason]) => {
      const may = code === 1000 || (code >= 3000 && code <= 4999);
      const fits = new TextEncoder().encode(reason).length <= 123;
      if (may && fits) checkClose(code, reason);
      else assertThrows(() => checkClose(code, reason), RangeError);
      const err = meaningOf({ code, reason }, "ws://a.test/");
      const clean = [1000, 1001, 1005].includes(code) || code >= 3000;
      assertEquals(err === null, clean);
      if (err !== null) assert(err.message.includes(String(code)), err.message);
    },
  ),
  target(
    "whose page may open a WebSocket",
    fc.tuple(
      fc.oneof(
        fc.constantFrom("http://a.test", "HTTP://A.test:80", "https://a.test", "null", "file://"),
        fc.constantFrom("http://a.test.b.test", "http://a.test@b.test", "http://b.test/a.test"),
        values("htp:/a.test@\\#?80"),
      ),
      fc.option(fc.oneof(fc.constantFrom("a.test", "a.test:80", "A.TEST"), values("a.test:@/80"))),
      fc.option(fc.constantFrom<string[]>(["http://a.test"], ["https://b.test", "null"], [])),
    ),
    ([origin, host, origins]) => {
      const headers = new Headers({ origin, "sec-websocket-version": "13" });
      if (host !== null) headers.set("host", host);
      const request = new Request("http://a.test/", { headers });
      // What may, gets as far as the runtime, which cannot make one of a request made here.
      const err = upgrade(request, origins === null ? {} : { origins })[1];
      const page = URL.parse(origin);
      if (err?.code === "denied") {
        if (origins === null) {
          const same = page !== null && page.host !== "" && page.host === host?.toLowerCase();
          assert(!same, `${origin} on ${host}`);
        } else assert(!origins.includes(origin), origin);
        return;
      }
      assertEquals(err?.code, "protocol");
      if (origins !== null) {
        return assert(origins.includes(page?.origin ?? origin) || origins.includes(origin));
      }
      assert(page?.host && host !== null, origin);
      assertEquals(page?.host, URL.parse(`${page?.protocol}//${host}`)?.host);
    },
  ),
];
