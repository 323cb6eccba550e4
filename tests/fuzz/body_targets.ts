/** Lengths, charsets, header lines, hosts and URLs: what HTTP reads beside what has a file. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { announced } from "../../http/_body.ts";
import { lengthOf } from "../../http/_client_call.ts";
import { headersOf } from "../../http/_client_headers.ts";
import { urlOf } from "../../http/_client_options.ts";
import { placeOf } from "../../http/_client_redirect.ts";
import { textOf } from "../../http/_client_text.ts";
import { HOST } from "../../http/_host.ts";
import { typeOf } from "../../http/_media_types.ts";
import { connect } from "../../websocket/mod.ts";
import { bytes, type Target, target, texts } from "./target.ts";

/** What it gives, or the error that misuse throws; all else is a failure. */
function orMisused<T>(fn: () => T): T | Error {
  try {
    return fn();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return error;
    throw error;
  }
}

/** What a header may hold, of a text. */
const ascii = (text: string) => text.replace(/[^\x20-\x7e]/g, "").trim();

const lengths = fc.oneof(
  fc.tuple(fc.nat(), fc.integer({ min: 1, max: 3 }), fc.constantFrom(",", ", ", " , "))
    .map(([length, times, comma]) => new Array(times).fill(length).join(comma)),
  fc.constantFrom("0x10", "1e3", "-1", "+5", "", "9".repeat(30), "5, six", "Infinity"),
  texts("0123456789,x -", 6).map(ascii),
);

/** The length that a header tells once, or so many times alike; `null` for what is none. */
function told(text: string): number | null {
  const all = text.split(",").map((one) => one.trim());
  return all.every((one) => /^\d+$/.test(one) && one === all[0]) ? Number(all[0]) : null;
}

const SECRET = "hunter2";

const addresses = fc.tuple(
  fc.constantFrom("http:", "https:", "ws:", "wss:", "HTTP:", "ftp:", "javascript:", ""),
  fc.constantFrom("//", "/", "\\\\", ""),
  fc.constantFrom("", `u:${SECRET}@`, `${SECRET}@`, `u%40:${SECRET}@`, "@"),
  fc.constantFrom("a.test", "a.test:81", "[::1]:81", "no host", "A.TEST.", "", "a.test:99999"),
  texts("/.%\\a", 4),
  fc.constantFrom("", `?token=${SECRET}`, `?${SECRET}`, `#${SECRET}`, `?a=1&b=${SECRET}#x`, "#"),
).map((parts) => parts.join(""));

