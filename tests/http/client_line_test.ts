/** The line of each host: at most so many at a time, first come, first served, nothing leaks. */
import { assertEquals } from "@std/assert";
import { unwrap } from "../../core/mod.ts";
import { Lines } from "../../http/_client_line.ts";
import { client } from "../../http/client.ts";
import { kill, newthread, wait } from "../../thread/mod.ts";
import { raw, serve, silent, whole } from "./client_servers.ts";

Deno.test("per_host is never exceeded, as the server counts", async () => {
  let now = 0, most = 0;
  await using server = serve(async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 0));
    now -= 1;
    return new Response("ok");
  });
  await using http = client({ base: server.url, per_host: 3 });
  const all = Array.from({ length: 60 }, (_, n) => `/${n}`);
  await Promise.all(all.map(async (path) => (await unwrap(http.get(path))).text()));
  assertEquals(most, 3);
  assertEquals(http.stats(), { busy: 0, waiting: 0 });
});

Deno.test("a line serves in the order of the calls, and forgets a host that nobody asks", async () => {
  const lines = new Lines(Infinity);
  const first = await unwrap(lines.enter("http://a", 1, {}));
  const order: number[] = [];
  const others = [1, 2, 3].map(async (n) => {
    const place = await unwrap(lines.enter("http://a", 1, {}));
    order.push(n);
    place.leave();
  });
  const elsewhere = await unwrap(lines.enter("http://b", 1, {}));
  assertEquals([lines.count(), lines.size], [{ busy: 2, waiting: 3 }, 2]);
  elsewhere.leave();
  first.leave();
  first.leave();
  await Promise.all(others);
  assertEquals([order, lines.count()], [[1, 2, 3], { busy: 0, waiting: 0 }]);
  assertEquals(lines.size, 0);
});

Deno.test("a line grows to the largest number that was asked for", async () => {
  const lines = new Lines(0);
  const one = await unwrap(lines.enter("http://a", 1, {}));
  assertEquals((await lines.enter("http://a", 1, {}))[1]?.code, "exhausted");
  const two = await unwrap(lines.enter("http://a", 2, {}));
  assertEquals((await lines.enter("http://a", 1, {}))[1]?.code, "exhausted");
  one.leave();
  two.leave();
  assertEquals(lines.count(), { busy: 0, waiting: 0 });
});

Deno.test("whoever gives up in line leaks no place: timeout, signal, kill", async () => {
  await using server = await raw(async (sock, { line }) => {
    if (line.includes("/hold")) await silent(sock);
    else await sock.send(whole("ok"));
  });
  await using http = client({ base: server.url, per_host: 1, timeout: 0 });
  const abort = new AbortController();
  const heard = server.asked();
  const holding = http.get("/hold", { signal: abort.signal });
  await heard;

  const ended = http.get("/a", { timeout: 10 });
  const aborted = new AbortController();
  const cancelled = http.get("/b", { signal: aborted.signal });
  const killed = newthread(() => http.get("/c"));
  const last = http.get("/d");
  assertEquals((await ended)[1]?.code, "timeout");
  assertEquals(http.stats(), { busy: 1, waiting: 3 });
  aborted.abort();
  kill(killed);
  assertEquals((await cancelled)[1]?.code, "cancelled");
  assertEquals((await wait(killed))[1]?.code, "killed");
  abort.abort();
  assertEquals((await holding)[1]?.code, "cancelled");
  assertEquals(await (await unwrap(last)).text(), ["ok", null]);
  assertEquals(server.heard.map(({ line }) => line.split(" ")[1]), ["/hold", "/d"]);
  assertEquals(http.stats(), { busy: 0, waiting: 0 });
});

Deno.test("backlog refuses more who would wait, with exhausted", async () => {
  await using server = await raw(silent);
  await using http = client({ base: server.url, per_host: 1, backlog: 1 });
  const heard = server.asked();
  const first = http.get("/");
  await heard;
  const second = http.get("/");
  const [, err] = await http.get("/");
  assertEquals(err?.code, "exhausted");
  await http.close();
  assertEquals([(await first)[1]?.code, (await second)[1]?.code], ["closed", "closed"]);
});

Deno.test("a large body that nobody reads holds its place until it is closed", async () => {
  const large = "x".repeat(1_000_000);
  await using server = await raw(async (sock) => await sock.send(whole(large)));
  await using http = client({ base: server.url, per_host: 1 });
  const res = await unwrap(http.get("/"));
  assertEquals((await http.get("/", { timeout: 20 }))[1]?.code, "timeout");
  await res.close();
  const next = await unwrap(http.get("/"));
  assertEquals((await next.body())[0]?.length, large.length);
  assertEquals(http.stats(), { busy: 0, waiting: 0 });
});
