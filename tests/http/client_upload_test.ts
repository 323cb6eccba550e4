/** What a request can carry, and what becomes of it. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { IoError, unwrap } from "../../core/mod.ts";
import { open, tmpfile } from "../../eio/mod.ts";
import { client, type ClientRequestOptions } from "../../http/client.ts";
import { pair } from "../../stream/mod.ts";
import { FakeClock } from "../../thread/mod.ts";
import { raw, serve, silent, whole } from "./client_servers.ts";

/** Says what came: its type, whether its length was announced, its text. */
async function told(request: Request): Promise<Response> {
  const type = request.headers.get("content-type");
  const length = request.headers.get("content-length");
  return Response.json([type, length, await request.text()]);
}

async function sends(options: ClientRequestOptions): Promise<unknown> {
  await using server = serve(told);
  await using http = client();
  return await unwrap((await unwrap(http.request(server.url, options))).json());
}

async function* later(...pieces: (string | Uint8Array)[]) {
  for (const piece of pieces) {
    await Promise.resolve();
    yield piece;
  }
}

const TEXT = "text/plain;charset=UTF-8";
const FORM = "application/x-www-form-urlencoded;charset=UTF-8";
const bytes = new TextEncoder().encode("bytes");

const KINDS: [what: string, options: () => ClientRequestOptions, told: unknown][] = [
  ["text", () => ({ data: "tëxt" }), [TEXT, "5", "tëxt"]],
  ["empty text", () => ({ data: "" }), [TEXT, "0", ""]],
  ["bytes", () => ({ data: bytes }), [null, "5", "bytes"]],
  ["a buffer", () => ({ data: bytes.slice().buffer }), [null, "5", "bytes"]],
  ["a blob", () => ({ data: new Blob(["blob"], { type: "a/b" }) }), ["a/b", "4", "blob"]],
  ["a query", () => ({ data: new URLSearchParams({ a: "b c&" }) }), [FORM, "8", "a=b+c%26"]],
  ["a form", () => ({ form: { a: "b&=", n: 1, l: ["x", true] } }), [
    FORM,
    "23",
    "a=b%26%3D&n=1&l=x&l=true",
  ]],
  ["JSON", () => ({ json: { a: null } }), ["application/json", "10", '{"a":null}']],
  ["a list", () => ({ data: ["a", bytes, "", "c"] }), [null, null, "abytesc"]],
  ["an iterable", () => ({ data: later("a", bytes, "c") }), [null, null, "abytesc"]],
  ["a web stream", () => ({ data: new Blob(["web"]).stream() }), [null, null, "web"]],
  ["a type of its own", () => ({ data: "x", headers: { "content-type": "a/b" } }), [
    "a/b",
    "1",
    "x",
  ]],
];

for (const [what, options, wanted] of KINDS) {
  Deno.test(`a request carries ${what}`, async () => {
    const got = await sends(options()) as unknown[];
    if (what === "a form") got[1] = (wanted as unknown[])[1];
    assertEquals(got, wanted);
  });
}

Deno.test("a request carries a stream of ours, to its end", async () => {
  const [ours, theirs] = pair();
  await theirs.send("through a stream");
  await theirs.close();
  assertEquals(await sends({ data: ours }), [null, null, "through a stream"]);
  await ours.close();
});

Deno.test("a request carries an open file from its beginning, and leaves its cursor", async () => {
  await using file = await unwrap(tmpfile());
  const text = "0123456789".repeat(20_000);
  await unwrap(file.write(text));
  await unwrap(file.seek(7));
  assertEquals(await sends({ data: file }), [null, "200000", text]);
  assertEquals(await file.seek(0, "cur"), [7, null]);
});

Deno.test("a request carries files in a form, with their names and types", async () => {
  await using file = await unwrap(tmpfile());
  await unwrap(file.write("from a file"));
  await using server = serve(async (request) => {
    const length = Number(request.headers.get("content-length"));
    const body = await request.bytes();
    const form = await new Response(body, { headers: request.headers }).formData();
    const fields = await Promise.all(
      [...form].map(async ([name, value]) =>
        typeof value === "string"
          ? [name, value]
          : [name, value.name, value.type, await value.text()]
      ),
    );
    return Response.json([fields, length === body.length]);
  });
  await using http = client();
  const res = await unwrap(http.post(server.url, undefined, {
    form: {
      text: 'quoted "ü" \r\n line',
      given: { file: "content", name: 'a"b\r\n.txt', type: "text/css" },
      open: { file, name: "log" },
      blob: { file: new Blob(["b"], { type: "image/png" }) },
      bytes: { file: bytes, name: "x" },
    },
  }));
  assertEquals(await res.json(), [
    [
      [
        ["text", 'quoted "ü" \r\n line'],
        ["given", "a%22b%0D%0A.txt", "text/css", "content"],
        ["open", "log", "application/octet-stream", "from a file"],
        ["blob", "", "image/png", "b"],
        ["bytes", "x", "application/octet-stream", "bytes"],
      ],
      true,
    ],
    null,
  ]);
});

Deno.test("a request carries a FormData as the runtime would", async () => {
  const form = new FormData();
  form.append("a", "b");
  form.append("f", new File(["content"], "n.txt", { type: "text/css" }));
  const [type, length, text] = await sends({ form }) as [string, string, string];
  assertEquals([type.startsWith("multipart/form-data; boundary="), length], [
    true,
    `${text.length}`,
  ]);
  assert(text.includes('name="f"; filename="n.txt"\r\nContent-Type: text/css\r\n\r\ncontent\r\n'));
});

