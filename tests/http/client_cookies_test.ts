/** The cookie jar, by the rules of RFC 6265, and what a client does with it. */
import { assertEquals, assertRejects } from "@std/assert";
import { unwrap } from "../../core/mod.ts";
import { client, CookieJar } from "../../http/client.ts";
import { raw, serve } from "./client_servers.ts";

const RULES: [what: string, from: string, line: string, to: string, sent: string | null][] = [
  ["goes back to its host", "http://a.example/", "n=v", "http://a.example/x", "n=v"],
  ["goes to all ports", "http://a.example:81/", "n=v", "http://a.example:82/", "n=v"],
  ["stays with its host alone", "http://a.example/", "n=v", "http://b.a.example/", null],
  [
    "with Domain goes below it",
    "http://a.example/",
    "n=v; Domain=a.example",
    "http://b.a.example/",
    "n=v",
  ],
  [
    "with Domain goes not beside it",
    "http://a.example/",
    "n=v; Domain=a.example",
    "http://ba.example/",
    null,
  ],
  [
    "for another domain is dropped",
    "http://a.example/",
    "n=v; Domain=b.example",
    "http://b.example/",
    null,
  ],
  [
    "for a parent's sibling is dropped",
    "http://x.a.example/",
    "n=v; Domain=y.a.example",
    "http://y.a.example/",
    null,
  ],
  [
    "for a public suffix is dropped",
    "http://a.co.uk/",
    "n=v; Domain=co.uk",
    "http://a.co.uk/",
    null,
  ],
  ["for all of com is dropped", "http://a.com/", "n=v; Domain=com", "http://b.com/", null],
  ["of an address stays there", "http://127.0.0.1/", "n=v", "http://127.0.0.1:81/", "n=v"],
  ["with Path goes below it", "http://a.example/", "n=v; Path=/p", "http://a.example/p/q", "n=v"],
  [
    "with Path goes not beside it",
    "http://a.example/",
    "n=v; Path=/p",
    "http://a.example/pq",
    null,
  ],
  ["without Path is for the folder", "http://a.example/p/q", "n=v", "http://a.example/", null],
  ["with Secure goes over TLS", "https://a.example/", "n=v; Secure", "https://a.example/", "n=v"],
  ["with Secure goes not without", "https://a.example/", "n=v; Secure", "http://a.example/", null],
  ["with Secure comes not without", "http://a.example/", "n=v; Secure", "https://a.example/", null],
  [
    "__Host- keeps its promise",
    "https://a.example/",
    "__Host-n=v; Secure; Path=/; Domain=a.example",
    "https://a.example/",
    null,
  ],
  [
    "that has ended is dropped",
    "http://a.example/",
    "n=v; Expires=Wed, 21 Oct 2015 07:28:00 GMT",
    "http://a.example/",
    null,
  ],
  ["with Max-Age=0 is dropped", "http://a.example/", "n=v; Max-Age=0", "http://a.example/", null],
  [
    "with Max-Age lives on",
    "http://a.example/",
    "n=v; Max-Age=60; Expires=Wed, 21 Oct 2015 07:28:00 GMT",
    "http://a.example/",
    "n=v",
  ],
  ["without a name is dropped", "http://a.example/", "nonsense", "http://a.example/", null],
  [
    "over 4096 bytes is dropped",
    "http://a.example/",
    `n=${"v".repeat(5_000)}`,
    "http://a.example/",
    null,
  ],
];

for (const [what, from, line, to, sent] of RULES) {
  Deno.test(`a cookie ${what}`, async () => {
    const jar = new CookieJar();
    await jar.store(from, [line]);
    assertEquals(await jar.header(to), sent);
  });
}

Deno.test("CookieJar replaces, takes back, orders by path, lists and clears", async () => {
  const jar = new CookieJar();
  assertEquals([await jar.header("http://a.example/"), await jar.list()], [null, []]);
  await jar.store("http://a.example/p/q", ["a=1; Path=/", "b=2; Path=/p; HttpOnly", "c=3; Path=/"]);
  await jar.store("http://a.example/", ["a=4; Max-Age=60", "c=; Max-Age=0"]);
  assertEquals(await jar.header("http://a.example/p/q"), "b=2; a=4");
  const listed = await jar.list();
  assertEquals(
    listed.map(({ name, value, domain, host_only, path, http_only }) => ({
      name,
      value,
      domain,
      host_only,
      path,
      http_only,
    })),
    [
      { name: "a", value: "4", domain: "a.example", host_only: true, path: "/", http_only: false },
      { name: "b", value: "2", domain: "a.example", host_only: true, path: "/p", http_only: true },
    ],
  );
  assertEquals(listed.map(({ expires }) => expires instanceof Date), [true, false]);
  jar.clear();
  assertEquals(await jar.header("http://a.example/p/q"), null);
});

Deno.test("CookieJar.load() gives back what save() gave, and throws for anything else", async () => {
  const jar = new CookieJar();
  await jar.store("https://a.example/", ["n=v; Secure; Domain=a.example; Max-Age=60"]);
  const again = await CookieJar.load(JSON.parse(JSON.stringify(await jar.save())));
  assertEquals(await again.header("https://b.a.example/"), "n=v");
  assertEquals(await again.header("http://b.a.example/"), null);
  await assertRejects(() => CookieJar.load({}), TypeError, "what save gave");
});

Deno.test("CookieJar holds 3,000 cookies, and drops the oldest", async () => {
  const jar = new CookieJar();
  const lines = Array.from({ length: 3_005 }, (_, n) => `n${n}=v`);
  await jar.store("http://a.example/", lines);
  const names = new Set((await jar.list()).map(({ name }) => name));
  assertEquals([names.size, names.has("n4"), names.has("n5")], [3_000, false, true]);
});

Deno.test("a client with cookies sends them back, over redirects too, beside those of the program", async () => {
  await using server = await raw((sock, { line }) =>
    sock.send(
      line.includes("/in")
        ? "HTTP/1.1 302 Found\r\nLocation: /\r\nSet-Cookie: s=1\r\nSet-Cookie: t=2\r\nContent-Length: 0\r\n\r\n"
        : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    )
  );
  await using http = client({ base: server.url, cookies: true });
  await unwrap(http.get("/in"));
  await unwrap(http.get("/", { headers: { cookie: "own=3" } }));
  const cookies = server.heard.map(({ header }) => header["cookie"]);
  assertEquals(cookies, [undefined, "s=1; t=2", "own=3; s=1; t=2"]);
  assertEquals((await http.cookies!.list()).length, 2);
});

Deno.test("two clients may share a jar, and one without keeps no cookies", async () => {
  await using server = serve((request) =>
    new Response(request.headers.get("cookie"), { headers: { "set-cookie": "n=v" } })
  );
  const jar = new CookieJar();
  await using one = client({ base: server.url, cookies: jar });
  await using two = client({ base: server.url, cookies: jar });
  await using without = client({ base: server.url });
  for (const [http, wanted] of [[one, ""], [two, "n=v"], [without, ""], [without, ""]] as const) {
    assertEquals(await (await unwrap(http.get("/"))).text(), [wanted, null]);
  }
  assertEquals(without.cookies, null);
});
