/** What is tried again, what never is, and what the runtime would send twice. */
import { assertEquals } from "@std/assert";
import { IoError, unwrap } from "../../core/mod.ts";
import { markUnsent, unsent } from "../../http/_client_error.ts";
import { mayRetry } from "../../http/_client_retry.ts";
import { client } from "../../http/client.ts";
import { FakeClock, kill, newthread, wait } from "../../thread/mod.ts";
import { raw, silent, whole } from "./client_servers.ts";

const QUICK = { attempts: 3, delay: 0 };

const TRIED: [
  method: string,
  code: "eof" | "refused" | "protocol" | "tls",
  unsent: boolean,
  again: boolean,
][] = [
  ["GET", "eof", false, true],
  ["PUT", "eof", false, true],
  ["DELETE", "eof", false, true],
  ["POST", "eof", false, false],
  ["PATCH", "eof", false, false],
  ["PROPFIND", "eof", false, false],
  ["POST", "refused", true, true],
  ["POST", "refused", false, false],
  ["GET", "protocol", false, false],
  ["GET", "tls", true, false],
];

for (const [method, code, unsent, again] of TRIED) {
  const when = `${code}${unsent ? " before anything was sent" : ""}`;
  Deno.test(`a ${method} is ${again ? "" : "not "}tried again after ${when}`, () => {
    const err = new IoError(code, "x");
    assertEquals(mayRetry(unsent ? markUnsent(err) : err, method), again);
  });
}

Deno.test("retries tries an idempotent request again, with its data, until it succeeds", async () => {
  let left = 2;
  await using server = await raw(async (sock, { header }) => {
    const body = await sock.receive(Number(header["content-length"] ?? 0), { encoding: "utf-8" });
    if (left-- > 0) return await sock.close();
    await sock.send(whole(`got ${body[0]}`));
  });
  await using http = client({ base: server.url, retries: QUICK });
  assertEquals(await (await unwrap(http.put("/", "data"))).text(), ["got data", null]);
  assertEquals(server.heard.length, 3);
});

Deno.test("retries gives the last error when all tries are spent, and frees the place in line", async () => {
  await using server = await raw((sock) => sock.close());
  await using http = client({ base: server.url, retries: QUICK });
  assertEquals((await http.get("/"))[1]?.code, "eof");
  assertEquals([server.heard.length, http.stats()], [3, { busy: 0, waiting: 0 }]);
});

Deno.test("retries never sends a POST again that may have arrived", async () => {
  await using server = await raw(async (sock, { header }) => {
    await sock.receive(Number(header["content-length"] ?? 0));
    await sock.close();
  });
  await using http = client({ base: server.url, retries: QUICK });
  assertEquals((await http.post("/", "data"))[1]?.code, "eof");
  assertEquals((await http.post("/"))[1]?.code, "eof");
  assertEquals(server.heard.length, 2);
});

Deno.test("an error tells inside whether nothing was sent: no connection, no name, no permission", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using server = await raw((sock) => sock.close());
  await using http = client();
  const after = async (url: string) => {
    const [, err] = await http.post(url, "data");
    return [err?.code, unsent(err!)];
  };
  assertEquals(await after(`http://127.0.0.1:${port}/`), ["refused", true]);
  assertEquals(await after("http://no.such.host.invalid/"), ["dns", true]);
  assertEquals(await after(server.url), ["eof", false]);
});

Deno.test("retries sends what comes piece by piece once, and says why it failed", async () => {
  await using server = await raw((sock) => sock.close());
  await using http = client({ base: server.url, retries: QUICK });
  assertEquals((await http.put("/", ["once"].values()))[1]?.code, "eof");
  assertEquals(server.heard.length, 1);
});

const POSTS: [what: string, data: string | undefined][] = [
  ["with data", "data"],
  ["with empty data", ""],
  ["without data", undefined],
];

for (const [what, data] of POSTS) {
  Deno.test(`a POST ${what} arrives once, also where a reused connection breaks after it`, async () => {
    let breaks = false;
    await using server = await raw(async (sock, { line, header }) => {
      await sock.receive(Number(header["content-length"] ?? 0));
      if (line.startsWith("POST") && breaks) return await sock.close();
      await sock.send(whole("ok"));
    });
    await using http = client({ base: server.url });
    await unwrap((await unwrap(http.get("/"))).text());
    await unwrap((await unwrap(http.post("/", data))).text());
    breaks = true;
    const [, err] = await http.post("/", data);
    assertEquals(err?.code, "eof");
    const posts = server.heard.filter(({ line }) => line.startsWith("POST"));
    const length = String(data?.length ?? 0);
    assertEquals(posts.map(({ header }) => header["content-length"]), [length, length]);
    // Without data, over a connection that was not used before: the runtime repeats no such one.
    if (data) return;
    const used = server.heard.map(({ connection }) => connection);
    assertEquals(new Set(used).size, used.length);
  });
}

Deno.test("a try that has taken too long is given up at once, before the next one ends", async () => {
  const ended = Promise.withResolvers<void>();
  await using server = await raw(async (sock, { connection }) => {
    if (connection === 1) return await silent(sock);
    await ended.promise;
    await sock.send(whole("second"));
  });
  await using http = client({ base: server.url, retries: { attempts: 2, delay: 0 } });
  const first = server.ended();
  let heard = server.asked();
  let asked;
  {
    using clock = new FakeClock();
    asked = http.get("/", { timeout: 1_000 });
    await heard;
    heard = server.asked();
    await clock.tick(1_000);
  }
  await heard;
  await first;
  ended.resolve();
  assertEquals(await (await unwrap(asked)).text(), ["second", null]);
});

Deno.test("a kill, a signal and a deadline end the pause between two tries", async () => {
  await using server = await raw((sock) => sock.close());
  await using http = client({
    base: server.url,
    retries: { attempts: 2, delay: 60_000, jitter: 0 },
  });
  const abort = new AbortController();
  let ended = server.ended();
  const asked = http.get("/", { signal: abort.signal });
  await ended;
  abort.abort();
  assertEquals((await asked)[1]?.code, "cancelled");

  ended = server.ended();
  const thread = newthread(() => http.get("/"));
  await ended;
  kill(thread);
  assertEquals((await wait(thread))[1]?.code, "killed");
  assertEquals((await http.get("/", { deadline: 30 }))[1]?.code, "timeout");
  assertEquals(http.stats(), { busy: 0, waiting: 0 });
});