Deno.test("progress hears how much has been sent, and of how much", async () => {
  const heard: [number, number | null][] = [];
  const progress = (done: number, total: number | null) => heard.push([done, total]);
  await sends({ data: "x".repeat(150_000), progress });
  assertEquals(heard.at(-1), [150_000, 150_000]);
  assert(heard.length >= 3);
  heard.length = 0;
  await sends({ data: ["a", "b"], progress });
  assertEquals(heard, [[1, null], [2, null]]);
});

Deno.test("timeout counts from the last piece that left: a slow upload is none that hangs", async () => {
  await using server = serve(told);
  await using http = client({ timeout: 120 });
  using clock = new FakeClock();
  async function* slow(pause: number) {
    for (let n = 0; n < 8; n++) {
      await clock.tick(pause);
      yield "piece ";
    }
  }
  const res = await unwrap(http.post(server.url, slow(100)));
  assertEquals((await unwrap(res.json<string[]>()))[2], "piece ".repeat(8));
  assertEquals(clock.now, 800);
  assertEquals((await http.post(server.url, slow(120)))[1]?.code, "timeout");
});

Deno.test("a server that takes no more of an upload is a timeout, and the source is closed", async () => {
  await using server = await raw(silentUnread);
  const closed = Promise.withResolvers<void>();
  async function* endless() {
    try {
      for (;;) yield new Uint8Array(65_536);
    } finally {
      closed.resolve();
    }
  }
  await using http = client({ timeout: 50 });
  assertEquals((await http.post(server.url, endless()))[1]?.code, "timeout");
  await closed.promise;
});

/** Reads nothing, until the test is over. */
async function silentUnread(sock: Parameters<typeof silent>[0]): Promise<void> {
  await sock.receive("*l", { timeout: 1 });
  await new Promise<void>((resolve) => sock.on_disconnect(() => resolve()));
}

Deno.test("what an iterable throws is failed, with the cause; an IoError of it comes as it is", async () => {
  await using server = await raw(silent);
  await using http = client();
  const thrown = new Error("no more");
  async function* breaks(error: unknown) {
    yield "a";
    await Promise.resolve();
    throw error;
  }
  const [, err] = await http.post(server.url, breaks(thrown));
  assertEquals([err?.code, err?.cause], ["failed", thrown]);
  const own = new IoError("no_space", "Cannot read: full");
  assertEquals((await http.post(server.url, breaks(own)))[1], own);
  const [, told] = await http.post(server.url, "data", {
    progress: () => {
      throw thrown;
    },
  });
  assertEquals([told?.code, told?.cause], ["failed", thrown]);
  const [, odd] = await http.post(server.url, [1] as unknown as string[]);
  assertEquals([odd?.code, String(odd?.cause).includes("its pieces must be")], ["failed", true]);
});

Deno.test("a file that shrinks while it is sent is eof, a closed one closed", async () => {
  await using server = await raw(silent);
  await using http = client();
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "x".repeat(100_000));
  const file = await unwrap(open(path, "r+"));
  const asked = http.post(server.url, file, {
    progress: async () => {
      await file.truncate(10);
    },
  });
  const [, err] = await asked;
  assertEquals(err?.code, "eof");
  await file.close();
  assertEquals((await http.post(server.url, file))[1]?.code, "closed");
  await Deno.remove(path);
});

Deno.test("an answer that comes before the upload's end is the answer, and stops it", async () => {
  await using server = await raw(async (sock) => {
    await sock.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
    await silentUnread(sock);
  });
  const closed = Promise.withResolvers<void>();
  async function* endless() {
    try {
      for (;;) {
        yield new Uint8Array(65_536);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    } finally {
      closed.resolve();
    }
  }
  const http = client();
  const res = await unwrap(http.post(server.url, endless()));
  assertEquals([res.status, await res.text()], [413, ["big", null]]);
  await http.close();
  await closed.promise;
});

Deno.test("a form refuses what it cannot carry", async () => {
  await using http = client();
  const refuses = (form: unknown, words: string) =>
    assertRejects(
      () => http.post("http://a/", undefined, { form: form as Record<string, string> }),
      TypeError,
      words,
    );
  await refuses({ a: null }, "'a' must be text");
  await refuses({ a: { file: 1 } }, "file of 'a' must be");
  await refuses({ a: { file: "x", type: "a\r\nb: c" } }, "type must be");
});

Deno.test("HttpClient sends no body twice: an idempotent one goes over the connection that is there", async () => {
  await using server = await raw(async (sock, { header }) => {
    await sock.receive(Number(header["content-length"] ?? 0));
    await sock.send(whole("ok"));
  });
  await using http = client({ base: server.url });
  for (const method of ["PUT", "POST", "PATCH"]) {
    await unwrap((await unwrap(http.request("/", { method, data: "x" }))).text());
  }
  assertEquals([server.heard.length, server.connections < 3], [3, true]);
});

for (
  const [what, once] of [
    ["a web stream", () => new Blob(["web"]).stream()],
    ["a generator", () => later("a", "b")],
  ] as const
) {
  Deno.test(`${what} that an earlier request sent is unsupported, not an empty body`, async () => {
    const data = once();
    await using http = client();
    // Nobody listens there, and yet the runtime has begun to read.
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    const [, refused] = await http.post(`http://127.0.0.1:${port}/`, undefined, { data });
    assertEquals(refused?.code, "refused");
    await using server = serve(told);
    const [, err] = await http.post(server.url, undefined, { data });
    assertEquals(err?.code, "unsupported");
  });
}

Deno.test("a list can be sent by one request after the other", async () => {
  const data = ["a", "b"];
  assertEquals(await sends({ data }), await sends({ data }));
});
