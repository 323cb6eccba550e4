/** No error shows what may be secret: not in its message, not in a cause, not in a stack. */
import { assertEquals } from "@std/assert";
import { client, type ClientOptions, CookieJar } from "../../http/client.ts";
import { httprequest } from "../../http/httprequest.ts";
import { always, raw } from "./client_servers.ts";

const WORD = "s3cret";

/** A port that nobody listens on. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Everything that a log could show of an error. */
async function shown(call: () => unknown): Promise<string> {
  try {
    const result = await call();
    const [, err] = result as [unknown, Error | null];
    if (err === null) throw new Error("there was no error");
    return everything(err);
  } catch (error) {
    return everything(error);
  }
}

function everything(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return [Deno.inspect(error, { depth: 20 }), error.stack, everything(error.cause)].join("\n");
}

const HERE = `http://user:${WORD}@127.0.0.1`;

const CALLS: Record<string, (port: number, open: number) => unknown> = {
  "a refused request": (port) => client1().get(`${HERE}:${port}/?token=${WORD}`),
  "a refused httprequest()": (port) => httprequest(`${HERE}:${port}/?token=${WORD}`),
  "a server that ends": (_, open) => client1().get(`${HERE}:${open}/?token=${WORD}`),
  "a deadline": (_, open) => client1().get(`${HERE}:${open}/?token=${WORD}`, { deadline: 0.001 }),
  "a download": (port) => client1().download(`${HERE}:${port}/?token=${WORD}`, "nowhere"),
  "a name that is not there": () => client1().get(`http://u:${WORD}@no.host.invalid/?${WORD}`),
  "a blocked port": () => client1().get(`${HERE}:1/?token=${WORD}`),
  "a URL that is none": () => client1().get(`http://user:${WORD}@[`),
  "another scheme": () => client1().get(`ftp://user:${WORD}@a/`),
  "a header's value": () =>
    client1().get("http://a/", { headers: { authorization: `${WORD}\nx` } }),
  "a header's value in pairs": () => client1().get("http://a/", { headers: [["a", `${WORD}\nx`]] }),
  "a header's name": () => client1().get("http://a/", { headers: { [`${WORD} `]: "x" } }),
  "a client's header": () => client1({ headers: { authorization: `${WORD}\nx` } }),
  "a proxy that is none": () => client1({ proxy: `gopher://user:${WORD}@a` }),
  "a proxy that is no URL": () => client1({ proxy: `http://user:${WORD}@[` }),
  "a proxy that is not there": (port) =>
    client1({ proxy: `${HERE}:${port}` }).get(`http://a.invalid/?token=${WORD}`),
  "a raw header line": () =>
    httprequest("http://a/", { header: [`authorization: ${WORD}\rx`, WORD] }),
  "a raw header without a colon": () => httprequest("http://a/", { header: WORD }),
  "a host": () => httprequest("http://a/", { host: `${WORD}\nx` }),
  "a URL of httprequest()": () => httprequest(`http://user:${WORD}@[`),
  "a URL of a jar": () => new CookieJar().store(`http://user:${WORD}@[`, ["a=b"]),
};

let made: ReturnType<typeof client>[] = [];

function client1(options: ClientOptions = {}) {
  const http = client(options);
  made.push(http);
  return http;
}

for (const [what, call] of Object.entries(CALLS)) {
  Deno.test(`the error of ${what} shows no secret`, async () => {
    await using server = await raw(always(""));
    const text = await shown(() => call(closedPort(), server.port));
    for (const http of made) await http.close();
    made = [];
    assertEquals(text.includes(WORD), false, text);
    assertEquals(text.includes("there was no error"), false);
  });
}

Deno.test("the error of a body that is no JSON shows none of it", async () => {
  await using server = await raw(always(`HTTP/1.1 200 OK\r\n\r\n{"token": ${WORD}}`));
  await using http = client();
  const text = await shown(async () => (await http.get(server.url))[0]!.json());
  assertEquals([text.includes("no JSON"), text.includes(WORD)], [true, false], text);
});
