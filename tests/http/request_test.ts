import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { HttpRequest } from "../../http/mod.ts";
import { ask, dial, receiveAnswer, serve, utf8 } from "./raw.ts";

/** Serves one request and gives what `read` makes of it. */
async function seen(
  line: string,
  headers: string[],
  read: (req: HttpRequest) => unknown,
  body = "",
): Promise<unknown> {
  await using server = await serve(async (req, res) => res.json(await read(req) ?? null));
  const answer = await ask(server.port, line, headers, body);
  assertEquals(answer.status, 200);
  return JSON.parse(utf8(answer.body));
}

const targets: [target: string, path: string][] = [
  ["/", "/"],
  ["/a%20b?c=d", "/a b"],
  ["/a+b", "/a+b"],
  ["/%e4%bd%a0", "/你"],
  ["/..%2f..//x\\y", "/../..//x\\y"],
  // No escapes, and none of UTF-8: as they came.
  ["/100%", "/100%"],
  ["/%ff", "/%ff"],
  ["/?a=/b", "/"],
];

for (const [target, path] of targets) {
  Deno.test(`HttpRequest.path gives ${path} for ${target}, and uri what came`, async () => {
    const both = await seen(`GET ${target}`, [], (req) => [req.uri, req.path]);
    assertEquals(both, [target, path]);
  });
}

Deno.test("HttpRequest.query parses what stands behind the question mark", async () => {
  const query = await seen("GET /x?a=1&b=%20+&a=2&c", [], (req) => [...req.query]);
  assertEquals(query, [["a", "1"], ["b", "  "], ["a", "2"], ["c", ""]]);
});

Deno.test("HttpRequest.method and headers are the request's own", async () => {
  const fields = ["X-One: a", "x-one: b", "Accept: */*"];
  const got = await seen("PATCH /", [...fields, "Content-Length: 0"], (req) => {
    return [req.method, req.headers.get("X-ONE"), req.headers.get("accept")];
  });
  assertEquals(got, ["PATCH", "a, b", "*/*"]);
});

Deno.test("HttpRequest.cookies gives the first of a name, without quotes", async () => {
  const header = 'Cookie: a=1; b="two"; a=3; =x; bare; c=d=e';
  const cookies = await seen("GET /", [header], (req) => [...req.cookies]);
  assertEquals(cookies, [["a", "1"], ["b", "two"], ["c", "d=e"]]);
});

Deno.test("HttpRequest.client is the address of the other end", async () => {
  const client = await seen("GET /", [], (req) => req.client) as Record<string, unknown>;
  assertEquals([client.family, client.ip], ["tcp", "127.0.0.1"]);
  assert(Number(client.port) > 0);
});

Deno.test("HttpRequest.body() gives the bytes, and the same bytes again", async () => {
  const sizes = await seen("POST /", ["Content-Length: 3"], async (req) => {
    const [first] = await req.body();
    const [second] = await req.body();
    return [first?.length, first === second, await req.text()];
  }, "abc");
  assertEquals(sizes, [3, true, ["abc", null]]);
});

Deno.test("HttpRequest.body() is empty where there is none", async () => {
  const got = await seen("GET /", [], async (req) => (await req.body())[0]?.length);
  assertEquals(got, 0);
});

Deno.test("HttpRequest.body() joins the chunks of a body without a length", async () => {
  const chunks = "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
  const got = await seen("POST /", ["Transfer-Encoding: chunked"], (req) => req.text(), chunks);
  assertEquals(got, ["abcdefg", null]);
});

Deno.test("HttpRequest.body() reads a body of more than one piece", async () => {
  const body = "x".repeat(300_000);
  const got = await seen("POST /", [`Content-Length: ${body.length}`], async (req) => {
    const [text] = await req.text();
    return text?.length;
  }, body);
  assertEquals(got, 300_000);
});

