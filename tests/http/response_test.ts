import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { type HttpRequest, type HttpResponse, ResponseHeaders } from "../../http/mod.ts";
import { on_error } from "../../thread/mod.ts";
import { type Answer, ask, serve, unchunked, utf8 } from "./raw.ts";

type Fill = (res: HttpResponse, req: HttpRequest) => unknown;

/** The answer to one request that `fill` makes. */
async function answered(fill: Fill, method = "GET"): Promise<Answer> {
  await using server = await serve((req, res) => fill(res, req));
  return await ask(server.port, `${method} /`);
}

Deno.test("HttpResponse.add() gathers text, numbers, bytes and lists, and gives them with a length", async () => {
  const { status, headers, body } = await answered((res) => {
    res.add("a", 1, ["b", [2]], new Uint8Array([33]));
    res.add("ü");
  });
  assertEquals([status, utf8(body)], [200, "a1b2!ü"]);
  assertEquals(headers.get("content-length"), "7");
  assertMatch(headers.get("date")!, /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
});

Deno.test("HttpResponse.add() copies bytes", async () => {
  const { body } = await answered((res) => {
    const bytes = new TextEncoder().encode("before");
    res.add(bytes);
    bytes.fill(33);
  });
  assertEquals(body, "before");
});

Deno.test("a handler that adds nothing gives 204, without a length or a body", async () => {
  const { status, headers, body } = await answered(() => {});
  assertEquals([status, body], [204, ""]);
  assertEquals(headers.has("content-length"), false);
});

Deno.test("HttpResponse.status without a body gives the status and an empty body", async () => {
  const { status, headers, body } = await answered((res) => res.status = 404);
  assertEquals([status, body, headers.get("content-length")], [404, "", "0"]);
  assertEquals(headers.has("content-type"), false);
});

for (const status of [204, 205, 304]) {
  Deno.test(`an answer of status ${status} has no body, whatever was added`, async () => {
    const answer = await answered((res) => {
      res.status = status;
      res.headers.set("etag", '"x"');
      res.add("not seen");
    });
    assertEquals([answer.status, answer.body, answer.headers.get("etag")], [status, "", '"x"']);
  });
}

const heads: [title: string, fill: Fill, length: string | undefined][] = [
  ["what was added", (res) => res.add("hello"), "5"],
  ["what is written", (res) => res.write("hello"), undefined],
  ["a standard response", () => new Response("hello"), "5"],
  ["nothing", (res) => void (res.status = 200), "0"],
];

for (const [title, fill, length] of heads) {
  Deno.test(`the answer to HEAD has the header of GET and no body: ${title}`, async () => {
    const { status, headers, body } = await answered(fill, "HEAD");
    assertEquals([status, body, headers.get("content-length")], [200, "", length]);
  });
}

Deno.test("HttpResponse.json() says its type, unless one was set", async () => {
  const plain = await answered((res) => res.json({ a: [1] }));
  assertEquals([plain.body, plain.headers.get("content-type")], ['{"a":[1]}', "application/json"]);
  const typed = await answered((res) => {
    res.headers.set("Content-Type", "application/problem+json");
    res.json(null);
  });
  assertEquals([typed.body, typed.headers.get("content-type")], [
    "null",
    "application/problem+json",
  ]);
});

Deno.test("HttpResponse.headers set, append, get, has and delete by names in any case", async () => {
  const { text } = await answered((res) => {
    const { headers } = res;
    headers.append("Vary", "a");
    headers.append("vary", "b");
    headers.set("X-Gone", 1);
    headers.delete("x-gone");
    headers.set("x-one", 1);
    headers.set("X-One", 2);
    res.json([headers.get("VARY"), headers.has("X-ONE"), headers.get("x-gone"), [...headers]]);
  });
  const all = [["vary", "a"], ["vary", "b"], ["x-one", "2"]];
  assertEquals(JSON.parse(text.split("\r\n\r\n")[1]!), ["a, b", true, null, all]);
  assertEquals(text.match(/^vary: .$/gim)?.length, 2);
});

Deno.test("ResponseHeaders.set() takes the place of the first of several", () => {
  const headers = new ResponseHeaders();
  for (const [name, value] of [["a", "1"], ["b", "2"], ["a", "3"]]) headers.append(name!, value!);
  headers.set("a", " x\t");
  assertEquals([...headers], [["a", "x"], ["b", "2"]]);
});

/** What could slip a line into an answer, or frame it otherwise. */
const injections: [title: string, fill: Fill, words: string][] = [
  ["a line end in a value", (res) => res.headers.set("x", "a\r\nset-cookie: b"), "U+000D at 1"],
  ["a bare LF in a value", (res) => res.headers.append("x", "a\nb"), "U+000A at 1"],
  ["a NUL in a value", (res) => res.headers.set("x", "\0"), "U+0000 at 0"],
  ["a DEL in a value", (res) => res.headers.set("x", "\x7f"), "U+007F at 0"],
  ["a character beyond latin1", (res) => res.headers.set("x", "你"), "U+4F60 at 0"],
  ["a line end in a name", (res) => res.headers.set("x\r\ny", "a"), "no header's name"],
  ["a space in a name", (res) => res.headers.set("x y", "a"), "no header's name"],
  ["a colon in a name", (res) => res.headers.append("x:", "a"), "no header's name"],
  ["an empty name", (res) => res.headers.set("", "a"), "no header's name"],
  [
    "a transfer-encoding",
    (res) => res.headers.set("Transfer-Encoding", "x"),
    "the server's to set",
  ],
  ["a status that is no number", (res) => res.status = NaN, "got NaN"],
  ["a status of 199", (res) => res.status = 199, "from 200 to 599: got 199"],
  ["a status of 1000", (res) => res.status = 1000, "from 200 to 599: got 1000"],
  ["a status with words", (res) => res.status = "200 OK" as unknown as number, "got string"],
  ["a line end in a URL", (res) => res.redirect("/a\r\nb: c"), "U+000D at 2"],
  ["a redirect of status 200", (res) => res.redirect("/", 200), "got 200"],
  ["a cookie's name with =", (res) => res.setcookie("a=b", "c"), "no cookie's name"],
  ["a cookie's name with a line end", (res) => res.setcookie("a\r\n", "c"), "no cookie's name"],
  ["a cookie's value with ;", (res) => res.setcookie("a", "b; Path=/"), "no value for 'a'"],
  [
    "a cookie's value with a line end",
    (res) => res.setcookie("a", "b\r\nc: d"),
    "no value for 'a'",
  ],
  ["a cookie's value with a quote", (res) => res.setcookie("a", '"'), "no value for 'a'"],
  ["a cookie's path with ;", (res) => res.setcookie("a", "b", { path: "/;x" }), "no path"],
  ["a cookie's domain with LF", (res) => res.setcookie("a", "b", { domain: "x\n" }), "no domain"],
  [
    "a cookie's date that is none",
    (res) => res.setcookie("a", "b", { expires: new Date(NaN) }),
    "expires must be a Date",
  ],
  ["half a second of a cookie", (res) => res.setcookie("a", "b", { max_age: 0.5 }), "max_age"],
  [
    "a cookie for other sites without TLS",
    (res) => res.setcookie("a", "b", { samesite: "none" }),
    "wants secure",
  ],
  ["an event's name of two lines", (res) => res.event("x", { event: "a\nb" }), "event must be"],
  ["an event's id of two lines", (res) => res.event("x", { id: "a\rb" }), "id must be"],
  ["a body that is an object", (res) => res.add({} as unknown as string), "got object"],
  ["JSON of a function", (res) => res.json(() => {}), "no form in JSON"],
];

for (const [title, fill, words] of injections) {
  Deno.test(`HttpResponse refuses ${title}, and nothing of it goes out`, async () => {
    const thrown: unknown[] = [];
    const answer = await answered((res) => {
      try {
        return fill(res, null as unknown as HttpRequest);
      } catch (error) {
        thrown.push(error);
        res.add("refused");
      }
    });
    assertStringIncludes(String(thrown[0]), "TypeError: ");
    assertStringIncludes(String(thrown[0]), words);
    assertEquals([answer.status, answer.body], [200, "refused"]);
    const names = ["connection", "content-length", "content-type", "date"];
    assertEquals([...answer.headers.keys()].sort(), names);
  });
}

Deno.test("HttpResponse.setcookie() writes all attributes, a field for each cookie", async () => {
  const { text } = await answered((res) => {
    res.setcookie("a", "1");
    res.setcookie("b", "2", {
      expires: new Date(0),
      max_age: 60,
      domain: "example.com",
      path: "/x",
      secure: true,
      httponly: true,
      samesite: "none",
      partitioned: true,
    });
    res.add("x");
  });
  assertEquals(text.match(/^set-cookie: .*$/gim), [
    "set-cookie: a=1",
    "set-cookie: b=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60; Domain=example.com; " +
    "Path=/x; Secure; HttpOnly; SameSite=None; Partitioned",
  ]);
});

Deno.test("HttpResponse.redirect() sends elsewhere, text beyond ASCII escaped", async () => {
  const plain = await answered((res) => res.redirect("/ü?a=%20"));
  assertEquals([plain.status, plain.headers.get("location")], [302, "/%C3%BC?a=%20"]);
  const half = await answered((res) => res.redirect("/\ud800"));
  assertEquals(half.headers.get("location"), "/%EF%BF%BD");
  const lasting = await answered((res) => res.redirect("https://example.com/", 308));
  assertEquals([lasting.status, lasting.headers.get("location")], [308, "https://example.com/"]);
});

Deno.test("HttpResponse.write() sends in chunks, and gives the count", async () => {
  const counts: unknown[] = [];
  const { headers, body } = await answered(async (res) => {
    res.add("one ");
    counts.push(await res.write("two"));
    assert(res.begun);
    counts.push(await res.write(new Uint8Array(0)));
    res.add(" three");
    counts.push(await res.flush());
    res.add(" four");
  });
  assertEquals(counts, [[7, null], [0, null], [6, null]]);
  assertEquals(headers.get("transfer-encoding"), "chunked");
  assertEquals(headers.get("content-type"), "text/plain;charset=UTF-8");
  assertEquals(unchunked(body), "one two three four");
});

Deno.test("HttpResponse.write() does not wait for the handler's first wait", async () => {
  const { body } = await answered((res) => {
    const writes = [res.write("a"), res.write("b")];
    return Promise.all(writes);
  });
  assertEquals(unchunked(body), "ab");
});

Deno.test("HttpResponse gives a length that was set before it was written", async () => {
  const { headers, body } = await answered(async (res) => {
    res.headers.set("content-length", 5);
    await res.write("hello");
  });
  assertEquals([headers.get("content-length"), headers.has("transfer-encoding")], ["5", false]);
  assertEquals(body, "hello");
});

Deno.test("the head cannot be changed when it has gone out", async () => {
  const words: string[] = [];
  await answered(async (res) => {
    await res.write("x");
    const { headers } = res;
    const late = [
      () => res.status = 500,
      () => headers.set("a", "b"),
      () => headers.delete("a"),
      () => res.redirect("/"),
      () => res.setcookie("a", "b"),
    ];
    for (const call of late) words.push(assertThrows(call, TypeError).message);
  });
  assertEquals(words.filter((word) => !word.includes("the head has gone out already")), []);
  assertEquals(words.length, 5);
});

Deno.test("HttpResponse throws TypeError when its handler has returned", async () => {
  let kept: HttpResponse | null = null;
  await answered((res) => {
    kept = res;
  });
  assertThrows(() => kept!.add("x"), TypeError, "has returned");
  assertThrows(() => kept!.write("x"), TypeError, "has returned");
});

Deno.test("HttpResponse.event() sends what EventSource reads, several lines as one event", async () => {
  const { headers, body } = await answered(async (res) => {
    await res.event("one\ntwo\r\nthree\rfour", { event: "news", id: "7", retry: 1_500 });
    await res.event("");
  });
  assertEquals(headers.get("content-type"), "text/event-stream");
  assertEquals(headers.get("cache-control"), "no-cache");
  const lines = ["event: news", "id: 7", "retry: 1500"];
  for (const word of ["one", "two", "three", "four"]) lines.push(`data: ${word}`);
  assertEquals(unchunked(body), `${lines.join("\n")}\n\ndata: \n\n`);
});

Deno.test("a handler that throws is a 500 and a report, and the server goes on", async () => {
  const reports: string[] = [];
  const off = on_error((error, about) => reports.push(`${about}: ${error}`));
  try {
    await using server = await serve((req, res) => {
      if (req.path === "/good") return res.add("good");
      res.headers.set("x-half", "done");
      res.add("half");
      if (req.path === "/soon") throw new Error("soon");
      return Promise.reject(new Error("late"));
    });
    for (const path of ["/soon", "/late"]) {
      const { status, headers, body } = await ask(server.port, `GET ${path}`);
      assertEquals([status, body], [500, "Internal Server Error\n"]);
      assertEquals(headers.has("x-half"), false);
    }
    assertEquals((await ask(server.port, "GET /good")).body, "good");
    assertEquals(reports, [
      "handler of GET /soon: Error: soon",
      "handler of GET /late: Error: late",
    ]);
  } finally {
    off();
  }
});

Deno.test("a handler that throws in the middle of a body breaks it off", async () => {
  const reports: string[] = [];
  const off = on_error((_, about) => reports.push(about));
  try {
    const { body } = await answered(async (res) => {
      await res.write("half");
      throw new Error("no more");
    });
    // Without the last chunk nobody takes it for the whole.
    assertEquals(body, "4\r\nhalf\r\n");
    assertEquals(reports, ["handler of GET /"]);
  } finally {
    off();
  }
});

Deno.test("a handler that returns a Response after it has begun to write is reported", async () => {
  const reports: string[] = [];
  const off = on_error((error) => reports.push(String(error)));
  try {
    await answered(async (res) => {
      await res.write("x");
      return new Response("y");
    });
    assertStringIncludes(reports[0]!, "cannot return a Response");
  } finally {
    off();
  }
});

Deno.test("a handler may answer HEAD by the length alone: that is a 200 with it, and no body", async () => {
  await using server = await serve((_req, res) => res.headers.set("content-length", 5));
  const { status, headers, body } = await ask(server.port, "HEAD /");
  assertEquals([status, headers.get("content-length"), body], [200, "5", ""]);
});