export const BODY_TARGETS: Target[] = [
  target("the length that is announced", lengths, (text) => {
    const headers = new Headers({ "content-length": text });
    const request = announced(new Request("http://a.test/", { headers }));
    // Whatever it is, it can be compared with a limit, or is none.
    assert(request === null || request >= 0, `${request} of ${JSON.stringify(text)}`);
    const length = told(headers.get("content-length")!);
    if (length !== null) assertEquals(request, length);
    if (!/^\d/.test(text)) assertEquals(request, null);
    const answered = lengthOf(new Response("x", { headers }));
    assert(answered === null || answered >= 0);
    if (length !== null) assertEquals(answered, length);
    if (/[^\d\s,]/.test(text)) assertEquals(answered, null);
    assertEquals(lengthOf(new Response(null, { headers })), 0);
  }),
  target(
    "the charset of a body",
    fc.tuple(
      fc.oneof(
        fc.tuple(
          fc.constantFrom("utf-8", "UTF-8", "latin1", "gbk", "utf-16le", "shift_jis", "none-such"),
          fc.constantFrom("", '"'),
          fc.constantFrom("; charset=", ";charset=", "; a=b; Charset = "),
        ).map(([label, quote, before]) => `text/html${before}${quote}${label}${quote}`),
        texts('text/; charset="utf-8', 10).map(ascii),
      ),
      bytes(20),
    ),
    ([type, list]) => {
      const data = Uint8Array.from(list);
      const [text, err] = textOf(data, type, "GET http://a.test/");
      const label = /^text\/html.*?charset\s*=\s*"?([\w-]+)"?$/i.exec(type)?.[1];
      if (err !== null) assert(["unsupported", "bad_text"].includes(err.code), err.code);
      if (label === undefined) return;
      let wanted: string | undefined;
      if (label !== "none-such") {
        try {
          wanted = new TextDecoder(label, { fatal: true }).decode(data);
        } catch {
          assertEquals(err?.code, "bad_text");
        }
      } else assertEquals(err?.code, "unsupported");
      if (wanted !== undefined) assertEquals(text, wanted);
    },
  ),
  target(
    "header lines",
    fc.array(
      fc.oneof(
        fc.tuple(fc.constantFrom("A", "b-c", "Host", "a b", ""), texts("a: \t\0\u00fc\r\n", 5))
          .map((parts) => parts.join(":")),
        texts("a: \r\n", 6),
      ),
      { maxLength: 4 },
    ),
    (lines) => {
      const all = orMisused(() => headersOf(lines));
      const text = orMisused(() => headersOf(lines.join("\r\n")));
      if (all instanceof Error) {
        // By its name alone: what stands behind it may be secret.
        for (const line of lines) {
          const value = line.slice(line.indexOf(":") + 1).trim();
          if (value.length > 3) assert(!all.message.includes(value), all.message);
        }
        return;
      }
      for (const [name, value] of all) assert(!/[\r\n\0]/.test(name + value), name);
      const wanted = new Headers();
      for (const line of lines) {
        if (line === "") continue;
        const [name = "", ...rest] = line.split(":");
        wanted.append(name.trim(), rest.join(":").trim());
      }
      assertEquals([...all], [...wanted]);
      if (lines.every((line) => !/[\r\n]/.test(line))) {
        assertEquals(text instanceof Error ? text : [...text], [...all]);
      }
    },
  ),
  target(
    "a URL, and what messages say of it",
    fc.tuple(addresses, fc.dictionary(texts("a&=#?", 3), texts("a&=# +%", 5), { maxKeys: 3 })),
    async ([text, query]) => {
      const url = orMisused(() => urlOf(text, undefined, query));
      if (url instanceof Error) assert(!url.message.includes(SECRET), url.message);
      else {
        assert(/^https?:$/.test(url.protocol), url.href);
        const plain = new URL(text);
        const place = placeOf(url);
        assertEquals(place, plain.origin + plain.pathname);
        if (!plain.pathname.includes(SECRET)) assert(!place.includes(SECRET), place);
        // All that the query says is there, behind what was there.
        const pairs = Object.entries(query).map(([a, b]) => [a.toWellFormed(), b.toWellFormed()]);
        assertEquals([...url.searchParams], [...plain.searchParams, ...pairs]);
      }
      const calling = orMisused(() => connect(text, { signal: AbortSignal.abort() }));
      const [socket, err] = calling instanceof Error ? [null, calling] : await calling.catch(
        (error: Error) => {
          assert(error instanceof TypeError, String(error));
          return [null, error] as const;
        },
      );
      assertEquals(socket, null);
      const { message } = err!;
      const path = URL.parse(text)?.pathname ?? "";
      if (!path.includes(SECRET)) assert(!message.includes(SECRET), message);
    },
  ),
  target(
    "what may stand in a Host",
    fc.oneof(
      fc.constantFrom("a.test", "a.test:80", "[::1]:80", "a_b", "", "\u00fc.test"),
      texts("a.-:[]1@/\\?# %", 6),
    ),
    (host) => {
      if (!HOST.test(host)) return;
      assert(!/[/\\?#@\s]/.test(host), host);
      // The runtime has a host of its own where none is named.
      if (host === "") return;
      // In front of a path it must not pass for a part of it, or hide who is meant.
      const url = URL.parse(`http://${host}/the/path`);
      if (url === null) return;
      assertEquals([url.pathname, url.search, url.hash], ["/the/path", "", ""], host);
      assertEquals([url.username, url.password], ["", ""], host);
    },
  ),
  target("the type of a file", texts("/.htmlHTMLgz\\", 8), (path) => {
    const type = typeOf(path);
    assert(/^[a-z]+\/[\w.+-]+(; charset=utf-8)?$/.test(type), type);
    // What the name ends in decides, whatever folder it is in.
    const name = path.slice(path.lastIndexOf("/") + 1);
    assertEquals(type, typeOf(`/some.html/folder.css/${name}`));
    if (!/.\.[^.]+$/.test(name)) assertEquals(type, "application/octet-stream", name);
    assertEquals(typeOf(`${name.replace(/[.]+$/, "")}x.HTML`), typeOf("x.html"));
  }),
];