Deno.test("HttpRequest.body() gives busy to a second reader at the same time", async () => {
  const codes = await seen("POST /", ["Content-Length: 3"], async (req) => {
    const both = await Promise.all([req.body(), req.body()]);
    return both.map(([, err]) => err?.code ?? null);
  }, "abc");
  assertEquals(codes, [null, "busy"]);
});

Deno.test("HttpRequest.body() gives busy where the standard request was read", async () => {
  const code = await seen("POST /", ["Content-Length: 3"], async (req) => {
    await req.request.text();
    return (await req.body())[1]?.code;
  }, "abc");
  assertEquals(code, "busy");
});

Deno.test("HttpRequest.json() gives the value", async () => {
  const got = await seen("POST /", ["Content-Length: 7"], (req) => req.json(), '{"a":1}');
  assertEquals(got, [{ a: 1 }, null]);
});

Deno.test("HttpRequest.form() takes a urlencoded form, and one with files", async () => {
  const read = async (req: HttpRequest) => {
    const [form] = await req.form();
    return [...form!].map(([name, value]) => {
      return [name, typeof value === "string" ? value : `${value.name} ${value.size}`];
    });
  };
  const plain = "a=1&b=%20";
  const type = "Content-Type: application/x-www-form-urlencoded";
  assertEquals(await seen("POST /", [type, `Content-Length: ${plain.length}`], read, plain), [
    ["a", "1"],
    ["b", " "],
  ]);
  const parts = [
    '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n',
    '--b\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\n\r\nhello\r\n--b--\r\n',
  ].join("");
  const multi = "Content-Type: multipart/form-data; boundary=b";
  assertEquals(await seen("POST /", [multi, `Content-Length: ${parts.length}`], read, parts), [
    ["a", "1"],
    ["f", "x.txt 5"],
  ]);
});

/** What is wrong with a request, what the read gives, and what the client is told by itself. */
const faults: [
  title: string,
  read: "body" | "text" | "json" | "form",
  body: string,
  max: number,
  code: string,
  status: number,
][] = [
  ["a body over maxsize", "body", "12345", 4, "too_long", 413],
  ["text that is not UTF-8", "text", "\xff\xfe", 100, "bad_text", 400],
  ["JSON that is none", "json", "{", 100, "protocol", 400],
  ["a form that is none", "form", "a=1", 100, "protocol", 400],
];

for (const [title, read, body, max, code, status] of faults) {
  Deno.test(`HttpRequest.${read}() gives ${code} for ${title}, and the client ${status}`, async () => {
    const codes: (string | undefined)[] = [];
    await using server = await serve(async (req) => {
      const [, err] = await req[read](max);
      codes.push(err?.code);
    });
    const answer = await ask(server.port, "POST /", [`Content-Length: ${body.length}`], body);
    assertEquals(codes, [code]);
    assertEquals(answer.status, status);
  });
}

Deno.test("a handler that answers a faulty request itself has the last word", async () => {
  await using server = await serve(async (req, res) => {
    const [, err] = await req.body(1);
    res.add(`sorry: ${err?.code}`);
  });
  const answer = await ask(server.port, "POST /", ["Content-Length: 2"], "ab");
  assertEquals([answer.status, answer.body], [200, "sorry: too_long"]);
});

Deno.test("HttpRequest.body() stops at maxsize in the middle of a body without a length", async () => {
  await using server = await serve(async (req) => {
    await req.body(5);
  });
  await using sock = await dial(server.port);
  const head = "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
  // It never ends; the answer comes all the same.
  await sock.send(`${head}4\r\nabcd\r\n4\r\nefgh\r\n`);
  assertEquals((await receiveAnswer(sock)).status, 413);
});

Deno.test("HttpRequest.body() throws TypeError for a maxsize that is none", async () => {
  const words = await seen("POST /", ["Content-Length: 0"], async (req) => {
    try {
      await req.body(-1);
    } catch (error) {
      return String(error);
    }
  });
  assertStringIncludes(String(words), "TypeError: body: maxsize");
});
